"""Parameters that are no weights, asked of the layers themselves.

A layer names them in its attribute `undecayed`: an optimiser keeps them in a group of their own, as weight
decay would pull them to zero, which means nothing there.
"""

from collections.abc import Iterator
from typing import Any

from torch import nn


def undecayed(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that layers name in `undecayed`, each once, in the order of the model."""
    found: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name in getattr(module, "undecayed", ()):
            parameter = module.get_parameter(name)
            found.setdefault(id(parameter), parameter)
    yield from found.values()


def parameter_groups(
    model: nn.Module, *, weight_decay: float, undecayed_decay: float = 0.0
) -> list[dict[str, Any]]:
    """Groups of parameters for any optimiser of PyTorch: weights with their decay, thresholds with their own.

    >>> groups = parameter_groups(nn.Linear(2, 2), weight_decay=0.006)
    >>> optimiser = torch.optim.SGD(groups, lr=0.001, momentum=0.9)

    Args:
        model: whose parameters are trained.
        weight_decay: of the weights.
        undecayed_decay: of what layers say is no weight, such as thresholds; 0 but in studies of just that.

    Returns:
        The weights, and the others if there are any.
    """
    others = list(undecayed(model))
    apart = set(map(id, others))
    weights = [parameter for parameter in model.parameters() if id(parameter) not in apart]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": weight_decay}]
    return [*groups, {"params": others, "weight_decay": undecayed_decay}] if others else groups
