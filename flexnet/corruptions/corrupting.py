"""Corrupting batches of images: `corrupt(images, "fog", severity=3, seed=0)`."""

from collections.abc import Sequence
from operator import index

import torch
from torch import Generator, Tensor

from flexnet.corruptions.constants import AUTO, Values, check_severity, check_values, constants_of
from flexnet.corruptions.kernel import Corruption, Draws
from flexnet.corruptions.registry import CORRUPTIONS
from flexnet.corruptions.turns import in_turn
from flexnet.errors import ConfigError
from flexnet.seeds import derive_seed

SMALLEST = 16  # pixels: below, filters and maps are wider than the image
# Values that are worked on at once: on a CPU few enough to stay in its cache.
AT_ONCE = {"cpu": 1 << 17, "cuda": 1 << 25}


def corrupt(
    images: Tensor,
    name: str,
    severity: int,
    seed: int = 0,
    *,
    indices: Sequence[int] | Tensor | None = None,
    constants: str | Values = AUTO,
) -> Tensor:
    """Corrupt images.

    What is random in an image is drawn on the CPU from a seed of its own, made of the corruption, the
    severity, the number of the image and `seed`. So an image comes out the same in any batch, in any order
    and on any device, and a set may be corrupted in parts.

    Args:
        images: (N, C, H, W) in uint8, on any device; C is 1 or 3, H and W at least 16.
        name: one of `flexnet.corruptions.NAMES`.
        severity: 1 to 5.
        seed: another seed gives other random numbers.
        indices: number of each image in its set, N of them; default 0 to N - 1. Parts of a set must tell it,
            or each part starts anew.
        constants: "imagenet" or "cifar" for the constants of ImageNet-C or CIFAR-10-C as they stand, "auto"
            for those that fit the size of the images (`flexnet.corruptions.constants`); or the constants
            themselves, as `constants_of` gives them.

    Returns:
        A new tensor of the same shape, type and device.

    Raises:
        ConfigError: if an argument is not as above, or the corruption means nothing to grey images.
    """
    _check_images(images)
    if type(seed) is not int:
        raise ConfigError(f"seed: expected an integer; got {seed!r}; write 0, for instance")
    values = _values(name, severity, min(images.shape[2:]), constants)
    corruption = CORRUPTIONS[name]
    _check_channels(images, name, corruption)
    numbers = _numbers(indices, len(images))
    seeds = [derive_seed("corruption", name, severity, number, seed) for number in numbers]
    if images.device.type == "mps":  # has no float64
        return _all(images.cpu(), seeds, corruption, values).to(images.device)
    return _all(images, seeds, corruption, values)


def _values(name: str, severity: int, side: int, constants: str | Values) -> Values:
    if isinstance(constants, str):
        return constants_of(name, severity, side, constants)
    check_severity(severity)
    check_values(name, constants)
    return constants


def _all(images: Tensor, seeds: list[int], corruption: Corruption, constants: Values) -> Tensor:
    """Corrupt images part by part."""
    threads = torch.get_num_threads() if images.is_cpu and not corruption.one_thread else 1
    size = max(1, AT_ONCE["cpu" if images.is_cpu else "cuda"] // images[0].numel())
    size = min(size, -(-len(images) // threads))
    with torch.inference_mode(False):  # the threads below are not in it, whatever the caller is
        done = torch.empty_like(images, memory_format=torch.contiguous_format)

    def one(start: int) -> None:
        part = images[start : start + size].contiguous()
        drawn = _drawn(part, seeds[start : start + size], corruption, constants)
        done[start : start + size] = corruption.apply(part, drawn, constants)

    in_turn(one, range(0, len(images), size), threads)
    return done


def _drawn(images: Tensor, seeds: list[int], corruption: Corruption, constants: Values) -> Draws:
    """What is random in each image, one row per image, on the device of the images."""
    generator, shape = Generator(), (images.shape[1], images.shape[2], images.shape[3])
    rows = [corruption.draw(generator.manual_seed(seed), shape, constants) for seed in seeds]
    return tuple(torch.stack(parts).to(images.device) for parts in zip(*rows, strict=True))


def _check_images(images: object) -> None:
    if not isinstance(images, Tensor):
        raise ConfigError(
            f"images: expected a tensor of uint8; got {type(images).__name__}; use torch.from_numpy(...)"
        )
    if images.dtype != torch.uint8:
        raise ConfigError(
            f"images: expected uint8, 0 to 255; got {images.dtype}; corruptions are defined on grey levels: "
            "take the images before they are scaled, or (255 * images).round().to(torch.uint8)"
        )
    if images.dim() != 4 or not len(images):
        raise ConfigError(
            f"images: expected at least one, in the shape (N, C, H, W); got the shape {tuple(images.shape)}; "
            "use image[None] for a single image"
        )
    if min(images.shape[2:]) < SMALLEST:
        raise ConfigError(
            f"images: expected at least {SMALLEST} x {SMALLEST} pixels; got {images.shape[2]} x "
            f"{images.shape[3]}; enlarge them"
        )


def _check_channels(images: Tensor, name: str, corruption: Corruption) -> None:
    channels = images.shape[1]
    if channels not in (1, 3):
        raise ConfigError(
            f"images: expected 3 channels, or 1 for grey images; got {channels}, shape "
            f"{tuple(images.shape)}; put the channels second"
        )
    if channels == 1 and corruption.colour_only:
        raise ConfigError(
            f"{name}: expected images of 3 channels; got grey ones, which have no colour to change; leave "
            "this corruption out, or repeat the channel three times"
        )


def _numbers(indices: Sequence[int] | Tensor | None, n: int) -> list[int]:
    """The number of each image in its set."""
    if indices is None:
        return list(range(n))
    if isinstance(indices, Tensor) and (indices.is_floating_point() or indices.dim() != 1):
        raise ConfigError(
            f"indices: expected {n} integers; got {indices.dtype} of shape "
            f"{tuple(indices.shape)}; correct them"
        )
    try:
        numbers = [index(number) for number in indices]
    except TypeError as error:
        raise ConfigError(f"indices: expected {n} integers; got {indices!r}; correct them") from error
    if len(numbers) != n:
        raise ConfigError(f"indices: expected {n}, one for each image; got {len(numbers)}")
    if min(numbers) < 0:
        raise ConfigError(f"indices: expected numbers from 0; got {min(numbers)}")
    return numbers
