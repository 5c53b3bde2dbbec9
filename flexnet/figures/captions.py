"""What a figure says beside its curves: the facts of a run, the meaning of its bands, the caption."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Final

from flexnet.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

# The paper shows SEMs; a careful study shows what the data say of the next seed: an interval.
BANDS: Final = {"paper": "sem", "release": "sem", "corrected": "interval"}
_BAND_WORDS: Final = {"sem": "the standard error of the mean", "interval": "the 95 % t interval of the mean"}
# How a band is drawn, by a column that only such figures have; anything else is shaded.
_TEXT, _BARS, _SHADING = "text", "bars", "shading"
_DRAWN: Final = {"intervention": _TEXT, "threshold": _BARS, "epsilon": _BARS}
_BEFORE: Final = {
    (_TEXT, "sem"): "Means ±",
    (_TEXT, "interval"): "In brackets:",
    (_BARS, "sem"): "Bars: ±",
    (_BARS, "interval"): "Bars:",
    (_SHADING, "sem"): "Shading: ±",
    (_SHADING, "interval"): "Shading:",
}
_NORMALISED: Final = "Epsilon is in normalised units."
_CROSSING: Final = "Dotted line: where the paper's curves cross."
_PIXELS: Final = (
    "Epsilon is in pixel units of the [0, 1] scale, on a logarithmic axis that is linear below 1/255."
)


@dataclass(frozen=True)
class Facts:
    """What a figure's legend and caption need to know and its table does not hold.

    `series` are the figure's series in the order of the registry; `labels` maps a series to its legend label
    (the series' own name where absent), `thresholds` to the uniform threshold that it was trained with;
    `classes` sets the chance level; `network` and `note` are short texts such as "VGG16 at a quarter of its
    width"; `published` is what a caption says of a paper's numbers in the figure. Of a scale that is no
    `evidence`, figures show no number of a paper and captions do not speak of one.
    """

    scale: str
    protocol: str
    dataset: str = ""
    series: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    classes: int = 10
    train_images: int = 0
    test_images: int = 0
    epochs: int = 0
    network: str = ""
    note: str = ""
    published: str = ""
    evidence: bool = True

    def __post_init__(self) -> None:
        if self.protocol not in BANDS:
            raise ConfigError(
                f"unknown protocol {self.protocol!r}; known are {sorted(BANDS)}; set the figure's protocol"
            )
        if self.classes < 2:
            raise ConfigError(f"expected at least 2 classes; got {self.classes}; set the dataset's number")

    @property
    def band(self) -> str:
        """What bands and bars show under this protocol: "sem" or "interval"."""
        return BANDS[self.protocol]

    def label(self, series: str) -> str:
        """The legend label of a series."""
        return self.labels.get(series, series)


def caption(template: str, table: "pd.DataFrame", facts: Facts) -> str:
    """Fill a caption template from a figure's table and the facts of its run.

    Known fields: attack, band, chance, classes, dataset, epochs, epsilon_units, n, n_images, network, note,
    protocol, published, scale, series, test_images, train_images. Line breaks and repeated blanks become
    single blanks.

    Raises:
        ConfigError: if the template names an unknown field or cannot be parsed.
    """
    fields = _fields(table, facts)
    try:
        wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as problem:
        raise ConfigError(f"caption {template!r}: {problem}; balance its braces") from problem
    unknown = sorted(wanted - set(fields))
    if unknown:
        raise ConfigError(
            f"caption: unknown field {unknown[0]!r}; known are {sorted(fields)}; correct the template"
        )
    return " ".join(template.format_map({name: fields[name]() for name in wanted}).split())


def _fields(table: "pd.DataFrame", facts: Facts) -> dict[str, Callable[[], str]]:
    return {
        "attack": lambda: attack_words(table, facts),
        "band": lambda: band_sentence(table, facts),
        "chance": lambda: f"{100 / facts.classes:g} %",
        "classes": lambda: str(facts.classes),
        "dataset": lambda: facts.dataset,
        "epochs": lambda: f"{facts.epochs:,}",
        "epsilon_units": lambda: epsilon_words(facts),
        "n": lambda: spread(table, "n"),
        "n_images": lambda: spread(table, "n_images"),
        "network": lambda: facts.network,
        "note": lambda: facts.note,
        "protocol": lambda: facts.protocol,
        "published": lambda: facts.published if facts.evidence else "",
        "scale": lambda: facts.scale,
        "series": lambda: "; ".join(facts.label(name) for name in dict.fromkeys(table["series"])),
        "test_images": lambda: f"{facts.test_images:,}",
        "train_images": lambda: f"{facts.train_images:,}",
    }


def spread(table: "pd.DataFrame", column: str) -> str:
    """The values of a count column in words: "5", or "3 to 5" where they differ."""
    least, most = int(table[column].min()), int(table[column].max())
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def band_sentence(table: "pd.DataFrame", facts: Facts) -> str:
    """One sentence that says what bands, bars or brackets mean, over how many training seeds."""
    if int(table["n"].max()) == 1:
        return "One training seed per network (n = 1): no error can be given."
    drawn = next((word for column, word in _DRAWN.items() if column in table.columns), _SHADING)
    sentence = f"{_BEFORE[drawn, facts.band]} {_BAND_WORDS[facts.band]}"
    single = "; a network with one seed has none" if int(table["n"].min()) == 1 else ""
    return f"{sentence} over training seeds (n = {spread(table, 'n')}){single}."


def epsilon_words(facts: Facts) -> str:
    """The unit of an axis of perturbation sizes, and what is marked on it."""
    if facts.protocol == "corrected":
        return _PIXELS
    return f"{_NORMALISED} {_CROSSING}" if facts.evidence else _NORMALISED


def attack_words(table: "pd.DataFrame", facts: Facts) -> str:
    """The table's greatest perturbation size with its unit."""
    unit = "pixel units of the [0, 1] scale" if facts.protocol == "corrected" else "normalised units"
    return f"epsilon = {float(table['epsilon'].max()):g} in {unit}"
