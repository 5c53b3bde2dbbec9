"""From polygons to pixels: masks, shading and the three drawn renderings, antialiased."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from flexnet.data.shapes.geometry import Drawing, Points

# "natural" is the training domain; the others are its out-of-distribution sets.
RENDERINGS = ("natural", "contours", "line_drawings", "silhouettes")
# Pen of contours and drawings as a fraction of the image: 1.3 pixels at 32, 9 at 224.
PEN = 0.04
# Shades are stored in eight bits; this grey level is the factor 1.
UNIT_SHADE = 128

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Layers:
    """An object as pixel layers, float32 of shape (H, W).

    Attributes:
        mask: how much of each pixel the object covers, 0 to 1.
        shade: brightness factor inside the object.
    """

    mask: Grey
    shade: Grey


def layers(drawing: Drawing, size: int) -> Layers:
    """Rasterise mask and shading of a placed drawing."""
    canvas = _canvas_size(size)
    mask = _silhouette(drawing, canvas)
    shade = Image.new("L", (canvas, canvas), UNIT_SHADE)
    pen = ImageDraw.Draw(shade)
    for part in drawing.parts:
        if not part.hole:
            pen.polygon(_pixels(part.points, canvas), fill=min(255, round(part.shade * UNIT_SHADE)))
    for line in drawing.lines:
        pen.line(_pixels(line, canvas), fill=UNIT_SHADE // 2, width=_pen_width(canvas))
    return Layers(_shrink(mask, size, 255), _shrink(shade, size, UNIT_SHADE))


def silhouette(drawing: Drawing, size: int) -> Grey:
    """The object in black on white: (H, W), 0 to 1."""
    return np.float32(1) - _shrink(_silhouette(drawing, _canvas_size(size)), size, 255)


def contour(drawing: Drawing, size: int) -> Grey:
    """The outline of the object, dark on white, as one line with nothing inside: (H, W), 0 to 1."""
    canvas = _canvas_size(size)
    return _shrink(_outline(_silhouette(drawing, canvas), canvas), size, 255)


def line_drawing(drawing: Drawing, size: int) -> Grey:
    """The outline with the inner edges and details of the object, dark on white: (H, W), 0 to 1."""
    canvas = _canvas_size(size)
    mask = _silhouette(drawing, canvas)
    inner = Image.new("L", (canvas, canvas), 255)
    pen, width = ImageDraw.Draw(inner), max(1, round(_pen_width(canvas) * 0.7))
    for part in drawing.parts:
        if not part.hole:
            corners = _pixels(part.points, canvas)
            pen.polygon(corners, fill=255)
            pen.line([*corners, *corners[:2]], fill=0, width=width, joint="curve")
    for line in drawing.lines:
        pen.line(_pixels(line, canvas), fill=0, width=width, joint="curve")
    inside = np.where(np.asarray(mask) > 0, np.asarray(inner), 255)
    both = np.minimum(inside, np.asarray(_outline(mask, canvas)))
    return _shrink(Image.fromarray(both), size, 255)


def _silhouette(drawing: Drawing, canvas: int) -> Image.Image:
    """Painter's order: a hole cuts what was painted before it, and later parts cover it again."""
    mask = Image.new("L", (canvas, canvas), 0)
    pen = ImageDraw.Draw(mask)
    for part in drawing.parts:
        pen.polygon(_pixels(part.points, canvas), fill=0 if part.hole else 255)
    return mask


def _outline(mask: Image.Image, canvas: int) -> Image.Image:
    """Black where the mask, shrunk by the width of the pen, is no longer covered."""
    filled = np.asarray(mask) > 0
    inner, reach = filled.copy(), _pen_width(canvas)
    for angle in np.arange(16) * (np.pi / 8):
        inner &= _shifted(filled, round(reach * np.sin(angle)), round(reach * np.cos(angle)))
    return Image.fromarray(np.where(filled & ~inner, 0, 255).astype(np.uint8))


def _shifted(filled: NDArray[np.bool_], down: int, right: int) -> NDArray[np.bool_]:
    """Move a mask; what enters from outside the image is empty."""
    height, width = filled.shape
    moved = np.zeros_like(filled)
    moved[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = filled[
        max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return moved


def _canvas_size(size: int) -> int:
    """Four sub-pixels a side give 16 grey levels; at 128 pixels and more two a side look as smooth."""
    return size * (4 if size < 128 else 2)


def _pen_width(canvas: int) -> int:
    return max(1, round(PEN * canvas))


def _pixels(points: Points, canvas: int) -> list[float]:
    """Image coordinates (-1 to 1) to a flat list of canvas coordinates, as Pillow draws fastest."""
    flat: list[float] = ((points + 1) * (canvas / 2) - 0.5).ravel().tolist()
    return flat


def _shrink(image: Image.Image, size: int, unit: int) -> Grey:
    """Average the sub-pixels; the grey level `unit` becomes 1."""
    return np.asarray(image.reduce(image.width // size), dtype=np.float32) / np.float32(unit)
