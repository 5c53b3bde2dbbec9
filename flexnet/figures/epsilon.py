"""The axis of step sizes, which figures over epsilon share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator

from flexnet.figures.facts import Facts
from flexnet.sizes import in_levels


@dataclass(frozen=True)
class EpsilonAxis:
    """An axis that is linear from 0 to `start` and logarithmic beyond, in steps of 2.

    Attributes:
        unit: what stands behind epsilon.
        start: where it begins to be logarithmic.
        labels: what is written at which values.
        minor: where further ticks are.
    """

    unit: str
    start: float
    labels: Mapping[float, str]
    minor: tuple[float, ...]


# Accuracy falls to chance within the first fifth of the grid: a linear axis would show a flat line.
AXES: Final = {
    "normalised": EpsilonAxis(
        "normalised units",
        0.05,
        {value: f"{value:g}" for value in (0, 0.05, 0.1, 0.2, 0.4, 1)},
        (0.15, 0.25, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9),
    ),
    "pixel": EpsilonAxis(
        "pixel units, [0, 1] scale",
        1 / 255,
        {0: "0", 1 / 255: "1/255", 4 / 255: "4/255", 16 / 255: "16/255", 0.25: "0.25", 1: "1"},
        (2 / 255, 8 / 255, 0.125, 0.5),
    ),
}


def epsilon_axis(axes: Axes, epsilons: Iterable[float], facts: Facts, what: str) -> None:
    """The axis of epsilon over all its values, called after `what` is done to images."""
    axis, largest = AXES["pixel" if facts.space == "pixel" else "normalised"], max(epsilons)
    axes.set_xlabel(f"{what} $\\epsilon$ ({axis.unit})")
    axes.set_xscale("symlog", base=2, linthresh=axis.start, linscale=1.0)
    axes.set_xlim(-0.15 * axis.start, max(largest, axis.start) * 1.1)
    axes.xaxis.set_major_locator(FixedLocator(list(axis.labels)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(axis.labels.values())))
    axes.xaxis.set_minor_locator(FixedLocator(list(axis.minor)))


def size_words(epsilon: float, facts: Facts) -> str:
    """A size with its unit; whole grey levels as such."""
    words = short_size(epsilon, facts)
    if "/" in words:
        return words
    return f"{words} of pixels" if facts.space == "pixel" else f"{words} in normalised units"


def short_size(epsilon: float, facts: Facts) -> str:
    """A size; whole grey levels as such."""
    return in_levels(epsilon) if facts.space == "pixel" else f"{epsilon:g}"
