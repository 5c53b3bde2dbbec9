"""A network that was never trained and is right about all its images, so that a change can only spoil it."""

from typing import Any

import torch
from torch import Tensor

from flexnet.evaluation.subject import Subject
from flexnet.networks.registry import build
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun


def right_about(images: Tensor, model: str = "m", seed: int = 1, **options: Any) -> Subject:
    """A small network with labels that it gives itself; all with the same weights.

    Args:
        images: (N,C,H,H) of grey levels.
        model, seed: of the run that it says it comes from.
        options: of the network, beside its width and what follows from the images.
    """
    shape = {"channels": images.shape[1], "input_size": images.shape[2]}
    run = TrainingRun(model, seed, "small", {**shape, "width": 0.25, **options}, Recipe())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build("small", **run.options).eval()
        for weights in network.parameters():  # as good as trained: it tells images apart
            weights.data = torch.randn_like(weights)
    with torch.inference_mode():
        labels = network(images.float() / 255).argmax(1)
    return Subject(network, run, DeviceImages(images, labels.clone()))
