"""Figure 2: where the Flexible Layer sits in a network, layer by layer, as the modules count them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.families.registry import family_of
from flexnet.figures.canvas import Point, arrow, box, page, sign, tint, write
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, INK, LETTER, TEXT, journal
from flexnet.figures.palette import BLUE, GREEN, ORANGE
from flexnet.figures.words import width_of
from flexnet.tables.columns import described_by
from flexnet.tables.frames import read_checked

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig2"
MARGIN_MM, BETWEEN_MM, TOP_MM, FOOT_MM = 1.5, 3.5, 15.0, 8.5
ROW_MM, LINE_MM, GAP_MM, SPACE_MM = 4.3, 2.7, 1.6, 2.2
MAP_MM, BOX_MM, BOX_HEIGHT_MM = 8.0, 17.0, 3.6
SAMPLE_MM, ENTRY_MM = 6.0, 4.6  # of the legend: the width of a sample and the height of a line
TITLES: Final = {"vgg16": "VGG16", "small": "Small network"}
# Layers that do not change the shape are written beside the one they follow.
ATTACHED: Final = {"batchnorm": "BN", "relu": "ReLU", "dropout": "drop"}
WORDS: Final = {
    "normalise": "image",
    "conv": "conv",
    "flexible": "flexible",
    "maxpool": "max-pool",
    "avgpool": "mean-pool",
    "globalpool": "global mean",
    "flatten": "flatten",
    "linear": "linear",
}
FACES: Final = {
    "conv": tint(BLUE, 0.28),
    "flexible": tint(ORANGE, 0.55),
    "maxpool": tint(INK, 0.16),
    "avgpool": tint(INK, 0.16),
    "globalpool": tint(INK, 0.16),
    "linear": tint(GREEN, 0.25),
}
EDGES: Final = {"conv": BLUE, "flexible": ORANGE, "linear": GREEN}
MAP: Final = tint(INK, 0.2)
# What a box of each look means, by a kind that has it; looks without a name of their own are the last.
LEGEND: Final = {
    "flexible": "Flexible Layer",
    "conv": "convolution",
    "maxpool": "pooling",
    "linear": "fully connected",
    "flatten": "image, flattening",
}
ABBREVIATIONS: Final = {"BN": "batch normalisation", "drop": "dropout and its rate"}


@dataclass
class Entry:
    """One line of a panel: a layer, what is attached to it, and its thresholds in each series."""

    kind: str
    text: str
    shape: str
    weights: int
    thresholds: list[int]
    notes: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The attached layers in lines of at most three."""
        pieces = [self.notes[start : start + 3] for start in range(0, len(self.notes), 3)]
        return [", ".join(piece) for piece in pieces]

    @property
    def height(self) -> float:
        """Height in millimetres."""
        return ROW_MM + LINE_MM * max(0, len(self.lines) - 1)

    @property
    def outlined(self) -> bool:
        """Whether it is a flexible layer in any series."""
        return self.kind == "flexible" or any(self.thresholds)

    @property
    def gap(self) -> float:
        """Room below: dropout ends a block."""
        return GAP_MM if any(note.startswith("drop") for note in self.notes) else 0.0


@dataclass(frozen=True)
class Columns:
    """Where a panel's columns are: left edges of map, boxes and notes, right edges of the numbers."""

    left: float
    box: float
    notes: float
    shape: float
    weights: float
    thresholds: tuple[float, ...]

    @property
    def right(self) -> float:
        """Right edge of the panel."""
        return self.thresholds[-1]


@dataclass(frozen=True)
class Panel:
    """A network's lines, and the labels of the series whose thresholds are counted."""

    title: str
    labels: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def height(self) -> float:
        """Height of all lines in millimetres."""
        return sum(entry.height + entry.gap for entry in self.entries)

    @property
    def heads(self) -> tuple[str, ...]:
        """What stands above each column of thresholds."""
        return self.labels if len(self.labels) > 1 else ("thresholds",)

    @property
    def totals(self) -> list[int]:
        """Sums over the layers: weights, then the thresholds of each series."""
        counts = zip(*((entry.weights, *entry.thresholds) for entry in self.entries), strict=True)
        return [sum(numbers) for numbers in counts]

    def columns(self, left: float) -> Columns:
        """Place the columns by the widest text of each."""
        notes = left + MAP_MM + BOX_MM + 3.5
        texts = [line for entry in self.entries for line in entry.lines]
        shape = notes + _widest(texts) + SPACE_MM + _widest([entry.shape for entry in self.entries])
        weights, *thresholds = (f"{total:,}" for total in self.totals)
        edges = [shape + SPACE_MM + _widest(["weights", weights])]
        for head, text in zip(self.heads, thresholds, strict=True):
            edges.append(edges[-1] + SPACE_MM + _widest([head, text]))
        return Columns(left, left + MAP_MM + 2.0, notes, shape, edges[0], tuple(edges[1:]))


def _widest(texts: Iterable[str]) -> float:
    return max((width_of(text) for text in texts), default=0.0)


def read(path: str | Path) -> "pd.DataFrame":
    """Read the layers of the networks.

    Raises:
        DataError: if the file is missing or is no such table.
    """
    return read_checked(path, described_by(family_of("description")))


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Keep the layers as they are: they are the figure's table."""
    return rows


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw one panel per network: its layers from image to logits with shapes, weights and thresholds.

    The first series of a network is drawn; its further series add a column of their thresholds, and the
    layers that are flexible in those alone get the outline of a flexible layer.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    groups = list(part.groupby("network", sort=False))
    alone = facts.described_network if len(groups) == 1 else ""
    panels = [_panel(alone or TITLES.get(str(name), str(name)), rows, facts) for name, rows in groups]
    places: list[Columns] = []
    for panel in panels:
        places.append(panel.columns(places[-1].right + BETWEEN_MM if places else MARGIN_MM))
    lowest, width = TOP_MM + max(panel.height for panel in panels) + FOOT_MM, places[-1].right
    with journal():
        samples = _samples(panels, width - MARGIN_MM)
        figure, axes = page(width + MARGIN_MM, lowest + ENTRY_MM * (samples[-1].line + 1.6))
        for letter, columns, panel in zip(ascii_uppercase, places, panels, strict=False):
            _draw_head(axes, columns, letter if len(panels) > 1 else "", panel)
            _draw_layers(axes, columns, panel.entries)
            _draw_totals(axes, columns, panel)
        _draw_legend(axes, samples, lowest)
        sign(axes, facts)
    return figure


def _panel(title: str, rows: "pd.DataFrame", facts: Facts) -> Panel:
    labels = tuple(facts.label(name) for name in dict.fromkeys(rows["series"]))
    return Panel(title, labels, tuple(_entries(rows)))


def _entries(rows: "pd.DataFrame") -> list[Entry]:
    """The lines of a panel from the layers of all series of its network."""
    series = [part.set_index("module")["thresholds"] for _, part in rows.groupby("series", sort=False)]
    first = rows[rows["series"] == rows["series"].iloc[0]].sort_values("step")
    entries: list[Entry] = []
    for row in first.to_dict("records"):
        if row["kind"] in ATTACHED and entries:
            rate = f" {row['rate']:g}" if row["kind"] == "dropout" else ""
            entries[-1].notes.append(ATTACHED[row["kind"]] + rate)
            entries[-1].weights += row["weights"]
        else:
            counts = [int(counts.get(row["module"], 0)) for counts in series]
            entries.append(Entry(row["kind"], _words(row), times(row["out_shape"]), row["weights"], counts))
    return entries


def _words(row: Mapping[str, Any]) -> str:
    """What the box of a layer says."""
    word = WORDS.get(str(row["kind"]), str(row["kind"]))
    kernel = row["kernel"]
    return word if isnan(kernel) else f"{word} {kernel:g}\u00d7{kernel:g}"


def times(shape: str) -> str:
    """A shape with multiplication signs; a vector's length with commas."""
    return shape.replace("x", "\u00d7") if "x" in shape else f"{int(shape):,}"


def _side(shape: str) -> float:
    """Width in pixels of a map, 0 of a vector."""
    return float(shape.split("\u00d7")[-1]) if "\u00d7" in shape else 0.0


def _draw_head(axes: Axes, columns: Columns, letter: str, panel: Panel) -> None:
    """The panel's letter and title, and what its columns hold."""
    write(axes, (columns.left, 4.0), letter, fontsize=LETTER, fontweight="bold")
    write(axes, (columns.left + (4.5 if letter else 0.0), 4.0), panel.title, fontsize=TEXT)
    y = TOP_MM - 3.5
    write(axes, (columns.left + MAP_MM / 2, y), "map", ha="center", color=FAINT)
    write(axes, (columns.box, y), "layer", color=FAINT)
    write(axes, (columns.shape, y), "output", ha="right", color=FAINT)
    write(axes, (columns.weights, y), "weights", ha="right", color=FAINT)
    for x, head in zip(columns.thresholds, panel.heads, strict=True):
        write(axes, (x, y), head, ha="right", color=FAINT)
    if len(panel.heads) > 1:
        write(axes, (columns.right, y - 3.0), "thresholds", ha="right", color=FAINT)
    _draw_rule(axes, columns, TOP_MM - 1.4)


def _draw_rule(axes: Axes, columns: Columns, y: float) -> None:
    axes.plot([columns.left, columns.right], [y, y], color=FAINT, linewidth=0.5)


def _draw_layers(axes: Axes, columns: Columns, entries: Sequence[Entry]) -> None:
    """Draw the lines from top to bottom, with the width of the map at the left."""
    scale = MAP_MM / max(_side(entry.shape) for entry in entries)
    x, y, above = columns.box + BOX_MM / 2, TOP_MM, 0.0
    for entry in entries:
        middle, width = y + entry.height / 2, _side(entry.shape) * scale
        if above:
            arrow(axes, [(x, above), (x, middle - BOX_HEIGHT_MM / 2)], head=False)
        if width:
            corner = columns.left + (MAP_MM - width) / 2, y
            box(axes, corner, (width, entry.height), rounding=0.0, facecolor=MAP, linewidth=0)
        _draw_entry(axes, columns, entry, middle)
        above = middle + BOX_HEIGHT_MM / 2
        y += entry.height + entry.gap


def _draw_entry(axes: Axes, columns: Columns, entry: Entry, middle: float) -> None:
    """The box of a layer, what is attached to it, and its numbers."""
    _draw_box(axes, (columns.box, middle - BOX_HEIGHT_MM / 2), BOX_MM, entry.kind, entry.outlined)
    write(axes, (columns.box + BOX_MM / 2, middle), entry.text, ha="center")
    for line, text in enumerate(entry.lines):
        place = middle + LINE_MM * (line - (len(entry.lines) - 1) / 2)
        write(axes, (columns.notes, place), text, color=FAINT)
    write(axes, (columns.shape, middle), entry.shape, ha="right")
    edges = (columns.weights, *columns.thresholds)
    for x, number in zip(edges, (entry.weights, *entry.thresholds), strict=True):
        if number:
            write(axes, (x, middle), f"{number:,}", ha="right")


def _draw_box(axes: Axes, corner: Point, width: float, kind: str, outlined: bool) -> None:
    box(
        axes,
        corner,
        (width, BOX_HEIGHT_MM),
        facecolor=FACES.get(kind, "white"),
        edgecolor=ORANGE if outlined else EDGES.get(kind, FAINT),
        linewidth=1.1 if outlined else 0.6,
    )


def _draw_totals(axes: Axes, columns: Columns, panel: Panel) -> None:
    """The sums of weights and thresholds, below a rule."""
    y = TOP_MM + panel.height
    _draw_rule(axes, columns, y + 1.4)
    write(axes, (columns.box, y + 4.2), "total", color=FAINT)
    for x, total in zip((columns.weights, *columns.thresholds), panel.totals, strict=True):
        write(axes, (x, y + 4.2), f"{total:,}", ha="right")


@dataclass(frozen=True)
class Sample:
    """One entry of the legend: what it explains, its place in a line and the line's."""

    kind: str
    outlined: bool
    text: str
    left: float
    line: int


def _samples(panels: Sequence[Panel], width: float) -> list[Sample]:
    """Everything that is drawn, each look once, set in lines of a width."""
    texts = list(_legend_texts(panels))
    samples: list[Sample] = []
    left, line = MARGIN_MM, 0
    for kind, outlined, text in texts:
        room = (SAMPLE_MM + 1.5 if kind else 0.0) + width_of(text) + 4.0
        if samples and left + room - 4.0 > width:
            left, line = MARGIN_MM, line + 1
        samples.append(Sample(kind, outlined, text, left, line))
        left += room
    return samples


def _legend_texts(panels: Sequence[Panel]) -> Iterator[tuple[str, bool, str]]:
    """Kind, outline and meaning of each look that is drawn; of a text alone the kind is empty."""
    entries = [entry for panel in panels for entry in panel.entries]
    looks = {(_look(entry.kind), entry.outlined) for entry in entries}
    others = [label for panel in panels for label in panel.labels[1:]]
    for kind, text in LEGEND.items():
        for outlined in (True, False):
            if (kind, outlined) in looks:
                flexible = f", flexible in {' and '.join(others)}" if outlined and kind != "flexible" else ""
                yield kind, outlined, text + flexible
    yield "map", False, "width of the map"
    notes = " ".join(note for entry in entries for note in entry.notes)
    short = [f"{word}: {meaning}" for word, meaning in ABBREVIATIONS.items() if word in notes]
    if short:
        yield "", False, "; ".join(short)


def _look(kind: str) -> str:
    """The kind that stands in the legend for all that look alike."""
    return next((name for name in LEGEND if FACES.get(name) == FACES.get(kind)), kind)


def _draw_legend(axes: Axes, samples: Sequence[Sample], top: float) -> None:
    """What the boxes and bars mean, below all panels."""
    for sample in samples:
        corner = sample.left, top + sample.line * ENTRY_MM
        middle = corner[1] + BOX_HEIGHT_MM / 2
        if sample.kind == "map":
            box(axes, corner, (SAMPLE_MM, BOX_HEIGHT_MM), rounding=0.0, facecolor=MAP, linewidth=0)
        elif sample.kind:
            _draw_box(axes, corner, SAMPLE_MM, sample.kind, sample.outlined)
        shift = SAMPLE_MM + 1.5 if sample.kind else 0.0
        write(axes, (sample.left + shift, middle), sample.text, color=INK if sample.kind else FAINT)
