"""The nineteen corruptions here against imagecorruptions: images per second under the same constants."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.timing import Timing, compare
from flexnet.corruptions import NAMES, corrupt

SEVERITIES = (1, 3, 5)
CONSTANTS = "imagenet"  # at any size: the other package has no others


def _images(n: int, side: int) -> Tensor:
    """Smooth shades with some noise: blurs and codecs take as long as with photographs."""
    generator = torch.Generator().manual_seed(0)
    shades = F.interpolate(torch.rand(n, 3, 8, 8, generator=generator), size=side, mode="bicubic")
    noise = torch.randn(n, 3, side, side, generator=generator)
    return (shades * 220 + 8 * noise + 16).clamp(0, 255).to(torch.uint8)


def _ours(images: Tensor, name: str) -> Callable[[], object]:
    return lambda: [corrupt(images, name, severity, constants=CONSTANTS) for severity in SEVERITIES]


def _theirs(images: Tensor, name: str) -> Callable[[], object]:
    from imagecorruptions import corrupt as corrupt_one

    single = [np.ascontiguousarray(image) for image in images.permute(0, 2, 3, 1).numpy()]
    return lambda: [
        corrupt_one(image, corruption_name=name, severity=severity)
        for severity in SEVERITIES
        for image in single
    ]


def _line(name: str, ours: float, theirs: float, images: int) -> str:
    speeds = f"{images / ours:10.0f} {images / theirs:10.0f} images/s"
    return f"  {name:<18} {speeds}  {theirs / ours:6.1f} times as many"


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time each corruption at 32 and 224 pixels, the mean of severities 1, 3 and 5, and the sum of all."""
    timings: list[Timing] = []
    for side, n in {32: 42 if quick else 256, 224: 2 if quick else 16}.items():
        images = _images(n, side)
        there = images.to(device)
        made, lines, sums = n * len(SEVERITIES), [], np.zeros(2)
        for name in NAMES:
            pair = compare(
                f"{name}: {made} images of 3x{side}x{side}, severities {SEVERITIES}",
                {"flexnet": _ours(there, name), "imagecorruptions": _theirs(images, name)},
                repeats=2 if quick else 5,
            )
            timings += pair
            seconds = [timing.seconds for timing in pair]
            sums += seconds
            lines.append(_line(name, seconds[0], seconds[1], made))
        print(f"\nCorruptions at {side} pixels: flexnet, imagecorruptions")
        print("\n".join([*lines, _line("all nineteen", *sums, made)]), flush=True)
    return timings
