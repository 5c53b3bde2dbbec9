"""Pictures of corruptions: the images that networks are judged on, and no others."""

from base64 import b64decode
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from flexnet.data.arrays import ImageArrays
from flexnet.errors import ConfigError
from flexnet.evaluation.corruptions import made
from flexnet.evaluation.gallery import describe
from flexnet.families.corruptions import CorruptionSettings, told

IMAGES = ImageArrays(
    np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8),
    np.arange(3, dtype=np.int64),
    ("a", "b", "c"),
)
SECTION = {"corruptions": ["fog", "frost"], "severities": [1, 5], "seed": 4}


def shown(section: dict[str, Any]) -> list[dict[str, Any]]:
    return describe("vgg16", {}, None, told=told(section, 32), images=IMAGES, image=2, title="noise")


@pytest.mark.parametrize("resave", [None, 30])
def test_pictures_are_the_images_that_are_judged(resave: int | None) -> None:
    section = {**SECTION, **({} if resave is None else {"resave": resave})}
    rows = shown(section)
    assert [(row["kind"], row["level"]) for row in rows] == [
        ("none", 0),
        *(("fog", level) for level in (1, 5)),
        *(("frost_synthetic", level) for level in (1, 5)),
    ]
    make = made(CorruptionSettings.from_values(told(section, 32)))
    clean = torch.from_numpy(IMAGES.images[2:])
    for row in rows:
        name = {"frost_synthetic": "frost"}.get(row["kind"], row["kind"])
        expected = clean if name == "none" else make(clean, [2], name, row["level"])
        picture = np.asarray(Image.open(BytesIO(b64decode(row["picture"]))))
        assert np.array_equal(picture, expected[0].permute(1, 2, 0).numpy())


def test_an_image_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a number below 3"):
        describe("vgg16", {}, None, told=told(SECTION, 32), images=IMAGES, image=3, title="noise")
