"""Networks by name. A new network is a new file here and its options in `flexnet/options/networks/`.

They are found by listing that folder, so that listing the networks imports no torch and that building one
imports its module alone: a run depends on the file of its own network and on no other. A name with a dot in
it is the path of a function of the user's own.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flexnet.options.own_network import OwnNetworkOptions
from flexnet.own import is_dotted, own_problems
from flexnet.problems import Problem, no_such_name, refuse

if TYPE_CHECKING:
    from flexnet.networks.classifier import Classifier
    from flexnet.options.networks.base import NetworkOptions

FOLDER = Path(__file__).parents[1] / "options" / "networks"
OWN = "flexnet.networks.own"  # what builds a network of the user's own


@cache
def networks() -> list[str]:
    """Names of the networks of this package."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py") if path.stem != "base")


def network_problems(name: Any) -> list[Problem]:
    """What is wrong with the name of a network."""
    if is_dotted(name):
        return list(own_problems(name))
    return [] if name in networks() else [no_such_name("a network", name, networks())]


def options_of(name: str) -> "type[NetworkOptions]":
    """What a network accepts, without torch: the class OPTIONS of `flexnet.options.networks.<name>`.

    Raises:
        ConfigError: if no network has this name.
    """
    refuse("network", network_problems(name))
    if is_dotted(name):
        return OwnNetworkOptions
    options: type[NetworkOptions] = import_module(f"flexnet.options.networks.{name}").OPTIONS
    return options


def build(name: str, **options: Any) -> "Classifier":
    """Build a network with fresh weights, drawn from the global generator as torch's layers do.

    Args:
        name: of the network, or the dotted path of a function of one's own.
        options: keyword arguments of that network.

    Raises:
        ConfigError: if the name or an option is unknown, or an option has a value that is not allowed.
    """
    refuse("network", network_problems(name))
    if is_dotted(name):
        own: Classifier = import_module(OWN).build_own(name, options)
        return own
    network: Classifier = getattr(import_module(f"flexnet.networks.{name}"), name)(**options)
    return network


def expected_images(name: str, options: Mapping[str, Any]) -> tuple[int, int, int]:
    """Channels, side in pixels and classes that a network with these options is built for.

    Raises:
        ConfigError: if the name or an option is unknown, or an option has a value that is not allowed.
    """
    accepted = options_of(name)
    refuse(f"network {name!r}", accepted.problems(options))
    built_for = accepted.from_values(options)
    return built_for.channels, built_for.input_size, built_for.classes
