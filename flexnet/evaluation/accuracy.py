"""Accuracy on clean images, image by image."""

import numpy as np
import torch
from torch import Tensor, nn

from flexnet.attacks.checks import broken_images, check_count, check_device, check_logits
from flexnet.errors import ConfigError, DataError
from flexnet.evaluation.outcomes import BROKEN, RIGHT, judge_logits
from flexnet.inputs import trusted_inputs
from flexnet.layers.batch_statistics import require_own_statistics
from flexnet.layers.tracing import evaluation_mode
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, Streamed, parts


def on_device(
    images: np.ndarray | Pixels, labels: np.ndarray | Tensor, device: torch.device | str
) -> tuple[Pixels, Tensor]:
    """Bring uint8 images (N, C, H, W) and integer labels (N,) to the device, copying arrays only.

    Images that stream stay as they are: their parts (`flexnet.training.streamed.parts`) are on the device.

    Raises:
        ConfigError: if the device is unknown or not there.
        DataError: if a shape or a type is another, there are no images, or a label is negative.
    """
    pixels = images if isinstance(images, Streamed) else _tensor("images", images)
    classes = _tensor("labels", labels)
    whole = not (classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool)
    if (
        pixels.dtype != torch.uint8
        or len(pixels.shape) != 4
        or not whole
        or classes.shape != pixels.shape[:1]
        or 0 in pixels.shape
    ):
        raise DataError(
            "evaluation: expected uint8 images (N, C, H, W) and labels (N,) with N >= 1; "
            f"got {pixels.dtype} {tuple(pixels.shape)} and {classes.dtype} {tuple(classes.shape)}; "
            "pass the arrays of a dataset as they are stored, labels as whole numbers"
        )
    classes = classes.to(torch.int64)
    if int(classes.min()) < 0:
        raise DataError(
            f"evaluation: expected labels from 0 on; got {int(classes.min())}; leave unlabelled images out"
        )
    target = _device(device)
    return pixels if isinstance(pixels, Streamed) else pixels.to(target), classes.to(target)


def _tensor(what: str, values: object) -> Tensor:
    # torch.tensor copies: arrays read from a file may be read-only, which from_numpy warns about.
    try:
        return values if isinstance(values, Tensor) else torch.tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"evaluation: expected {what} as an array or a tensor; got {type(values).__name__} ({error}); "
            "pass the arrays of a dataset as they are stored"
        ) from error


def _device(device: torch.device | str) -> torch.device:
    """The device, if something can be computed there."""
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).tolist()
    except (TypeError, RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            f"device of an evaluation: expected one of this machine, such as 'cpu'; got {device!r} "
            f"({str(error).splitlines()[0]}); name another"
        ) from error
    return found


def check_judged(model: object, pixels: Pixels, name: str) -> str:
    """Check that a model can be scored on the device of the images; return how messages call it.

    Raises:
        ConfigError: if it is no module, lies elsewhere, or answers for an image by the others of its batch.
    """
    if not isinstance(model, nn.Module):
        raise ConfigError(
            f"evaluated model: expected a torch.nn.Module; got {type(model).__name__}; "
            "load weights with flexnet.training.checkpoint.load_model"
        )
    check_device(model, pixels.device)
    require_own_statistics(model, "evaluated model")
    return name or type(model).__name__


@torch.no_grad()  # and no more: what a layer makes at its first call must serve training afterwards
def correct_per_image(
    model: nn.Module,
    images: np.ndarray | Pixels,
    labels: np.ndarray | Tensor,
    *,
    batch_size: int,
    device: torch.device | str,
    name: str = "",
) -> Tensor:
    """Whether the model, in eval mode, classifies each image correctly.

    Args:
        model: takes images in [0, 1] and returns logits (N, K); lies on `device`.
        images: uint8, (N, C, H, W), arrays or tensors.
        labels: true classes, (N,), whole numbers from 0 to K - 1.
        batch_size: images per pass; the last batch holds what is left.
        device: where to compute.
        name: how messages call the model.

    Returns:
        bool, (N,), on `device`.

    Raises:
        ConfigError: if the model, the batch size or the device is something else.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit is NaN or infinite.
    """
    check_count("batch_size", batch_size)
    pixels, classes = on_device(images, labels, device)
    name, highest, found = check_judged(model, pixels, name), int(classes.max()), []
    batches = zip(parts(pixels, batch_size), parts(classes, batch_size), strict=True)
    with evaluation_mode(model), trusted_inputs():
        for batch, truth in batches:
            logits = check_logits(model(to_unit(batch)), len(batch), highest, name)
            found.append(judge_logits(logits, truth)[0])
    outcomes = torch.cat(found)
    broken = int((outcomes == BROKEN).sum())
    if broken:
        raise broken_images("finite logits", broken, len(outcomes), f"{name}, clean images")
    return outcomes == RIGHT
