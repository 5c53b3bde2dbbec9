"""Stage `corrupt`: a set of images under corruptions, as a folder in the layout of CIFAR-10-C."""

from argparse import Namespace
from typing import Any

import torch

from flexnet.corruptions.folder import write_corrupted
from flexnet.corruptions.names import NAMES, SEVERITIES
from flexnet.data.manifest import load_verified
from flexnet.errors import ConfigError
from flexnet.problems import refuse, unknown_keys
from flexnet.progress import Progress
from flexnet.stages._common import choose_device

KEYS = ("corruptions", "constants", "seed")


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write a corrupted set.

    Settings: `corruptions` ("all", or a list of names), `constants` ("auto", "cifar" or "imagenet") and
    `seed`.

    Raises:
        ConfigError: if a setting is not allowed, the images are too small, or there is something at the
        output. DataError: if the images are missing or changed.
    """
    names = chosen(settings)
    if files.threads is not None:
        torch.set_num_threads(max(1, files.threads))
    arrays, _ = load_verified(files.images)
    images = torch.from_numpy(arrays.images).to(choose_device())
    total = len(images) * len(names) * len(SEVERITIES)
    with Progress("corrupting", total, "images", files.log) as progress:
        write_corrupted(
            files.output,
            images,
            arrays.labels,
            names=names,
            seed=settings["seed"],
            constants=settings["constants"],
            report=progress.advance,
        )


def chosen(settings: dict[str, Any]) -> tuple[str, ...]:
    """The corruptions that settings ask for.

    Raises:
        ConfigError: if a setting is unknown or has another type.
    """
    if unknown := sorted(set(settings) - set(KEYS)):
        refuse("--settings", [unknown_keys(unknown, KEYS)])
    names, constants, seed = (settings[key] for key in KEYS)
    if type(seed) is not int:
        raise ConfigError(f"seed: expected an integer; got {seed!r}; write 0, for instance")
    if not isinstance(constants, str):
        raise ConfigError(f"constants: expected 'auto', 'cifar' or 'imagenet'; got {constants!r}; correct it")
    if names == "all":
        return NAMES
    if not isinstance(names, list) or not names or len(set(map(str, names))) < len(names):
        raise ConfigError(
            f"corruptions: expected 'all' or a list of different names; got {names!r}; correct it"
        )
    return tuple(names)
