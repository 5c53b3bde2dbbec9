"""Tables of rows come to a published folder, in the place of others or beside the seeds that are there."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flexnet.config import Config, inherited
from flexnet.errors import DataError
from flexnet.families.registry import families_of
from flexnet.files import atomic_path
from flexnet.study.circumstances import changed, circumstances
from flexnet.study.labels import labels_of
from flexnet.study.published import config_of, runs_of, told_from
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


def join_rows(
    files: Sequence[Path], home: Path, target: Path, config: Config, figures: Mapping[str, Any]
) -> dict[str, str]:
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
                require_same_circumstances(published, target, config, figures)
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
        if not path.is_file():
            raise DataError(
                f"{path}: expected the facts of published rows; they have none; publish all seeds anew"
            )
        place, found = str(path.relative_to(target)), hashlib.sha256(path.read_bytes()).hexdigest()
        if found not in {run["sha256"].get(place) for run in runs_of(target)}:
            raise DataError(
                f"{path}: expected the bytes that a run published, as provenance.json has them; got others;"
                " take the file from where it was published, or publish all seeds anew"
            )


def require_same_circumstances(table: Path, target: Path, config: Config, figures: Mapping[str, Any]) -> None:
    """Check that networks are trained and judged today as when a table was published, on the same images.

    Raises:
        DataError: naming what differs.
    """
    protocol, figure = labels_of(table)
    today, asking = inherited(config), families_of(figures[figure])
    models = [run.model for run in read_facts(facts_path(table)).series]
    with told_from(target):
        then = circumstances(config_of(target, protocol, figure, today), protocol, models, asking)
    other = changed(then, circumstances(today, protocol, models, asking))
    if other:
        raise DataError(
            f"{table}: expected networks that are trained and judged as those that it is of; other by now:"
            f" {'; '.join(other)}; publish all seeds anew, from one run"
        )
