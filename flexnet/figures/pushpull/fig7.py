"""Figure 7 of the push-pull paper: mean error under corruptions, each network beside its push-pull twin."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures.curves import FEW, PER_CENT, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.order import shown_series
from flexnet.figures.pushpull.errors import MEAN, Record, summarise_errors
from flexnet.figures.pushpull.lenets import look_of_paper, paper_numbers
from flexnet.figures.pushpull.roles import PLAIN, PULLED, ROLES, in_roles, pairs_of
from flexnet.figures.style import drawing
from flexnet.figures.words import wrapped

if TYPE_CHECKING:
    import pandas as pd

NAME = "pushpull/fig7"
LINE_MM, NAME_MM, FOOT_MM, LABEL_MM, WIDTH_MM = 6.5, 3.0, 12.0, 26.0, 100.0
SUFFIX: Final = "-pushpull"
APART: Final = {PLAIN: -0.14, PULLED: 0.14}  # of the marks of twins from the middle of their line


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise the mean error under corruptions per figure, protocol and series over training seeds.

    Raises:
        DataError: as `summarise_errors`.
    """
    table = summarise_errors(rows)
    return table[table["measure"] == MEAN].rename(columns={"measure": "question"}).reset_index(drop=True)


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw mean errors (%) as marks, a line for a network with its twin; open markers are the paper's.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    series = shown_series(part, facts.series)
    pairs = pairs_of(series, facts, lambda name: name.removesuffix(SUFFIX))
    roles = in_roles(facts, pairs)
    theirs = paper_numbers("table3_mean") if facts.evidence else {}
    names = ["\n".join(wrapped(facts.label(next(iter(pair.values()))), LABEL_MM, 7.0)) for pair in pairs]
    height = FOOT_MM + len(names) * max(LINE_MM, *(NAME_MM * (name.count("\n") + 1.5) for name in names))
    with drawing(part, facts, height_mm=height, width_mm=WIDTH_MM, columns=2) as page:
        axes = page.panels[0]
        for place, role, name in _marks(pairs):
            y = place + APART.get(role, 0.0)
            _mark(axes, _of(part, name), y, role, roles)
            if name in theirs and role in ROLES:
                axes.plot([theirs[name]], [y], **look_of_paper(role), label=f"paper, {ROLES[role]}")
        axes.set_yticks(range(len(pairs)), names)
        axes.set_ylim(len(pairs) - 0.5, -0.5)
        axes.set_xlabel("Mean error under corruptions (%)")
    return page.figure


def _marks(pairs: Sequence[Mapping[str, str]]) -> list[tuple[int, str, str]]:
    """Line, role and series of each network."""
    return [(place, role, name) for place, pair in enumerate(pairs) for role, name in pair.items()]


def _of(part: "pd.DataFrame", series: str) -> "Record | None":
    found = part[part["series"] == series]
    return None if found.empty else found.iloc[0]


def _mark(axes: Axes, record: "Record | None", y: float, role: str, facts: Facts) -> None:
    """The mean of one network with its uncertainty, or its seeds where there are few."""
    if record is None:
        return
    style, mean = facts.style(role), record["mean"] * PER_CENT
    low, high = _edges(record, facts)
    options: dict[str, Any] = {"color": style.colour, "linestyle": "none"}
    axes.plot([mean], [y], marker=style.marker, label=facts.label(role), gid=role, **options)
    if np.isfinite(low):
        axes.plot([low, high], [y, y], color=style.colour, linewidth=0.8, gid=f"{role} band")
    if 1 < record["n"] < FEW:
        values = [float(value) * PER_CENT for value in str(record["by_seed"]).split()]
        axes.plot(values, [y] * len(values), marker="o", markersize=1.8, gid=f"{role} seed", **options)


def _edges(record: "Record", facts: Facts) -> tuple[float, float]:
    """Ends of the bar in per cent; none of fewer than three seeds."""
    if record["n"] < FEW:
        return float("nan"), float("nan")
    if facts.band == "sem":
        ends = record["mean"] - record["sem"], record["mean"] + record["sem"]
    else:
        ends = record["low"], record["high"]
    return max(0.0, ends[0]) * PER_CENT, min(1.0, ends[1]) * PER_CENT
