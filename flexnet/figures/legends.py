"""One legend above all panels of a figure, where it can never cover a curve."""

from collections.abc import Sequence
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures.look import MM_PER_INCH, TEXT
from flexnet.figures.words import wrapped

# What stands beside the words of an entry: its line and the blanks around it.
_BESIDE_MM: Final = 12.0


def legend_above(figure: Figure, panels: Sequence[Axes], columns: int = 3) -> None:
    """Put the entries of all panels above them, in at most so many columns; long ones go on in a new line.

    The page grows by the legend, so that the axes of figures with long and short ones are alike. What only
    one panel shows comes first, panel by panel; then what several share.
    """
    entries = _entries(panels)
    if not entries:
        return
    width = figure.get_figwidth() * MM_PER_INCH - _BESIDE_MM
    labels = ["\n".join(wrapped(label, width, TEXT)) for label in entries]
    for count in range(min(columns, len(labels)), 0, -1):
        legend = figure.legend(list(entries.values()), labels, loc="outside upper center", ncols=count)
        box = legend.get_window_extent()
        if count == 1 or box.width <= figure.bbox.width:
            figure.set_figheight(figure.get_figheight() + box.height / figure.dpi)
            return
        legend.remove()


def _entries(panels: Sequence[Axes]) -> dict[str, Artist]:
    found = [dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True)) for axes in panels]
    known = {label: handle for part in found for label, handle in reversed(part.items())}
    order = dict.fromkeys(label for part in found for label in part)
    shared = [label for label in order if sum(label in part for part in found) > 1]
    return {label: known[label] for label in [*(name for name in order if name not in shared), *shared]}
