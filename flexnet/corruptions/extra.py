"""The four further corruptions: speckle noise, Gaussian blur and saturation here, spatter in its own file."""

from torch import Tensor

from flexnet.corruptions.colour import Hsv, hsv, rgb_bytes
from flexnet.corruptions.constants import Values
from flexnet.corruptions.gaussian import gaussian_filter
from flexnet.corruptions.kernel import Corruption, Draws, truncated, unit
from flexnet.corruptions.noise import draw_normal
from flexnet.corruptions.spatter import spatter as spatter


def add_speckle(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Add noise that is proportional to the value."""
    pixels = images.float().mul_(1 / 255)
    return truncated((drawn[0] * constants["sigma"]).mul_(pixels).add_(pixels))


def smooth(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Gaussian blur."""
    return truncated(gaussian_filter(unit(images), constants["sigma"]))


def change_saturation(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Multiply the saturation of hue, saturation and value, and add to it."""
    found = hsv(unit(images))
    saturation = found.saturation.mul_(constants["times"]).add_(constants["plus"]).clamp_(0, 1)
    return rgb_bytes(Hsv(found.hue, saturation, found.value))


speckle_noise = Corruption(add_speckle, draw_normal)
gaussian_blur = Corruption(smooth)
saturate = Corruption(change_saturation, colour_only=True)
