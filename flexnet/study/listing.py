"""Every figure for a person to choose from: its target, what it shows, whether it is there, what it costs."""

from collections.abc import Sequence
from pathlib import Path

from flexnet.columns import aligned
from flexnet.study.cost import elsewhere, in_words
from flexnet.study.figures import LEDGER
from flexnet.study.study import Study, scale_name
from flexnet.study.suggest import is_offered, named_targets

LEDGER_SHOWS = "every claim measured so far, each of its comparisons with its verdict"
LEDGER_MAKES = "every claim with its verdicts, by all figures of the scale: makes those that are missing"
DRAWN = "seconds"  # of published rows
FIRST = ("fig4d", "fig4b")  # what to look at first, if it is among what was made
LISTED = 12  # so many figures are told one by one after a run


def listing(study: Study, cores: int) -> str:
    """All figures of all scales and protocols, as lines; costs are for so many cores without a GPU."""
    parts = [_part(study, home, cores) for home in (*study.scales, *study.published_rows)]
    named = ", ".join(named_targets(study))
    place = "one core" if cores == 1 else f"{cores} cores"
    head = (
        f"Type `snakemake <target>`. Costs: on {place} of a usual machine, without a GPU, from nothing. What"
        " is trained in bf16 (scales bf16, laptop, night) takes a fraction of it on a processor with "
        "instructions for that."
    )
    return "\n\n".join([head, *parts, f"Everything of a scale, and what is published: {named}"])


def _part(study: Study, home: str, cores: int) -> str:
    """The figures of one scale, under one protocol after the other."""
    rows = []
    for variant, protocol in study.variants.items():
        for figure, row in study.figures.items():
            if is_offered(study, home, protocol, figure):
                target = f"{home}figures/{variant}{figure}.pdf"
                cost = (
                    DRAWN
                    if home in study.published_rows
                    else _cost(study, home, [f"figures/{variant}{figure}.pdf"], cores)
                )
                rows.append((target, protocol, cost, _there(study, target), row.get("shows", "")))
    rows.append(_ledger(study, home, cores))
    kind = "published rows" if home in study.published_rows else "scale"
    return "\n".join(
        [f"{kind} {scale_name(home)}", *aligned(("target", "protocol", "cost", "made", "shows"), *rows)]
    )


def _ledger(study: Study, home: str, cores: int) -> tuple[str, str, str, str, str]:
    """The drawing of the ledger: of published rows as they are, of a scale that is run here of all it has."""
    target = f"{home}figures/{LEDGER}.pdf"
    published = home in study.published_rows
    cost, shows = (DRAWN, LEDGER_SHOWS) if published else (_cost(study, home, [], cores), LEDGER_MAKES)
    return target, "all", cost, _there(study, target), shows


def _cost(study: Study, home: str, names: Sequence[str], cores: int) -> str:
    """What figures cost; everything of the scale if none is named."""
    seconds = elsewhere(study, home, names, cores)
    return "not known" if seconds is None else in_words(seconds)


def _there(study: Study, target: str) -> str:
    return "yes" if Path(study.placed(target)).is_file() else "-"


def finished_words(study: Study, outputs: Sequence[str]) -> str:
    """What was made, for its user to look at; nothing if no figure was."""
    made = [path for path in outputs if path.endswith(".pdf") and "figures/" in path]
    if not made:
        return ""
    shown = [path for path in made if len(made) <= LISTED or _plain(study, path)]
    rows = [(path, _shows(study, path)) for path in sorted(shown)]
    folders = sorted({str(Path(path).parent) for path in made if path not in shown})
    lines = [
        "",
        "Figures, each with a PNG, its caption (.md) and its numbers (.csv) beside it:",
        *aligned(*rows),
    ]
    lines += [f"  and under other protocols: {', '.join(folders)}"] if folders else []
    return "\n".join([*lines, f"Look first at {_first(shown)}", ""])


def _named(study: Study, path: str) -> tuple[str, str]:
    """The part of a figure's path that names its protocol, empty for the papers', and the figure's name."""
    name = path.rpartition("figures/")[2].removesuffix(".pdf")
    variant = next((each for each in study.variants if each and name.startswith(each)), "")
    return variant, name.removeprefix(variant)


def _plain(study: Study, path: str) -> bool:
    """Whether a figure is one under the papers' protocol."""
    return not _named(study, path)[0]


def _shows(study: Study, path: str) -> str:
    name = _named(study, path)[1]
    return LEDGER_SHOWS if name == LEDGER else str(study.figures.get(name, {}).get("shows", ""))


def _first(paths: Sequence[str]) -> str:
    found = [path for name in FIRST for path in paths if path.endswith(f"figures/{name}.pdf")]
    return [*found, *paths][0]
