"""Networks by name. A new network is a new file and a new line here.

The table holds module names, not functions, so that listing the networks imports no torch and that
building one imports its module alone: a run depends on the file of its own network and on no other.
"""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flexnet.errors import ConfigError

if TYPE_CHECKING:
    from flexnet.networks.classifier import Classifier

# name of the network: module that holds the function of this name
NETWORKS: dict[str, str] = {
    "hmax": "flexnet.networks.hmax",
    "small": "flexnet.networks.small",
    "surrogate": "flexnet.networks.surrogate",
    "vgg16": "flexnet.networks.vgg",
}


def module_of(name: str) -> str:
    """Module that defines the named network.

    Raises:
        ConfigError: if no network has this name.
    """
    if name not in NETWORKS:
        raise ConfigError(f"network: expected one of {sorted(NETWORKS)}; got {name!r}")
    return NETWORKS[name]


def build(name: str, **options: Any) -> "Classifier":
    """Build a network with fresh weights, drawn from the global generator as torch's layers do.

    Args:
        name: a key of `NETWORKS`.
        options: keyword arguments of that network.

    Raises:
        ConfigError: if the name or an option is unknown, or an option has a value that is not allowed.
    """
    function = getattr(import_module(module_of(name)), name)
    allowed = list(inspect.signature(function).parameters)
    for option in options:
        if option not in allowed:
            raise ConfigError(f"network {name!r}: expected options among {allowed}; got {option!r}")
    network: Classifier = function(**options)
    return network


def expected_images(name: str, options: Mapping[str, Any]) -> tuple[int, int, int]:
    """Channels, side in pixels and classes that a network with these options is built for."""
    parameters = inspect.signature(getattr(import_module(module_of(name)), name)).parameters
    channels, size, classes = (
        int(options.get(key, parameters[key].default)) for key in ("channels", "input_size", "classes")
    )
    return channels, size, classes
