"""What figures over step sizes share: the axis of epsilon and the chance level."""

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MultipleLocator

from flexnet.figures.curves import PER_CENT
from flexnet.figures.facts import Facts
from flexnet.figures.style import FAINT

# Steps of the pixel grid, in grey levels of 255, that have room for a label on a logarithmic axis.
LABELLED_LEVELS = {0: "0", 1: "1/255", 4: "4/255", 16: "16/255", 63.75: "0.25", 255: "1"}
MINOR_LEVELS = (2, 8, 31.875, 127.5)


def epsilon_axis(axes: Axes, largest: float, facts: Facts, what: str) -> None:
    """The axis of epsilon up to its largest value, called after `what` is done to images.

    In normalised units it is linear. In pixel units of the [0, 1] scale the grid spans 1/255 to 1, so the
    axis is logarithmic with a linear start at 0.
    """
    if facts.space == "pixel":
        _pixel_axis(axes, largest, what)
    else:
        _normalised_axis(axes, largest, what)


def _normalised_axis(axes: Axes, largest: float, what: str) -> None:
    axes.set_xlabel(f"{what} $\\epsilon$ (normalised units)")
    axes.set_xlim(-0.02 * largest, 1.02 * largest)
    axes.xaxis.set_major_locator(MultipleLocator(0.2 if largest > 0.5 else 0.05))


def _pixel_axis(axes: Axes, largest: float, what: str) -> None:
    axes.set_xlabel(f"{what} $\\epsilon$ (pixel units, [0, 1] scale)")
    axes.set_xscale("symlog", base=2, linthresh=1 / 255, linscale=1.0)
    axes.set_xlim(-0.15 / 255, largest * 1.1)
    axes.xaxis.set_major_locator(FixedLocator([level / 255 for level in LABELLED_LEVELS]))
    axes.xaxis.set_major_formatter(FixedFormatter(list(LABELLED_LEVELS.values())))
    axes.xaxis.set_minor_locator(FixedLocator([level / 255 for level in MINOR_LEVELS]))


def mark_chance(axes: Axes, facts: Facts) -> None:
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
