"""Decoding loses nothing: what would lose something is refused, whatever the content is said to be."""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flexnet.data.catalogue import Dataset
from flexnet.data.decode import DECODING_ERRORS, MAX_PIXELS, decode


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def deep_png(samples: np.ndarray) -> bytes:
    """A PNG file with 16 bits per channel, (H, W) or (H, W, 3); Pillow writes none in colour."""
    height, width = samples.shape[:2]
    kind = 2 if samples.ndim == 3 else 0
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in samples)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def grey(tiny: Dataset) -> Dataset:
    return replace(tiny, channels=1)


@pytest.fixture
def image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[0])


def test_lossless_files_give_their_pixels(pixels: np.ndarray, image: Image.Image, tiny: Dataset) -> None:
    for data in (encoded(image), encoded(image, "WEBP", lossless=True)):
        assert np.array_equal(decode(data, tiny), pixels[0].transpose(2, 0, 1))


def test_a_palette_and_grey_in_colours_lose_nothing(tiny: Dataset, grey: Dataset) -> None:
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    few = Image.fromarray(values).convert("P")
    expected = np.asarray(few.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(decode(encoded(few), tiny), expected)
    alike = encoded(Image.fromarray(np.stack([values] * 3, axis=-1)))
    assert np.array_equal(decode(alike, grey), values[np.newaxis])
    assert np.array_equal(decode(encoded(Image.fromarray(values)), tiny), np.stack([values] * 3))


@pytest.mark.parametrize("colours", [False, True])
def test_sixteen_bits_are_refused(colours: bool, tiny: Dataset, grey: Dataset) -> None:
    samples = np.full((8, 8, 3) if colours else (8, 8), 40_000)
    data = deep_png(samples)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == ("RGB" if colours else "I;16")  # of colours Pillow says nothing
    for record in (tiny, grey):
        with pytest.raises(ValueError, match="16 bits per channel instead of 8"):
            decode(data, record)


def test_colours_where_grey_is_expected_are_refused(image: Image.Image, grey: Dataset) -> None:
    with pytest.raises(ValueError, match="colours instead of grey"):
        decode(encoded(image), grey)


@pytest.mark.parametrize(
    ("mode", "kind", "message"),
    [
        ("RGBA", "PNG", "mode RGBA"),
        ("LA", "PNG", "mode LA"),
        ("RGBA", "WEBP", "mode RGBA"),
        ("CMYK", "JPEG", "mode CMYK"),
        ("I", "TIFF", "cannot identify image file"),
        ("F", "TIFF", "cannot identify image file"),
        ("RGB", "BMP", "cannot identify image file"),
    ],
)
def test_other_kinds_of_image_are_refused(mode: str, kind: str, message: str, tiny: Dataset) -> None:
    image = Image.new(mode, (8, 8))
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)))
    with pytest.raises(DECODING_ERRORS, match=message):
        decode(encoded(image, kind), tiny)


def test_a_transparent_palette_is_refused(image: Image.Image, tiny: Dataset) -> None:
    with pytest.raises(ValueError, match="partly transparent"):
        decode(encoded(image.convert("P"), transparency=3), tiny)
    with pytest.raises(ValueError, match="partly transparent"):
        decode(encoded(image, transparency=(1, 2, 3)), tiny)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "MPO"])
def test_several_images_in_one_file_are_refused(kind: str, image: Image.Image, tiny: Dataset) -> None:
    other = Image.new("RGB", (8, 8), (9, 9, 9))
    data = encoded(image, kind, save_all=True, append_images=[other])
    with pytest.raises(ValueError, match="several images"):
        decode(data, tiny)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_noted_orientation_is_refused(kind: str, image: Image.Image, tiny: Dataset) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(ValueError, match="turned or mirrored"):
        decode(encoded(image, kind, exif=exif), tiny)
    exif[0x0112] = 1
    assert decode(encoded(image, kind, exif=exif), tiny).shape == (3, 8, 8)


def test_photos_are_cut_to_squares_and_others_are_not(tiny: Dataset) -> None:
    photo = encoded(Image.new("RGB", (16, 12), (5, 6, 7)))
    assert decode(photo, replace(tiny, photos=True))[:, 0, 0].tolist() == [5, 6, 7]
    with pytest.raises(ValueError, match="16x12 pixels"):
        decode(photo, tiny)
    with pytest.raises(ValueError, match="9x7 pixels"):  # it would have to be enlarged
        decode(encoded(Image.new("RGB", (9, 7))), replace(tiny, photos=True))


def test_a_bomb_is_refused_before_it_is_decoded(tiny: Dataset) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    small = deep_png(np.zeros((8, 8, 3)))
    bomb = small[:16] + struct.pack(">IIB", side, side, 8) + small[25:]
    bomb = bomb[:29] + struct.pack(">I", zlib.crc32(bomb[12:29])) + bomb[33:]
    for record in (tiny, replace(tiny, photos=True)):
        with pytest.raises(ValueError, match=f"{side}x{side} pixels"):
            decode(bomb, record)
