"""The numbers of one small Flexible Layer on a random image, and of its gate's curve."""

from collections.abc import Mapping
from typing import Any

from flexnet.errors import ConfigError
from flexnet.layers.worked import gate_curves, worked_example


def describe(network: str, options: Mapping[str, Any], example: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per number of a worked example of a network's flexible layer, and of its gate's curve.

    `part` names a matrix; a curve is a matrix of one row.

    Args:
        network: whose layer it is.
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
