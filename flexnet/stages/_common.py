"""What the computing stages share: settings, device, threads, and images that fit the model."""

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import torch

from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import load_verified
from flexnet.data.roles import TRAIN
from flexnet.data.subset_file import origin_of, read_subset
from flexnet.errors import ConfigError, DataError
from flexnet.networks.registry import expected_images
from flexnet.training.batches import DeviceImages


def choose_device() -> torch.device:
    """Device named by FLEXNET_DEVICE (auto, cpu, cuda, cuda:1, mps); auto takes a GPU if there is one.

    Raises:
        ConfigError: if the named device is not there.
    """
    name = os.environ.get("FLEXNET_DEVICE", "auto")
    there = ["mps", "cpu"] if torch.backends.mps.is_available() else ["cpu"]
    if torch.cuda.is_available():
        there = ["cuda", *there, *(f"cuda:{place}" for place in range(torch.cuda.device_count()))]
    if name == "auto":
        return torch.device(there[0])
    if name not in there:
        raise ConfigError(
            f"device: expected one of {there} on this machine; got {name!r}; use 'auto' or 'cpu'"
        )
    return torch.device(name)


def set_up_cpu(threads: int | None) -> None:
    """Limit the CPU threads of this job, and let numbers below 1e-38 count as zero.

    Gates far from their threshold are as small as that, and a processor takes several times longer over
    each such number. Nothing that is reported depends on them.
    """
    torch.set_flush_denormal(True)
    if threads is not None:
        torch.set_num_threads(max(1, threads))


def load_scored(
    files: Namespace, network: str, options: Mapping[str, Any], device: torch.device
) -> DeviceImages:
    """The images that a model of this network is scored on, as the subset file of a job says.

    Raises:
        DataError: as `load_for_model`.
    """
    subset = read_subset(files.subset)
    path = files.training if subset["split"] == TRAIN else files.test
    arrays = load_for_model(path, network, options, origin_of(subset, subset["split"]))
    return DeviceImages.load(arrays, subset["scored"], device)


def load_for_model(
    path: str, network: str, options: Mapping[str, Any], expected: Mapping[str, Any] | None = None
) -> ImageArrays:
    """Load an arrays file, verify it against its manifest, and check that its images fit the network.

    Args:
        path: the arrays file.
        network: name of the network.
        options: its options.
        expected: what the manifest must say, such as `origin_of` the subset whose indices are used.

    Raises:
        DataError: if the file or its manifest is missing or changed, or if the images are of another
            dataset or split, or have another shape or more classes than the network was built for.
    """
    arrays, _ = load_verified(path, expected)
    channels, size, classes = expected_images(network, options)
    shape = arrays.images.shape[1:]
    if shape != (channels, size, size):
        raise DataError(
            f"{path}: expected images of shape {(channels, size, size)} for network {network!r}; got {shape};"
            " set the options channels and input_size of the model"
        )
    if len(arrays.classes) > classes:
        raise DataError(
            f"{path}: expected at most {classes} classes for network {network!r}; got {len(arrays.classes)};"
            " set the option classes of the model"
        )
    return arrays
