"""The network that a command is about: weights that flexnet wrote, or a function of one's own."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flexnet.errors import ConfigError
from flexnet.own import is_dotted

if TYPE_CHECKING:
    from torch import nn

    from flexnet.data.arrays import ImageArrays
    from flexnet.evaluation.subject import Subject

WEIGHTS = ".safetensors"
FOREIGN = (".pth", ".pt", ".tar", ".ckpt", ".bin")  # as PyTorch's files of weights are called
MODEL_HELP = (
    "weights that flexnet wrote (.safetensors), or the dotted path of a function that returns a network for "
    "images in [0, 1], such as mynetwork.plain of docs/own.md"
)


def add_model(parser: ArgumentParser) -> None:
    """Add the arguments that say which network."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "--weights",
        default=None,
        help="file of the state dict of a network of your own; no code in it is run",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run the code of a network or layer outside flexnet that a file of weights names",
    )


def model_of(given: str, weights: str | None, arrays: "ImageArrays", *, trust: bool = False) -> "nn.Module":
    """The network that the arguments name, in evaluation mode on the CPU, fit for the images.

    Raises:
        ConfigError: if it cannot be built, or is for other images or fewer classes.
        DataError: if a file of weights is missing, damaged, of another network, or names code that is not
            to be run.
    """
    from flexnet.training.loading import load_model

    model: nn.Module
    if given.endswith(WEIGHTS):
        if weights is not None:
            raise ConfigError(f"--weights: expected none beside {given}, which holds its own; remove it")
        model, _ = load_model(given, trust=trust)
    elif given.endswith(FOREIGN):
        raise ConfigError(
            f"model: expected a network; got {given!r}, a file of weights that does not say of which; write "
            f"mynetwork.plain for the function plain of mynetwork.py, and --weights {given}"
        )
    elif is_dotted(given):
        model = _own(given, weights, arrays)
    else:
        raise ConfigError(
            f"model: expected a file that ends in {WEIGHTS} or a dotted path; got {given!r}; write "
            "mynetwork.plain for the function plain of mynetwork.py"
        )
    _require_fit(given, model.eval(), arrays)
    return model


def subject_of(parsed: Namespace, arrays: "ImageArrays", **others: str | None) -> "Subject":
    """The network of the arguments with its images, and other networks by their key, on the device.

    Raises:
        ConfigError: as `model_of`, or if FLEXNET_DEVICE names none.
        DataError: as `model_of`.
    """
    import torch

    from flexnet.evaluation.subject import Subject
    from flexnet.stages._common import choose_device, set_up_cpu
    from flexnet.training.batches import DeviceImages
    from flexnet.training.run import Run

    set_up_cpu(None)
    device = choose_device()

    def placed(given: str, weights: str | None) -> "nn.Module":
        model: Any = model_of(given, weights, arrays, trust=parsed.trust)
        return model.to(device, memory_format=torch.channels_last)  # type: ignore[no-any-return]

    named = {key: placed(given, None) for key, given in others.items() if given is not None}
    run = Run(name_of(parsed.model), 1, parsed.model, {}, run_seed=parsed.seed)
    scored = DeviceImages.load(arrays, None, device)
    return Subject(placed(parsed.model, parsed.weights), run, scored, named)


def name_of(given: str) -> str:
    """How rows and messages call the network."""
    return Path(given).stem if given.endswith(WEIGHTS) else given


def _own(path: str, weights: str | None, arrays: "ImageArrays") -> Any:
    from flexnet.networks.own import build_own
    from flexnet.options.checkpoint import CheckpointOptions
    from flexnet.training.foreign import load_foreign

    _, channels, height, width = arrays.images.shape
    if height != width:
        raise ConfigError(f"images: expected square ones; got {height} x {width}; cut or resize them")
    model = build_own(path, {"classes": len(arrays.classes), "channels": channels, "input_size": height})
    if weights is not None:
        load_foreign(weights, CheckpointOptions(file=weights), model.features)
    return model


def _require_fit(given: str, model: Any, arrays: "ImageArrays") -> None:
    """Ask the network itself, which is in evaluation mode, with one image."""
    import torch

    from flexnet.attacks.checks import check_logits
    from flexnet.training.batches import to_unit

    image = to_unit(torch.from_numpy(arrays.images[:1].copy()))
    try:
        with torch.no_grad():
            found = model(image)
    except Exception as error:  # a network of one's own may refuse in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ConfigError(
            f"{given}: expected a network for images of shape {tuple(image.shape[1:])}; got: {reason}; give"
            " the images that it was trained for"
        ) from error
    logits = check_logits(found, 1, 0, given)
    if logits.shape[1] < len(arrays.classes):
        raise ConfigError(
            f"{given}: expected logits (N, {len(arrays.classes)} or more), one for each class; "
            f"got {tuple(logits.shape)}; give the images that it was trained for"
        )
