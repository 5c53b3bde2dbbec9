"""What layers answer: how much the maps of different images are alike, and how much of a map is flat.

Let z be the map of a channel for one image, its mean taken away and its norm made 1. The mean correlation of
the maps of n images is (|sum z|^2 - n) / (n (n - 1)): 1 where the map is the same whatever the image is. Two
neighbouring pixels are the same if they differ by less than a hundredth of the map's standard deviation: a
max-pooled map is made of such blocks, a convolved one is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from flexnet.corruptions.kernel import luma
from flexnet.errors import ConfigError
from flexnet.evaluation.changed import judging, unchanged
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.maps import MapSettings
from flexnet.training.batches import DeviceImages
from flexnet.training.streamed import parts

SAME: Final = 0.01  # of a standard deviation
IMAGES: Final = 0  # number of the layer that stands for the images themselves
LEVELS: Final = 15


def passes(settings: Mapping[str, Any], asked: Sequence[int] | None) -> int:
    """How often the images are scored, in part."""
    return 1


def evaluate(
    subject: Subject, settings: Mapping[str, Any], asked: Sequence[int] | None, job: Job
) -> Iterator[Answer]:
    """Answers of the images and of each layer: condition layer.

    Right answers are those about the images that were looked at, the same at every layer.

    Args:
        subject: who is asked.
        settings: as `MapSettings`.
        asked: numbers of convolutions in the order of the network, from 1; None: all.
        job: circumstances.

    Raises:
        ConfigError: if a setting is not allowed, the network has no such convolution, or one that it asks not
            once for each image.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit is NaN or infinite.
    """
    rules = MapSettings.from_values(settings)
    number = min(rules.images, len(subject.scored))
    scored = _first(subject.scored, number, min(rules.batch, job.batch_size))
    layers = chosen(subject.model, asked)
    seen = {name: Seen(rules.pictured) for name in (IMAGES, *layers)}
    with ExitStack() as stack:
        for name, layer in layers.items():
            handle = layer.register_forward_hook(lambda _, given, maps, name=name: seen[name].add(maps))
            stack.callback(handle.remove)
        looked = Subject(subject.model, subject.run, scored)
        judge = stack.enter_context(judging(looked, "maps", rules.batch, job))
        for one in seen.values():
            one.reset()  # what was seen while the model was checked
        right = judge(unchanged, "clean")
    _require_once({name: seen[name].images / number for name in layers})
    for batch in parts(scored.images, rules.batch):
        seen[IMAGES].add(luma(batch.double()))
    for name, one in seen.items():
        yield Answer({"layer": name}, right, number, one.measures())


def _require_once(calls: Mapping[int, float]) -> None:
    """Check that the maps that were seen are one of each image: else an image would be set beside itself."""
    often = {name: times for name, times in calls.items() if times != 1}
    if often:
        told = ", ".join(f"number {name} {times:g} times" for name, times in often.items())
        raise ConfigError(
            f"at_test.maps: expected convolutions that are asked once for each image; got {told}; name others"
            f" of {sorted(set(calls) - set(often)) or 'another network'}"
        )


def chosen(model: nn.Module, asked: Sequence[int] | None) -> dict[int, nn.Module]:
    """Convolutions of a network by their number.

    Raises:
        ConfigError: if there is none of a number.
    """
    found = dict(enumerate((layer for layer in model.modules() if isinstance(layer, nn.Conv2d)), 1))
    missing = [number for number in asked or () if number not in found]
    if missing:
        raise ConfigError(
            f"at_test.maps: expected numbers of the {len(found)} convolutions of the network; got {missing};"
            " correct them"
        )
    return {number: found[number] for number in asked or found}


@dataclass
class Seen:
    """What was seen of the maps of one layer.

    Attributes:
        pictured: how many channels of the first image are kept.
    """

    pictured: int
    sums: Tensor = field(default_factory=lambda: torch.zeros(()))  # of z, (C, H * W)
    counts: Tensor = field(default_factory=lambda: torch.zeros(()))  # images with contrast, (C,)
    same: float = 0.0  # sum over images of the share of neighbours that are the same
    images: int = 0
    picture: str = ""

    def reset(self) -> None:
        """Forget everything."""
        self.sums, self.counts, self.same = torch.zeros(()), torch.zeros(()), 0.0
        self.images, self.picture = 0, ""

    def add(self, maps: Tensor) -> None:
        """Look at the maps (n, C, H, W) of a batch."""
        self.images += len(maps)
        if self.sums.dim() and self.sums.shape != (maps.shape[1], maps[0, 0].numel()):
            return  # of a layer that is asked at several sizes, which is refused in the end
        values = maps.detach().double()
        self.picture = self.picture or pictures(values[0], self.pictured)
        centred = values - values.mean((2, 3), keepdim=True)
        norms = centred.flatten(2).norm(dim=2)
        contrast = norms > 0
        standard = centred.flatten(2) / torch.where(contrast, norms, 1.0)[..., None]
        self.sums = self.sums.to(standard.device) + standard.sum(0)
        self.counts = self.counts.to(standard.device) + contrast.sum(0)
        self.same += float(sameness(values).sum())

    def measures(self) -> dict[str, Any]:
        """Correlation, sameness and picture; six digits, so that the order of sums does not matter."""
        n = self.counts
        alike = (self.sums.square().sum(1) - n) / (n * (n - 1))
        mean = float(alike[n > 1].mean())  # NaN where no channel has contrast
        return {
            "correlation": float(f"{mean:.6g}"),
            "sameness": float(f"{self.same / self.images:.6g}"),
            "picture": self.picture,
        }


def sameness(maps: Tensor) -> Tensor:
    """Share of neighbouring pixels of maps (n, C, H, W) that are the same, (n,); 1 of a map of one pixel."""
    reach = SAME * maps.std((2, 3), correction=0, keepdim=True)
    across = (maps.diff(dim=3).abs() <= reach).flatten(1)
    down = (maps.diff(dim=2).abs() <= reach).flatten(1)
    both = torch.cat([across, down], 1).double()
    return both.mean(1) if both.shape[1] else both.new_ones(len(maps))


def pictures(maps: Tensor, number: int) -> str:
    """The channels of most contrast of maps (C, H, W): "HxW:" and a hexadecimal digit per pixel, each.

    Every picture goes from 0, its darkest pixel, to f, its lightest.
    """
    strongest = maps.flatten(1).std(1, correction=0).argsort(descending=True, stable=True)[:number]
    return " ".join(map(_picture, maps[strongest].double()))


def _picture(values: Tensor) -> str:
    low, high = values.min(), values.max()
    levels = ((values - low) / (high - low).clamp_min(1e-300) * LEVELS).round().int()
    digits = "".join(f"{level:x}" for level in levels.flatten().tolist())
    return f"{values.shape[0]}x{values.shape[1]}:{digits}"


def _first(scored: DeviceImages, number: int, size: int) -> DeviceImages:
    """The first images of a set; of images that stream only these are read."""
    found = []
    for batch in parts(scored.images, size):
        found.append(batch)
        if sum(map(len, found)) >= number:
            break
    return DeviceImages(torch.cat(found)[:number], scored.labels[:number])
