"""What was run to make the rows of a figure, series by series: a JSON file beside the rows, with its checks.

Captions and legends tell these facts and not today's configuration. Nothing is guessed or mended: a file that
is not what it claims to be stops.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from flexnet.errors import DataError
from flexnet.files import canonical_json, write_text
from flexnet.options.attacks import SPACES
from flexnet.options.rules import Options, distinct, one_of, optional, required, whole
from flexnet.problems import Problem, wrong

BANDS: Final = ("sem", "interval")
# From the best known content of images to the least known, which is that of several together.
CONTENTS: Final = ("official", "generated", "unknown", "other")
UNIFORM: Final = "uniform"  # the scheme whose units share one threshold


def _text(value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.strip():
        yield wrong("a text", value)


def _mapping(value: Any) -> Iterator[Problem]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        yield wrong("names with their values", value)


def _recipe(value: Any) -> Iterator[Problem]:
    yield from _mapping(value)
    if isinstance(value, Mapping):
        for key in ("epochs", "batch_size"):
            if key not in value:
                yield Problem(f"expected the key {key!r} as well; add it")
            else:
                yield from (problem.below(key) for problem in whole(1)(value[key]))


@dataclass(frozen=True, kw_only=True)
class SeriesFacts(Options):
    """How one series of a figure was made.

    Attributes:
        name: of the series.
        model: key of the model.
        network: name of the network.
        options: options that it was built with.
        recipe: how it was trained; None of weights that came from elsewhere.
        title: what captions call the images.
        content: whether the images are the official ones: one of CONTENTS.
        classes: number of their classes.
        training_images: how many each seed was trained on; None where that is not known.
        scored_images: how many it was scored on.
        seeds: training seeds, from 1.
    """

    name: str = required(_text)
    model: str = required(_text)
    network: str = required(_text)
    options: Mapping[str, Any] = required(_mapping)
    recipe: Mapping[str, Any] | None = required(optional(_recipe))
    title: str = required(_text)
    content: str = required(one_of(CONTENTS))
    classes: int = required(whole(2))
    training_images: int | None = required(optional(whole(1)))
    scored_images: int = required(whole(1))
    seeds: tuple[int, ...] = required(distinct(whole(1), "training seeds"))

    def disagreements(self) -> Iterator[Problem]:
        """Who was trained was trained on a number of images."""
        if self.recipe is not None and self.training_images is None:
            yield wrong("a number of images, as there is a recipe", None).below("training_images")

    def factor(self, name: str) -> float:
        """A factor among the network's options, such as its width; 1 where it was left as it is."""
        return float(self.options.get(name, 1.0))

    @property
    def threshold(self) -> float | None:
        """The one threshold that all units were trained with; None if they have their own, or none."""
        layer = self.options.get("layer") or {}
        return float(layer["value"]) if layer.get("scheme") == UNIFORM else None


def _series(value: Any) -> Iterator[Problem]:
    if not isinstance(value, list | tuple) or not value:
        yield wrong("a list of series, at least one", value)
        return
    for place, entry in enumerate(value):
        if not isinstance(entry, Mapping):
            yield wrong("facts with their values", entry).below(place)
        else:
            yield from (problem.below(place) for problem in SeriesFacts.problems(entry))
    names = [entry.get("name") for entry in value if isinstance(entry, Mapping)]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield Problem(f"expected every series once; got {name!r} twice; remove one")


@dataclass(frozen=True, kw_only=True)
class FigureFacts(Options):
    """How the rows of one figure under one protocol were made.

    Attributes:
        figure: of the rows.
        protocol: of the rows.
        band: what stands for the uncertainty of a mean under this protocol: one of BANDS.
        space: unit of epsilon under this protocol; None if it attacks nothing.
        series: in the order of the figure.
    """

    figure: str = required(_text)
    protocol: str = required(_text)
    band: str = required(one_of(BANDS))
    space: str | None = required(optional(one_of(SPACES)))
    series: tuple[SeriesFacts, ...] = required(_series)

    @classmethod
    def from_document(cls, document: Any, source: str) -> "FigureFacts":
        """Check what was read, and make it facts.

        Args:
            document: as `document` gives it.
            source: where it comes from, for the message.

        Raises:
            DataError: naming the key, what was expected and what came.
        """
        if not isinstance(document, Mapping):
            raise DataError(f"{source}: expected facts with their values; got {document!r}; {_AGAIN}")
        _refuse(source, cls.problems(document))
        series = tuple(
            SeriesFacts(**{**entry, "seeds": tuple(entry["seeds"])}) for entry in document["series"]
        )
        return cls(**{**document, "series": series})

    def document(self) -> dict[str, Any]:
        """The facts as JSON holds them."""
        known: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return known

    def of(self, series: str) -> SeriesFacts | None:
        """The facts of one series, or None if there are none."""
        return next((found for found in self.series if found.name == series), None)


def facts_path(rows: str | Path) -> Path:
    """Where the facts of a table of rows lie: beside it, with the suffix `.facts.json`."""
    return Path(rows).with_suffix(".facts.json")


def write_facts(path: str | Path, facts: FigureFacts) -> None:
    """Write facts as JSON, atomically, in the order of the figure."""
    write_text(path, json.dumps(facts.document(), indent=2) + "\n")


def read_facts(path: str | Path) -> FigureFacts:
    """Read and check a file of facts.

    Raises:
        DataError: if it is missing, damaged or another file, naming the key that is wrong.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: expected the facts of a figure; found no file; {_AGAIN}") from None
    except (OSError, ValueError, RecursionError) as problem:
        raise DataError(f"{path}: expected the facts of a figure; got: {problem}; {_AGAIN}") from None
    return FigureFacts.from_document(document, str(path))


_AGAIN: Final = "collect the figure's rows again, which writes the facts beside them"


def facts_from_runs(
    figure: str,
    protocol: str,
    band: str,
    space: str | None,
    series: Mapping[str, Sequence[Mapping[str, Any]]],
) -> FigureFacts:
    """The facts of a figure from what its runs say of themselves.

    Args:
        figure: of the rows.
        protocol: of the rows.
        band: what the protocol shows: one of BANDS.
        space: unit of epsilon under the protocol, or None.
        series: the runs of each series, one per seed, in the order of the figure. Of each run: `metadata`
            of its weights file (`flexnet.training.run`), `subset` (`training` and `scored`: lists of images
            or their numbers), `title` of the source, `content` of each split that was used, and `classes`.

    Raises:
        DataError: if a run does not say what is needed, or two seeds of a series differ in anything.
    """
    found = [_joined(name, [_of_run(name, run) for run in runs]) for name, runs in series.items()]
    words = {"figure": figure, "protocol": protocol, "band": band, "space": space, "series": found}
    return FigureFacts.from_document(words, f"facts of {figure}, {protocol} protocol")


def worst_content(contents: Iterable[str]) -> str:
    """What is known of images that come from several splits.

    Raises:
        DataError: if there are none, or one is none of CONTENTS.
    """
    found = list(contents)
    unknown = [content for content in found if content not in CONTENTS]
    if unknown or not found:
        raise DataError(
            f"expected contents among {list(CONTENTS)}; got {unknown or 'none'}; prepare the images again"
        )
    return max(found, key=CONTENTS.index)


def _of_run(series: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a series by one of its seeds."""
    try:
        said, subset = run["metadata"], run["subset"]
        recipe = json.loads(said["recipe"]) if said.get("recipe") else None
        return {
            "name": series,
            "model": said["model"],
            "network": said["network"],
            "options": json.loads(said["options"]),
            "recipe": recipe,
            "title": run["title"],
            "content": worst_content(run["content"]),
            "classes": run["classes"],
            "training_images": None if recipe is None else _number_of(subset["training"]),
            "scored_images": _number_of(subset["scored"]),
            "seeds": [int(said["seed"])],
        }
    except (KeyError, TypeError, ValueError) as problem:
        raise DataError(
            f"series {series}: expected a run that says its model, seed, network, options, recipe and images;"
            f" got: {problem!r}; train it again"
        ) from None


def _number_of(images: Any) -> int:
    return images if isinstance(images, int) else len(images)


def _joined(series: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One record of all seeds, which differ in their seed alone."""
    if not runs:
        raise DataError(f"series {series}: expected a run for each seed; got none; train it")
    first = runs[0]
    for run in runs[1:]:
        for key in (entry.name for entry in fields(SeriesFacts) if entry.name != "seeds"):
            if canonical_json(run[key]) != canonical_json(first[key]):
                raise DataError(
                    f"series {series}: expected seeds that differ in nothing else; {key} is {first[key]!r} of"
                    f" seed {first['seeds'][0]} and {run[key]!r} of seed {run['seeds'][0]}; train one of"
                    " them again"
                )
    return {**first, "seeds": sorted(seed for run in runs for seed in run["seeds"])}


def _refuse(source: str, problems: Iterable[Problem]) -> None:
    told = [str(problem) for problem in problems]
    if told:
        raise DataError("\n".join(f"{source}: {text}" for text in told) + f"; {_AGAIN}")
