"""What published rows are rows of: the configuration of the run that made them, not today's."""

from pathlib import Path
from typing import Any

from flexnet.config import Config, inherited
from flexnet.errors import ConfigError
from flexnet.files import read_json
from flexnet.study.labels import table_of

PROVENANCE = "provenance.json"


def runs_of(folder: Path) -> list[dict[str, Any]]:
    """The runs that made the rows of a published scale; empty if the folder does not tell.

    Raises:
        ConfigError: if what it tells cannot be read.
    """
    path = folder / PROVENANCE
    if not path.is_file():
        return []
    try:
        runs = read_json(path)["runs"]
        return [run for run in runs if run["sha256"] and run["config"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: expected the runs of published rows with their sha256 and config; got: {error!r};"
            " take the file from the place where the rows come from"
        ) from error


def config_of(folder: Path, protocol: str, figure: str, otherwise: Config | None) -> Config:
    """The configuration with which the rows of a figure were made.

    Args:
        folder: that of a published scale.
        protocol: of the rows.
        figure: whose rows they are.
        otherwise: today's configuration of the scale, which holds for rows without a provenance.

    Raises:
        ConfigError: if nothing tells how the rows were made.
    """
    table = table_of(protocol, figure)
    for run in runs_of(folder):
        if table in run["sha256"]:
            return inherited(run["config"])
    if otherwise is None:
        raise ConfigError(
            f"{folder / table}: expected {PROVENANCE} to tell how these rows were made, or a scale of that"
            f" name; got neither; write config/scales/{folder.name}.yaml or bring {PROVENANCE}"
        )
    return otherwise


def notes_of(folder: Path, otherwise: Config | None) -> list[str]:
    """What readers must know of a published scale: the notes of all its runs, each once."""
    configs = [run["config"] for run in runs_of(folder)] or [otherwise or {}]
    notes = [str(config.get("note") or "").strip() for config in configs]
    return list(dict.fromkeys(note for note in notes if note))
