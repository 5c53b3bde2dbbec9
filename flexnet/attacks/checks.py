"""What attacks and evaluations ask of their arguments, and of what a model gives back.

Every public function checks its arguments once, before the model runs. What happens inside works on checked
tensors.
"""

import math
from numbers import Integral, Real

import torch
from torch import Tensor, nn

from flexnet import inputs
from flexnet.attacks.precision import require_full_logits, require_full_precision
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError, NumericalError
from flexnet.layers.batch_statistics import require_own_statistics


def check_model(model: object) -> None:
    """Check that a model can be attacked: a module in evaluation mode, in full precision.

    Raises:
        ConfigError: if it cannot. In training mode each pass would move running statistics and drop units; a
            batch norm without running statistics answers by the batch, so no image has an outcome of its own.
    """
    if not isinstance(model, nn.Module):
        raise ConfigError(
            f"attacked model: expected a torch.nn.Module; got {type(model).__name__}; "
            "wrap a function in a module whose forward calls it"
        )
    training = next((name for name, module in model.named_modules() if module.training), None)
    if training is not None:
        raise ConfigError(
            f"attacked model: expected evaluation mode; got {_part(model, training)} in training mode; "
            "call model.eval() first"
        )
    require_own_statistics(model, "attacked model")
    if any(parameter.is_inference() for parameter in model.parameters()):
        raise ConfigError(
            "attacked model: expected parameters that gradients can pass; got some made under "
            "torch.inference_mode(); build or load the model outside it"
        )
    require_full_precision(model, torch.empty(0))


def _part(model: nn.Module, name: str) -> str:
    """How a message calls a module of a model, or the model itself, whose name is empty."""
    return f"its module {name!r}" if name else type(model).__name__


def check_images(images: object, model: nn.Module | None = None, space: Space | None = None) -> None:
    """Check images that are to be attacked: floats in [0, 1] of shape (N, C, H, W), at least one.

    Args:
        images: what a user handed over.
        model: if given, the images must lie on its device and must not be wider than its weights.
        space: if given, it must have as many channels and lie on the same device.

    Raises:
        ConfigError: if the images are something else.
    """
    inputs.check_images(images, None if space is None else check_space(space))
    assert isinstance(images, Tensor)
    if not images.numel():
        raise ConfigError(
            f"images: expected at least one; got the shape {tuple(images.shape)}; leave empty batches out"
        )
    if space is not None:
        _same_device("space", space.scale.device, images.device)
    if model is not None:
        require_full_precision(model, images)
        check_device(model, images.device)
        _check_width(model, images)
    inputs.check_range(images)


def check_space(space: object) -> int:
    """Check that something is a space; return its number of channels.

    Raises:
        ConfigError: if it is something else.
    """
    if not isinstance(space, Space):
        raise ConfigError(
            f"space of an attack: expected a Space; got {type(space).__name__}; "
            "make one with Space.pixel(channels), Space.normalised(mean, std) or space_of(model, ...)"
        )
    return space.scale.shape[1]


def check_device(model: nn.Module, device: torch.device) -> None:
    """Check that a model lies, at least in part, where the images are.

    Raises:
        ConfigError: if all of its parameters and buffers are elsewhere.
    """
    devices = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    if devices and device not in devices:
        found = ", ".join(sorted(map(str, devices)))
        _same_device("model", found, device)


def _same_device(what: str, found: object, expected: object) -> None:
    if str(found) != str(expected):
        raise ConfigError(
            f"{what}: expected it on the device of the images, {expected}; got {found}; "
            "bring both to one device with .to(device)"
        )


def _check_width(model: nn.Module, images: Tensor) -> None:
    types = {parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()}
    if types and not any(torch.promote_types(images.dtype, dtype) == dtype for dtype in types):
        raise ConfigError(
            f"images: expected the type of the model's weights, {', '.join(sorted(map(str, types)))}; got "
            f"{images.dtype}; convert the images with .float(), or the model with .double()"
        )


def check_labels(labels: object, images: Tensor) -> int:
    """Check labels: true classes from 0 on, int64, one per image, on the device of the images.

    Returns:
        The highest label, which `check_logits` compares with the number of classes.

    Raises:
        ConfigError: if they are something else.
    """
    if not isinstance(labels, Tensor):
        raise ConfigError(
            f"labels: expected a tensor of int64; got {type(labels).__name__}; use torch.as_tensor(labels)"
        )
    if labels.dtype != torch.int64:
        raise ConfigError(
            f"labels: expected class numbers of type int64; got {labels.dtype}; convert with labels.long()"
        )
    if labels.shape != images.shape[:1]:
        raise ConfigError(
            f"labels: expected one per image, shape ({len(images)},); got {tuple(labels.shape)}; "
            "hand over the labels of these images, as class numbers"
        )
    _same_device("labels", labels.device, images.device)
    low, high = torch.stack(torch.aminmax(labels)).tolist()
    if low < 0:
        raise ConfigError(f"labels: expected classes from 0 on; got {low}; leave unlabelled images out")
    return int(high)


def check_logits(logits: object, images: int, highest: int, name: str = "model") -> Tensor:
    """Check that what a model returned for images are logits (N, K), with a class for every label.

    Args:
        logits: what the model returned.
        images: N.
        highest: the highest label.
        name: how the message calls the model.

    Returns:
        The logits.

    Raises:
        ConfigError: if they are something else.
    """
    advice = "wrap the model so that its forward returns logits alone"
    if not isinstance(logits, Tensor):
        raise ConfigError(f"{name}: expected it to return a tensor; got {type(logits).__name__}; {advice}")
    if logits.dim() != 2 or len(logits) != images or not logits.is_floating_point():
        raise ConfigError(
            f"{name}: expected it to return float logits ({images}, K) for {images} images; got "
            f"{logits.dtype} of shape {tuple(logits.shape)}; {advice}"
        )
    if highest >= logits.shape[1]:
        raise ConfigError(
            f"labels: expected classes below {logits.shape[1]}, the logits of {name}; got {highest}; "
            "check the numbering of the classes, or take a model for them"
        )
    return logits


def check_attacked_logits(logits: object, images: int, highest: int, name: str = "model") -> Tensor:
    """Check logits as `check_logits` does, and that a model under attack computed them in full precision.

    Raises:
        ConfigError: if they are something else, or in half precision.
    """
    found = check_logits(logits, images, highest, name)
    require_full_logits(found, name)
    return found


def check_epsilon(epsilon: object, space: Space) -> float:
    """Check a step size: from 0 to the width of the space's permitted range, in units of the space.

    Returns:
        The step size.

    Raises:
        ConfigError: if it is something else. A wider step moves every pixel to an end of its range, whatever
            its size; mostly it was meant in grey levels.
    """
    number = isinstance(epsilon, Real) and not isinstance(epsilon, bool)
    if not number or not 0 <= float(epsilon) < math.inf:  # type: ignore[arg-type]
        raise ConfigError(f"epsilon of an attack: expected >= 0; got {epsilon}; use 0 for clean images")
    step = float(epsilon)  # type: ignore[arg-type]
    width = float(((space.high - space.low) / space.scale).max()) if step else 0.0
    if step > width * (1 + 1e-6):
        raise ConfigError(
            f"epsilon of an attack: expected at most {width:g}, the width of the permitted range in units of "
            f"the space; got {step:g}; divide grey levels of 0 to 255 by 255"
        )
    return step


def check_gradient(gradient: object, images: Tensor) -> None:
    """Check an input gradient: of the shape, kind and device of the images, and finite.

    Raises:
        ConfigError: if it is something else.
        NumericalError: if it is NaN or infinite.
    """
    if not isinstance(gradient, Tensor) or not gradient.is_floating_point():
        found = gradient.dtype if isinstance(gradient, Tensor) else type(gradient).__name__
        raise ConfigError(
            f"gradient of an attack: expected a float tensor; got {found}; make it with input_gradient"
        )
    if gradient.shape != images.shape:
        raise ConfigError(
            f"gradient of an attack: expected the shape of the images, {tuple(images.shape)}; got "
            f"{tuple(gradient.shape)}; make it with input_gradient at these images"
        )
    _same_device("gradient", gradient.device, images.device)
    check_finite("a finite gradient", finite_images(gradient), "attack")


def check_count(what: str, value: object) -> int:
    """Check a whole number of at least 1.

    Raises:
        ConfigError: if it is something else.
    """
    number = 0 if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
    if number < 1:
        raise ConfigError(f"{what}: expected >= 1; got {value!r}; use 1 or a larger whole number")
    return number


def finite_images(*values: Tensor) -> Tensor:
    """Whether all that belongs to an image is finite, bool (N,), from tensors (N, ...).

    The largest magnitude of an image is finite exactly if all of its values are; this is several times
    faster on a CPU than asking each value.
    """
    finite = torch.ones(len(values[0]), dtype=torch.bool, device=values[0].device)
    for value in values:
        magnitude = value.detach().abs()
        if magnitude.dim() > 1:
            magnitude = magnitude.amax(tuple(range(1, magnitude.dim())))
        finite &= magnitude.isfinite()
    return finite


def check_finite(what: str, finite: Tensor, condition: str) -> None:
    """Stop unless all images are finite.

    Args:
        what: what was expected of each image, such as "finite logits".
        finite: bool, (N,), from `finite_images`.
        condition: who is scored and what was done to it, the beginning of the message.

    Raises:
        NumericalError: if an image is not, with the number of such images.
    """
    broken = int((~finite).sum())
    if broken:
        raise broken_images(what, broken, finite.numel(), condition)


def broken_images(what: str, broken: int, total: int, condition: str) -> NumericalError:
    """The error that stops scoring and attacking: what was expected, of how many images it is not so."""
    return NumericalError(
        f"{condition}: expected {what}; got NaN or infinity for {broken:,} of {total:,} images; "
        "look at the weights and at the history of the training, and train again with a lower learning rate "
        "or in float32"
    )
