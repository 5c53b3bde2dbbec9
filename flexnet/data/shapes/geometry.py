"""Points, polygons and poses: what the objects are drawn with.

An object lives in a square with x and y from -1 to 1, y downwards.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A filled polygon.

    Attributes:
        points: its corners, shape (K, 2).
        shade: factor on the brightness of the object's texture, 1 for unchanged.
        hole: whether the polygon is cut out instead.
    """

    points: Points
    shade: float = 1.0
    hole: bool = False


@dataclass(frozen=True)
class Drawing:
    """An object: parts painted in order, later ones over earlier ones, and lines of detail on top."""

    parts: tuple[Part, ...]
    lines: tuple[Points, ...] = ()


@dataclass(frozen=True)
class Pose:
    """Where and how an object stands in the image.

    Attributes:
        angle: rotation in radians.
        scale: half width and half height of the object's square, in units of half the image.
        shift: position of its centre, in units of half the image.
        flipped: whether it is mirrored left to right.
    """

    angle: float
    scale: tuple[float, float]
    shift: tuple[float, float]
    flipped: bool


def draw_pose(generator: np.random.Generator) -> Pose:
    """Draw a pose: rotation up to 20 degrees, sides 58 to 90 % of the image, aspect up to 1.3."""
    angle = float(np.deg2rad(generator.uniform(-20, 20)))
    side, aspect = generator.uniform(0.58, 0.9), generator.uniform(-0.13, 0.13)
    scale = (float(side * np.exp(aspect)), float(side * np.exp(-aspect)))
    # The whole object may move as far as its square leaves room, and a little beyond.
    room = [max(0.0, 1.0 - half) + 0.1 for half in scale]
    shift = (float(generator.uniform(-room[0], room[0])), float(generator.uniform(-room[1], room[1])))
    return Pose(angle, scale, shift, bool(generator.random() < 0.5))


def place(drawing: Drawing, pose: Pose) -> Drawing:
    """Bring a drawing from its own square to image coordinates (-1 to 1, y downwards)."""
    return Drawing(
        tuple(replace(part, points=transform(part.points, pose)) for part in drawing.parts),
        tuple(transform(line, pose) for line in drawing.lines),
    )


def transform(points: Points, pose: Pose) -> Points:
    """Mirror, scale, rotate and shift points of shape (K, 2)."""
    x = (-points[:, 0] if pose.flipped else points[:, 0]) * pose.scale[0]
    y = points[:, 1] * pose.scale[1]
    cosine, sine = np.cos(pose.angle), np.sin(pose.angle)
    return np.stack((cosine * x - sine * y + pose.shift[0], sine * x + cosine * y + pose.shift[1]), axis=1)


def polygon(*corners: tuple[float, float]) -> Points:
    """A polygon from its corners."""
    return np.array(corners, dtype=np.float64)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """An upright rectangle."""
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


def ellipse(x: float, y: float, rx: float, ry: float, tilt: float = 0.0) -> Points:
    """An ellipse about (x, y), turned by `tilt` degrees, as 28 corners (finer than a pixel at 224)."""
    return arc(x, y, rx, ry, 0.0, 360.0, tilt, count=29)[:-1]


def arc(
    x: float, y: float, rx: float, ry: float, start: float, stop: float, tilt: float = 0.0, count: int = 15
) -> Points:
    """Points on an ellipse from angle `start` to `stop` (degrees; 0 is right, 90 is down)."""
    angles = np.deg2rad(np.linspace(start, stop, count))
    turn = np.deg2rad(tilt)
    u, v = rx * np.cos(angles), ry * np.sin(angles)
    return np.stack(
        (x + u * np.cos(turn) - v * np.sin(turn), y + u * np.sin(turn) + v * np.cos(turn)), axis=1
    )


def stroke(points: Points, width: float) -> Points:
    """The outline of a line drawn with a pen of the given width, as a polygon."""
    direction = np.gradient(points, axis=0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    normal = np.stack((-direction[:, 1], direction[:, 0]), axis=1) * (width / 2)
    return np.concatenate((points + normal, (points - normal)[::-1]))


def mirrored(points: Points) -> Points:
    """The points mirrored left to right."""
    sides: Points = points * np.array((-1.0, 1.0))
    return sides
