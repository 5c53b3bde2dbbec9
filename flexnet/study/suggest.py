"""What somebody meant who asked for a target that does not exist."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import product

from flexnet.study.figures import LEDGER
from flexnet.study.jobs import arrays_of, weights_of
from flexnet.study.study import PAPER, Study

SUFFIXES = ("pdf", "png", "md", "csv")  # of what is drawn of every figure
SHOWN = 4  # so many targets at most are offered
NEAR = 0.65  # so alike, from 0 to 1, that one target may be meant by another
SAME = 0.06  # as near as the nearest
ALL = "all"  # everything at the scale of the papers
LISTED = "targets"  # the target that lists all
HINT = f"`snakemake {LISTED}` lists every figure"


def did_you_mean(study: Study, target: str) -> str:
    """The end of a message about a target that does not exist."""
    near = nearest_targets(study, target)
    if not near:
        return f"; {HINT}"
    return f"; did you mean {' or '.join(near)}? {HINT}"


def nearest_targets(study: Study, target: str) -> list[str]:
    """Targets that were probably meant, the nearest first; none if nothing is alike."""
    asked = _words(target)
    if not asked:
        return [ALL]
    known = dict(_known(study, target, asked))
    rated = sorted(((_alike(asked, words), name) for name, words in known.items()), key=lambda pair: -pair[0])
    best = rated[0][0] if rated else 0.0
    least = best if best == 1 else max(NEAR, best - SAME)
    found = [name for score, name in rated if score >= least]
    return (_elsewhere(known, found[0]) if len(found) == 1 else found)[:SHOWN]


def _elsewhere(known: Iterable[str], name: str) -> list[str]:
    """A figure at the scale of the papers, and the same at the other scales, which cost less."""
    return [name, *(other for other in known if name.startswith("figures/") and other.endswith(f"/{name}"))]


def _known(study: Study, target: str, asked: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Every target with its words; files that are no figures only where such a file is meant."""
    suffix = target.lower().rpartition(".")[2]
    wanted = suffix if suffix in SUFFIXES else SUFFIXES[0]
    for name in named_targets(study):
        yield name, _words(name)
    for name in drawn(study):
        yield f"{name}.{wanted}", _words(f"{name}.{wanted}")
    if any(_ratio(word, part) > NEAR for word, part in product(asked, ("results", "data"))):
        for name in _computed(study):
            yield name, _words(name)


def named_targets(study: Study) -> list[str]:
    """Targets that are no files."""
    return [ALL, *(home.rstrip("/") for home in study.scales if home), "published", LISTED]


def drawn(study: Study) -> Iterator[str]:
    """Everything that is drawn, without the ending of its files."""
    for home in (*study.scales, *study.published_rows):
        for variant, protocol in study.variants.items():
            for figure in study.figures:
                if is_offered(study, home, protocol, figure):
                    yield f"{home}figures/{variant}{figure}"
        yield f"{home}figures/{LEDGER}"


def is_offered(study: Study, home: str, protocol: str, figure: str) -> bool:
    """Whether a figure is one of a scale, or of published rows, that a person may want under a protocol."""
    if home in study.published_rows:
        return study.is_published(home, protocol, figure)
    return study.is_named(home, figure) and study.shown(home, figure, protocol)


def _computed(study: Study) -> Iterator[str]:
    """Weights, histories and images; of the seeds, the first stands for all."""
    for home, config in study.scales.items():
        for model in config["models"]:
            for suffix in ("safetensors", "history.csv"):
                yield weights_of(home, model, 1, suffix)
        for dataset in config["datasets"]:
            yield from arrays_of(study, home, dataset).values()
        yield f"{home}results/{LEDGER}.csv"


def _words(target: str) -> list[str]:
    """What a target says, without what all say: the folder of figures, an ending, the papers' scale."""
    text = re.sub(r"\.[a-z]{2,4}$", "", target.strip().lower())
    found = [word for word in re.split(r"[^a-z0-9]+", text) if word and word != PAPER]
    return [word for word in found if _ratio(word, "figures") < 0.85 and word != "fig"]


def _alike(asked: Sequence[str], known: Sequence[str]) -> float:
    """How alike two targets are, whatever the order of their words; part of a word counts a little less."""
    if not known:
        return 0.0
    together = max(_ratio(*map("/".join, pair)) for pair in _orders(asked, known))
    if len(asked) != len(known):
        return together
    parts = [_part(one, other) for one, other in zip(asked, known, strict=True)]
    return max(together, min(parts) * 0.95)


def _part(one: str, other: str) -> float:
    return 0.9 if len(one) > 1 and other.endswith(one) and one != other else _ratio(one, other)


def _orders(asked: Iterable[str], known: Iterable[str]) -> list[tuple[Iterable[str], Iterable[str]]]:
    return [(asked, known), (sorted(asked), sorted(known))]


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
