"""Accuracy under noise of each spatial frequency: which frequencies a network listens to."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from flexnet.figures.captions import spread
from flexnet.figures.curves import PER_CENT, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.look import PAGE_MM, SMALL, column_figure, journal
from flexnet.figures.notes import add_note, note_of
from flexnet.figures.words import wrapped
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fourier_heatmap"
HEIGHT_MM, TITLE_MM = 62.0, 42.0
EACH_MM, BAR_MM = 50.0, 28.0  # width of a map, and of the scale of colours with the axis' name
COLOURS: Final = "viridis"


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series, norm of the noise and its frequency.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "strength", "vertical", "horizontal"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw one square map per network, frequency 0 in the middle, all on one scale of colours.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    shown = [name for name in facts.series if name in set(part["series"])] or list(
        dict.fromkeys(part["series"])
    )
    with journal():
        figure = column_figure(HEIGHT_MM, min(PAGE_MM, EACH_MM * len(shown) + BAR_MM))
        panels = list(figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0])
        for axes, series in zip(panels, shown, strict=True):
            image = _map(axes, part[part["series"] == series], facts.label(series))
        panels[0].set_ylabel("Vertical frequency\n(cycles per image)")
        bar = figure.colorbar(image, ax=panels, fraction=0.04, pad=0.02)
        bar.set_label("Test accuracy (%)")
        bar.outline.set_linewidth(0.4)
        add_note(figure, note_of(part, facts))
    return figure


def _map(axes: Axes, part: "pd.DataFrame", label: str) -> AxesImage:
    """The map of one network; under its name the accuracy on clean images."""
    noisy, clean = part[part["strength"] > 0], part[part["strength"] == 0]
    frequencies, grid = whole_plane(noisy)
    half = (frequencies[1] - frequencies[0]) / 2 if len(frequencies) > 1 else 0.5
    ends = (frequencies[0] - half, frequencies[-1] + half)
    image = axes.imshow(
        grid * PER_CENT,
        extent=(*ends, *ends),
        origin="lower",
        vmin=0.0,
        vmax=PER_CENT,
        cmap=COLOURS,
        interpolation="nearest",
        aspect="auto",  # the page is such that maps are nearly square
    )
    lines = wrapped(label, TITLE_MM, SMALL + 1)
    lines += [f"clean: {float(clean['mean'].iloc[0]) * PER_CENT:.1f} %"] if len(clean) else []
    axes.set_title("\n".join(lines), fontsize=SMALL + 1, pad=3)
    ticks = sorted({frequencies[0], 0, frequencies[-1]})
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.set_xlabel("Horizontal frequency\n(cycles per image)")
    axes.spines[:].set_visible(False)
    return image


def whole_plane(noisy: "pd.DataFrame") -> tuple[list[int], NDArray[np.float64]]:
    """Frequencies and mean accuracies, by vertical and horizontal frequency; mirror images have one wave."""
    known = {
        (int(row["vertical"]), int(row["horizontal"])): float(row["mean"]) for _, row in noisy.iterrows()
    }
    known |= {(-v, -h): value for (v, h), value in known.items()}
    frequencies = sorted({v for v, _ in known})
    grid = [[known.get((v, h), np.nan) for h in frequencies] for v in frequencies]
    return frequencies, np.array(grid)


def body(table: "pd.DataFrame", facts: Facts) -> str:
    """How large the noise is."""
    norms = [float(value) for value in one_protocol(table, facts)["strength"] if value > 0]
    return f"Norm of the noise in each channel: {spread(norms, '{:g}')}, of images in [0, 1]."
