"""One image under every corruption and severity, as pictures in rows."""

from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from flexnet.corruptions.names import CLEAN, GROUPINGS, SYNTHETIC
from flexnet.data.arrays import ImageArrays
from flexnet.errors import ConfigError
from flexnet.evaluation.corruptions import made
from flexnet.families.corruptions import CorruptionSettings

CATEGORY_OF = {name: category for category, names in GROUPINGS["flexible-layer"].items() for name in names}


def describe(
    network: str,
    options: Mapping[str, Any],
    example: None,
    *,
    told: Mapping[str, Any],
    images: ImageArrays,
    image: int,
    title: str,
) -> list[dict[str, Any]]:
    """One row for each picture: the clean image, then each corruption at each severity.

    Args:
        network: of no importance.
        options: of no importance.
        example: nothing.
        told: settings of the corruptions, as `flexnet.families.corruptions.told` gives them.
        images: the set.
        image: the number of the image that is shown.
        title: what captions call the set.

    Raises:
        ConfigError: if the set has no such image, or it cannot be corrupted.
    """
    if image >= len(images.labels):
        raise ConfigError(
            f"image: expected a number below {len(images.labels)}, the images of the set; got {image}; "
            "choose one"
        )
    rules = CorruptionSettings.from_values(told)
    clean = torch.from_numpy(images.images[image : image + 1].copy())
    rows, make = [], made(rules)
    for name, severity in rules.conditions():
        shown = clean
        if name != CLEAN:
            shown = make(clean, [image], name, severity)
        label = {
            "category": CATEGORY_OF.get(name, CLEAN),
            "kind": SYNTHETIC.get(name, name),
            "level": severity,
        }
        rows.append({**label, "image": image, "dataset": title, "picture": _png(shown[0])})
    return rows


def _png(image: Tensor) -> str:
    """An image (C, H, W) in uint8 as a PNG in base64."""
    pixels = image.permute(1, 2, 0).numpy()
    stored = BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stored, "PNG")
    return b64encode(stored.getvalue()).decode("ascii")
