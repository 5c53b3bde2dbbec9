"""Looking into flexible layers: who pools, who ever switches, how far thresholds moved; and their randomness."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.gates import gate


def flexible_layers(model: nn.Module) -> Iterator[tuple[str, FlexibleConv2d]]:
    """Yield the flexible layers of a model with their names, in the order of its modules."""
    for name, module in model.named_modules():
        if isinstance(module, FlexibleConv2d):
            yield name, module


def thresholds(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the trained thresholds of a model, found by the type of the layer that owns them."""
    for name, layer in flexible_layers(model):
        if isinstance(layer.threshold, nn.Parameter):
            yield f"{name}.threshold" if name else "threshold", layer.threshold


def threshold_snapshot(model: nn.Module) -> dict[str, Tensor]:
    """Copy the thresholds of all flexible layers, by layer name."""
    found = ((name, layer.threshold) for name, layer in flexible_layers(model))
    return {name: threshold.detach().clone() for name, threshold in found if threshold is not None}


def threshold_shift(model: nn.Module, start: Mapping[str, Tensor]) -> dict[str, float]:
    """Mean |T - T0| of each layer since a snapshot."""
    now = threshold_snapshot(model)
    return {name: float((now[name] - before.to(now[name])).abs().mean()) for name, before in start.items()}


def has_redrawn_thresholds(model: nn.Module) -> bool:
    """Whether a layer has scheme "redrawn"."""
    return any(layer.scheme == "redrawn" for _, layer in flexible_layers(model))


def is_stochastic(model: nn.Module) -> bool:
    """Whether two passes in evaluation mode can differ: a layer of scheme "random"."""
    return any(layer.scheme == "random" for _, layer in flexible_layers(model))


def redraw_thresholds(model: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw the thresholds of all layers of scheme "redrawn" anew."""
    for _, layer in flexible_layers(model):
        if layer.scheme == "redrawn":
            layer.redraw(generator)


def set_mask_generator(model: nn.Module, generator: torch.Generator | None) -> None:
    """Give all layers of scheme "random" a generator (None: torch's global one)."""
    for _, layer in flexible_layers(model):
        layer.generator = generator


@dataclass(frozen=True)
class GateStatistics:
    """How one layer decides over a set of images.

    Attributes:
        name: of the layer in its model.
        images: number of images.
        max_share: mean share of the MAX branch, in [0, 1].
        unit_share: mean share of each unit (C,H',W'), in [0, 1].
        switching: share of units whose harder choice (g > 0.5) is not the same for all images.
    """

    name: str
    images: int
    max_share: float
    unit_share: Tensor
    switching: float


class _Watch:
    """Sums the gates of one layer over batches."""

    def __init__(self) -> None:
        self.images = 0
        self.share: Tensor | float = 0.0
        self.pooling: Tensor | float = 0.0

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, FlexibleConv2d)
        shares = _shares(layer, inputs[0])
        self.images += len(shares)
        self.share = self.share + shares.double().sum(0)
        self.pooling = self.pooling + (shares > 0.5).double().sum(0)

    def statistics(self, name: str) -> GateStatistics:
        share, pooling = torch.as_tensor(self.share) / self.images, torch.as_tensor(self.pooling)
        switching = ((pooling > 0) & (pooling < self.images)).double().mean()
        return GateStatistics(name, self.images, float(share.mean()), share, float(switching))


def _shares(layer: FlexibleConv2d, input: Tensor) -> Tensor:
    """Share of the MAX branch of each image and unit (N,C,H',W')."""
    if layer.threshold is not None:
        return gate(layer.pool(input), layer.threshold, layer.rule, layer.sharpness).expand(len(input), -1, -1, -1)
    fixed = {"conv": 0.0, "max": 1.0, "blend": 0.5, "random": 0.5}[layer.scheme]
    height, width = layer.output_size((input.shape[2], input.shape[3]))
    return torch.full((len(input), layer.out_channels, height, width), fixed, device=input.device)


def gate_statistics(model: nn.Module, batches: Iterable[Tensor]) -> list[GateStatistics]:
    """Measure how the flexible layers of a model decide.

    Args:
        model: any model; it is run in evaluation mode and left as it was.
        batches: inputs of the model.

    Returns:
        One record per flexible layer; the share of scheme "random" is its expectation.
    """
    watches = {name: _Watch() for name, _ in flexible_layers(model)}
    hooks = [layer.register_forward_pre_hook(watches[name]) for name, layer in flexible_layers(model)]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()
            for batch in batches:
                model(batch)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return [watch.statistics(name) for name, watch in watches.items() if watch.images]
