"""`flexnet corrupt`: a set of images under corruptions, as a folder in the layout of CIFAR-10-C."""

from argparse import ArgumentParser, Namespace

from flexnet.commands.images import add_images, images_of
from flexnet.corruptions.constants import AUTO, FAMILIES
from flexnet.corruptions.names import NAMES, SEVERITIES
from flexnet.errors import ConfigError


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_images(parser)
    parser.add_argument("output", help="folder to make: <corruption>.npy with five severities, labels.npy")
    parser.add_argument(
        "--corruptions", nargs="+", default=NAMES, metavar="C", help=f"some of {', '.join(NAMES)} (all)"
    )
    parser.add_argument(
        "--constants",
        default=AUTO,
        choices=(AUTO, *FAMILIES),
        help="whose strengths (those that fit the size)",
    )


def run(parsed: Namespace) -> None:
    """Write a corrupted set.

    Raises:
        ConfigError: if an argument is not allowed, the images are too small, or there is something at the
            output.
        DataError: if the images are missing or changed.
    """
    names = list(parsed.corruptions)
    if len(set(names)) < len(names):
        raise ConfigError(f"--corruptions: expected different names; got {names}; remove one")
    arrays = images_of(parsed.images, parsed.n, parsed.seed)

    import torch

    from flexnet.corruptions.folder import write_corrupted
    from flexnet.progress import Progress
    from flexnet.stages._common import choose_device

    images = torch.from_numpy(arrays.images).to(choose_device())
    total = len(images) * len(names) * len(SEVERITIES)
    with Progress("corrupting", total, "images") as progress:
        write_corrupted(
            parsed.output,
            images,
            arrays.labels,
            names=names,
            seed=parsed.seed,
            constants=parsed.constants,
            report=progress.advance,
        )
    print(f"{parsed.output}: {len(names)} corruptions of {len(images)} images of {parsed.images}")
