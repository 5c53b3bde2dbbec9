"""What a figure's legend and caption need to know and its table does not hold.

Texts come from the configuration; whatever was run is told by the facts of the runs, series by series.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Final

from flexnet.errors import ConfigError
from flexnet.figures.palette import SeriesStyle, styles_of
from flexnet.tables.facts import FigureFacts, SeriesFacts
from flexnet.training.recipe import Recipe

# How captions call a factor of the network's options that makes it smaller than the paper's.
REDUCTIONS: Final = {"width": "width", "dropout": "dropout rates"}
_DOUBT: Final = " (content not the official one, or not known to be)"
_PRECISIONS: Final = {"tf32": "TF32 matrix products", "bf16": "bf16 matrix products"}


@dataclass(frozen=True)
class Facts:
    """The texts of a figure, and what was run for it.

    Attributes:
        scale: name of the scale.
        protocol: name of the protocol.
        series: the figure's series in the order of the registry.
        labels: template of the legend label of each series (its own name where absent); its fields are those
            of `label_fields`.
        network: what captions call the network.
        note: what a reader must know of the scale.
        published: what a caption says of a paper's numbers in the figure.
        evidence: whether the scale is; else figures show no number of a paper and captions speak of none.
        runs: what was run; None for figures that show no runs.
        by_colour: whether colour alone tells series apart somewhere in the figure.
    """

    scale: str
    protocol: str
    series: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    note: str = ""
    published: str = ""
    evidence: bool = True
    runs: FigureFacts | None = None
    by_colour: bool = False

    @property
    def known(self) -> FigureFacts:
        """What was run.

        Raises:
            ConfigError: if the figure shows no runs.
        """
        if self.runs is None:
            raise ConfigError("expected the facts of the runs that a figure shows; got none; give their file")
        return self.runs

    @property
    def band(self) -> str:
        """What bands and bars show under this protocol: "sem" or "interval"."""
        return self.known.band

    @property
    def space(self) -> str | None:
        """Unit of epsilon: "normalised" or "pixel"."""
        return self.known.space

    @property
    def classes(self) -> list[int]:
        """The numbers of classes, each once, increasing; the chance levels follow from them."""
        return sorted({series.classes for series in self.known.series})

    @property
    def dataset(self) -> str:
        """What captions call the images: all of them, if series were trained on several."""
        return datasets_of(self.known)

    @property
    def described_network(self) -> str:
        """The network with what makes it smaller than the paper's, where that is the same in all series."""
        return reduced(self.network, [series.options for series in self.runs.series] if self.runs else [])

    def threshold(self, series: str) -> float | None:
        """The uniform threshold that a series was trained with, if it has one and was run."""
        found = self.runs.of(series) if self.runs else None
        return found.threshold if found else None

    def style(self, series: str) -> SeriesStyle:
        """How a series is drawn: unlike any other of the figure."""
        run = [each.name for each in self.runs.series] if self.runs else []
        shown = dict.fromkeys([*(self.series or run), series])
        return styles_of(list(shown), by_colour=self.by_colour)[series]

    def label(self, series: str) -> str:
        """The legend label of a series. One that was not run has its own name where its label tells facts.

        Raises:
            ConfigError: if its template has a field that is unknown, or that its run does not tell.
        """
        template = self.labels.get(series, series)
        wanted = template_fields(f"label of {series}", template, LABEL_FIELDS)
        run = self.runs.of(series) if self.runs else None
        if run is None or not wanted:
            return series if wanted else template.format_map({})
        return template.format_map({name: _told(series, name, run) for name in wanted})


def reduced(network: str, options: Sequence[Mapping[str, Any]]) -> str:
    """A network with what makes it smaller than the paper's, where that is the same in all its variants."""
    factors = {key: {float(row.get(key, 1.0)) for row in options} for key in REDUCTIONS}
    words = [
        f"{values.pop():g} of its {REDUCTIONS[key]}"
        for key, values in factors.items()
        if len(values) == 1 and values != {1.0}
    ]
    return network + (f" (with {' and '.join(words)})" if words else "")


def datasets_of(runs: FigureFacts) -> str:
    """What captions call the images of runs: all of them, if series were trained on several."""
    return " and ".join(dict.fromkeys(map(dataset_words, runs.series)))


def _told(series: str, name: str, run: SeriesFacts) -> str:
    words = label_fields()[name](run)
    if words is None:
        raise ConfigError(
            f"label of {series}: field {name!r}: {run.model} has none; remove the field from the label"
        )
    return words


def label_fields() -> dict[str, Callable[[SeriesFacts], str | None]]:
    """What the template of a label may name, with what it says of a series; None if it has no such thing."""
    return {
        "batch": lambda run: _of_recipe(run, "batch_size"),
        "dataset": dataset_words,
        "dropout": lambda run: f"{run.factor('dropout'):g}",
        "epochs": lambda run: _of_recipe(run, "epochs"),
        "model": lambda run: run.model,
        "precision": precision_words,
        "scored": scored_words,
        "test_images": lambda run: f"{run.scored_images:,}",
        "threshold": lambda run: None if run.threshold is None else number_words(run.threshold),
        "train_images": lambda run: None if run.training_images is None else f"{run.training_images:,}",
        "width": lambda run: f"{run.factor('width'):g}",
    }


def _of_recipe(run: SeriesFacts, key: str) -> str | None:
    """A count of the recipe in words; None where there is no recipe."""
    return None if run.recipe is None else f"{run.recipe[key]:,}"


def dataset_words(run: SeriesFacts) -> str:
    """What captions call the images, with a doubt where they are not known to be the official ones."""
    return run.title + (_DOUBT if run.content in ("other", "unknown") else "")


def precision_words(run: SeriesFacts) -> str | None:
    """In which precision a network was trained; None where it was not trained here."""
    if run.recipe is None:
        return None
    name = str(run.recipe.get("precision", "float32"))
    return _PRECISIONS.get(name, name)


def scored_words(run: SeriesFacts) -> str | None:
    """How often a network was scored while it was trained; None where it was not trained here."""
    if run.recipe is None:
        return None
    every = int(run.recipe.get("evaluate_every", Recipe.evaluate_every))
    return "each epoch" if every == 1 else f"every {every:,} epochs"


def number_words(number: float) -> str:
    """A number as readers write it, with a true minus sign."""
    return f"{number:g}".replace("-", "\N{MINUS SIGN}").replace("inf", "\N{INFINITY}")


def template_fields(what: str, template: str, known: Sequence[str]) -> set[str]:
    """The fields that a template names.

    Raises:
        ConfigError: if it names an unknown field or cannot be parsed.
    """
    try:
        wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as problem:
        raise ConfigError(f"{what} {template!r}: {problem}; balance its braces") from problem
    unknown = sorted(wanted - set(known))
    if unknown:
        raise ConfigError(
            f"{what}: unknown field {unknown[0]!r}; known are {sorted(known)}; correct the template"
        )
    return wanted


LABEL_FIELDS: Final = tuple(label_fields())
