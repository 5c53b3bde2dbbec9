"""Ten families of textures: patterns between -1 and 1 that mix two colours.

Frequencies are in periods per image, so a texture looks the same at every image size.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pattern = NDArray[np.float32]
Texture = Callable[[int, np.random.Generator], Pattern]


@lru_cache(maxsize=8)
def grid(size: int) -> tuple[Pattern, Pattern]:
    """Pixel centres: x and y from -1 to 1 (y downwards), shapes (1, size) and (size, 1), read-only."""
    centres = ((np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1).astype(np.float32)
    centres.setflags(write=False)
    return centres[np.newaxis, :], centres[:, np.newaxis]


def _plain(size: int, generator: np.random.Generator) -> Pattern:
    """A slow gradient."""
    return np.float32(0.6) * _wave_axis(size, generator.uniform(0, 2 * np.pi))


def _wave_axis(size: int, angle: float) -> Pattern:
    x, y = grid(size)
    axis: Pattern = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    return axis


def _stripes(size: int, generator: np.random.Generator, degrees: float) -> Pattern:
    angle = np.deg2rad(degrees + generator.uniform(-12, 12))
    phase, frequency = generator.uniform(0, 2 * np.pi), generator.uniform(4.5, 7.5)
    return _square(np.sin(_wave_axis(size, angle) * np.float32(np.pi * frequency) + np.float32(phase)))


def _square(wave: Pattern) -> Pattern:
    """Sharpen a sine wave to nearly a square wave, keeping soft edges."""
    sharpened: Pattern = np.clip(wave * np.float32(2.5), -1, 1)
    return sharpened


def _horizontal(size: int, generator: np.random.Generator) -> Pattern:
    return _stripes(size, generator, 90)


def _vertical(size: int, generator: np.random.Generator) -> Pattern:
    return _stripes(size, generator, 0)


def _diagonal(size: int, generator: np.random.Generator) -> Pattern:
    return _stripes(size, generator, 45 if generator.random() < 0.5 else 135)


def _lattice(size: int, generator: np.random.Generator) -> tuple[Pattern, Pattern]:
    """Two perpendicular sine waves of one frequency."""
    angle, frequency = generator.uniform(-0.35, 0.35), np.float32(np.pi * generator.uniform(4, 6))
    phases = generator.uniform(0, 2 * np.pi, 2).astype(np.float32)
    along, across = _wave_axis(size, angle), _wave_axis(size, angle + np.pi / 2)
    return np.sin(along * frequency + phases[0]), np.sin(across * frequency + phases[1])


def _checks(size: int, generator: np.random.Generator) -> Pattern:
    first, second = _lattice(size, generator)
    return _square(first * second * 2)


def _dots(size: int, generator: np.random.Generator) -> Pattern:
    first, second = _lattice(size, generator)
    return _square(first + second - np.float32(0.7))


def _mesh(size: int, generator: np.random.Generator) -> Pattern:
    first, second = _lattice(size, generator)
    return _square(np.maximum(first, second) - np.float32(0.75))


def _rings(size: int, generator: np.random.Generator) -> Pattern:
    x, y = grid(size)
    centre = generator.uniform(-0.5, 0.5, 2).astype(np.float32)
    frequency, phase = generator.uniform(4.5, 7), generator.uniform(0, 2 * np.pi)
    radius = np.hypot(x - centre[0], y - centre[1])
    return _square(np.sin(radius * np.float32(np.pi * frequency) + np.float32(phase)))


def _blotches(size: int, generator: np.random.Generator) -> Pattern:
    return _square(_cells(size, 7, Image.Resampling.BICUBIC, generator))


def _speckle(size: int, generator: np.random.Generator) -> Pattern:
    return _cells(size, 28, Image.Resampling.BILINEAR, generator)


def _cells(size: int, count: int, filtering: Image.Resampling, generator: np.random.Generator) -> Pattern:
    """Random values on a coarse lattice, enlarged to the image."""
    values = generator.uniform(-1, 1, (count, count)).astype(np.float32)
    return np.asarray(Image.fromarray(values).resize((size, size), filtering))


TEXTURES: Mapping[str, Texture] = MappingProxyType(
    {
        "plain": _plain,
        "horizontal": _horizontal,
        "vertical": _vertical,
        "diagonal": _diagonal,
        "checks": _checks,
        "dots": _dots,
        "mesh": _mesh,
        "rings": _rings,
        "blotches": _blotches,
        "speckle": _speckle,
    }
)
FAMILIES: tuple[str, ...] = tuple(TEXTURES)


def texture(family: str, size: int, generator: np.random.Generator) -> Pattern:
    """Draw a pattern of a family: float32, shape (size, size), about -1 to 1."""
    return np.broadcast_to(TEXTURES[family](size, generator), (size, size))
