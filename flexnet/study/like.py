"""Rows that are like other rows: everything of that row, with their own keys on top."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flexnet.problems import Problem, no_such_name

Rows = Mapping[str, Any]


def like_problems(rows: Rows) -> Iterator[Problem]:
    """Rows that are like one that is not there, or like themselves in the end."""
    for name in rows:
        yield from _chain_problems(rows, name)


def _chain_problems(rows: Rows, name: str) -> Iterator[Problem]:
    seen = [name]
    while (parent := rows[seen[-1]].get("like")) is not None:
        if not isinstance(parent, str) or parent not in rows:
            others = [other for other in rows if other != seen[-1]]
            yield no_such_name("another row", parent, others).below(seen[-1], "like")
            return
        if parent in seen:
            circle = " -> ".join((*seen, parent))
            yield Problem(f"expected rows that do not lead back; got {circle}", (seen[-1], "like"))
            return
        seen.append(parent)


def inherit(rows: Rows, name: str, lay_over: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """A row without `like`, with everything of the row that it named; `lay_over` merges two rows."""
    return copy.deepcopy(_merged(rows, name, lay_over))


def _merged(rows: Rows, name: str, lay_over: Callable[[Any, Any], Any]) -> dict[str, Any]:
    own = {key: value for key, value in rows[name].items() if key != "like"}
    parent = rows[name].get("like")
    merged: dict[str, Any] = own if parent is None else lay_over(_merged(rows, parent, lay_over), own)
    return merged
