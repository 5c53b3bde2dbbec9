"""Training here against a plain PyTorch loop, on the paper's VGG16 with a single Flexible Layer."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.timing import Timing, compare
from flexnet.data._torchvision import import_torchvision
from flexnet.data.arrays import ImageArrays
from flexnet.networks.normalise import NORMALISATIONS
from flexnet.networks.registry import build
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import Checkpoint
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import Trainer

BATCH = 100
SINGLE = {"flexible": "single", "layer": {"scheme": "learned"}}
MACS_PER_IMAGE = 918_555_624  # VGG16 at 32x32; a training step is three forward passes


class Composed(nn.Module):
    """Eq. (1) written down as it stands: convolution, pool, two sigmoids."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3)
        self.threshold = nn.Parameter(torch.randn(1, 64, 30, 30))

    def forward(self, input: Tensor) -> Tensor:
        """Convolve and pool, weighted by the gates."""
        pooled = F.max_pool2d(input, 3, 1)
        difference = self.threshold - pooled
        return torch.sigmoid(50 * difference) * pooled + torch.sigmoid(-50 * difference) * self.conv(input)


def _images(n: int) -> ImageArrays:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    return ImageArrays(images, np.arange(n, dtype=np.int64) % 10, tuple("0123456789"))


def _plain(arrays: ImageArrays, device: str) -> Callable[[], object]:
    """One epoch as tutorials write it: DataLoader, PIL images, torchvision transforms, eager float32."""
    import_torchvision()
    from PIL import Image
    from torchvision import transforms

    mean, std = NORMALISATIONS["imagenet"]
    steps = [transforms.RandomHorizontalFlip(), transforms.ToTensor(), transforms.Normalize(mean, std)]
    transform = transforms.Compose(steps)
    pictures = [Image.fromarray(image.transpose(1, 2, 0)) for image in arrays.images]

    class Pictures(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return len(pictures)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            return transform(pictures[index]), int(arrays.labels[index])

    loader = torch.utils.data.DataLoader(Pictures(), batch_size=BATCH, shuffle=True)
    model: Any = build("vgg16")
    model.features[3] = Composed()
    model = nn.Sequential(model.features, model.head).to(device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=0.006)

    def epoch() -> None:
        for images, labels in loader:
            optimiser.zero_grad()
            F.cross_entropy(model(images.to(device)), labels.to(device)).backward()
            optimiser.step()

    return epoch


def launched(trainer: Trainer) -> Trainer:
    """The trainer with steps that a GPU is given kernel by kernel."""
    trainer.take = trainer.step
    return trainer


def _ours(
    arrays: ImageArrays,
    device: str,
    recipe: Recipe,
    prepare: Callable[[Trainer], Trainer] = lambda trainer: trainer,
) -> Callable[[], object]:
    place = torch.device(device)
    run = TrainingRun("benchmark", 1, "vgg16", SINGLE, recipe, checkpoint_seconds=math.inf)
    trainer = prepare(Trainer(run, place, Checkpoint("unused.checkpoint", "")))
    data = DeviceImages.load(arrays, None, place)
    epochs: Iterator[int] = iter(range(1, 10**6))
    return lambda: trainer.finish([trainer.epoch(next(epochs), data)])


def product_rate(
    device: str, dtype: torch.dtype, seconds: float = 1.0, shape: tuple[int, int, int] | None = None
) -> float:
    """Multiply-accumulates per second of matrix products: what arithmetic alone would allow.

    Args:
        device: where to multiply.
        dtype: type of the matrices.
        seconds: how long to measure.
        shape: rows, inner size and columns; None for large square matrices.
    """
    rows, inner, columns = shape or (2048, 2048, 2048)
    left = torch.rand(rows, inner, device=device).to(dtype)
    right = torch.rand(columns, inner, device=device).to(dtype).t()
    left @ right
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        float((left @ right)[0, 0])
        count += 1
    return float(count * rows * inner * columns / (time.perf_counter() - start))


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time an epoch of a few steps, and say what the matrix products alone would allow."""
    images, turns = (BATCH, 3) if quick else (2 * BATCH, 5)
    arrays = _images(images)
    torch.manual_seed(0)
    recipe = Recipe(epochs=10**6, batch_size=BATCH)
    candidates = {
        "flexnet, bf16": _ours(arrays, device, replace(recipe, precision="bf16")),
        "flexnet, float32": _ours(arrays, device, recipe),
        "plain loop, float32": _plain(arrays, device),
    }
    if device.startswith("cuda"):
        half = replace(recipe, precision="bf16")
        candidates["flexnet, bf16, kernel by kernel"] = _ours(arrays, device, half, launched)
    what = f"Training, VGG16 with a single Flexible Layer, {images} images in steps of {BATCH}"
    timings = compare(what, candidates, repeats=turns)
    for timing in timings:
        print(f"  {timing.name}: {images / timing.seconds:.0f} images/s")
    for dtype in (torch.bfloat16, torch.float32):
        bound = product_rate(device, dtype) / (3 * MACS_PER_IMAGE)
        print(f"  direct convolution at the rate of {dtype} matrix products: {bound:.0f} images/s")
    return timings
