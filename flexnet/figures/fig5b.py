"""Figure 5B of the Flexible Layer paper: does the gain of a network follow the bandwidth of images?"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flexnet.corruptions.names import GROUPINGS
from flexnet.errors import DataError
from flexnet.families.corruptions import AT_MOST, EDGE
from flexnet.figures.curves import FEW, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.frost import with_frost
from flexnet.figures.look import FAINT, INK, SMALL
from flexnet.figures.style import drawing
from flexnet.statistics.correlation import Correlation, correlation
from flexnet.statistics.folds import fold_rows, summarised

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig5b"
HEIGHT_MM, WIDTH_MM = 62.0, 140.0
REFERENCE, MAIN, SEVERITY = "baseline", "all", 5
# The paper's reading of bandwidth, which contrast moves too, and one that does not depend on contrast.
MEASURES: Final = {
    "fwhm_log_fold": "Bandwidth fold\n(half width of log spectrum)",
    "centroid_fold": "Bandwidth fold\n(centroid of spectrum)",
}
BOUNDS: Final = {"fwhm_log_fold": EDGE}  # of which share of the images a measure is a bound
PALE = 0.35
NOISES: Final = (*GROUPINGS["flexible-layer"]["noise"], "speckle_noise")
CATEGORY_OF: Final = {name: key for key, names in GROUPINGS["flexible-layer"].items() for name in names}
MARKERS: Final = {"noise": "o", "blur": "s", "weather": "^", "digital": "D", "other": "v"}


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Accuracy relative to the baseline at severity 5, and bandwidth relative to clean images, by corruption.

    Raises:
        DataError: if a column is missing, or the baseline.
    """
    table = summarised(fold_rows(rows, REFERENCE, SEVERITY))
    table.insert(4, "category", table["corruption"].map(CATEGORY_OF))
    return with_frost(table.assign(fold=table["mean"]), rows)


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw accuracy against bandwidth, a point for each corruption and network, one panel for each measure.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    facts = replace(facts, by_colour=True)
    sizes: dict[str, Any] = {"height_mm": HEIGHT_MM, "width_mm": WIDTH_MM, "columns": 4}
    with drawing(table, facts, panels=len(MEASURES), **sizes) as page:
        fill(page.panels, page.part, facts)
    return page.figure


def fill(panels: Sequence[Axes], part: "pd.DataFrame", facts: Facts, *, named: bool = True) -> None:
    """Draw the points of a protocol, one measure on each axes; where `named`, the legend has the networks."""
    for axes, (measure, words) in zip(panels, MEASURES.items(), strict=False):
        for series in dict.fromkeys(part["series"]):
            _points(axes, part[part["series"] == series], measure, facts, series)
            _spread(axes, part[part["series"] == series], measure, facts, series)
            if named:
                colour = facts.style(series).colour
                axes.plot([], [], marker="o", linestyle="none", color=colour, label=facts.label(series))
        _name_categories(axes)
        axes.axhline(1.0, color=FAINT, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1, gid="equal")
        axes.set_xlabel(words)
        _room(axes, part)
        _tell(axes, part, measure, facts)
    panels[0].set_ylabel("Accuracy relative to baseline")


def _points(axes: Axes, part: "pd.DataFrame", measure: str, facts: Facts, series: str) -> None:
    """One network: noise types are filled, bounds are pale, categories have markers of their own."""
    colour, bounds = facts.style(series).colour, bounded(part, measure)
    noise = part["corruption"].isin(NOISES)
    for category, marker in MARKERS.items():
        for filled, pale in product((True, False), repeat=2):
            chosen = part[(part["category"] == category) & (noise == filled) & (bounds == pale)]
            looks: dict[str, Any] = {"marker": marker, "linestyle": "none", "markeredgecolor": colour}
            looks |= {"markerfacecolor": colour if filled else "none", "markersize": 4.0}
            looks |= {"markeredgewidth": 0.7, "alpha": PALE if pale else None}
            if len(chosen):  # no points at all would have no place on the page
                axes.plot(chosen[measure], chosen["mean"], gid=series, clip_on=False, **looks)


def bounded(part: "pd.DataFrame", measure: str) -> "pd.Series[bool]":
    """Of which corruptions a measure is a bound for most images: a width that is the edge of the spectrum."""
    share = part[BOUNDS[measure]] if measure in BOUNDS else part["mean"] * 0
    return share > AT_MOST


def _name_categories(axes: Axes) -> None:
    for category, marker in MARKERS.items():
        looks: dict[str, Any] = {"marker": marker, "linestyle": "none", "markeredgewidth": 0.7}
        axes.plot([], [], color=INK, markerfacecolor="none", label=category.capitalize(), **looks)


def _spread(axes: Axes, part: "pd.DataFrame", measure: str, facts: Facts, series: str) -> None:
    """The bar of each point, or, of two training seeds, a small dot for each; nothing of a single seed."""
    colour = facts.style(series).colour
    for _, row in part.iterrows():
        values = [float(value) for value in str(row["by_seed"]).split()]
        low, high = (row["low"], row["high"]) if facts.band == "interval" else (
            row["mean"] - row["sem"], row["mean"] + row["sem"])  # fmt: skip
        if 1 < len(values) < FEW:
            looks: dict[str, Any] = {"marker": "o", "markersize": 1.8, "linestyle": "none"}
            axes.plot(
                [row[measure]] * len(values), values, color=colour, alpha=0.75, gid=f"{series} seed", **looks
            )
        elif np.isfinite(low):
            axes.vlines(row[measure], max(low, 0.0), high, color=colour, linewidth=0.6, gid=f"{series} band")


def _room(axes: Axes, part: "pd.DataFrame") -> None:
    """Axes from 0, with room for the words at the top."""
    highest = max(float(part["mean"].max()), 1.0)
    widest = max(float(np.nanmax(part[list(MEASURES)].to_numpy())), 1.0)
    axes.set_xlim(0.0, widest * 1.06)
    axes.xaxis.set_major_locator(MaxNLocator(5, prune="upper"))
    axes.set_ylim(0.0, highest * 1.6)


def _tell(axes: Axes, part: "pd.DataFrame", measure: str, facts: Facts) -> None:
    """The correlations of the main series, in small print at the top."""
    found = correlations(part, measure).get(MAIN, {})
    lines = [
        f"r = {_r(each.pearson)} [{_r(each.low)}, {_r(each.high)}], p = {each.p:.2g}{words}"
        for words, each in (("", found.get("all")), ("\n   without noise types", found.get("rest")))
        if each is not None
    ]
    bounds = int(bounded(part[part["series"] == MAIN], measure).sum())
    if bounds:
        lines.append(f"pale: {bounds} at the edge of the spectrum")
    text = "\n".join(lines) or "too few corruptions to correlate"
    looks: dict[str, Any] = {"va": "top", "fontsize": SMALL, "color": facts.style(MAIN).colour}
    axes.text(0.03, 0.99, text, transform=axes.transAxes, **looks).set_in_layout(False)


def _r(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def correlations(part: "pd.DataFrame", measure: str) -> dict[str, dict[str, Correlation]]:
    """Correlation of accuracy with a measure by series: over all corruptions, and without the noise types."""
    found: dict[str, dict[str, Correlation]] = {}
    for series in dict.fromkeys(part["series"]):
        own = part[(part["series"] == series) & part[measure].notna()]
        rest = own[~own["corruption"].isin(NOISES)]
        for name, chosen in (("all", own), ("rest", rest)):
            try:
                each = correlation(chosen[measure].tolist(), chosen["mean"].tolist())
            except DataError:  # too few, or all the same
                continue
            found.setdefault(series, {})[name] = each
    return found


def body(table: "pd.DataFrame", facts: Facts) -> str:
    """The correlations as a table in Markdown."""
    part = one_protocol(table, facts)
    titles = (
        "network | bandwidth | corruptions | n | of them bounds | Pearson r | 95 % interval | p | Spearman r"
    )
    lines = [f"| {titles} |", "|" + " --- |" * 9]
    for measure in MEASURES:
        for series, found in correlations(part, measure).items():
            for name, words in (("all", "all"), ("rest", "without noise types")):
                if name in found:
                    each = found[name]
                    cells = [facts.label(series), measure.removesuffix("_fold"), words, str(each.n)]
                    cells.append(str(_bounds(part, measure, series, quiet=name == "rest")))
                    cells += [_r(each.pearson), f"{_r(each.low)} to {_r(each.high)}", f"{each.p:.2g}"]
                    lines.append("| " + " | ".join([*cells, _r(each.spearman)]) + " |")
    return "\n".join(lines)


def _bounds(part: "pd.DataFrame", measure: str, series: str, *, quiet: bool) -> int:
    """How many of the corruptions that are correlated have a bound for their bandwidth."""
    own = part[(part["series"] == series) & part[measure].notna()]
    return int(bounded(own[~own["corruption"].isin(NOISES)] if quiet else own, measure).sum())
