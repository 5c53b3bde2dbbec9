"""Stage `data`: one split of a dataset as an arrays file with its manifest."""

import os
from argparse import Namespace
from typing import Any

from flexnet.data.prepare import prepare
from flexnet.errors import ConfigError

SWITCH = {"0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Prepare a split.

    Settings: `dataset`, `split`, `options` (how the embedded dataset is drawn, or to what size and channels
    real images are brought), and for real images `content` ("other" accepts others than the official ones).
    Where to look is a matter of the machine and comes from the environment: FLEXNET_DATA_MIRROR,
    FLEXNET_TORCHVISION_ROOT, and FLEXNET_DOWNLOAD (0 forbids the download).

    Raises:
        ConfigError: if the dataset, the split, an option or FLEXNET_DOWNLOAD is not allowed.
        DataError: if no source has the dataset, or the one that has it is damaged or has other content.
    """
    for key, kind in (("dataset", str), ("split", str), ("options", dict)):
        if settings.get(key) is not None and not isinstance(settings[key], kind):
            raise ConfigError(f"{key}: expected a value of type {kind.__name__}; got {settings[key]!r}")
    prepare(
        settings["dataset"],
        settings["split"],
        files.output,
        download=_download_allowed(),
        options=settings.get("options") or None,
        content=settings.get("content", "official"),
    )


def _download_allowed() -> bool:
    text = os.environ.get("FLEXNET_DOWNLOAD", "1")
    if text.lower() not in SWITCH:
        raise ConfigError(f"FLEXNET_DOWNLOAD: expected one of {list(SWITCH)}; got {text!r}; correct it")
    return SWITCH[text.lower()]
