"""Stage `describe`: what the schematics show, taken from the modules themselves."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from flexnet.errors import ConfigError
from flexnet.files import write_rows
from flexnet.layers.worked import gate_curves, worked_example
from flexnet.networks.describe import describe

Row = dict[str, Any]


def describe_network(name: str, options: Mapping[str, Any]) -> list[Row]:
    """One row per layer of a network."""
    return [{"network": name, **row} for row in describe(name, options)]


def describe_layer(options: Mapping[str, Any], example: Mapping[str, Any]) -> list[Row]:
    """One row per number of a worked example of a network's flexible layer, and of its gate's curve.

    `part` names a matrix; a curve is a matrix of one row.

    Args:
        options: options of the network; its `layer` says how the layer behaves.
        example: what the small layer has instead of the network's sizes: kernel_size and input_size in
            pixels, and the seed of its numbers.

    Raises:
        ConfigError: if the network has no options of a layer, or they are not allowed.
    """
    if "layer" not in options:
        raise ConfigError(
            f"expected the options of a flexible layer; got {sorted(options)}; choose its model"
        )
    sizes = {key: value for key, value in example.items() if key != "seed"}
    parts = worked_example({**options["layer"], **sizes}, example["seed"])
    sharpness = float(parts["sharpness"])
    parts |= {f"curve {name}": curve.view(1, -1) for name, curve in gate_curves(sharpness).items()}
    return [
        {"rule": options["layer"].get("rule", "below"), "part": part, "row": i, "column": j, "value": value}
        for part, matrix in parts.items()
        for i, line in enumerate(matrix.tolist())
        for j, value in enumerate(line)
    ]


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write the table of a schematic.

    Settings: `figure`, `protocol`, `series` (label: `network` and `options`), and for the schematic of the
    layer alone `example` (`kernel_size`, `input_size` and `seed`, see `describe_layer`).

    Raises:
        ConfigError: if a network, a layer or an option is unknown or not allowed.
    """
    label = {"figure": settings["figure"], "protocol": settings["protocol"]}
    example = settings.get("example")
    rows: list[Row] = []
    for name, model in settings["series"].items():
        network, options = model["network"], model.get("options", {})
        found = describe_layer(options, example) if example else describe_network(network, options)
        rows += [{**label, "series": name, **row} for row in found]
    write_rows(files.output, list(rows[0]), rows)
