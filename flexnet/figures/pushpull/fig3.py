"""Figure 3 of the push-pull paper: where the layer sits in its networks, block by block."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures.canvas import arrow, box, page, sign, tint, write
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.fig2 import ATTACHED, WORDS, read, summarise_rows, times
from flexnet.figures.look import FAINT, INK, TEXT, journal
from flexnet.figures.palette import BLUE, GREEN, VERMILLION
from flexnet.figures.words import width_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAME", "draw", "read", "summarise_rows"]

NAME = "pushpull/fig3"
TOP_MM, ROW_MM, BOX_MM, MARGIN_MM, SPACE_MM, BETWEEN_MM = 11.0, 6.2, 4.4, 1.5, 2.0, 6.0
LAYER = "push-pull"  # as the modules call it
FACES: Final = {LAYER: tint(VERMILLION, 0.35), "conv": tint(BLUE, 0.28), "linear": tint(GREEN, 0.25)}
EDGES: Final = {LAYER: VERMILLION, "conv": BLUE, "linear": GREEN}


@dataclass
class Part:
    """One box: what it holds, what its box says, and the shape and weights of what comes out."""

    kind: str
    text: str
    shape: str
    weights: int


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw the parts of each network from image to logits, with shapes and weights.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    networks = {str(name): parts_of(rows) for name, rows in part.groupby("series", sort=False)}
    with journal():
        places, left = {}, MARGIN_MM
        for name, parts in networks.items():
            boxes = max(width_of(each.text) for each in parts) + 3.0
            shapes = boxes + SPACE_MM + max(width_of(each.shape) for each in parts)
            weights = (
                shapes + SPACE_MM + max(width_of(f"{sum(p.weights for p in parts):,}"), width_of("weights"))
            )
            weights = max(weights, width_of(facts.label(name), TEXT))
            places[name] = (left, boxes, left + shapes, left + weights)
            left += weights + BETWEEN_MM
        height = TOP_MM + ROW_MM * (max(map(len, networks.values())) + 1)
        figure, axes = page(left - BETWEEN_MM + MARGIN_MM, height)
        for name, parts in networks.items():
            write(axes, (places[name][0], 3.0), facts.label(name), fontsize=TEXT)
            _draw_parts(axes, parts, *places[name])
        sign(axes, facts)
    return figure


def parts_of(rows: "pd.DataFrame") -> list[Part]:
    """The parts of a network in order: single layers, and blocks of several as one."""
    rows = rows.sort_values("step")
    names = rows["module"].map(lambda name: ".".join(str(name).split(".")[:2]))
    found: list[Part] = []
    for _, own in rows.groupby(names, sort=False):
        layers = own.to_dict("records")
        if found:  # what a block gives is what the next layer gets
            found[-1].shape = times(layers[0]["in_shape"])
        weights = sum(layer["weights"] for layer in layers)
        if layers[0]["kind"] in ATTACHED and len(layers) == 1:
            found[-1].text += f", {ATTACHED[layers[0]['kind']]}"
            found[-1].weights += weights
            continue
        kind = layers[0]["kind"] if len(layers) == 1 else "conv"
        text = _words(layers[0]) if len(layers) == 1 else _block_words(layers)
        found.append(Part(kind, text, times(layers[-1]["out_shape"]), weights))
    return found


def _words(layer: Mapping[Any, Any]) -> str:
    word, kernel = WORDS.get(str(layer["kind"]), str(layer["kind"])), layer["kernel"]
    return word if isnan(kernel) else f"{word} {kernel:g}\u00d7{kernel:g}"


def _block_words(layers: Sequence[Mapping[Any, Any]]) -> str:
    """How many layers of which kind a block has."""
    counts = Counter(_words(layer) for layer in layers if layer["kind"] not in ATTACHED)
    return ", ".join(word if count == 1 else f"{count} {word}" for word, count in counts.items())


def _draw_parts(
    axes: Axes, parts: list[Part], left: float, width: float, shapes: float, weights: float
) -> None:
    """Boxes from top to bottom with arrows between, and beside each the shape and the weights."""
    write(axes, (shapes, TOP_MM - 3.4), "output", ha="right", color=FAINT)
    write(axes, (weights, TOP_MM - 3.4), "weights", ha="right", color=FAINT)
    for place, part in enumerate(parts):
        y, middle = TOP_MM + place * ROW_MM, TOP_MM + place * ROW_MM + BOX_MM / 2
        if place:
            arrow(axes, [(left + width / 2, y - ROW_MM + BOX_MM), (left + width / 2, y)])
        edge = EDGES.get(part.kind, FAINT)
        face = FACES.get(part.kind, "white")
        line = 1.1 if part.kind == LAYER else 0.6
        box(axes, (left, y), (width, BOX_MM), facecolor=face, edgecolor=edge, linewidth=line)
        write(axes, (left + width / 2, middle), part.text, ha="center")
        write(axes, (shapes, middle), part.shape, ha="right", color=INK)
        if part.weights:
            write(axes, (weights, middle), f"{part.weights:,}", ha="right")
    y = TOP_MM + len(parts) * ROW_MM + BOX_MM / 2
    write(axes, (left, y), "total", color=FAINT)
    write(axes, (weights, y), f"{sum(part.weights for part in parts):,}", ha="right")
