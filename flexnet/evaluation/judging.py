"""Judging a model on images that are moved along a direction, at several step sizes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from flexnet.attacks.checks import check_attacked_logits, check_epsilon
from flexnet.attacks.fgsm import step_along
from flexnet.attacks.spaces import Space, space_of
from flexnet.errors import ConfigError
from flexnet.evaluation.accuracy import check_judged, on_device
from flexnet.evaluation.outcomes import judge_logits
from flexnet.evaluation.subject import Job, Subject
from flexnet.layers.randomness import check_declared, is_stochastic, set_generator, stochastic_layers
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels

FEW = 8  # images that tell whether a model draws in secret


@contextmanager
def as_it_came(model: nn.Module) -> Iterator[None]:
    """Put back afterwards: the generators of layers that draw, and what was drawn anew (buffers)."""
    saved = {name: buffer.clone() for name, buffer in model.named_buffers()}
    generators = [(layer, layer.generator) for layer in stochastic_layers(model)]
    try:
        yield
    finally:
        for layer, generator in generators:
            layer.generator = generator
        for name, buffer in model.named_buffers():
            buffer.copy_(saved[name])


def scored_images(subject: Subject, job: Job) -> tuple[Pixels, Tensor, str]:
    """The images of a subject with their labels, checked, and how messages call the subject.

    Raises:
        ConfigError: if the model cannot be judged.
        DataError: if images and labels have another type or shape.
    """
    scored = subject.scored
    pixels, labels = on_device(scored.images, scored.labels, scored.images.device)
    return pixels, labels, f"{check_judged(subject.model, pixels, subject.name)}, protocol {job.protocol}"


def require_declared(model: nn.Module, pixels: Pixels, name: str) -> None:
    """Check on a few images that nothing in a model draws in secret; errors as `check_declared`."""
    check_declared(model, to_unit(pixels[:FEW]), name)


def fitting_space(
    model: nn.Module, name: str, clamp: str, epsilons: Sequence[float], pixels: Pixels
) -> Space:
    """The space of a model's steps, if it fits the images and the step sizes.

    Raises:
        ConfigError: if it does not.
    """
    space = space_of(model, name, clamp)
    if space.scale.shape[1] != pixels.shape[1]:
        raise ConfigError(
            f"evaluated model: expected one for images of {pixels.shape[1]} channels; got one for "
            f"{space.scale.shape[1]}; choose the model, or the dataset, that fits"
        )
    check_epsilon(max(epsilons), space)
    return space


def judge_steps(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    direction: Tensor,
    epsilons: Sequence[float],
    space: Space,
    *,
    at_once: int,
    highest: int,
    masks: Callable[[], torch.Generator],
) -> Tensor:
    """Outcomes of images moved along a direction, several step sizes per pass.

    Args:
        model: in evaluation mode.
        images: in [0, 1], (n, C, H, W).
        labels: true classes, (n,).
        direction: what one unit of epsilon adds, in units of the space, (n, C, H, W).
        epsilons: step sizes.
        space: unit and range of a step.
        at_once: most images per pass.
        highest: greatest label of all images.
        masks: makes the generator of a stochastic model's masks anew for each pass, so that all step sizes
            see the same.

    Returns:
        int8, (epsilons, n), see `flexnet.evaluation.outcomes`.
    """
    # A layer may draw for each image: then the same for all step sizes only in passes of their own.
    step, outcomes = 1 if is_stochastic(model) else max(1, at_once // len(images)), []
    for start in range(0, len(epsilons), step):
        some = epsilons[start : start + step]
        moved = torch.cat([step_along(images, direction, epsilon, space) for epsilon in some])
        set_generator(model, masks())
        with torch.no_grad():
            logits = check_attacked_logits(model(moved), len(moved), highest, type(model).__name__)
            outcomes.append(judge_logits(logits, labels))
    return torch.cat(outcomes)
