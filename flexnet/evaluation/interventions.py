"""What is done to the thresholds of a trained network before it is scored.

If trained thresholds carry anything, exchanging them must cost accuracy. The authors' own development
notebooks shuffled and replaced them and found next to no difference.
"""

import re

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.diagnostics import flexible_layers
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.thresholds import draw_threshold

TRAINED = "trained"
WORDS = (TRAINED, "shuffled", "redrawn")
_NUMBER = r"[-+]?[0-9]*\.?[0-9]+"
_NORMAL = re.compile(rf"normal\(({_NUMBER}),({_NUMBER})\)")


def intervene(model: nn.Module, intervention: str, generator: torch.Generator) -> None:
    """Exchange the thresholds of all layers that store one per unit or channel, in place.

    Args:
        model: a trained network.
        intervention: "trained" leaves everything as it is; "shuffled" exchanges the thresholds of a layer
            among its units; "redrawn" draws them anew from the distribution that they started from;
            "normal(m,s)" draws them from a normal distribution with mean m and standard deviation s.
        generator: of all draws, on the CPU.

    Raises:
        ConfigError: if the intervention is unknown, or the model stores no threshold to exchange.
    """
    check_intervention(intervention)
    if not isinstance(generator, torch.Generator):
        raise ConfigError(
            f"generator of an intervention: expected a torch.Generator; got {type(generator).__name__}; "
            "use torch.Generator().manual_seed(seed)"
        )
    if intervention == TRAINED:
        return
    layers = [layer for _, layer in flexible_layers(model) if layer.threshold is not None]
    if not layers:
        raise ConfigError(
            f"intervention {intervention!r}: expected a network with stored thresholds; this one has none; "
            f"ask for {TRAINED!r} only"
        )
    with torch.no_grad():
        for layer in layers:
            _exchange(layer, intervention, generator)


def check_intervention(intervention: str) -> None:
    """Check the spelling of an intervention.

    Raises:
        ConfigError: if it is unknown.
    """
    if intervention not in WORDS and not _NORMAL.fullmatch(intervention):
        raise ConfigError(
            f"intervention: expected one of {WORDS} or 'normal(mean,deviation)'; got {intervention!r}"
        )


def _exchange(layer: FlexibleConv2d, intervention: str, generator: torch.Generator) -> None:
    threshold: Tensor | None = layer.threshold
    assert threshold is not None
    if intervention == "shuffled":
        order = torch.randperm(threshold.numel(), generator=generator).to(threshold.device)
        threshold.copy_(threshold.flatten()[order].view_as(threshold))
        return
    normal = _NORMAL.fullmatch(intervention)
    init = (float(normal[1]), float(normal[2])) if normal else layer.init
    draw_threshold(threshold, init, generator)
