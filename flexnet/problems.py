"""What is wrong with settings: where, what was expected, what came, and the nearest right name."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from flexnet.errors import ConfigError

Key = str | int
LISTED = 20  # so many names at most stand in a message
SHOWN = 10  # so many problems
NEAR = 0.5  # so alike, from 0 to 1, that one name may be meant by another


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        text: what was expected, what came, what to do.
        path: the keys that lead to it, from the outermost.
        inner: a key further in that is told by the text, and tells which of several files or rows is meant.
    """

    text: str
    path: tuple[Key, ...] = ()
    inner: tuple[Any, ...] = ()

    def below(self, *keys: Key) -> "Problem":
        """The same problem, seen from further outside."""
        return replace(self, path=(*keys, *self.path))

    def __str__(self) -> str:
        return ": ".join(filter(None, (".".join(map(str, self.path)), self.text)))


def nearest(value: object, names: Iterable[str]) -> str:
    """The name that a value was probably meant to be, or nothing."""
    by_lower = {name.lower(): name for name in names}
    found = get_close_matches(str(value).lower(), by_lower, n=1, cutoff=NEAR)
    return by_lower[found[0]] if found else ""


def ask(value: object, names: Iterable[str]) -> str:
    """The end of a message that offers the nearest name, if there is one."""
    near = nearest(value, names)
    return f"; did you mean {near!r}?" if near else ""


def wrong(expected: str, value: object, names: Collection[str] = ()) -> Problem:
    """A value that is not allowed; the nearest of some names is offered."""
    return Problem(f"expected {expected}; got {value!r}{_number_in(value, expected)}{ask(value, names)}")


def no_such_name(what: str, value: object, names: Collection[str]) -> Problem:
    """A name that refers to nothing: the nearest one is offered, or else all are listed."""
    if nearest(value, names):
        return wrong(what, value, names)
    return wrong(f"{what}: one of {listing(names)}", value)


def unknown_keys(keys: Iterable[object], known: Collection[str]) -> Problem:
    """Keys that nothing reads; for each the nearest is offered."""
    unknown = list(keys)
    text = f"unknown key {', '.join(map(repr, unknown))}; expected keys among {sorted(known)}"
    return Problem(text + "".join(ask(key, known) for key in unknown), inner=(unknown[0],))


def listing(names: Collection[str]) -> str:
    """Names in a message, not more than a reader looks through."""
    shown = sorted(names)
    return str(shown) if len(shown) <= LISTED else f"{shown[:LISTED]} and {len(shown) - LISTED} more"


def refuse(name: str, problems: Iterable[Problem]) -> None:
    """Raise one error that tells all problems, if there are any.

    Args:
        name: whose settings they are, such as a file or a network.
        problems: what is wrong.

    Raises:
        ConfigError: one line for each problem.
    """
    refuse_lines(f"{name}: {problem}" for problem in problems)


def refuse_lines(lines: Iterable[str]) -> None:
    """Raise one error of several lines, each told once, if there are any.

    Raises:
        ConfigError: with the lines.
    """
    told = list(dict.fromkeys(lines))
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    if told:
        raise ConfigError("\n".join([*told[:SHOWN], *more]))


def _number_in(value: object, expected: str) -> str:
    """How to write a number that came as text, as YAML reads "0.5", 0,5 and 1e3."""
    if not isinstance(value, str) or not any(word in expected for word in ("number", "integer")):
        return ""
    try:
        number = float(value.replace(",", "."))
    except ValueError:
        return ""
    return f", which is text; write {number:.15g}"
