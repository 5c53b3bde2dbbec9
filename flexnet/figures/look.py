"""How every page looks: widths, colours of text, sizes of type, thin lines, fonts embedded as TrueType."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

# Widths of a journal page: one, one and a half and two columns; and its height.
COLUMN_MM: Final = 85.0
WIDE_MM: Final = 120.0
PAGE_MM: Final = 178.0
TALL_MM: Final = 240.0
MM_PER_INCH: Final = 25.4
# Sizes of type in points: letters of panels, plain text, and small print.
LETTER: Final = 9.0
TEXT: Final = 8.0
SMALL: Final = 6.0
INK: Final = "#333333"
FAINT: Final = "#8C8C8C"

# DejaVu Sans comes with matplotlib, so every machine draws the same bytes. Type 42 keeps text editable.
PARAMETERS: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.2,
    "legend.borderaxespad": 0.2,
    "legend.borderpad": 0.1,
    "legend.handletextpad": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.02,
    "figure.constrained_layout.h_pad": 0.02,
    "figure.dpi": 300,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "path.simplify": False,
}


@contextmanager
def journal() -> Iterator[None]:
    """Draw and save within this context; what the user set in matplotlib neither enters nor changes."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(PARAMETERS)
        yield


def column_figure(height_mm: float, width_mm: float = COLUMN_MM) -> Figure:
    """An empty figure of one journal column (85 mm), or wider, in the current style."""
    return Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH))
