"""Networks by name. A new network is a new file, its options in `flexnet/options/networks/` and a line here.

The table holds module names, not functions, so that listing the networks imports no torch and that
building one imports its module alone: a run depends on the file of its own network and on no other.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flexnet.by_name import ByName
from flexnet.problems import no_such_name, refuse

if TYPE_CHECKING:
    from flexnet.networks.classifier import Classifier
    from flexnet.options.networks.base import NetworkOptions

# name of the network: module that holds the function of this name
NETWORKS: ByName[str] = {
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
        refuse("network", [no_such_name("a network", name, NETWORKS)])
    return NETWORKS[name]


def options_of(name: str) -> "type[NetworkOptions]":
    """What a network accepts, without torch: the class OPTIONS of `flexnet.options.networks.<name>`.

    Raises:
        ConfigError: if no network has this name.
    """
    module_of(name)
    options: type[NetworkOptions] = import_module(f"flexnet.options.networks.{name}").OPTIONS
    return options


def build(name: str, **options: Any) -> "Classifier":
    """Build a network with fresh weights, drawn from the global generator as torch's layers do.

    Args:
        name: a key of `NETWORKS`.
        options: keyword arguments of that network.

    Raises:
        ConfigError: if the name or an option is unknown, or an option has a value that is not allowed.
    """
    network: Classifier = getattr(import_module(module_of(name)), name)(**options)
    return network


def expected_images(name: str, options: Mapping[str, Any]) -> tuple[int, int, int]:
    """Channels, side in pixels and classes that a network with these options is built for.

    Raises:
        ConfigError: if the name or an option is unknown, or an option has a value that is not allowed.
    """
    accepted = options_of(name)
    refuse(f"network {name!r}", accepted.problems(options))
    built_for = accepted(**options)
    return built_for.channels, built_for.input_size, built_for.classes
