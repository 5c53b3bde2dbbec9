"""Whether and when the networks of Figure 4C leave chance: seen with dropout off, on training images too.

With the paper's dropout and 1,500 steps hardly any does, so that Figure 4C compares how soon a network gets
off the ground rather than how well it learns.
"""

from collections.abc import Iterator
from math import log
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flexnet.figures.chance import mark_chance
from flexnet.figures.curves import BEHIND, MARKERS_PER_LINE, PER_CENT, draw_bands, one_protocol, series_of
from flexnet.figures.facts import Facts
from flexnet.figures.legends import legend_above
from flexnet.figures.look import FAINT, LETTER, PAGE_MM, column_figure, journal
from flexnet.figures.notes import add_note, note_of
from flexnet.statistics.summary import summarise
from flexnet.training.recipe import SCORED, Recipe

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig4c_start"
HEIGHT_MM: Final = 62.0
TEST = "test"
LEFT: Final = 0.2  # twice the chance of ten classes: above it a network has left chance
NOTE: Final = (
    "Large markers: training images, dropout off; small: test images. Crosses: not within all steps."
)
EDGE: Final = 0.6  # room beside the first and the last series, in distances of series
NEVER: Final = "x"  # the marker of a seed that did not get there
SPREAD: Final = 0.7  # of the seeds of a series, in the same
ABOVE: Final = 1.08  # where those that never got there stand, as a factor on all steps


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy and loss per series, split and epoch over training seeds.

    Raises:
        DataError: if a column is missing, or rows of training images that were scored with dropout off.
    """
    import pandas as pd

    by = ["figure", "protocol", "series", "epoch"]
    parts = [summarise(rows, by, {"split": split}, ["loss"]).assign(split=split) for split in (SCORED, TEST)]
    return pd.concat(parts, ignore_index=True)


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw accuracy (A) and cross-entropy (B) against epoch, and the steps until chance is left (C).

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    scored, test = (part[part["split"] == split] for split in (SCORED, TEST))
    with journal():
        figure = column_figure(HEIGHT_MM, PAGE_MM)
        panels = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 0.8))
        _accuracies(panels[0], scored, test, facts)
        _losses(panels[1], scored, test, facts)
        _starts(panels[2], test, facts)
        for axes, letter in zip(panels, "ABC", strict=True):
            axes.set_title(letter, loc="left", fontsize=LETTER, fontweight="bold", pad=3)
        legend_above(figure, panels[:1], 4)
        add_note(figure, f"{note_of(part, facts)} {NOTE}")
    return figure


def _accuracies(axes: Axes, scored: "pd.DataFrame", test: "pd.DataFrame", facts: Facts) -> None:
    draw_bands(axes, test, "epoch", facts, main=("none of these stands in front",))
    draw_bands(axes, scored, "epoch", facts)
    axes.set_ylabel("Accuracy (%)")
    axes.set_ylim(0.0, PER_CENT)
    mark_chance(axes, facts, side="right")
    _epochs(axes)


def _losses(axes: Axes, scored: "pd.DataFrame", test: "pd.DataFrame", facts: Facts) -> None:
    for table, looks in ((test, BEHIND), (scored, {})):
        for series, part in series_of(table, "epoch"):
            style, every = facts.style(series), max(1, len(part) // MARKERS_PER_LINE)
            shape: dict[str, Any] = {"marker": style.marker, "linestyle": style.line, "markeredgewidth": 0.0}
            shape |= {"color": style.colour, "markevery": every, "gid": series, **looks}
            axes.plot(part["epoch"], part["loss"], **shape)
    for classes in facts.classes:
        axes.axhline(log(classes), color=FAINT, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1, gid="chance")
    axes.set_ylabel("Cross-entropy")
    _epochs(axes)


def _epochs(axes: Axes) -> None:
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.margins(x=0.02)


def _starts(axes: Axes, test: "pd.DataFrame", facts: Facts) -> None:
    """A dot for each seed, side by side; above the line at all steps those that never left chance."""
    all_steps = 0
    for place, (series, steps, most) in enumerate(_steps(test, facts)):
        all_steps, style = max(all_steps, most), facts.style(series)
        for seed, found in enumerate(steps):
            x = place + SPREAD * ((seed + 0.5) / len(steps) - 0.5)
            looks: dict[str, Any] = {"markersize": 3.0, "clip_on": False, "gid": f"{series} seed"}
            y = found or ABOVE * most
            axes.plot(x, y, style.marker if found else NEVER, color=style.colour, **looks)
    axes.axhline(all_steps, color=FAINT, linewidth=0.6, zorder=1, gid="all steps")
    axes.set_xlim(-EDGE, test["series"].nunique() - 1 + EDGE)
    axes.set_ylim(0.0, all_steps * 1.15)
    axes.set_xticks([])
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_ylabel(f"Steps until above {LEFT * PER_CENT:g} %")
    axes.set_xlabel("Training seeds")


def _steps(test: "pd.DataFrame", facts: Facts) -> Iterator[tuple[str, list[int | None], int]]:
    """Of each series: the steps of each seed at the first evaluation above the level, and all steps."""
    for series, part in series_of(test, "epoch"):
        run = facts.known.of(series)
        assert run and run.recipe and run.training_images  # it was trained
        each = Recipe.from_mapping(run.recipe).steps(run.training_images)
        epochs = part["epoch"].to_list()
        by_seed = zip(*(map(float, text.split()) for text in part["by_seed"]), strict=True)
        first = [
            next((epoch for epoch, right in zip(epochs, values, strict=True) if right > LEFT), None)
            for values in by_seed
        ]
        yield series, [each * epoch if epoch else None for epoch in first], each * max(epochs)


def body(table: "pd.DataFrame", facts: Facts) -> str:
    """The steps of each seed until chance is left, as a table in Markdown."""
    test = one_protocol(table, facts)
    test = test[test["split"] == TEST]
    lines = [f"| network | steps until above {LEFT * PER_CENT:g} %, by training seed | left chance |"]
    lines.append("|" + " --- |" * 3)
    for series, steps, most in _steps(test, facts):
        told = ", ".join(f"{found:,}" if found else f"not in {most:,}" for found in steps)
        there = sum(found is not None for found in steps)
        lines.append(f"| {facts.label(series)} | {told} | {there} of {len(steps)} |")
    return "\n".join(lines)
