"""What the options of all networks share: classes, images, width and normalisation."""

from collections.abc import Iterator
from dataclasses import dataclass

from flexnet.by_name import ByName
from flexnet.options.rules import Options, number, one_of, option, whole
from flexnet.problems import Problem

FACTOR = number("a positive number", above=0)

# Channel means and standard deviations of images in [0, 1]. The authors' released code normalises
# CIFAR-10 with the statistics of ImageNet, and Fashion-MNIST with one half; that of the push-pull paper with
# CIFAR-10's own. MNIST's own are those that everybody uses; the push-pull paper gives none.
NORMALISATIONS: ByName[tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5,), (0.5,)),
    "none": ((0.0,), (1.0,)),
    "cifar10": ((125.3 / 255, 123.0 / 255, 113.9 / 255), (63.0 / 255, 62.1 / 255, 66.7 / 255)),
    "mnist": ((0.1307,), (0.3081,)),
    # CIFAR-10's grey levels at 224 pixels, as those who drew CIFAR-10G have them.
    "cifar10-grey": ((122.61385345458984 / 255,), (60.87860107421875 / 255,)),
}
NORMALISE = one_of(tuple(NORMALISATIONS))


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(Options):
    """Options that every network has; a network gives them its own defaults and bounds."""

    classes: int = option(10, whole(1))
    channels: int = option(3, whole(1))
    input_size: int = option(32, whole(1))
    width: float = option(1.0, FACTOR)
    normalise: str = option("imagenet", NORMALISE)

    def replaced(self) -> Options | None:
        """Options of the layers that take the place of convolutions, or None if none does."""
        return None

    def disagreements(self) -> Iterator[Problem]:
        """A normalisation must have statistics for the images' channels."""
        known = len(NORMALISATIONS[self.normalise][0])
        if known not in (1, self.channels):
            yield Problem(
                f"{self.normalise!r} has statistics for {known} channels, but the images have "
                f"{self.channels}; use 'half' or 'none'",
                ("normalise",),
            )
