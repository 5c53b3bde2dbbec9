"""What published rows are rows of: the configuration of the run that made them, not today's."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flexnet.config import Config, inherited
from flexnet.errors import ConfigError
from flexnet.files import read_json
from flexnet.study.labels import table_of

PROVENANCE = "provenance.json"
TOLD = ("sha256", "config", "machine", "networks", "wall_time")  # parts of a run that have keys of their own


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
        found = [run for run in runs if run["sha256"] and run["config"]]
        _require_mappings([run[key] for run in found for key in TOLD if key in run])
        return found
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{path}: expected the runs of published rows with their sha256 and config; got: {error!r};"
            " take the file from the place where the rows come from"
        ) from error


def _require_mappings(values: Iterable[Any]) -> None:
    for value in values:
        if not isinstance(value, dict):
            raise TypeError(f"{type(value).__name__} in the place of keys with values")


def _require_text(value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in the place of a note")


def run_of(
    folder: Path, protocol: str, figure: str, network: tuple[str, int] | None = None
) -> dict[str, Any] | None:
    """The run that made the rows of a figure; None if the folder does not tell.

    Args:
        folder: that of a published scale.
        protocol: of the rows.
        figure: whose rows they are.
        network: model and training seed of the rows that are meant, where seeds may come from several runs,
            which all had the same settings; None for the first run.

    Raises:
        ConfigError: if what it tells cannot be read.
    """
    table = table_of(protocol, figure)
    runs = [run for run in runs_of(folder) if table in run["sha256"]]
    with told_from(folder):
        named = [run for run in runs if network is not None and _trained(run, *network)]
    return next(iter([*named, *runs]), None)


def _trained(run: dict[str, Any], model: str, seed: int) -> bool:
    """Whether a run tells of a network that it had this seed."""
    return f"seed{seed}" in run.get("networks", {}).get(model, {}).get("data", {})


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
    run = run_of(folder, protocol, figure)
    if run is not None:
        with told_from(folder):
            found = inherited(run["config"])
            _require_text(found["note"])
            return found
    table = table_of(protocol, figure)
    if otherwise is None:
        raise ConfigError(
            f"{folder / table}: expected {PROVENANCE} to tell how these rows were made, or a scale of that"
            f" name; got neither; write config/scales/{folder.name}.yaml or bring {PROVENANCE}"
        )
    return otherwise


@contextmanager
def told_from(folder: Path) -> Iterator[None]:
    """Blame what a configuration lacks on the file that it came with: nobody checked it here.

    Raises:
        ConfigError: in the place of whatever is raised inside.
    """
    try:
        yield
    except ConfigError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{folder / PROVENANCE}: expected the whole configuration of the run that made these rows; got "
            f"one that cannot be followed ({type(error).__name__}: {str(error)[:80]}); take the file from "
            "the place where the rows come from"
        ) from error


def notes_of(folder: Path, otherwise: Config | None) -> list[str]:
    """What readers must know of a published scale: the notes of all its runs, each once."""
    configs = [run["config"] for run in runs_of(folder)] or [otherwise or {}]
    notes = [str(config.get("note") or "").strip() for config in configs]
    return list(dict.fromkeys(note for note in notes if note))
