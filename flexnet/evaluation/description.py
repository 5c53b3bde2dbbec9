"""What networks are made of, read off the modules."""

from collections.abc import Mapping
from typing import Any

from flexnet.networks.describe import describe as describe_modules


def describe(network: str, options: Mapping[str, Any], example: None) -> list[dict[str, Any]]:
    """One row per layer of a network, with its shape, weights and thresholds.

    Raises:
        ConfigError: if the network or an option is unknown or not allowed.
    """
    return [{"network": network, **row} for row in describe_modules(network, options)]
