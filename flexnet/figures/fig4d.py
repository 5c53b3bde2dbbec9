"""Figure 4D of the Flexible Layer paper: VGG16 on CIFAR-10, test accuracy against FGSM perturbation size."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MultipleLocator

from flexnet.claims.catalogue import published
from flexnet.figures.curves import PER_CENT, draw_bars, legend_above, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.style import FAINT, column_figure, journal, stamp
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig4d"
HEIGHT_MM = 66.0
# Steps of the pixel grid, in grey levels of 255, that have room for a label on a logarithmic axis.
LABELLED_LEVELS = {0: "0", 1: "1/255", 4: "4/255", 16: "16/255", 63.75: "0.25", 255: "1"}
MINOR_LEVELS = (2, 8, 31.875, 127.5)


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per figure, protocol, series and epsilon: repeats first, then training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "epsilon"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epsilon with error bars, the chance level and the paper's crossing.

    The crossing is left out where the scale is no evidence.

    Epsilon in normalised units has a linear axis. In pixel units of the [0, 1] scale its grid spans 1/255 to
    1, so the axis is logarithmic with a linear start at 0, and the crossing, which belongs to normalised
    units, is absent.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    with journal():
        figure = column_figure(HEIGHT_MM)
        axes = figure.add_subplot()
        draw_bars(axes, part, "epsilon", facts)
        axes.set_ylabel("Test accuracy (%)")
        axes.set_ylim(0.0, 100.0)
        axes.yaxis.set_major_locator(MultipleLocator(20))
        if facts.space == "pixel":
            _pixel_axis(axes, float(part["epsilon"].max()))
        else:
            _normalised_axis(axes, float(part["epsilon"].max()))
            if facts.evidence:
                _mark_crossing(axes, float(part["epsilon"].max()))
        _mark_chance(axes, facts)
        legend_above(figure, axes)
        stamp(axes, facts)
    return figure


def _normalised_axis(axes: Axes, largest: float) -> None:
    axes.set_xlabel("FGSM $\\epsilon$ (normalised units)")
    axes.set_xlim(-0.02 * largest, 1.02 * largest)
    axes.xaxis.set_major_locator(MultipleLocator(0.2 if largest > 0.5 else 0.05))


def _pixel_axis(axes: Axes, largest: float) -> None:
    axes.set_xlabel("FGSM $\\epsilon$ (pixel units, [0, 1] scale)")
    axes.set_xscale("symlog", base=2, linthresh=1 / 255, linscale=1.0)
    axes.set_xlim(-0.15 / 255, largest * 1.1)
    axes.xaxis.set_major_locator(FixedLocator([level / 255 for level in LABELLED_LEVELS]))
    axes.xaxis.set_major_formatter(FixedFormatter(list(LABELLED_LEVELS.values())))
    axes.xaxis.set_minor_locator(FixedLocator([level / 255 for level in MINOR_LEVELS]))


def _mark_crossing(axes: Axes, largest: float) -> None:
    """A light vertical line where the paper's curves cross, if the grid reaches so far."""
    crossing = published("flexible-layer", "fgsm_crossing_epsilon").value
    assert isinstance(crossing, float)
    if crossing > largest:
        return
    # The text goes to the side with more room; curves fall, so the top is free on both.
    left = crossing > sum(axes.get_xlim()) / 2
    axes.axvline(crossing, color=FAINT, linewidth=0.6, linestyle=(0, (2, 2)), zorder=1, gid="crossing")
    axes.annotate(
        f"paper's crossing, {crossing:g}",
        (crossing, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, -2),
        ha="right" if left else "left",
        textcoords="offset points",
        va="top",
        fontsize=6,
        color=FAINT,
    )


def _mark_chance(axes: Axes, facts: Facts) -> None:
    """A faint line at the accuracy of guessing, labelled below it at the left, where no curve goes.

    Series that were trained on images of several numbers of classes have as many lines.
    """
    for classes in facts.classes:
        _mark_level(axes, PER_CENT / classes)


def _mark_level(axes: Axes, chance: float) -> None:
    axes.axhline(chance, color=FAINT, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1, gid="chance")
    axes.annotate(
        "chance",
        (0.0, chance),
        xycoords=("axes fraction", "data"),
        xytext=(3, -1.5),
        textcoords="offset points",
        va="top",
        fontsize=6,
        color=FAINT,
    )
