"""The optimiser: parameters that are no weights, such as thresholds, are a group of their own."""

import torch
from torch import nn

from flexnet.layers.parameters import parameter_groups
from flexnet.training.recipe import Recipe


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Build SGD with momentum; group 0 holds the weights, group 1 what is none (if there is any)."""
    decays = {"weight_decay": recipe.weight_decay, "undecayed_decay": recipe.threshold_weight_decay}
    groups = parameter_groups(model, **decays)
    # The fused update touches each parameter once instead of once per operation.
    return torch.optim.SGD(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov, fused=True
    )


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimiser.param_groups:
        group["lr"] = rate
