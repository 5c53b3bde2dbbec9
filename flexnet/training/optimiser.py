"""The optimiser: thresholds are a group of their own, found by the type of the layer that owns them."""

import torch
from torch import nn

from flexnet.layers.diagnostics import thresholds
from flexnet.training.recipe import Recipe


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Build SGD with momentum; group 0 holds the weights, group 1 the thresholds (if there are any)."""
    gates = {id(threshold): threshold for _, threshold in thresholds(model)}
    weights = [parameter for parameter in model.parameters() if id(parameter) not in gates]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}]
    if gates:
        groups.append({"params": list(gates.values()), "weight_decay": recipe.threshold_weight_decay})
    # The fused update touches each parameter once instead of once per operation.
    return torch.optim.SGD(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov, fused=True
    )


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimiser.param_groups:
        group["lr"] = rate
