"""Contact sheets: a look at a set of images, one row per class."""

import numpy as np
from PIL import Image, ImageDraw

from flexnet.data.arrays import ImageArrays

LABEL_WIDTH = 72
GAP = 2


def contact_sheet(arrays: ImageArrays, *, columns: int = 10, zoom: int = 1) -> Image.Image:
    """Lay the first `columns` images of every class out in one row each, its name on the left.

    Args:
        arrays: any labelled images, grey or RGB.
        columns: images of each class; a class with fewer leaves gaps.
        zoom: each pixel becomes a square of `zoom` pixels.

    Returns:
        an RGB image.
    """
    height, width = (side * zoom + GAP for side in arrays.images.shape[2:])
    sheet = Image.new("RGB", (LABEL_WIDTH + columns * width, len(arrays.classes) * height), "white")
    pen = ImageDraw.Draw(sheet)
    for label, name in enumerate(arrays.classes):
        pen.text((2, label * height + height // 2 - 6), name, fill="black")
        for column, index in enumerate(np.flatnonzero(arrays.labels == label)[:columns].tolist()):
            tile = _picture(arrays, index).resize((width - GAP, height - GAP), Image.Resampling.NEAREST)
            sheet.paste(tile, (LABEL_WIDTH + column * width, label * height))
    return sheet


def _picture(arrays: ImageArrays, index: int) -> Image.Image:
    image = arrays.images[index]
    return Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))
