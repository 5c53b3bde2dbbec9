"""Pictures that rows hold as text: "HxW:" and a hexadecimal digit per pixel, with blanks between several."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from flexnet.errors import DataError
from flexnet.figures.look import INK


def read_pictures(text: str) -> list[NDArray[np.float64]]:
    """The pictures of a cell, each (H, W) in [0, 1].

    Raises:
        DataError: if it holds something else.
    """
    return [_read(part) for part in text.split(" ")]


def _read(text: str) -> NDArray[np.float64]:
    size, _, digits = text.partition(":")
    try:
        height, width = (int(side) for side in size.split("x"))
        values = np.array([int(digit, 16) for digit in digits], dtype=float)
        return values.reshape(height, width) / 15
    except ValueError:
        raise DataError(
            f"expected a picture, as 2x2:0f0f; got {text[:20]!r}...; evaluate the maps again"
        ) from None


def show(axes: Axes, picture: NDArray[np.float64]) -> None:
    """Put a grey picture on axes without ticks, every pixel a square."""
    axes.imshow(picture, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.4, color=INK)
