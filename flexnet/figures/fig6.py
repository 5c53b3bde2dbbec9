"""Figure 6 of the Flexible Layer paper: networks trained on photographs, judged on drawings."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.data.shapes import generate
from flexnet.families.drawings import OWN
from flexnet.figures.captions import spread
from flexnet.figures.cells import BLANK, change_text, estimate_text
from flexnet.figures.chance import mark_chance
from flexnet.figures.curves import FEW, PER_CENT, mark_spread, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.legends import legend_above
from flexnet.figures.look import INK, LETTER, PAGE_MM, SMALL, column_figure, journal
from flexnet.figures.notes import add_note, note_of
from flexnet.figures.pictures import show
from flexnet.figures.style import accuracy_axis
from flexnet.statistics.chance import rises_above_chance
from flexnet.statistics.changes import with_changes
from flexnet.statistics.paired_tests import with_tests
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig6"
HEIGHT_MM: Final = 88.0
REFERENCE: Final = "baseline"
STYLES: Final = {"contours": "Contours", "line_drawings": "Line drawings", "silhouettes": "Silhouettes"}
LETTERS: Final = dict(zip(STYLES, "ABC", strict=True))  # as the caption has them, also where one is not there
POLARITIES: Final = {0: "dark on white", 1: "inverted"}
BY: Final = ["figure", "protocol", "series", "images", "inverted"]
# The example: one object of the embedded dataset, whichever drawings are judged on.
EXAMPLE: Final = {"n": 1, "size": 64, "channels": 1, "split": "test"}
NUMBERS: Final = {"2": "two", "3": "three", "4": "four", "5": "five", "6": "six"}
BAR, GROUP = 0.8, 0.86  # of the room of one, and of one polarity


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series and set of images, with its change from the baseline and paired tests.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    titles = rows.drop_duplicates(["images", "inverted"])[["images", "inverted", "title"]]
    counted = rows.drop(columns=["title", "digest"])
    table = with_changes(summarise(counted, BY), counted, BY, None, REFERENCE)
    drawn = counted[counted["images"] != OWN]
    return with_tests(table, drawn, BY, REFERENCE).merge(titles, on=["images", "inverted"], how="left")


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw bars of test accuracy (%), a panel for each kind of drawing, and an example of each.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part, facts = one_protocol(table, facts), replace(facts, by_colour=True)
    shown = [images for images in STYLES if images in set(part["images"])] or list(STYLES)
    with journal():
        figure = column_figure(HEIGHT_MM, PAGE_MM)
        panels, pictures = _axes(figure, len(shown))
        for axes, images in zip(panels, shown, strict=True):
            _bars(axes, part[part["images"] == images], facts)
            axes.set_title(LETTERS[images], loc="left", fontsize=LETTER, fontweight="bold", pad=3)
            axes.set_title(STYLES[images], fontsize=8, pad=3)
            axes.tick_params(labelleft=axes is panels[0])
        accuracy_axis(panels[0])
        for axes in panels:
            mark_chance(axes, facts, side="right", named=axes is panels[-1])
        _examples(pictures, shown)
        legend_above(figure, panels, 4)
        add_note(figure, f"{note_of(part, facts)} {_sets(part)} {_above(part, facts)}")
    return figure


def _axes(figure: Figure, kinds: int) -> tuple[list[Axes], list[Axes]]:
    """Axes side by side for so many kinds of drawings, and below them for the examples of each."""
    examples = 1 + 2 * kinds
    grid = figure.add_gridspec(2, kinds * examples, height_ratios=(3.2, 1.0))
    panels = list[Axes]()
    for left in range(0, kinds * examples, examples):
        shared = panels[0] if panels else None
        panels.append(figure.add_subplot(grid[0, left : left + examples], sharey=shared))
    lefts = range(0, kinds * examples, kinds)
    return panels, [figure.add_subplot(grid[1, left : left + kinds]) for left in lefts]


def _bars(axes: Axes, part: "pd.DataFrame", facts: Facts) -> None:
    """The bars of one kind of drawing: a group for each polarity, a bar for each network."""
    shown = list(dict.fromkeys(part["series"]))
    width = GROUP / max(1, len(shown))
    for place, series in enumerate(shown):
        own = part[part["series"] == series].sort_values("inverted")
        x = own["inverted"].to_numpy() + (place - (len(shown) - 1) / 2) * width
        colour = facts.style(series).colour
        looks: dict[str, Any] = {"color": colour, "alpha": 0.55, "edgecolor": colour, "linewidth": 0.6}
        axes.bar(x, own["mean"] * PER_CENT, BAR * width, label=facts.label(series), **looks)
        mark_spread(axes, own, x, facts, series, INK)
        for at, (_, row) in zip(x, own.iterrows(), strict=True):
            _mark_test(axes, float(at), row)
    axes.set_xticks(list(POLARITIES), list(POLARITIES.values()))
    axes.set_xlim(-0.5, 1.9)  # room for the name of the line of chance


def _mark_test(axes: Axes, x: float, row: "pd.Series") -> None:
    """Above a bar, in how many of the tested seeds the network is told from the baseline, if in any."""
    if not row["told_apart"] > 0:
        return
    # What is drawn there: the interval, or of few seeds these themselves.
    seeds = [float(value) for value in str(row["by_seed"]).split()]
    reached = [row["mean"], *(seeds if len(seeds) < FEW else [])]
    reached += [row["high"]] if len(seeds) >= FEW and np.isfinite(row["high"]) else []
    words = f"{int(row['told_apart'])}/{len(str(row['p_by_seed']).split())}"
    top = min(PER_CENT * max(reached) + 2.0, 95.0)
    axes.text(x, top, words, ha="center", va="bottom", fontsize=SMALL)


def _examples(panels: Sequence[Axes], shown: Sequence[str]) -> None:
    """One object of the embedded dataset as a photograph would show it, and drawn as in the panels."""
    natural = generate(**EXAMPLE, rendering="natural").images[0, 0]  # type: ignore[arg-type]
    show(panels[0], natural / 255)
    panels[0].set_title("D", loc="left", fontsize=LETTER, fontweight="bold", pad=3)
    panels[0].set_xlabel("object", fontsize=SMALL)
    for place, rendering in enumerate(shown):
        picture = generate(**EXAMPLE, rendering=rendering).images[0, 0] / 255  # type: ignore[arg-type]
        for axes, image, ending in (
            (panels[1 + 2 * place], picture, ""),
            (panels[2 + 2 * place], 1 - picture, ", inverted"),
        ):
            show(axes, image)
            axes.set_xlabel(f"{STYLES[rendering].lower()}{ending}", fontsize=SMALL)


def _sets(part: "pd.DataFrame") -> str:
    """On which images the networks were judged."""
    drawn = part[part["images"].isin(STYLES) & (part["inverted"] == 0)]
    titles = "; ".join(dict.fromkeys(drawn["title"]))
    number = spread(drawn["n_images"]) if len(drawn) else "no"
    negatives = "; and their negatives" if part["inverted"].any() else ""
    return (
        f"Judged on {number} images each: {titles}{negatives}. D: not of these, but an object of"
        " the embedded dataset drawn in the same ways."
    )


def _above(part: "pd.DataFrame", facts: Facts) -> str:
    tested = part[part["told_apart"].notna()]
    if tested.empty:
        return ""
    return (
        "Above bars, where there are any: training seeds in which McNemar's exact test on these images tells"
        f" the network from {facts.label(REFERENCE)} (p < 0.05{_raised(tested)})."
    )


def _raised(tested: "pd.DataFrame") -> str:
    """For how many sets the p of a network were raised together; nothing of one set, which raises none."""
    sets = tested.groupby("series").size()
    if sets.max() == 1:
        return ""
    number = spread(sets)
    return f", raised for the {NUMBERS.get(number, number)} sets by Holm's method"


def body(table: "pd.DataFrame", facts: Facts) -> str:
    """All numbers as a table in Markdown: accuracy, change, paired tests, what is kept of the accuracy."""
    part = one_protocol(table, facts)
    lines = [
        "| network | images | accuracy (%) | change | McNemar's p by seed | kept (%) |",
        "|" + " --- |" * 6,
    ]
    for _, row in part.iterrows():
        name = "own test images" if row["images"] == OWN else str(row["title"])
        tests = str(row["p_by_seed"]) if row["told_apart"] == row["told_apart"] else BLANK
        cells = [facts.label(row["series"]), name, estimate_text(row, facts), change_text(row, facts), tests]
        lines.append(f"| {' | '.join([*cells, _kept(part, row, facts)])} |")
    lines.append("")
    lines.append(
        "Kept: of what a network is above chance on the test images of its own dataset, the share that is"
        " left on the drawings: the less, the less it goes by shape. Blank where a seed is not above chance"
        " on its own."
    )
    return "\n".join(lines)


def _kept(part: "pd.DataFrame", row: "pd.Series", facts: Facts) -> str:
    """A share in per cent; blank where a seed is not above chance on its own dataset: nothing can be lost."""
    own = part[(part["images"] == OWN) & (part["series"] == row["series"])]
    run = facts.known.of(str(row["series"]))
    if row["images"] == OWN or own.empty or run is None:
        return BLANK
    chance, known = 1 / run.classes, own.iloc[0]
    seeds, n = np.array(str(known["by_seed"]).split(), dtype=float), float(known["n_images"])
    if not rises_above_chance(seeds * n, n, chance, looks=seeds.size).all():
        return BLANK
    share = PER_CENT * (float(row["mean"]) - chance) / (float(known["mean"]) - chance)
    return f"{share:.0f}".replace("-", "\N{MINUS SIGN}")
