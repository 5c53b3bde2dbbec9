"""Fast gradient sign method (Goodfellow et al. 2015): one step along the sign of the input gradient.

The gradient is taken at the clean image, so one gradient serves every epsilon of a grid.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from flexnet.attacks.checks import (
    check_attacked_logits,
    check_count,
    check_epsilon,
    check_finite,
    check_gradient,
    check_images,
    check_labels,
    check_model,
    finite_images,
)
from flexnet.attacks.losses import Loss, loss_by_name
from flexnet.attacks.precision import full_precision
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError
from flexnet.inputs import trusted_inputs


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
        model: any module in evaluation mode that takes images in [0, 1] and returns logits (N, K).
        images: in [0, 1], (N, C, H, W) with N >= 1, float32 or float64, on the device of the model.
        labels: true classes from 0 to K - 1, (N,), int64.
        loss: name of a loss of `flexnet.attacks.losses`.

    Returns:
        (N, C, H, W). Parameters keep their `grad` and their `requires_grad`.

    Raises:
        ConfigError: if an argument is something else, the model is in training mode or in half precision,
            it returns something else, or its answer does not depend on the images.
        NumericalError: if a logit, the loss or the gradient is NaN or infinite.
    """
    return expected_gradient(model, images, labels, loss, draws=1)


def expected_gradient(
    model: nn.Module, images: Tensor, labels: Tensor, loss: str = "cross_entropy", draws: int = 20
) -> Tensor:
    """Mean input gradient of a stochastic model over `draws` passes (expectation over transformation).

    A model that draws new masks at each pass hides its gradient in their noise; the mean over draws is
    what an attacker climbs who knows the distribution but not the draw (Athalye et al. 2018).

    Args:
        model: as for `input_gradient`; its generator, if it has one, is advanced.
        images: as for `input_gradient`.
        labels: as for `input_gradient`.
        loss: name of a loss of `flexnet.attacks.losses`.
        draws: number of passes, at least 1.

    Raises:
        ConfigError: if `draws` is below 1, or as for `input_gradient`.
        NumericalError: as for `input_gradient`.
    """
    passes = check_count("draws of an expected gradient", draws)
    check_model(model)
    check_images(images, model)
    return _finite_gradient(model, images, labels, loss, passes)


def _finite_gradient(model: nn.Module, images: Tensor, labels: Tensor, loss: str, draws: int) -> Tensor:
    """Mean gradient of a checked model at checked images."""
    highest = check_labels(labels, images)
    gradient, finite = mean_gradient(model, images, labels, loss, draws, highest)
    name = f"attack on a {type(model).__name__}"
    check_finite("finite logits, losses and gradients", finite, name)
    return gradient


def mean_gradient(
    model: nn.Module, images: Tensor, labels: Tensor, loss: str, draws: int, highest: int
) -> tuple[Tensor, Tensor]:
    """Mean gradient of checked arguments, see `expected_gradient`, whatever the range of the images.

    Returns:
        The gradient (N, C, H, W), and whether logits, loss and gradient of each image were finite in every
        pass: bool, (N,).
    """
    value = loss_by_name(loss)
    with torch.inference_mode(False):  # there no gradient could be taken, whatever is enabled
        images, labels = _ordinary(images), _ordinary(labels)
        total, finite = _gradient(model, images, labels, value, highest)
        for _ in range(draws - 1):
            gradient, also = _gradient(model, images, labels, value, highest)
            total, finite = total + gradient, finite & also
        return total / draws, finite


def _ordinary(tensor: Tensor) -> Tensor:
    """A tensor that autograd can save: one made under inference mode is copied."""
    return tensor.clone() if tensor.is_inference() else tensor.detach()


def _gradient(
    model: nn.Module, images: Tensor, labels: Tensor, value: Loss, highest: int
) -> tuple[Tensor, Tensor]:
    name = type(model).__name__
    with frozen_parameters(model), full_precision(images.device), torch.enable_grad(), trusted_inputs():
        leaf = images.detach().requires_grad_()
        logits = check_attacked_logits(model(leaf), len(images), highest, name)
        losses = value(logits, labels)
        (gradient,) = (
            torch.autograd.grad(losses.sum(), leaf, allow_unused=True) if losses.requires_grad else (None,)
        )
    if gradient is None:
        raise ConfigError(
            f"{name}: expected logits that gradients lead from to the images; got some that are cut off; "
            "remove torch.no_grad() or .detach() from its forward"
        )
    return gradient, finite_images(logits, losses, gradient)


def fgsm_from_gradient(images: Tensor, gradient: Tensor, epsilon: float, space: Space) -> Tensor:
    """Move each pixel by epsilon along the sign of its gradient, then clamp.

    Args:
        images: clean images in [0, 1], (N, C, H, W) with N >= 1, float32 or float64.
        gradient: input gradient at these images, (N, C, H, W), finite.
        epsilon: size of the step in units of `space`, from 0 to the width of its permitted range. With 0 the
            images come back as they are, unclamped: the authors' loose range excludes the darkest 0.0002 of
            the first channel.
        space: unit and range of the step, on the device of the images, with a value for each channel.

    Raises:
        ConfigError: if an argument is something else.
        NumericalError: if the gradient is NaN or infinite.
    """
    check_images(images, space=space)
    check_gradient(gradient, images)
    return signed_step(images, gradient, check_epsilon(epsilon, space), space)


def signed_step(images: Tensor, gradient: Tensor, epsilon: float, space: Space) -> Tensor:
    """The step of `fgsm_from_gradient` with checked arguments, from images of any range."""
    return step_along(images, gradient.sign(), epsilon, space)


def step_along(images: Tensor, direction: Tensor, epsilon: float, space: Space) -> Tensor:
    """Move pixels by epsilon times a direction, in units of the space, then clamp; by 0 not at all."""
    if epsilon == 0:
        return images
    moved = images + epsilon * space.scale * direction
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
    check_model(model)
    check_images(images, model, space)
    step = check_epsilon(epsilon, space)
    return signed_step(images, _finite_gradient(model, images, labels, loss, 1), step, space)
