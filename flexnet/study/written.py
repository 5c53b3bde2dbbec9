"""The configuration of a scale as a checkout has it in its files, which may be of a time with other rules."""

from pathlib import Path

from flexnet.config import Config, lay_over
from flexnet.yaml_files import read_yaml


def written(checkout: Path, scale: str) -> Config:
    """The papers' configuration with what a scale, and those that it is like, change of it; unchecked.

    Args:
        checkout: with the folder `config`.
        scale: its name; `paper` for the papers' own.
    """
    found: Config = read_yaml(checkout / "config/config.yaml")
    for layer in [] if scale == "paper" else _layers(checkout, scale):
        found = lay_over(found, layer)
    return found


def _layers(checkout: Path, scale: str) -> list[Config]:
    content: Config = read_yaml(checkout / f"config/scales/{scale}.yaml")
    parent = content.pop("like", None)
    return [*([] if parent is None else _layers(checkout, parent)), content]
