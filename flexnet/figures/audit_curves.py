"""What an audit's sweeps leave, as small curves below its table: over steps, restarts, sizes of the ball."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.figure import Figure

from flexnet.errors import DataError
from flexnet.figures.cells import BLANK
from flexnet.figures.chance import mark_chance
from flexnet.figures.curves import PER_CENT
from flexnet.figures.facts import Facts
from flexnet.figures.typeset import Block, Box, Line
from flexnet.files import ordered_json

if TYPE_CHECKING:
    import pandas as pd

CURVE: Final = "curve"  # the column of the table
SWEEPS: Final = ("steps", "restarts", "epsilon")  # checks whose evidence is a sweep, by what was swept
DRAWN, NUMBERS = "Right, from 0 to 100 %; dashed: chance", "Right in %, mean over training seeds"
NOTE: Final = "Curves: means over training seeds; thin: each seed."
TALL: Final = 3  # lines of the table that a curve has
EDGE: Final = 0.3  # room beside the first and the last point, in distances of points


def curve_of(check: str, evidence: Iterable[str]) -> str:
    """What was swept, and the accuracies of each seed there, as JSON; empty for a check that sweeps nothing.

    Args:
        check: its name.
        evidence: of each seed, as rows tell it.

    Raises:
        DataError: if seeds were swept at different places, of which there is no mean.
    """
    told = [json.loads(each) for each in evidence] if check in SWEEPS else []
    found = [each for each in told if check in each and "accuracy" in each]
    if not found:
        return ""
    _require_one(
        [each[check] for each in found], f"{check}: expected all training seeds swept at the same places"
    )
    return ordered_json({"at": found[0][check], "right": [each["accuracy"] for each in found]})


def _require_one(swept: Sequence[Any], expected: str) -> None:
    for other in swept[1:]:
        if other != swept[0]:
            raise DataError(f"{expected}; got {swept[0]} and {other}; run the audits again with one setting")


def curve_block(part: "pd.DataFrame", series: Sequence[str], *, drawn: bool) -> Block:
    """A line for each sweep that was asked: means over training seeds, or, where curves are `drawn`, room.

    Raises:
        DataError: if networks were swept at different places, which one line cannot name.
    """
    lines = []
    for check in SWEEPS:
        curves = [_curve(part, name, check) for name in series]
        swept = [curve["at"] for curve in curves if curve]
        _require_one(swept, f"{check}: expected all networks swept at the same places")
        if swept:
            cells = ["" if drawn and curve else _numbers(curve) for curve in curves]
            lines.append(Line(check_key(check), (_words(check, swept[0]), *cells), TALL if drawn else 1))
    return Block(DRAWN if drawn else NUMBERS, tuple(lines))


def check_key(check: str) -> str:
    """The key of the line of a sweep."""
    return f"curve {check}"


def draw_curves(
    figure: Figure,
    cells: dict[tuple[str, str], Box],
    part: "pd.DataFrame",
    series: Sequence[str],
    facts: Facts,
) -> None:
    """Draw the curves of all networks in the cells of their lines and columns; points are evenly spaced."""
    figure.set_layout_engine("none")  # places are those of the table
    for check in SWEEPS:
        for name in series:
            curve = _curve(part, name, check)
            if curve:
                axes = figure.add_axes(cells[check_key(check), name])
                _draw(axes, curve, name, facts)


def _draw(axes: Any, curve: dict[str, Any], series: str, facts: Facts) -> None:
    right = np.asarray(curve["right"]) * PER_CENT
    places, style = np.arange(right.shape[1]), facts.style(series)
    looks: dict[str, Any] = {"color": style.colour, "clip_on": False}
    for each in right if len(right) > 1 else ():
        axes.plot(places, each, linewidth=0.4, alpha=0.6, gid=f"{series} seed", **looks)
    axes.plot(places, right.mean(0), marker="o", markersize=2.0, linewidth=0.9, gid=series, **looks)
    mark_chance(axes, facts, named=False)
    axes.set_xlim(-EDGE, len(places) - 1 + EDGE)
    axes.set_ylim(0.0, PER_CENT)
    axes.set_xticks(places, [])
    axes.set_yticks([0, 50, 100], [])
    axes.tick_params(length=1.5)


def _curve(part: "pd.DataFrame", series: str, check: str) -> dict[str, Any] | None:
    own = part[(part["series"] == series) & (part["check"] == check)]
    told = own[CURVE].iloc[0] if len(own) else ""
    found: dict[str, Any] | None = json.loads(told) if isinstance(told, str) and told else None
    return found


def _numbers(curve: dict[str, Any] | None) -> str:
    if curve is None:
        return BLANK
    return ", ".join(f"{value * PER_CENT:.0f}" for value in np.mean(curve["right"], axis=0))


def _words(check: str, swept: Sequence[float]) -> str:
    """What was swept: the last ball is as wide as the whole range of images."""
    if check == "epsilon":
        sizes = [f"{size / swept[0]:.3g} ε".removeprefix("1 ") for size in swept[:-1]]
        return f"{', '.join(sizes)}, whole range"
    unit = "restart" if check == "restarts" else "step"
    return f"{', '.join(f'{number:g}' for number in swept)} {unit}s"
