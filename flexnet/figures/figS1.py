"""Figure S1 of the Flexible Layer paper: what layers answer to one image, and how far that depends on it."""

from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, LETTER, PAGE_MM, SMALL, TEXT, column_figure, journal
from flexnet.figures.notes import add_note, note_of
from flexnet.figures.pictures import read_pictures, show
from flexnet.figures.words import wrapped
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "figS1"
ROW_MM, LABEL_MM = 44.0, 36.0
MEASURES: Final = ["correlation", "sameness"]
IMAGES: Final = 0  # the layer that stands for the images themselves


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise the measures of each layer over training seeds, with the pictures of the first seed.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    by = ["figure", "protocol", "series", "layer"]
    kept = rows.sort_values("seed", kind="stable").drop_duplicates(by)[[*by, "picture"]]
    found = summarise(rows.drop(columns="picture"), by, measures=MEASURES)
    return found.merge(kept, on=by, how="left")


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw the maps of one image: a line for each network, a column for each layer, the image at the left.

    Below each map stand the two numbers.

    Raises:
        DataError: if the table has no row of the facts' protocol, or a picture is none.
    """
    part = one_protocol(table, facts)
    shown = list(dict.fromkeys(part["series"]))
    layers = sorted(set(part["layer"]))
    with journal():
        figure = column_figure(ROW_MM * len(shown), PAGE_MM)
        panels = figure.subplots(len(shown), len(layers), squeeze=False)
        letters = iter(ascii_uppercase)
        for line, series in zip(panels, shown, strict=True):
            for axes, layer in zip(line, layers, strict=True):
                found = part[(part["series"] == series) & (part["layer"] == layer)]
                letter = "" if layer == IMAGES else next(letters, "")
                _panel(axes, found, int(layer), letter, top=series == shown[0])
            line[0].set_ylabel("\n".join(wrapped(facts.label(series), LABEL_MM, TEXT)))
        add_note(figure, f"{note_of(part, facts)} Pictures: first training seed.")
    return figure


def _panel(axes: Axes, found: "pd.DataFrame", layer: int, letter: str, *, top: bool) -> None:
    """One map with its numbers; empty where the network has no such layer."""
    if found.empty:
        axes.axis("off")
        return
    row = found.iloc[0]
    show(axes, read_pictures(str(row["picture"]))[0])
    axes.set_title(letter, loc="left", fontsize=LETTER, fontweight="bold", pad=3)
    if top:
        axes.set_title("Image" if layer == IMAGES else f"Convolution {layer}", fontsize=SMALL + 1, pad=3)
    words = f"alike over images: {_number(row['correlation'])}\nflat: {_number(row['sameness'])}"
    axes.set_xlabel(words, fontsize=SMALL, color=FAINT, labelpad=2)


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
