"""Looking at the gates and thresholds of a model.

A gate that never switches, or a threshold that never moves, is no adaptive computation: with N(0,1)
thresholds and inputs after a ReLU half of all units can never take one of the branches, and training
moves thresholds by a few thousandths. These numbers belong beside every trained network.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from flexnet.errors import ConfigError, DataError, NumericalError
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.tracing import evaluation_mode, first_argument


@dataclass(frozen=True)
class GateRecord:
    """How one layer's gates behave over a set of images.

    Attributes:
        name: module name of the layer.
        images: number of images seen.
        max_share: mean share g of the MAX branch over units and images, in [0,1].
        unit_share: mean share per unit over images (C',H',W').
        switching: fraction of units that choose MAX (g > 1/2) for some images and not for others.
    """

    name: str
    images: int
    max_share: float
    unit_share: Tensor
    switching: float


def flexible_layers(model: nn.Module) -> Iterator[tuple[str, FlexibleConv2d]]:
    """The flexible layers of a model by module name."""
    for name, module in model.named_modules():
        if isinstance(module, FlexibleConv2d):
            yield name, module


def thresholds(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The learned thresholds by parameter name, for an optimiser group without weight decay."""
    for name, layer in flexible_layers(model):
        if isinstance(layer.threshold, nn.Parameter):
            yield _parameter_name(name), layer.threshold


def threshold_snapshot(model: nn.Module) -> dict[str, Tensor]:
    """Copy all thresholds on the CPU, under their state-dict names, to be compared or saved as they are."""
    return {
        _parameter_name(name): layer.threshold.detach().cpu().clone()
        for name, layer in flexible_layers(model)
        if layer.threshold is not None
    }


def threshold_shift(model: nn.Module, snapshot: Mapping[str, Tensor]) -> dict[str, float]:
    """Mean |T - T0| of each layer, in units of its input, by layer name.

    Args:
        model: the model now.
        snapshot: thresholds at the start, from `threshold_snapshot`; a state dict serves as well.

    Raises:
        DataError: if the snapshot lacks a threshold or has it in another shape.
    """
    shifts = {}
    for key, threshold in threshold_snapshot(model).items():
        if key not in snapshot or snapshot[key].shape != threshold.shape:
            found = tuple(snapshot[key].shape) if key in snapshot else "nothing"
            raise DataError(
                f"expected {key!r} of shape {tuple(threshold.shape)} in the snapshot; found {found}; "
                "take the snapshot from the same network"
            )
        distance = (threshold.double() - snapshot[key].cpu().double()).abs().mean()
        shifts[key.removesuffix("threshold").removesuffix(".")] = float(distance)
    return shifts


def gate_statistics(model: nn.Module, batches: Iterable[Tensor]) -> list[GateRecord]:
    """Measure the gates of all layers whose gate depends on the input (learned, frozen, redrawn, uniform).

    Args:
        model: run in evaluation mode without gradients; its modes are restored.
        batches: image batches as the model takes them.

    Returns:
        One record per layer in the order of the model.

    Raises:
        ConfigError: if a layer is given something else than a batch (N,C,H,W).
        DataError: if there is no image.
        NumericalError: if a gate is NaN, with the layer and the number of images.
    """
    tallies = {name: _Tally(layer) for name, layer in flexible_layers(model) if layer.threshold is not None}
    try:
        with evaluation_mode(model):
            for images in batches:
                model(images)
    finally:
        for tally in tallies.values():
            tally.handle.remove()
    return [tally.record(name) for name, tally in tallies.items()]


class _Tally:
    """Running sums of one layer's gates, fed by a hook."""

    def __init__(self, layer: FlexibleConv2d) -> None:
        self.images = 0
        self.broken: Tensor | int = 0
        self.total: Tensor | None = None
        self.to_max: Tensor | None = None
        self.handle = layer.register_forward_pre_hook(self._see, with_kwargs=True)

    def _see(self, layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        assert isinstance(layer, FlexibleConv2d)
        input: Tensor = first_argument(inputs, named)
        if input.dim() != 4:
            raise ConfigError(
                f"gate statistics: expected batches (N,C,H,W) at each layer; got {tuple(input.shape)}; "
                "hand over batches, such as torch.split(images, 100), not single images"
            )
        share = layer.max_share(input)
        self.broken += (~share.amax((1, 2, 3)).isfinite()).sum()
        total, to_max = share.double().sum(0), (share > 0.5).sum(0)
        self.images += share.shape[0]
        self.total = total if self.total is None else self.total + total
        self.to_max = to_max if self.to_max is None else self.to_max + to_max

    def record(self, name: str) -> GateRecord:
        if self.total is None or self.to_max is None or self.images == 0:
            raise DataError(f"expected at least one image that reaches {name!r}; got none")
        if int(self.broken):
            raise NumericalError(
                f"gates of layer {name!r}: expected shares in [0, 1]; got NaN for {int(self.broken):,} of "
                f"{self.images:,} images; look at its thresholds and at what reaches it, and train it again"
            )
        unit_share = (self.total / self.images).float().cpu()
        switching = ((self.to_max > 0) & (self.to_max < self.images)).double().mean()
        return GateRecord(name, self.images, float(unit_share.double().mean()), unit_share, float(switching))


def _parameter_name(layer_name: str) -> str:
    return f"{layer_name}.threshold" if layer_name else "threshold"
