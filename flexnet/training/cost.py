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
# A forward pass is about a third of a training step.
FORWARD_SHARE = 1 / 3


def seconds_per_image(
    run: TrainingRun, device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Time one training step after a warm-up and divide by its images."""
    channels, size, classes = expected_images(run.network, run.options)
    shape = (run.recipe.batch_size, channels, size, size)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, classes, shape[:1], generator=generator)
    data = DeviceImages(images.to(device), labels.to(device))
    once = replace(run, recipe=replace(run.recipe, compile=False), checkpoint_seconds=math.inf)
    trainer = Trainer(once, device, Checkpoint("unused.checkpoint", ""))
    data = trainer.prepare(data)
    trainer.finish([trainer.epoch(1, data)])
    start = clock()
    float(trainer.epoch(2, data)["loss"])  # reading the loss waits for the device
    return (clock() - start) / len(data)


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


def run_seconds(run: TrainingRun, training: int, scored: int, per_image: float) -> float:
    """Seconds that a run takes, with its evaluations.

    Args:
        run: the run.
        training: number of training images.
        scored: number of test images of each evaluation.
        per_image: seconds of a training step per image.
    """
    epochs = range(1, run.recipe.epochs + 1)
    evaluations = sum(run.recipe.evaluates(epoch) for epoch in epochs)
    seen = scored + training * run.recipe.score_training
    return per_image * (len(epochs) * training + evaluations * seen * FORWARD_SHARE)
