"""Options of augmentations, without torch: what may be done to training images, in the order of a list.

None changes the size of images, so that a network is trained on images of the size that it is judged on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flexnet.by_name import ByName
from flexnet.options.rules import (
    Check,
    Options,
    by_kind,
    is_number,
    made,
    number,
    one_of,
    option,
    required,
    whole,
)
from flexnet.problems import Problem, wrong

MODES = ("reflect", "zeros")


def _span(words: str, most: float = float("inf")) -> Check:
    """Two positive numbers, of which the second is not the smaller one."""

    def check(value: Any) -> Iterator[Problem]:
        pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))
        if not pair or not 0 < value[0] <= value[1] <= most:
            yield wrong(f"{words} as [least, most]", value)

    return check


@dataclass(frozen=True, kw_only=True)
class AugmentationOptions(Options):
    """Base of the options of augmentations."""

    def unfit(self, height: int, width: int) -> Iterator[Problem]:
        """What cannot be done to images of this size."""
        return iter(())


@dataclass(frozen=True, kw_only=True)
class FlipOptions(AugmentationOptions):
    """Mirroring left and right. Default: the Flexible Layer paper.

    Attributes:
        probability: that an image is mirrored.
    """

    probability: float = option(0.5, number("a probability above 0, at most 1", above=0, most=1))


@dataclass(frozen=True, kw_only=True)
class CropOptions(AugmentationOptions):
    """Cutting an image of the same size out of a padded one, at a random place.

    Attributes:
        padding: pixels on each side.
        mode: `"reflect"` (the image mirrored, its edge not repeated) or `"zeros"` (black).
    """

    padding: int = required(whole(1))
    mode: str = option("reflect", one_of(MODES))

    def unfit(self, height: int, width: int) -> Iterator[Problem]:
        """An image has no more pixels to mirror than it is wide, less the edge."""
        if self.mode == "reflect" and self.padding >= min(height, width):
            expected = f"less than {min(height, width)}, the side of the images that are mirrored"
            yield wrong(expected, self.padding).below("padding")


@dataclass(frozen=True, kw_only=True)
class ResizedCropOptions(AugmentationOptions):
    """Cutting out a part of random size, shape and place, and stretching it to the size of the image.

    Attributes:
        scale: least and largest share of the image's area.
        ratio: least and largest width over height of the part.
    """

    scale: tuple[float, float] = option((0.08, 1.0), _span("shares above 0, at most 1,", 1.0))
    ratio: tuple[float, float] = option((3 / 4, 4 / 3), _span("numbers above 0"))


AUGMENTATIONS: ByName[type[AugmentationOptions]] = {
    "crop": CropOptions,
    "flip": FlipOptions,
    "resized_crop": ResizedCropOptions,
}


def augmentation_list(value: Any) -> Iterator[Problem]:
    """A list of augmentations, none of a kind twice; an empty one leaves images as they are."""
    if not isinstance(value, list | tuple):
        yield wrong("a list of augmentations, such as [{kind: flip}]", value)
        return
    check = by_kind(AUGMENTATIONS, "an augmentation")
    found = [problem.below(place) for place, entry in enumerate(value) for problem in check(entry)]
    yield from found
    kinds = [] if found else [entry["kind"] for entry in value]
    for kind in dict.fromkeys(kind for kind in kinds if kinds.count(kind) > 1):
        yield Problem(f"expected every kind once; got {kind!r} twice; remove one")


def unfit(augment: Sequence[Mapping[str, Any]], height: int, width: int) -> Iterator[Problem]:
    """What of a list of augmentations cannot be done to images of a size."""
    for place, entry in enumerate(augment):
        found = made(AUGMENTATIONS, entry).unfit(height, width)
        yield from (problem.below(place) for problem in found)
