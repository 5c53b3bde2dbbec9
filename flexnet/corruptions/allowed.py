"""What the constants of a corruption may be, where they are one's own.

Beyond these bounds a corruption means nothing: a blur without width divides by 0 and leaves black images, of
which rows would be written like of any others.
"""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from flexnet.options.rules import Check, number
from flexnet.problems import Problem, wrong

QUALITY = (1, 95)  # of a JPEG: what Pillow offers
FARTHEST = 127  # pixels through glass, which are stored in a byte with a sign


def _whole(least: int, most: float = inf) -> Check:
    """A whole number within bounds, as an integer or as a float."""
    bounds = f"of at least {least}" if most == inf else f"from {least} to {most}"
    words = f"a whole number {bounds}"
    within = number(words, least=least, most=most)

    def check(value: Any) -> Iterator[Problem]:
        problems = list(within(value))
        yield from problems or ([] if float(value).is_integer() else [wrong(words, value)])

    return check


AMOUNT = number("a number of 0 or more", least=0)
POSITIVE = number("a number above 0", above=0)
SHARE = number("a share from 0 to 1", least=0, most=1)
SHIFT = number("a number from -1 to 1", least=-1, most=1)

# corruption -> constant -> what it may be; all others are amounts.
ALLOWED: Mapping[str, Mapping[str, Check]] = {
    "shot_noise": {"photons": POSITIVE},
    "impulse_noise": {"amount": SHARE},
    "defocus_blur": {"alias": POSITIVE},
    "glass_blur": {
        "shift": number(f"a number from 0 to {FARTHEST}", least=0, most=FARTHEST),
        "rounds": _whole(1),
    },
    "motion_blur": {"radius": _whole(1), "sigma": POSITIVE},
    "zoom_blur": {
        "end": number("a number above 1", above=1),
        "step": number("a number of at least 0.001", least=0.001),
    },
    "snow": {
        "zoom": number("a number of at least 1: no flake is smaller than a pixel", least=1),
        "radius": _whole(1),
        "sigma": POSITIVE,
        "mix": SHARE,
    },
    "frost": {"size": POSITIVE},
    "fog": {"strength": POSITIVE, "decay": POSITIVE},
    "brightness": {"added": SHIFT},
    "saturate": {"plus": SHIFT},
    "elastic_transform": {"side": POSITIVE},
    "pixelate": {"share": number("a share above 0, at most 1", above=0, most=1)},
    "jpeg_compression": {"quality": _whole(*QUALITY)},
}


def problems(name: str, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the constants of a corruption.

    Args:
        name: of the corruption.
        values: one for each of its constants.
    """
    allowed = ALLOWED.get(name, {})
    found = [
        problem.below(name, key)
        for key, value in values.items()
        for problem in allowed.get(key, AMOUNT)(value)
    ]
    yield from found
    if name == "spatter" and not found and values["water"] > 0 and values["mud"] > 0:
        yield wrong("water or mud above 0 and the other one 0", dict(values)).below(name)
