"""The natural rendering: a textured object before a textured background, with clutter, light and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexnet.data.shapes.geometry import Drawing, Part, ellipse
from flexnet.data.shapes.raster import Grey, layers
from flexnet.data.shapes.textures import FAMILIES, grid, texture

# How often an object has the texture of its class; otherwise it has one of the other nine.
# 0.7 leaves texture useful (a judge of texture alone would score 70 %) but never sufficient.
TEXTURE_RELIABILITY = 0.7
# Luma of ITU-R BT.601, as Pillow uses it.
LUMA = np.array((0.299, 0.587, 0.114), dtype=np.float32)

Colours = NDArray[np.float32]
Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """Everything of a scene but the object's shape and pose.

    Attributes:
        family: texture family of the object.
        backdrop: texture family of the background.
        paint: two colours of the object, two of the background, one of the clutter, shape (5, 3), 0 to 1.
        clutter: patches behind the object, then the patch before it (or none), in image coordinates.
        light: strength of the light's gradient along x and y.
        noise: standard deviation of the pixel noise.
    """

    family: str
    backdrop: str
    paint: Colours
    clutter: tuple[Drawing, Drawing]
    light: tuple[float, float]
    noise: float


def preferred_texture(label: int) -> str:
    """The texture family that a class has with probability TEXTURE_RELIABILITY."""
    return FAMILIES[label]


def draw_look(label: int, generator: np.random.Generator, *, informative: bool = True) -> Look:
    """Draw the look of a scene.

    Args:
        label: class of the object, from 0 to 9.
        generator: source of randomness; consumed alike whatever `informative` is.
        informative: whether the object's texture depends on its class; if not, all ten are equally likely.
    """
    return Look(
        family=_draw_family(label, generator, informative),
        backdrop=FAMILIES[generator.integers(len(FAMILIES))],
        paint=_draw_paint(generator),
        clutter=(_draw_patches(generator, int(generator.integers(0, 4))), _draw_occluder(generator)),
        light=(float(generator.uniform(-0.3, 0.3)), float(generator.uniform(-0.3, 0.3))),
        noise=float(generator.uniform(0.03, 0.11)),
    )


def render_natural(
    drawing: Drawing, look: Look, size: int, channels: int, generator: np.random.Generator
) -> Picture:
    """Paint a placed drawing: float32 of shape (channels, size, size), 0 to 1 (grey by luma)."""
    coats = look.paint if channels == 3 else look.paint @ LUMA[:, np.newaxis]
    thing = layers(drawing, size)
    front = _mix(texture(look.family, size, generator), coats[0], coats[1]) * thing.shade
    back = _mix(texture(look.backdrop, size, generator), coats[2], coats[3])
    behind, before = (layers(patches, size).mask if patches.parts else None for patches in look.clutter)
    picture = _lay(back, behind, coats[4])
    picture = _lay(picture, thing.mask, front)
    picture = _lay(picture, before, coats[4])
    x, y = grid(size)
    picture *= 1 + x * np.float32(look.light[0]) + y * np.float32(look.light[1])
    # The luma of independent noise in three channels is weaker, by the length of the luma's weights, 0.67.
    noise = look.noise if channels == 3 else look.noise * float(np.linalg.norm(LUMA))
    picture += generator.standard_normal(picture.shape, dtype=np.float32) * np.float32(noise)
    return np.clip(picture, 0, 1)


def _draw_family(label: int, generator: np.random.Generator, informative: bool) -> str:
    usual = generator.random() < TEXTURE_RELIABILITY
    other, offset = generator.integers(len(FAMILIES)), generator.integers(1, len(FAMILIES))
    if not informative:
        return FAMILIES[other]
    return preferred_texture(label) if usual else FAMILIES[(label + offset) % len(FAMILIES)]


def _draw_paint(generator: np.random.Generator) -> Colours:
    """The mean lumas of object and background differ by 0.28 to 0.5: grey images show the object too."""
    gap, middle = generator.uniform(0.28, 0.5), generator.uniform(0.4, 0.6)
    sign = 1 if generator.random() < 0.5 else -1
    first, second = middle + sign * gap / 2, middle - sign * gap / 2
    # The object's two tones stay on their side of the background's mean, or stripes would cut it up.
    inside, outside = gap * generator.uniform(0.3, 0.5), gap * generator.uniform(0.1, 0.4)
    lumas = np.array(
        [first + inside, first - inside, second + outside, second - outside, generator.uniform(0.1, 0.9)]
    )
    tints = generator.uniform(-0.15, 0.15, (5, 3))
    tints -= (tints @ LUMA)[:, np.newaxis]
    return np.clip(lumas[:, np.newaxis] + tints, 0, 1).astype(np.float32)


def _draw_patches(generator: np.random.Generator, count: int, spread: float = 1.0) -> Drawing:
    parts = []
    for _ in range(count):
        centre, tilt = generator.uniform(-spread, spread, 2), generator.uniform(0, 180)
        rx, ry = generator.uniform(0.1, 0.5), generator.uniform(0.08, 0.25)
        if generator.random() < 0.5:
            parts.append(Part(ellipse(centre[0], centre[1], rx, ry, tilt)))
        else:
            parts.append(Part(centre + generator.uniform(-0.45, 0.45, (3, 2))))
    return Drawing(tuple(parts))


def _draw_occluder(generator: np.random.Generator) -> Drawing:
    """In six of ten scenes one patch lies before the object."""
    patches = _draw_patches(generator, 1, spread=0.6)
    return patches if generator.random() < 0.6 else Drawing(())


def _mix(pattern: Grey, first: Colours, second: Colours) -> Picture:
    """Blend two colours of shape (C,) by a pattern from -1 to 1: shape (C, H, W)."""
    middle, half = (first + second) / np.float32(2), (first - second) / np.float32(2)
    mixed: Picture = middle[:, np.newaxis, np.newaxis] + half[:, np.newaxis, np.newaxis] * pattern
    return mixed


def _lay(below: Picture, mask: Grey | None, above: Picture | Colours) -> Picture:
    """Put a picture, or one colour, over another where the mask covers it."""
    if mask is None:
        return below
    top = above[:, np.newaxis, np.newaxis] if above.ndim == 1 else above
    return below + mask * (top - below)
