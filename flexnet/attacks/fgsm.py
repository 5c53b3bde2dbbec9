"""Fast gradient sign method (Goodfellow et al. 2015): one step along the sign of the input gradient.

The gradient is taken at the clean image, so one gradient serves every epsilon of a grid.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from flexnet.attacks.losses import loss_by_name
from flexnet.attacks.precision import full_precision, require_full_precision
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError


@contextmanager
def frozen_parameters(model: nn.Module) -> Iterator[None]:
    """Switch `requires_grad` of all parameters off for a while.

    Backward then neither computes nor accumulates weight gradients, which cost about as much as the
    whole gradient with respect to the input.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)


def input_gradient(model: nn.Module, images: Tensor, labels: Tensor, loss: str = "cross_entropy") -> Tensor:
    """Gradient of the summed loss with respect to the images alone.

    Args:
        model: takes images in [0, 1] and returns logits (N, K). Put it in eval mode first.
        images: (N, C, H, W), float32 or float64.
        labels: true classes, (N,), int64.
        loss: name of a loss of `flexnet.attacks.losses`.

    Returns:
        (N, C, H, W). Parameters keep their `grad` and their `requires_grad`.

    Raises:
        ConfigError: if the loss is unknown, or images or parameters are in half precision.
    """
    value = loss_by_name(loss)
    require_full_precision(model, images)
    with frozen_parameters(model), full_precision(images.device), torch.enable_grad():
        leaf = images.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(value(model(leaf), labels).sum(), leaf)
    return gradient


def expected_gradient(
    model: nn.Module, images: Tensor, labels: Tensor, loss: str = "cross_entropy", draws: int = 20
) -> Tensor:
    """Mean input gradient of a stochastic model over `draws` passes (expectation over transformation).

    A model that draws new masks at each pass hides its gradient in their noise; the mean over draws is
    what an attacker climbs who knows the distribution but not the draw (Athalye et al. 2018).

    Args:
        model: as for `input_gradient`; its generator, if it has one, is advanced.
        images: (N, C, H, W), float32 or float64.
        labels: true classes, (N,), int64.
        loss: name of a loss of `flexnet.attacks.losses`.
        draws: number of passes, at least 1.

    Raises:
        ConfigError: if `draws` is below 1, or as for `input_gradient`.
    """
    if draws < 1:
        raise ConfigError(
            f"draws of an expected gradient: expected >= 1; got {draws}; use 1 for a single pass"
        )
    total = input_gradient(model, images, labels, loss)
    for _ in range(draws - 1):
        total = total + input_gradient(model, images, labels, loss)
    return total / draws


def fgsm_from_gradient(images: Tensor, gradient: Tensor, epsilon: float, space: Space) -> Tensor:
    """Move each pixel by epsilon along the sign of its gradient, then clamp.

    Args:
        images: clean images in [0, 1], (N, C, H, W).
        gradient: input gradient at these images, (N, C, H, W).
        epsilon: size of the step in units of `space`, at least 0. With 0 the images come back as they
            are, unclamped: the authors' loose range excludes the darkest 0.0002 of the first channel.
        space: unit and range of the step, on the device of the images.

    Raises:
        ConfigError: if `epsilon` is negative or not a number.
    """
    if not epsilon >= 0:
        raise ConfigError(f"epsilon of an attack: expected >= 0; got {epsilon}; use 0 for clean images")
    if epsilon == 0:
        return images
    moved = images + epsilon * space.scale * gradient.sign()
    return torch.clamp(moved, space.low, space.high)


def fgsm(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    space: Space,
    loss: str = "cross_entropy",
) -> Tensor:
    """Adversarial images of one FGSM step, (N, C, H, W).

    Arguments and errors are those of `input_gradient` and `fgsm_from_gradient`.
    """
    gradient = input_gradient(model, images, labels, loss)
    return fgsm_from_gradient(images, gradient, epsilon, space)
