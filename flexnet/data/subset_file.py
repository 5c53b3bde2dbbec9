"""The file that says which images are trained on and scored, read with all its checks and without torch."""

from collections.abc import Mapping
from typing import Any

from flexnet.data.roles import ROLES, TEST, TRAIN
from flexnet.errors import DataError
from flexnet.files import read_json


def read_subset(path: str) -> dict[str, Any]:
    """Read the file of the subset stage.

    Raises:
        DataError: if it is missing, damaged or another file.
    """
    try:
        subset = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: expected a file of the subset stage; got: {error}; check the path, or make it again"
        ) from error
    if not isinstance(subset, dict) or set(subset) - {"data"} != {"training", "scored", "split"}:
        raise DataError(
            f"{path}: expected the keys training, scored and split; check the path, or make it with the"
            " subset stage"
        )
    if subset["split"] not in ROLES:
        raise DataError(
            f"{path}: split: expected {' or '.join(ROLES)}; got {subset['split']!r}; make it again"
        )
    only_judged = not origin_of(subset, TRAIN) and bool(origin_of(subset, TEST))
    for name in ("scored",) if only_judged and subset["training"] == [] else ("training", "scored"):
        _check_indices(f"{path}: {name}", subset[name])
    if len(set(subset["scored"])) < len(subset["scored"]):
        raise DataError(f"{path}: scored: expected every image once; got one twice; make it again")
    return subset


def _check_indices(where: str, indices: Any) -> None:
    """Whole numbers: others would be rounded on their way into an array, and choose other images."""
    wrong = (
        [index for index in indices if type(index) is not int or index < 0]
        if isinstance(indices, list)
        else []
    )
    if not isinstance(indices, list) or not indices or wrong:
        got = repr(wrong[0]) if wrong else str(indices)[:80]
        raise DataError(f"{where}: expected a list of places in the split, from 0; got {got}; make it again")


def origin_of(subset: Mapping[str, Any], role: str) -> dict[str, Any]:
    """What the subset stage found in a role: dataset, split and digest; empty if the file is silent."""
    said = subset.get("data", {})
    return dict(said.get(role, {})) if isinstance(said, Mapping) else {}
