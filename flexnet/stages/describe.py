"""Stage `describe`: what a family sees in the modules of a figure's networks, as they are built."""

from argparse import Namespace
from importlib import import_module
from typing import Any

from flexnet.data.manifest import load_verified
from flexnet.families.registry import family_of
from flexnet.files import write_rows


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write the table of a schematic.

    Settings: `family`, `figure`, `protocol`, `series` (label: `network` and `options`), and `example` (the
    numbers that it is drawn with) if the figure has one. A family that is told more finds it as `more` in the
    row of a series; one that looks at images gets those of the arrays file.

    Raises:
        ConfigError: if the family, a network, a layer or an option is unknown or not allowed.
        DataError: if the images are missing or changed.
    """
    seen = {"images": load_verified(files.images)[0]} if files.images else {}
    describe = import_module(f"flexnet.evaluation.{family_of(settings['family']).name}").describe
    label = {"figure": settings["figure"], "protocol": settings["protocol"]}
    rows = [
        {**label, "series": name, **row}
        for name, model in settings["series"].items()
        for row in describe(
            model["network"],
            model.get("options", {}),
            settings.get("example"),
            **model.get("more", {}),
            **seen,
        )
    ]
    write_rows(files.output, list(rows[0]), rows)
