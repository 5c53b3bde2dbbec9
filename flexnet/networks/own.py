"""A network of the user's own in the form that all networks have here."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from flexnet.errors import ConfigError
from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import normalisation
from flexnet.options.own_network import OwnNetworkOptions
from flexnet.own import load
from flexnet.problems import refuse


def build_own(path: str, options: Mapping[str, Any]) -> Classifier:
    """Call a function of the user's own and put the normalisation before what it returns.

    Args:
        path: dotted path of a function that returns a module from images (N, C, H, W) to logits (N, classes).
            It is called with `classes`, `channels` and `input_size`, and with every other option of the row
            but `normalise`.
        options: of the row.

    Raises:
        ConfigError: if the path leads nowhere, an option is not allowed, or no such module comes back.
    """
    refuse(f"network {path!r}", OwnNetworkOptions.problems(options))
    known = OwnNetworkOptions.from_values(options)
    shape = {"classes": known.classes, "channels": known.channels, "input_size": known.input_size}
    given = shape | {key: value for key, value in options.items() if key not in ("normalise", *shape)}
    try:
        network = load(path)(**given)
    except TypeError as error:
        raise ConfigError(f"network {path}: {error}; it was called with {given}") from error
    if not isinstance(network, nn.Module):
        raise ConfigError(f"network {path}: expected a torch.nn.Module to come back; got {network!r}")
    before = normalisation(known.normalise, known.channels)
    return Classifier(before, network, nn.Identity(), input_size=known.input_size)
