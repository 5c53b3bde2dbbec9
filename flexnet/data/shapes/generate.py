"""Generating sets of the embedded dataset: image i depends on the seed, the split and i alone."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from flexnet.data.arrays import ImageArrays
from flexnet.data.shapes.geometry import Drawing, draw_pose, place
from flexnet.data.shapes.objects import CLASSES, sketch
from flexnet.data.shapes.raster import RENDERINGS, contour, line_drawing, silhouette
from flexnet.data.shapes.scene import draw_look, render_natural
from flexnet.errors import ConfigError
from flexnet.seeds import derive_seed

Rendering = Literal["natural", "contours", "line_drawings", "silhouettes"]
TextureUse = Literal["informative", "random"]

DRAWN = {"contours": contour, "line_drawings": line_drawing, "silhouettes": silhouette}
SMALLEST_SIZE = 16
# More would not fit the memory of a laptop.
MOST_PIXELS = 2**32


def generate(
    n: int,
    *,
    size: int = 32,
    channels: int = 3,
    seed: int = 0,
    split: str = "train",
    rendering: Rendering = "natural",
    texture: TextureUse = "informative",
) -> ImageArrays:
    """Generate `n` images; every ten consecutive ones hold each class once.

    Object and pose of image i are the same in all renderings, sizes and uses of texture.

    Args:
        n: number of images, at least 1.
        size: height and width in pixels, at least 16.
        channels: 1 (grey) or 3 (RGB).
        seed: integer; together with the split it decides all images.
        split: any name; two names share no random numbers.
        rendering: "natural" (textured objects in textured surroundings), or dark on white: "contours"
            (outline), "line_drawings" (outline and inner edges), "silhouettes" (filled).
        texture: "informative" (a class has its preferred texture with probability 0.7) or "random"
            (texture says nothing about the class). Only natural images have textures.

    Raises:
        ConfigError: if an argument is not as above.
    """
    _check_numbers(n=n, size=size, channels=channels, seed=seed)
    _check(n, size, channels, rendering, texture)
    images = np.empty((n, channels, size, size), dtype=np.uint8)
    labels = labels_of(n, seed, split)
    for index, label in enumerate(labels.tolist()):
        drawing = object_of(label, index, seed, split)
        if rendering == "natural":
            generator = _generator(seed, split, index, "look")
            look = draw_look(label, generator, informative=texture == "informative")
            picture = render_natural(drawing, look, size, channels, generator)
        else:
            picture = DRAWN[rendering](drawing, size)
        images[index] = np.rint(picture * 255)
    return ImageArrays(images, labels, CLASSES)


def labels_of(n: int, seed: int, split: str) -> NDArray[np.int64]:
    """Labels of the first `n` images: a shuffled copy of all classes for every ten images."""
    blocks = [
        _generator(seed, split, block, "labels").permutation(len(CLASSES)) for block in range(-(-n // 10))
    ]
    return np.concatenate(blocks)[:n].astype(np.int64)


def object_of(label: int, index: int, seed: int, split: str) -> Drawing:
    """The object of image `index`, in image coordinates."""
    generator = _generator(seed, split, index, "object")
    return place(sketch(CLASSES[label], generator), draw_pose(generator))


def _generator(seed: int, split: str, index: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, "shapes", split, index, purpose))


def _check_numbers(**numbers: object) -> None:
    for name, number in numbers.items():
        if not isinstance(number, (int, np.integer)) or isinstance(number, bool):
            raise ConfigError(f"expected {name} of shapes as a whole number; got {number!r}; correct it")


def _check(n: int, size: int, channels: int, rendering: str, texture: str) -> None:
    if n < 1:
        raise ConfigError(f"expected at least 1 image of shapes; got n = {n}; raise it")
    if size < SMALLEST_SIZE:
        raise ConfigError(f"expected shapes of {SMALLEST_SIZE} pixels at least; got size = {size}; raise it")
    if n * size * size > MOST_PIXELS:
        raise ConfigError(
            f"expected shapes of {MOST_PIXELS:,} pixels at most in all; got n = {n} of {size}x{size}; "
            f"lower one"
        )
    if channels not in (1, 3):
        raise ConfigError(f"expected 1 (grey) or 3 (RGB) channels; got {channels}; choose one of them")
    if rendering not in RENDERINGS:
        raise ConfigError(
            f"expected a rendering among {', '.join(RENDERINGS)}; got {rendering!r}; correct it"
        )
    if texture not in ("informative", "random"):
        raise ConfigError(f"expected texture informative or random; got {texture!r}; correct it")
