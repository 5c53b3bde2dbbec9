"""The ten objects. Each function draws one with its parts jittered, in the square from -1 to 1.

They were chosen to be told apart by a person at a glance from the outline alone at 28 pixels.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from flexnet.data.shapes.geometry import Drawing, Part, arc, box, ellipse, mirrored, polygon, stroke

Sketch = Callable[[np.random.Generator], Drawing]


def _jitter(generator: np.random.Generator, low: float, high: float) -> float:
    return float(generator.uniform(low, high))


def _airplane(generator: np.random.Generator) -> Drawing:
    """From above, nose up."""
    girth = _jitter(generator, 0.13, 0.19)
    sweep, root = _jitter(generator, 0.2, 0.45), _jitter(generator, -0.3, -0.15)
    span, tail = _jitter(generator, 0.9, 1.0), _jitter(generator, 0.35, 0.45)
    wing = polygon((0, root), (span, root + sweep + 0.1), (span, root + sweep + 0.3), (0, root + 0.5))
    fin = polygon((0, 0.6), (tail, 0.8), (tail, 0.97), (0, 0.9))
    body = ellipse(0, 0, girth, 1.0)
    parts = [
        Part(wing, 0.85),
        Part(mirrored(wing), 0.85),
        Part(fin, 0.85),
        Part(mirrored(fin), 0.85),
        Part(body, 1.1),
    ]
    window = stroke(arc(0, -0.55, girth * 0.75, 0.15, 200, 340, count=7), 0.07)
    return Drawing((*parts, Part(window, 0.45)))


def _butterfly(generator: np.random.Generator) -> Drawing:
    """Wings spread, antennae up."""
    upper, lower = _jitter(generator, 0.4, 0.5), _jitter(generator, 0.3, 0.4)
    tilt = _jitter(generator, -52, -38)
    fore = ellipse(0.5, -0.38, upper + 0.16, upper - 0.06, tilt)
    hind = ellipse(0.36, 0.42, lower + 0.12, lower - 0.04, -tilt)
    spots = [ellipse(0.58, -0.42, 0.17, 0.17), ellipse(0.42, 0.46, 0.12, 0.12)]
    antenna = stroke(polygon((0.02, -0.5), (0.1, -0.75), (0.3, -0.98)), 0.09)
    wings = [Part(points, shade) for points, shade in ((hind, 0.9), (fore, 1.1))]
    wings += [Part(spot, 0.55) for spot in spots]
    parts = [Part(side(part.points), part.shade) for part in wings for side in (np.array, mirrored)]
    parts += [Part(antenna, 0.7), Part(mirrored(antenna), 0.7), Part(ellipse(0, 0.03, 0.1, 0.68), 0.6)]
    return Drawing(tuple(parts))


def _car(generator: np.random.Generator) -> Drawing:
    """From the side."""
    roof, wheel = _jitter(generator, -0.62, -0.48), _jitter(generator, 0.21, 0.26)
    front, back = _jitter(generator, 0.25, 0.4), _jitter(generator, -0.6, -0.45)
    body = polygon((-1, 0.0), (-0.92, -0.1), (0.75, -0.1), (0.97, 0.08), (1, 0.36), (-1, 0.36))
    cabin = polygon((back - 0.25, -0.08), (back, roof), (front, roof), (front + 0.35, -0.08))
    middle = (back + front) / 2
    rear = polygon(
        (back - 0.1, -0.1), (back + 0.06, roof + 0.1), (middle - 0.05, roof + 0.1), (middle - 0.05, -0.1)
    )
    fore = polygon(
        (middle + 0.05, -0.1), (middle + 0.05, roof + 0.1), (front - 0.04, roof + 0.1), (front + 0.2, -0.1)
    )
    parts = [Part(cabin, 1.0), Part(body, 1.0), Part(rear, 1.5), Part(fore, 1.5)]
    for x in (-0.55, 0.55):
        parts += [
            Part(ellipse(x, 0.37, wheel, wheel), 0.4),
            Part(ellipse(x, 0.37, wheel / 2.2, wheel / 2.2), 1.2),
        ]
    return Drawing(tuple(parts), (polygon((middle, 0.0), (middle, 0.34)),))


def _fish(generator: np.random.Generator) -> Drawing:
    """From the side, swimming to the right."""
    height, tail = _jitter(generator, 0.4, 0.52), _jitter(generator, 0.42, 0.55)
    body = ellipse(0.2, 0, 0.78, height)
    fluke = polygon((-0.42, 0), (-1, -tail), (-0.84, 0), (-1, tail))
    top = polygon((-0.15, -height * 0.85), (0.0, -height - 0.28), (0.4, -height * 0.9))
    flipper = polygon((0.2, 0.12), (-0.1, 0.34), (0.02, 0.06))
    eye = (ellipse(0.66, -0.12, 0.1, 0.1), ellipse(0.68, -0.12, 0.045, 0.045))
    parts = (
        Part(fluke, 0.85),
        Part(top, 0.8),
        Part(body),
        Part(flipper, 0.7),
        Part(eye[0], 1.7),
        Part(eye[1], 0.2),
    )
    return Drawing(parts, (arc(0.3, 0, 0.18, height * 0.75, -70, 70),))


def _house(generator: np.random.Generator) -> Drawing:
    """From the front."""
    wall, eaves = _jitter(generator, 0.62, 0.76), _jitter(generator, -0.15, 0.0)
    ridge, door = _jitter(generator, -0.98, -0.82), _jitter(generator, -0.12, 0.1)
    chimney = box(0.36, ridge + 0.05, 0.58, eaves)
    roof = polygon((-wall - 0.22, eaves), (0, ridge), (wall + 0.22, eaves))
    panes = [box(x - 0.15, eaves + 0.2, x + 0.15, eaves + 0.5) for x in (-wall + 0.27, wall - 0.27)]
    crosses = [polygon((x, eaves + 0.2), (x, eaves + 0.5)) for x in (-wall + 0.27, wall - 0.27)]
    parts = [Part(chimney, 0.7), Part(box(-wall, eaves - 0.05, wall, 0.95), 1.1), Part(roof, 0.75)]
    parts += [Part(box(door - 0.15, 0.42, door + 0.15, 0.95), 0.45), *(Part(pane, 1.6) for pane in panes)]
    return Drawing(tuple(parts), tuple(crosses))


def _key(generator: np.random.Generator) -> Drawing:
    """Lying, bow to the left, teeth down."""
    bow, hole = _jitter(generator, 0.4, 0.47), _jitter(generator, 0.17, 0.23)
    shaft = _jitter(generator, 0.09, 0.12)
    teeth = [_jitter(generator, 0.36, 0.52) for _ in range(3)]
    parts = [Part(box(-0.3, -shaft, 0.98, shaft), 1.0), Part(ellipse(-0.55, 0, bow, bow), 0.9)]
    parts += [
        Part(box(x, 0, x + 0.15, depth), 1.0) for x, depth in zip((0.34, 0.58, 0.83), teeth, strict=True)
    ]
    parts.append(Part(ellipse(-0.6, 0, hole, hole), hole=True))
    return Drawing(tuple(parts), (polygon((-0.1, 0), (0.9, 0)),))


def _mug(generator: np.random.Generator) -> Drawing:
    """From the side and a little above, handle to the right."""
    taper, top = _jitter(generator, 0.0, 0.12), _jitter(generator, -0.85, -0.7)
    left, right, rim = -0.85, 0.4, 0.13
    middle, half = (left + right) / 2, (right - left) / 2
    side = polygon((left, top), (right, top), (right - taper, 0.8), (left + taper, 0.8))
    reach = _jitter(generator, 0.46, 0.56)
    parts = (
        Part(ellipse(right - 0.02, 0.0, reach, 0.5), 0.85),
        Part(ellipse(right - 0.02, 0.0, reach - 0.22, 0.28), hole=True),
        Part(ellipse(middle, 0.8, half - taper, rim), 1.0),
        Part(side, 1.0),
        Part(ellipse(middle, top, half, rim), 0.5),
    )
    band = arc(middle, 0.45, half - taper * 0.7, rim, 0, 180)
    return Drawing(parts, (band,))


def _sailboat(generator: np.random.Generator) -> Drawing:
    """From the side."""
    mast, deck = _jitter(generator, -0.15, 0.05), _jitter(generator, 0.42, 0.52)
    hull = polygon((-0.98, deck), (0.98, deck), (0.66, 0.95), (-0.66, 0.95))
    main = polygon((mast + 0.03, -0.95), (mast + 0.03, deck - 0.12), (0.88, deck - 0.12))
    jib = polygon((mast - 0.03, -0.72), (mast - 0.03, deck - 0.12), (-0.74, deck - 0.12))
    pole = box(mast - 0.05, -1.0, mast + 0.05, deck)
    parts = (Part(main, 1.25), Part(jib, 1.05), Part(pole, 0.5), Part(hull, 0.7))
    return Drawing(parts, (polygon((-0.84, deck + 0.16), (0.84, deck + 0.16)),))


def _tree(generator: np.random.Generator) -> Drawing:
    """A conifer of three tiers on a trunk."""
    spread, trunk = _jitter(generator, 0.62, 0.78), _jitter(generator, 0.1, 0.15)
    tops = (0.1, -0.45, -1.0)
    bottoms = (0.68, 0.2, -0.28)
    widths = (spread, spread * 0.8, spread * 0.58)
    tiers = [
        polygon((-width, bottom), (0, top), (width, bottom), (0, bottom - 0.06))
        for top, bottom, width in zip(tops, bottoms, widths, strict=True)
    ]
    shades = (0.8, 0.95, 1.15)
    crown = [Part(tier, shade) for tier, shade in zip(tiers, shades, strict=True)]
    return Drawing((Part(box(-trunk, 0.55, trunk, 1.0), 0.5), *crown))


def _umbrella(generator: np.random.Generator) -> Drawing:
    """Open, with a crook at the end of its stick."""
    height, stick = _jitter(generator, 0.78, 0.95), _jitter(generator, 0.05, 0.07)
    dome = arc(0, 0, 1.0, height, 180, 360, count=21)
    ribs = np.linspace(1, -1, 5)  # from right to left, as the lower edge is drawn
    scallops = [arc((a + b) / 2, 0, (a - b) / 2, 0.14, 360, 180, count=7) for a, b in pairwise(ribs)]
    crook = np.concatenate((polygon((0, -0.3), (0, 0.7)), arc(-0.17, 0.7, 0.17, 0.22, 0, 180, count=9)[1:]))
    tip = box(-stick, -height - 0.1, stick, -height + 0.1)
    # A rib leaves the top like the dome and ends at the lower edge.
    fall = -height * np.sqrt(np.linspace(1, 0.03, 6))
    lines = [np.stack((np.linspace(0, x, 6), fall), axis=1) for x in ribs[1:-1]]
    parts = (Part(stroke(crook, stick * 2.4), 0.55), Part(tip, 0.55), Part(np.concatenate((dome, *scallops))))
    return Drawing(parts, tuple(lines))


SKETCHES: Mapping[str, Sketch] = MappingProxyType(
    {
        "airplane": _airplane,
        "butterfly": _butterfly,
        "car": _car,
        "fish": _fish,
        "house": _house,
        "key": _key,
        "mug": _mug,
        "sailboat": _sailboat,
        "tree": _tree,
        "umbrella": _umbrella,
    }
)
CLASSES: tuple[str, ...] = tuple(SKETCHES)


def sketch(name: str, generator: np.random.Generator) -> Drawing:
    """Draw an object of the class `name`, its parts jittered."""
    return SKETCHES[name](generator)
