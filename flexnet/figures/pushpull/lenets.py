"""Accuracy of the LeNets under noise: each beside its push-pull twin, one panel per pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.claims.catalogue import published
from flexnet.errors import ConfigError
from flexnet.figures.curves import draw_bars, one_protocol
from flexnet.figures.facts import Facts, number_words
from flexnet.figures.look import TEXT
from flexnet.figures.order import shown_series
from flexnet.figures.palette import style_of
from flexnet.figures.pushpull.roles import ROLES, in_roles, pairs_of
from flexnet.figures.style import accuracies
from flexnet.figures.words import wrapped
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

HEIGHT_MM, TITLE_MM, TITLE_LINE_MM = 50.0, 30.0, 3.0
ROOM: Final = 4  # so many panels have room for titles as wide, and for their numbers side by side


@dataclass(frozen=True)
class Noise:
    """One of the experiments.

    Attributes:
        name: of the noise in the rows.
        condition: the column of its size.
        levels: sizes from that of images as they are.
        axis: what stands below the panels.
        numbers: of the paper: what its entries begin with.
    """

    name: str
    condition: str
    levels: Sequence[float]
    axis: str
    numbers: str

    def summarise_rows(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Summarise accuracy per figure, protocol, series and size: repeats first, then training seeds.

        Raises:
            DataError: if a column is missing or a series mixes several models.
        """
        wanted = rows[rows["noise"].eq(self.name) & rows[self.condition].isin(self.levels)]
        return summarise(wanted, ["figure", "protocol", "series", self.condition], {"noise": self.name})

    def draw(self, table: "pd.DataFrame", facts: Facts) -> Figure:
        """Draw test accuracy (%) at each size, a panel for each network, with its push-pull twin.

        Open markers are the paper's, unless the scale is no evidence.

        Raises:
            DataError: if the table has no row of the facts' protocol.
        """
        part = one_protocol(table, facts)
        pairs = pairs_of(shown_series(part, facts.series), facts, lambda name: name.removeprefix("p"))
        roles = in_roles(facts, pairs)
        levels = [level for level in self.levels if level in set(part[self.condition])]
        names = [" and ".join(facts.label(name) for name in pair.values()) for pair in pairs]
        width = TITLE_MM * min(1.0, ROOM / len(pairs))
        titles = [wrapped(words, width, 7.0) for words in names]
        height = HEIGHT_MM + TITLE_LINE_MM * (max(map(len, titles)) - 1)
        with accuracies(part, facts, height_mm=height, panels=len(pairs)) as page:
            for axes, pair, title in zip(page.panels, pairs, titles, strict=True):
                self._draw_pair(axes, part, levels, pair, roles)
                axes.set_title("\n".join(title), fontsize=7)
            first = page.panels[0]
            first.set_xticks(
                range(len(levels)), [number_words(level) if level else "none" for level in levels]
            )
            first.set_xlim(-0.4, len(levels) - 0.6)
            for axes in page.panels:
                axes.set_xlabel("\n".join(wrapped(self.axis, width, TEXT)))
                axes.tick_params(axis="x", labelrotation=90 if len(pairs) > ROOM else 0)
        return page.figure

    def _draw_pair(
        self, axes: Axes, part: "pd.DataFrame", levels: Sequence[float], pair: Mapping[str, str], facts: Facts
    ) -> None:
        places = {level: place for place, level in enumerate(levels)}
        roles = {name: role for role, name in pair.items()}
        own = part[part["series"].isin(roles)]
        own = own.assign(series=own["series"].map(roles), place=own[self.condition].map(places))
        draw_bars(axes, own, "place", facts)
        for role, name in pair.items():
            found = paper_numbers(f"{self.numbers}_{name}") if facts.evidence and role in ROLES else {}
            marks = [(places[level], value) for level, value in found.items() if level in places]
            if marks:
                axes.plot(*zip(*marks, strict=True), **look_of_paper(role), label=f"paper, {ROLES[role]}")


def look_of_paper(role: str) -> dict[str, Any]:
    """How numbers of the paper are marked: open, in the colour of what they are of."""
    return {
        "color": style_of(role).colour,
        "marker": "d",
        "markersize": 4.5,
        "fillstyle": "none",
        "markeredgewidth": 0.6,
        "linestyle": "none",
        "gid": f"paper {role}",
        "zorder": 1.8,
        "clip_on": False,
    }


def paper_numbers(name: str) -> Mapping[Any, float]:
    """Numbers of the paper of one name; none where it has no such."""
    try:
        found = published("push-pull", name).value
    except ConfigError:
        return {}
    assert isinstance(found, dict)
    return found
