"""What holds training up: images per second against what matrix products alone allow, and where time goes.

The limit is that of direct convolution. In float32 convolutions may pass it, because they are computed with
fewer multiplications (Winograd).
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.timing import Timing, compare
from benchmarks.training import product_rate
from flexnet.networks.registry import expected_images
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import Checkpoint
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import Trainer

PUSH_PULL = {"kind": "pushpull"}
# Network, its options, images in a step, steps that are timed.
NETWORKS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "small, baseline": ("small", {}, 100, 40),
    "small, flexible": ("small", {"layer": {"scheme": "learned"}}, 100, 40),
    "LeNet": ("lenet", {}, 100, 40),
    "LeNet, push-pull": ("lenet", {"layer": PUSH_PULL}, 100, 40),
    "ResNet-20": ("resnet", {"depth": 20}, 128, 2),
    "ResNet-20, push-pull": ("resnet", {"depth": 20, "layer": PUSH_PULL}, 128, 2),
    "VGG16, one flexible": ("vgg16", {"flexible": "single", "layer": {"scheme": "learned"}}, 100, 1),
}
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
# Kinds of work, by the beginning of the name of an operation or of one that called it; the first that fits.
KINDS = {
    "optimiser": ("aten::_fused_sgd_", "aten::_foreach"),
    "gate, pool": ("_Chunked", "_ShiftedMaxPool", "aten::max_pool2d", "aten::avg_pool2d"),
    "products": ("aten::mm", "aten::addmm", "aten::conv"),
    "batch norm": ("aten::native_batch_norm", "aten::batch_norm"),
    "rectifiers": ("aten::relu", "aten::clamp_min", "aten::threshold_backward"),
    "copies": ("aten::copy_", "aten::clone", "aten::contiguous", "aten::index"),
}
REST = "rest"  # loss, normalisation of images, many small operations, Python


def _trainer(name: str, precision: str, device: str) -> tuple[Trainer, DeviceImages]:
    network, options, batch, steps = NETWORKS[name]
    recipe = Recipe(epochs=10**6, batch_size=batch, precision=precision, flip=0.0)
    run = TrainingRun("benchmark", 1, network, options, recipe, checkpoint_seconds=math.inf)
    channels, size, classes = expected_images(network, options)
    generator = torch.Generator().manual_seed(0)
    shape = (steps * batch, channels, size, size)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.arange(len(images)) % classes
    trainer = Trainer(run, torch.device(device), Checkpoint("unused.checkpoint", ""))
    return trainer, DeviceImages(images.to(device), labels.to(device))


def _epoch(trainer: Trainer, data: DeviceImages) -> Callable[[], object]:
    epochs: Iterator[int] = iter(range(1, 10**6))
    return lambda: trainer.finish([trainer.epoch(next(epochs), data)])


def _products(epoch: Callable[[], object], images: int) -> float:
    """Multiply-accumulates of a training step for one image."""
    with FlopCounterMode(display=False) as counter:
        epoch()
    return float(counter.get_total_flops()) / 2 / images


def _kind(event: Any) -> str:
    """The kind of an operation: its own, or that of the nearest caller that has one."""
    while event is not None:
        for kind, beginnings in KINDS.items():
            if event.name.startswith(beginnings):
                return kind
        event = event.cpu_parent
    return REST


def _shares(epoch: Callable[[], object]) -> dict[str, float]:
    """Share of each kind of work in the time of an epoch on the CPU.

    The first recordings take memory that the system has to clear, so that copies seem slow: the last counts.
    Recording itself takes time, which lengthens what consists of many small operations.
    """
    for _ in range(4):
        with profile(activities=[ProfilerActivity.CPU]) as record:
            start = time.perf_counter()
            epoch()
            seconds = time.perf_counter() - start
    spent = dict.fromkeys((*KINDS, REST), 0.0)
    for event in record.events() or ():
        spent[_kind(event)] += event.self_cpu_time_total / 1e6
    spent[REST] += seconds - sum(spent.values())
    return {kind: part / seconds for kind, part in spent.items()}


def _tell(timing: Timing, epoch: Callable[[], object], images: int, rate: float, device: str) -> None:
    speed, bound = images / timing.seconds, rate / _products(epoch, images)
    print(f"  {timing.name}: {speed:.0f} images/s, {speed / bound:.2f} of {bound:.0f} that products allow")
    if device == "cpu":  # on a GPU this would be the time of starting its work
        print("    " + ", ".join(f"{kind} {part:.0%}" for kind, part in _shares(epoch).items()))


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time short epochs of each network, in both precisions; a quick run in bf16 alone."""
    torch.set_flush_denormal(True)  # as the training stage does
    timings = []
    for precision in ("bf16",) if quick else PRECISIONS:
        made = {name: _trainer(name, precision, device) for name in NETWORKS}
        epochs = {name: _epoch(*each) for name, each in made.items()}
        found = compare(
            f"Training in {precision}, short epochs of several networks", epochs, repeats=2 if quick else 5
        )
        rate = product_rate(device, PRECISIONS[precision])
        print(f"  matrix products: {rate / 1e9:.0f} billion multiply-accumulates a second")
        for timing in found:
            _tell(timing, epochs[timing.name], len(made[timing.name][1]), rate, device)
        timings += found
    return timings
