"""Images that do not fit in the memory of the compute device: they stay in their file, batches are copied.

Whether they fit is a matter of the machine and changes no number: a batch is the same wherever it comes from.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from flexnet.machine import number_from

VARIABLE = "FLEXNET_IMAGE_MEMORY"
SHARE = 0.5  # of what is free; the rest is for the network and its maps
MB = 10**6
MEMORY_FILE = Path("/proc/meminfo")


class Streamed:
    """Some images (N, C, H, W), or what was computed from them, that are copied to the device when asked for.

    Args:
        stored: all images of a file, on the host and mapped from there.
        places: of the N among them, int64, on the host.
        device: where parts go.
    """

    def __init__(self, stored: Tensor, places: Tensor, device: torch.device) -> None:
        self.stored, self.places, self.device = stored, places, device

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""
        return (len(self.places), *self.stored.shape[1:])

    @property
    def dtype(self) -> torch.dtype:
        """Of the images."""
        return self.stored.dtype

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, part: slice | Tensor) -> Tensor:
        """The images of a slice, or of indices on any device, on the device."""
        chosen = self.places[part if isinstance(part, slice) else part.cpu()]
        return self.stored[chosen].to(self.device)


Pixels: TypeAlias = Tensor | Streamed


def parts(images: Pixels, size: int) -> Iterator[Tensor]:
    """The images in order, `size` at a time, on the device; the last part holds what is left."""
    for start in range(0, len(images), size):
        yield images[start : start + size]


def fits(size: int, device: torch.device) -> bool:
    """Whether so many bytes of images may be kept in the memory of a device.

    They may where FLEXNET_IMAGE_MEMORY (MB) says so, else if they leave half of what is free there.

    Raises:
        ConfigError: if that variable is no number of MB.
    """
    limit = number_from(VARIABLE, "image_memory", "MB")
    if limit is None:
        return size <= SHARE * free_memory(device)
    return size <= limit * MB


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device; of a host that does not tell, all that it has."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if MEMORY_FILE.is_file():
        lines = MEMORY_FILE.read_text(encoding="utf-8").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        if "MemAvailable" in told:
            return int(told["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
