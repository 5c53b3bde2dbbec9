"""Stage `data`: one split of a dataset as an arrays file with its manifest."""

import os
from argparse import Namespace
from typing import Any

from flexnet.data.prepare import prepare


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Prepare a split.

    Settings: `dataset`, `split`, and for the embedded dataset `options`. Where to look is a matter of
    the machine and comes from the environment: FLEXNET_DATA_MIRROR, FLEXNET_TORCHVISION_ROOT, and
    FLEXNET_DOWNLOAD (0 forbids the download).

    Raises:
        ConfigError: if the dataset, the split or an option is unknown.
        DataError: if no source has the dataset or the one that has it is damaged.
    """
    prepare(
        settings["dataset"],
        settings["split"],
        files.output,
        download=os.environ.get("FLEXNET_DOWNLOAD", "1") != "0",
        options=settings.get("options") or None,
    )
