"""Parameters that are no weights, asked of the layers themselves.

A layer names them in its attribute `undecayed`: an optimiser keeps them in a group of their own, as weight
decay would pull them to zero, which means nothing there.
"""

from collections.abc import Iterator

from torch import nn


def undecayed(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that layers name in `undecayed`, each once, in the order of the model."""
    found: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name in getattr(module, "undecayed", ()):
            parameter = module.get_parameter(name)
            found.setdefault(id(parameter), parameter)
    yield from found.values()
