"""Images of another size, or with another number of channels, than their dataset has.

One rule for all datasets, for making images smaller as well as larger: Pillow's Lanczos filter, a windowed
sinc of three lobes, which spreads over more pixels the more an image shrinks, so that nothing is aliased.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flexnet.data.arrays import ImageArrays
from flexnet.errors import ConfigError

FILTER = Image.Resampling.LANCZOS
OPTIONS = ("size", "channels")


def reshape(arrays: ImageArrays, options: Mapping[str, Any]) -> tuple[ImageArrays, dict[str, Any]]:
    """Scale images to squares and change their channels, as the options say.

    Colour becomes grey before it is scaled, by the weights of ITU-R 601 (0.299, 0.587, 0.114); grey becomes
    colour by three equal channels.

    Args:
        arrays: the images.
        options: `size`, height and width in pixels, and `channels`, 1 or 3; what is absent stays as it is.

    Returns:
        the images, and what was done to them, with the name of the filter.

    Raises:
        ConfigError: if an option is unknown or has a value that is not allowed.
    """
    check_options(options)
    images = arrays.images
    done = {name: options[name] for name in OPTIONS if name in options}
    if done.get("channels") == 1 and images.shape[1] == 3:
        images = _grey(images)
    if "size" in done:
        images, done["filter"] = resize(images, done["size"]), FILTER.name.lower()
    if done.get("channels") == 3 and images.shape[1] == 1:
        images = np.repeat(images, 3, axis=1)
    return ImageArrays(images, arrays.labels, arrays.classes), done


def resize(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale images (N, C, H, W) to (N, C, size, size), each channel by itself; at their own size a copy."""
    scaled = np.empty((*images.shape[:2], size, size), dtype=np.uint8)
    height, width = images.shape[2:]
    planes, targets = images.reshape(-1, height, width), scaled.reshape(-1, size, size)
    for plane, target in zip(planes, targets, strict=True):
        target[:] = np.asarray(Image.fromarray(plane).resize((size, size), FILTER))
    return scaled


def _grey(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luminance of colour images, (N, 1, H, W)."""
    found = [np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")) for image in images]
    return np.stack(found)[:, np.newaxis]


def check_options(options: Mapping[str, Any]) -> None:
    """Check options before anything is read.

    Raises:
        ConfigError: if one is unknown or has a value that is not allowed.
    """
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise ConfigError(
            f"expected options of images among {', '.join(OPTIONS)}; got {unknown}; remove them"
        )
    size, channels = options.get("size", 1), options.get("channels", 1)
    if type(size) is not int or size < 1:
        raise ConfigError(f"size: expected a whole number of pixels, at least 1; got {size!r}; correct it")
    if type(channels) is not int or channels not in (1, 3):
        raise ConfigError(f"channels: expected 1 (grey) or 3 (colour); got {channels!r}; correct it")
