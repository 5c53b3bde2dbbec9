"""What a model takes: images as floats in [0, 1], checked once, where a user hands them over.

A model answers whatever it is given: 0-255 images, images that were normalised already, grey images that
broadcast to three channels. Nothing in the answer tells. So the entry of every model looks at type, shape
and device, which costs nothing, and in evaluation mode at the range, which is one pass over the images.

The checks are for plain execution. Compilers, tracers and function transforms do not see them.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.fx import Proxy
from torch.utils._python_dispatch import _get_current_dispatch_mode

from flexnet.errors import ConfigError

SLACK = 1e-3  # a quarter of a grey level: what rounding may add to an image in [0, 1]
_trusted: ContextVar[bool] = ContextVar("flexnet_trusted_inputs", default=False)


@contextmanager
def trusted_inputs() -> Iterator[None]:
    """Skip the check of the range of images for a while.

    For images that were checked already, and for those that leave [0, 1] on purpose, such as the images of
    an attack with the loose clamp. Type and shape are looked at all the same.
    """
    token = _trusted.set(True)
    try:
        yield
    finally:
        _trusted.reset(token)


def check_input(images: object, mean: Tensor) -> None:
    """Check type, shape, channels and device of what enters a model; nothing where it is traced.

    Args:
        images: float (N, C, H, W) expected.
        mean: channel means that the model subtracts, (1, C, 1, 1); tells its channels, device and type.

    Raises:
        ConfigError: if the images are not what the model takes.
    """
    if not _plain(images):
        return
    check_images(images, channels=mean.shape[1])
    assert isinstance(images, Tensor)
    if images.device != mean.device:
        raise ConfigError(
            f"images: expected them on the device of the model, {mean.device}; got {images.device}; "
            "move one of them with .to(device)"
        )
    wider = torch.promote_types(images.dtype, mean.dtype) != mean.dtype
    if wider and not torch.is_autocast_enabled(images.device.type):
        raise ConfigError(
            f"images: expected {mean.dtype}, the type of the model's weights, or a smaller one; got "
            f"{images.dtype}; convert them with images.to({mean.dtype}), or the model"
        )


def check_values(images: Tensor, side: int | None, ranged: bool) -> None:
    """Check size and, if `ranged`, range of images that passed `check_input`; nothing where they are traced.

    Args:
        images: (N, C, H, W).
        side: height and width in pixels that the model was built for; None for any.
        ranged: whether the values must lie in [0, 1].

    Raises:
        ConfigError: if the images have another size or leave [0, 1].
    """
    if not _plain(images):
        return
    if side is not None and images.shape[2:] != (side, side):
        raise ConfigError(
            f"images: expected {side} x {side} pixels, which the model was built for; got "
            f"{images.shape[2]} x {images.shape[3]}; resize them, or build the model with another input_size"
        )
    # Whoever records operations (a dispatch mode, a CUDA graph) must not find a value read back.
    recorded = _get_current_dispatch_mode() is not None or (
        images.is_cuda and torch.cuda.is_current_stream_capturing()
    )
    if ranged and images.numel() and not images.is_meta and not recorded:
        check_range(images)


def check_images(images: object, channels: int | None = None) -> None:
    """Check that images are a float tensor (N, C, H, W).

    Args:
        images: what a user handed over.
        channels: C, where it is known.

    Raises:
        ConfigError: if they are something else.
    """
    if not isinstance(images, Tensor):
        raise ConfigError(
            f"images: expected a tensor of floats in [0, 1]; got {type(images).__name__}; "
            "convert arrays of 0 to 255 with torch.from_numpy(images).float() / 255"
        )
    if not images.is_floating_point():
        raise ConfigError(
            f"images: expected floats in [0, 1]; got {images.dtype}; use images.float() / 255 for 0 to 255"
        )
    shape = tuple(images.shape)
    if len(shape) != 4:
        raise ConfigError(
            f"images: expected the shape (N, C, H, W); got {shape}; use image[None] for a single image"
        )
    if channels is not None and shape[1] != channels:
        raise ConfigError(
            f"images: expected {channels} {'channel' if channels == 1 else 'channels'}; got {shape[1]} "
            f"(shape {shape}); put the channels second, convert between grey and colour, or take a model "
            "and a space for these images"
        )


def check_range(images: Tensor) -> None:
    """Check that images lie in [0, 1], unless they are trusted.

    Raises:
        ConfigError: if a value lies outside or is not a number.
    """
    if _trusted.get():
        return
    low, high = map(float, torch.aminmax(images.detach()))
    if low >= -SLACK and high <= 1 + SLACK:
        return
    if math.isnan(low):
        found, hint = "NaN", "find out where it comes from"
    elif low >= 0 and 2 < high <= 255:
        found, hint = f"values up to {high:g}", "divide images of 0 to 255 by 255"
    else:
        found = f"values from {low:g} to {high:g}"
        hint = "hand over pixels before any normalisation (a model does its own), clamped to [0, 1]"
    raise ConfigError(
        f"images: expected values in [0, 1]; got {found}; {hint}; "
        "where images leave the range on purpose, use flexnet.inputs.trusted_inputs()"
    )


def _plain(images: object) -> bool:
    """Whether something is handed over in plain execution: nobody traces, compiles or transforms it.

    Subclasses of tensors count as plain unless they take part in dispatch, as fake and functional ones do.
    """
    if torch.compiler.is_compiling() or isinstance(images, Proxy):
        return False
    if torch._C._get_tracing_state() is not None or torch._C._are_functorch_transforms_active():
        return False
    return not isinstance(images, Tensor) or type(images).__torch_dispatch__ is Tensor.__torch_dispatch__
