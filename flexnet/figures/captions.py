"""What a figure says beside its curves: the meaning of its bands, and the caption."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from flexnet.errors import ConfigError
from flexnet.figures.crossing import marked_crossing
from flexnet.figures.differences import difference_sentence
from flexnet.figures.facts import Facts, label_fields, precision_words, template_fields
from flexnet.figures.frost import frost_sentence

if TYPE_CHECKING:
    import pandas as pd

_BAND_WORDS: Final = {"sem": "the standard error of the mean", "interval": "the 95 % t interval of the mean"}
# How a band is drawn, by a column that only such figures have; anything else is shaded.
_TEXT, _BARS, _SHADING, _MEANS = "text", "bars", "shading", "means"
_DRAWN: Final = {
    **dict.fromkeys(("intervention", "attack", "check", "measure"), _TEXT),
    **dict.fromkeys(("threshold", "epsilon", "severity", "fold", "frequency", "inverted"), _BARS),
    **dict.fromkeys(("variance", "contrast", "question"), _BARS),
    **dict.fromkeys(("vertical", "layer"), _MEANS),
}
_BEFORE: Final = {
    (_TEXT, "sem"): "Means ±",
    (_TEXT, "interval"): "In brackets:",
    (_BARS, "sem"): "Bars: ±",
    (_BARS, "interval"): "Bars:",
    (_SHADING, "sem"): "Shading: ±",
    (_SHADING, "interval"): "Shading:",
}
# How two training seeds are shown: all networks', and those of some networks among others.
_TWO: Final = {
    _TEXT: ("In parentheses: both training seeds", "; of two seeds both stand in parentheses"),
    _BARS: ("Small dots: both training seeds", "; two seeds are small dots"),
    _SHADING: ("Thin lines: both training seeds", "; two seeds are thin lines"),
}
_UNITS: Final = {"pixel": "pixel units of the [0, 1] scale", "normalised": "normalised units"}
_NORMALISED: Final = "Epsilon is in normalised units, on a logarithmic axis that is linear below 0.05."
_CROSSING: Final = "Dotted line: where the paper's curves cross."
_PIXELS: Final = (
    "Epsilon is in pixel units of the [0, 1] scale, on a logarithmic axis that is linear below 1/255."
)


def caption(template: str, table: "pd.DataFrame", facts: Facts) -> str:
    """Fill a caption template from a figure's table and the facts of its run.

    Known fields: attack, band, batch, chance, classes, crossing, dataset, differences, dropout, epochs,
    epsilon_units, frost, n, n_images, network, note, precision, protocol, published, scale, scored,
    series, test_images, train_images, width. What was run is told by the runs; where series differ in it, all
    values are. A template without the field `differences` gets that sentence at its end. Line breaks and
    repeated blanks become single blanks.

    Raises:
        ConfigError: if the template names an unknown field or cannot be parsed, or asks for what was run of a
            figure that shows no runs.
    """
    known = _fields(table, facts)
    wanted = template_fields("caption", template, list(known))
    text = template.format_map({name: known[name]() for name in wanted})
    if "differences" not in wanted:
        text = f"{text} {known['differences']()}"
    return " ".join(text.split())


def _fields(table: "pd.DataFrame", facts: Facts) -> dict[str, Callable[[], str]]:
    return {
        **{name: partial(_of_runs, facts, name) for name in _OF_RUNS},
        "attack": lambda: attack_words(table, facts),
        "band": lambda: band_sentence(table, facts),
        "chance": lambda: spread([100 / classes for classes in facts.classes], "{:g} %"),
        "classes": lambda: spread(facts.classes),
        "crossing": lambda: crossing_words(table, facts),
        "dataset": lambda: facts.dataset,
        "differences": lambda: difference_sentence(facts),
        "epsilon_units": lambda: epsilon_words(facts),
        "frost": lambda: frost_sentence(table),
        "n": lambda: spread(table["n"]),
        "n_images": lambda: spread(table["n_images"]),
        "network": lambda: facts.described_network,
        "note": lambda: note_words(facts),
        "protocol": lambda: facts.protocol,
        "published": lambda: facts.published if facts.evidence else "",
        "scale": lambda: facts.scale,
        "series": lambda: "; ".join(facts.label(name) for name in dict.fromkeys(table["series"])),
    }


def note_words(facts: Facts) -> str:
    """What a reader must know: of the scale, and of how all networks were trained, if not in float32."""
    runs = facts.runs.series if facts.runs else ()
    words = {precision_words(run) for run in runs if run.recipe is not None}
    told = f"Trained with {words.pop()}." if len(words) == 1 and words != {"float32"} else ""
    # Rows of earlier runs say it in the note of their scale.
    return facts.note if "bf16" in facts.note else f"{told} {facts.note}".strip()


# Facts of the runs that labels may tell of one series and captions of all.
_OF_RUNS: Final = (
    *("batch", "dropout", "epochs", "precision", "scored", "test_images", "train_images", "width"),
)


def _of_runs(facts: Facts, name: str) -> str:
    """A fact of all runs in words: one value, or every value that there is."""
    told = [label_fields()[name](run) for run in facts.known.series]
    words = list(dict.fromkeys(word for word in told if word is not None))
    if not words:
        raise ConfigError(f"caption: field {name!r}: no run of the figure has one; remove the field")
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def spread(values: "Iterable[float]", form: str = "{:,}") -> str:
    """Numbers in words: "5", or "3 to 5" where they differ."""
    least, most = (form.format(value) for value in (min(values), max(values)))
    return least if least == most else f"{least} to {most}"


def band_sentence(table: "pd.DataFrame", facts: Facts) -> str:
    """One sentence that says what bands, bars or brackets mean, over how many training seeds."""
    seeds = set(table["n"])
    if seeds == {1}:
        return "One training seed per network (n = 1): no error can be given."
    drawn = next((word for column, word in _DRAWN.items() if column in table.columns), _SHADING)
    if drawn == _MEANS:
        return f"Means over training seeds (n = {spread(table['n'])})."
    alone, among = _TWO[drawn]
    single = "; a network with one seed has none" if 1 in seeds else ""
    n = f"(n = {spread(table['n'])})"
    if max(seeds) == 2:
        return f"{alone} {n}{single}."
    agreeing = "sem" in table.columns and ((table["n"] > 2) & table["sem"].isna()).any()
    equal = "; seeds that all have the same value have none" if agreeing else ""
    sentence = f"{_BEFORE[drawn, facts.band]} {_BAND_WORDS[facts.band]} over training seeds {n}"
    return f"{sentence}{single}{among if 2 in seeds else ''}{equal}."


def epsilon_words(facts: Facts) -> str:
    """The unit of an axis of perturbation sizes."""
    return _PIXELS if facts.space == "pixel" else _NORMALISED


def crossing_words(table: "pd.DataFrame", facts: Facts) -> str:
    """What the vertical line of Figure 4D is, where it has one."""
    return "" if marked_crossing(table["epsilon"], facts) is None else _CROSSING


def attack_words(table: "pd.DataFrame", facts: Facts) -> str:
    """The table's greatest perturbation size with its unit.

    Raises:
        ConfigError: if the figure's protocol has no unit.
    """
    unit = _UNITS.get(str(facts.space))
    if unit is None:
        raise ConfigError(
            f"expected a protocol that says the unit of epsilon; got {facts.protocol!r}; give its space"
        )
    return f"epsilon = {float(table['epsilon'].max()):g} in {unit}"
