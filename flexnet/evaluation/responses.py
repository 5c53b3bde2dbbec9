"""What a push-pull layer and its push alone make of one drawn object under growing noise."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from flexnet.data.shapes.generate import generate
from flexnet.errors import ConfigError
from flexnet.layers.gabor import gabor_bank
from flexnet.layers.pushpull import PushPullConv2d
from flexnet.options.layer import kind_of
from flexnet.options.rules import beside_kind
from flexnet.seeds import derive_seed

VARIANCES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
DIVISOR, ORIENTATION = 3.6, 0.0  # of the kernel: about one wave in it; it answers to upright lines


def describe(network: str, options: Mapping[str, Any], example: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per number of the maps of an example.

    `part`: "image", "convolution" (the push before any rectifier) and "output" at every `level`, the variance
    of the noise; at level 0 also "push kernel", "pull kernel", "push" and "pull" (both rectified, without
    the strength).

    Args:
        network: whose layer it is.
        options: options of the network; its `layer` says how the layer behaves.
        example: what the layer has instead of the network's sizes: kernel_size and input_size in pixels, and
            the seed of object and noise.

    Raises:
        ConfigError: if the network has no push-pull layer, or an option is not allowed.
    """
    told = options.get("layer") or {}
    if kind_of(told) != "pushpull":
        raise ConfigError(f"expected the options of a push-pull layer; got {dict(told)}; choose its model")
    layer = PushPullConv2d(1, 1, example["kernel_size"], dtype=torch.float64, **beside_kind(told))
    angles = (ORIENTATION,)
    with torch.no_grad():
        layer.weight.copy_(
            gabor_bank(example["kernel_size"], DIVISOR, orientations=angles).view_as(layer.weight)
        )
        found = list(_maps(layer, _image(example), example["seed"]))
    return [
        {"part": part, "level": level, "row": i, "column": j, "value": value}
        for part, level, values in found
        for i, line in enumerate(values[0, 0].tolist())
        for j, value in enumerate(line)
    ]


def _maps(layer: PushPullConv2d, image: Tensor, seed: int) -> Iterator[tuple[str, float, Tensor]]:
    plain, pull = layer.plain(), layer.pull_weight()
    wider = layer.pull_size // 2 - layer.kernel_size[0] // 2
    yield "push kernel", 0.0, layer.weight
    yield "pull kernel", 0.0, pull
    yield "push", 0.0, torch.relu(plain(image))
    yield "pull", 0.0, torch.relu(torch.nn.functional.conv2d(image, pull, padding=wider))
    for level in VARIANCES:
        generator = torch.Generator().manual_seed(derive_seed("responses", seed, repr(level)))
        noise = torch.randn(image.shape, generator=generator, dtype=image.dtype)
        noisy = image + level**0.5 * noise
        yield "image", level, noisy
        yield "convolution", level, plain(noisy)
        yield "output", level, layer(noisy)


def _image(example: Mapping[str, Any]) -> Tensor:
    """A drawn object, light lines on black, (1, 1, H, W) in [0, 1]."""
    size, seed = example["input_size"], example["seed"]
    drawn = generate(1, size=size, channels=1, seed=seed, split="responses", rendering="contours").images
    return 1 - torch.from_numpy(drawn).double() / 255
