"""The constants of all corruptions as rows."""

from collections.abc import Iterator, Mapping
from typing import Any

from flexnet.corruptions.names import GROUPINGS, SYNTHETIC
from flexnet.networks.registry import expected_images

CATEGORIES = GROUPINGS["flexible-layer"]


def describe(
    network: str, options: Mapping[str, Any], example: None, *, told: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One row for each constant of each corruption at each severity.

    Args:
        network: whose images they are for.
        options: of the network.
        example: nothing.
        told: corruptions, severities and constants, as `flexnet.families.corruptions.told` gives them.

    Raises:
        ConfigError: if the network or an option is unknown or not allowed.
    """
    size = expected_images(network, options)[1]
    return [
        {"category": category, "kind": SYNTHETIC.get(name, name), "size": size, **row}
        for category, names in CATEGORIES.items()
        for name in names
        if name in told["constants"]
        for row in _rows(told["severities"], told["constants"][name])
    ]


def _rows(severities: list[int], constants: list[dict[str, float]]) -> Iterator[dict[str, Any]]:
    for severity, values in zip(severities, constants, strict=True):
        for name, value in values.items():
            yield {"level": severity, "constant": name, "value": value}
