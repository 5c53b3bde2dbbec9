"""Tables of rows come to a published folder, in the place of others or beside the seeds that are there."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flexnet.config import Config, inherited
from flexnet.errors import DataError
from flexnet.files import atomic_path
from flexnet.study.labels import labels_of
from flexnet.study.published import config_of, runs_of
from flexnet.tables.facts import facts_path, read_facts
from flexnet.tables.more_seeds import add_seeds


def copy_rows(files: Sequence[Path], home: Path, target: Path) -> dict[str, str]:
    """Copy tables of rows; return the SHA-256 of each by its path below the target."""
    digests = {}
    for source in files:
        place = source.relative_to(home)
        with atomic_path(target / place) as temporary:
            shutil.copyfile(source, temporary)
        digests[str(place)] = hashlib.sha256((target / place).read_bytes()).hexdigest()
    return digests


def join_rows(files: Sequence[Path], home: Path, target: Path, config: Config) -> dict[str, str]:
    """As `copy_rows`, of tables and their facts, but that published rows of other seeds stay in each table.

    Raises:
        DataError: if one was not made as that which is published. All are as they were then.
    """
    with TemporaryDirectory() as folder:
        joined, made = Path(folder), []
        for path in files:
            table = joined / path.relative_to(home)
            published = target / path.relative_to(home)
            if published.exists():
                require_untouched(published, target)
                require_same_rules(published, target, config)
                copy_rows([published, facts_path(published)], target, joined)
                add_seeds(table, path)
            else:
                copy_rows([path, facts_path(path)], home, joined)
            made += [table, facts_path(table)]
        return copy_rows(made, joined, target)


def require_untouched(table: Path, target: Path) -> None:
    """Check that a published table and its facts are what a run published.

    Raises:
        DataError: naming the file that is not.
    """
    for path in (table, facts_path(table)):
        place, found = str(path.relative_to(target)), hashlib.sha256(path.read_bytes()).hexdigest()
        if found not in {run["sha256"].get(place) for run in runs_of(target)}:
            raise DataError(
                f"{path}: expected the bytes that a run published, as provenance.json has them; got others;"
                " take the file from where it was published, or publish all seeds anew"
            )


def require_same_rules(table: Path, target: Path, config: Config) -> None:
    """Check that networks are judged today as when a table was published, on images chosen in the same way.

    Raises:
        DataError: naming what differs.
    """
    protocol, figure = labels_of(table)
    today = inherited(config)
    models = [run.model for run in read_facts(facts_path(table)).series]
    now = rules_of(today, protocol, models)
    then = rules_of(config_of(target, protocol, figure, today), protocol, models)
    changed = sorted(part for part in {*then, *now} if then.get(part) != now.get(part))
    if changed:
        raise DataError(
            f"{table}: expected the rules of the {protocol} protocol, and the images, by which it was made;"
            f" other by now: {', '.join(changed)}; publish all seeds anew, from one run"
        )


def rules_of(config: Config, protocol: str, models: Sequence[str]) -> dict[str, Any]:
    """What decides how models are judged, and on which images: more than facts tell."""
    known = {name: config["models"][name] for name in models if name in config["models"]}
    datasets = {name: config["datasets"][row["dataset"]] for name, row in known.items()}
    sources = {name: config["sources"][row["source"]] for name, row in datasets.items()}
    chosen = {"seed": config.get("seed"), "datasets": datasets, "sources": sources}
    return {**config["protocols"].get(protocol, {}), **chosen}
