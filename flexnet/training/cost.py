"""What training runs cost on this machine, measured by a few steps of the real thing."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from flexnet.networks.registry import expected_images
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import Checkpoint
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import Trainer

SIZES = (8, 32)  # images of the two steps that are timed
FEWER, LARGE = (2, 4), 128  # of images from so many pixels on, whose maps would need tens of gigabytes
ENOUGH, MOST = 0.1, 10  # short steps are repeated for so many seconds, so many times at most


def seconds_per_image(
    run: TrainingRun, device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Time training steps after a warm-up and divide by their images: one step, of short ones several."""
    once = replace(run, recipe=replace(run.recipe, compile=False), checkpoint_seconds=math.inf)
    trainer = Trainer(once, device, Checkpoint("unused.checkpoint", ""))
    data = trainer.prepare(_images(run, 1, device))
    trainer.finish([trainer.epoch(1, data)])  # the warm-up
    seconds = _seconds(trainer, 2, data, clock)
    steps = min(MOST, int(ENOUGH / max(seconds, ENOUGH / MOST)))
    if steps > 1:  # what an epoch costs for itself counts little then, as it does in long ones
        data = trainer.prepare(_images(run, steps, device))
        seconds = _seconds(trainer, 3, data, clock)
    return seconds / len(data)


def _images(run: TrainingRun, steps: int, device: torch.device) -> DeviceImages:
    """Random images for some steps."""
    channels, size, classes = expected_images(run.network, run.options)
    shape = (steps * run.recipe.batch_size, channels, size, size)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, classes, shape[:1], generator=generator)
    return DeviceImages(images.to(device), labels.to(device))


def _seconds(trainer: Trainer, epoch: int, data: DeviceImages, clock: Callable[[], float]) -> float:
    start = clock()
    row = trainer.epoch(epoch, data)
    float(row["loss"])  # reading the loss waits for the device
    seconds = clock() - start
    trainer.finish([row])  # else the next epoch goes on where this one ended, and skips its steps
    return seconds


def core_seconds_per_image(run: TrainingRun, device: torch.device) -> float:
    """Seconds that one core works for each image of a training step, from two small steps.

    A step costs something for itself and something for each image: two sizes tell both apart, in a fraction
    of the time of a whole batch. Processor time is counted, so that what else the machine does is left out.
    """
    sizes = FEWER if expected_images(run.network, run.options)[1] >= LARGE else SIZES
    few, more = (min(size, run.recipe.batch_size) for size in sizes)
    if few == more:
        return seconds_per_image(run, device, time.process_time)
    costs = [
        size
        * seconds_per_image(
            replace(run, recipe=replace(run.recipe, batch_size=size)), device, time.process_time
        )
        for size in (few, more)
    ]
    each = max(0.0, costs[1] - costs[0]) / (more - few)
    step = max(0.0, costs[0] - few * each)
    return each + step / run.recipe.batch_size
