"""The optimiser: parameters that are no weights, such as thresholds, are a group of their own."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from flexnet.layers.parameters import parameter_groups
from flexnet.training.recipe import Recipe


class SGD:
    """Stochastic gradient descent with momentum by torch's fused update: `torch.optim.SGD(..., fused=True)`.

    It touches each parameter once instead of once per operation. The class of torch itself imports torch's
    compiler, which takes almost as long as torch and is never used in a training job.

    Attributes:
        param_groups: mappings with `params`, `weight_decay` and, of all groups the same, `lr`.
        state: `momentum_buffer` of each parameter that was updated, in the memory order of its gradient.
    """

    def __init__(
        self, groups: Sequence[dict[str, Any]], *, lr: float, momentum: float, nesterov: bool
    ) -> None:
        told = {"lr": lr, "momentum": momentum, "nesterov": nesterov}
        self.param_groups = [{**told, **group, "params": list(group["params"])} for group in groups]
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            used = [parameter for parameter in group["params"] if parameter.grad is not None]
            remembering = used if group["momentum"] else []
            momenta = self._momenta(remembering)
            told = {key: group[key] for key in ("lr", "momentum", "nesterov", "weight_decay")}
            gradients = [parameter.grad for parameter in used]
            sgd(used, gradients, momenta, fused=True, dampening=0.0, maximize=False, **told)
            for parameter, momentum in zip(remembering, momenta, strict=True):
                self.state[parameter] = {"momentum_buffer": momentum}

    def _momenta(self, parameters: Sequence[Tensor]) -> list[Any]:
        """Momenta of parameters that have a gradient; those of a first step are left to torch to fill in.

        It does so for all or none. Where some are late, by stochastic depth or unfrozen, theirs are zeros,
        from which their first step makes what torch would.
        """
        found = [self.state.get(each, {}).get("momentum_buffer") for each in parameters]
        if all(momentum is None for momentum in found):
            return found
        pairs = zip(parameters, found, strict=True)
        return [torch.zeros_like(cast(Tensor, each.grad)) if own is None else own for each, own in pairs]


def make_optimiser(model: nn.Module, recipe: Recipe) -> SGD:
    """Build SGD with momentum; group 0 holds the weights, group 1 what is none (if there is any)."""
    decays = {"weight_decay": recipe.weight_decay, "undecayed_decay": recipe.threshold_weight_decay}
    groups = parameter_groups(model, **decays)
    return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov)


def set_rate(optimiser: SGD, rate: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimiser.param_groups:
        group["lr"] = rate
