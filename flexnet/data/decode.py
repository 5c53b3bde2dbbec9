"""From the bytes of an image file to pixels, without losing anything on the way.

Image libraries convert whatever they get: 16 bits are cut to 8, transparency is dropped, of an animation
the first frame is taken. Here an image is converted only if that changes no value; any other is refused.
"""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flexnet.data.catalogue import Dataset

# What Pillow raises for broken or hostile image files, depending on the format and on where they break;
# warnings too, where the caller makes them errors.
DECODING_ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, OverflowError, MemoryError),
    *(TypeError, struct.error, zlib.error, Image.DecompressionBombError, Warning),
)
FORMATS = ("PNG", "JPEG", "WEBP")
# Colour or grey in 8 bits; a bit; a palette of 8-bit colours. All others lose something.
MODES = ("RGB", "L", "1", "P")
# A photo of more is no photo of a dataset; nothing is decoded to find that out.
MAX_PIXELS = 50_000_000
ORIENTATION = 0x0112
PNG_DEPTH = 24  # where a PNG file says how many bits a channel has


def decode(data: bytes | None, record: Dataset) -> NDArray[np.uint8]:
    """Decode an image file to (C, H, W) of a dataset; what its header says is checked before any pixel.

    Of a dataset of photos, images of other sizes than its own are scaled and cut (`centre_square`), and
    their stored pixels count, whatever orientation the camera noted, as torchvision's users have it.

    Raises:
        ValueError: if the image has another size or would lose something; other errors of
            `DECODING_ERRORS` if it is damaged.
    """
    if data is None:
        raise ValueError("the row has no image")
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        as_photo = record.photos and image.size != (record.size, record.size)
        _check_header(image, data, record, as_photo)
        image.load()
        if not as_photo and image.getexif().get(ORIENTATION, 1) != 1:
            raise ValueError("its EXIF data say that the image is to be turned or mirrored")
        if as_photo:
            return _channels_first(np.asarray(centre_square(image.convert("RGB"), record.size)))
        return _pixels(image, record.channels)


def centre_square(photo: Image.Image, size: int) -> Image.Image:
    """Scale a photo so that its shorter side is 256 for a size of 224, and cut its centre.

    As torchvision's Resize and CenterCrop but for rounding: there the fraction of the longer side is dropped,
    and half a pixel of the cut is rounded. So some shapes are scaled or cut by up to a pixel otherwise.
    """
    scale = size * 256 / 224 / min(photo.size)
    width, height = (max(size, round(side * scale)) for side in photo.size)
    resized = photo.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    return resized.crop((left, top, left + size, top + size))


def _check_header(image: Image.Image, data: bytes, record: Dataset, as_photo: bool) -> None:
    if as_photo and (min(image.size) < record.size or image.width * image.height > MAX_PIXELS):
        raise ValueError(f"the image has {image.width}x{image.height} pixels")
    if not as_photo and image.size != (record.size, record.size):
        raise ValueError(f"the image has {image.width}x{image.height} pixels")
    if image.format == "PNG" and data[PNG_DEPTH] > 8:
        raise ValueError(f"the image has {data[PNG_DEPTH]} bits per channel instead of 8")
    if image.mode not in MODES:
        raise ValueError(f"the image has mode {image.mode} instead of grey or RGB with 8 bits per channel")
    if "transparency" in image.info:
        raise ValueError("the image is partly transparent")
    if getattr(image, "n_frames", 1) > 1:
        raise ValueError("the file holds several images")


def _pixels(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """Pixels as (C, H, W); grey becomes RGB, and RGB becomes grey only where it is grey already."""
    if channels == 1 and image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))[np.newaxis]
    colours = _channels_first(np.asarray(image.convert("RGB")))
    if channels == 3:
        return colours
    if not (colours == colours[:1]).all():
        raise ValueError("the image has colours instead of grey")
    return colours[:1]


def _channels_first(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels.transpose(2, 0, 1)
