"""Options of networks, layers and evaluations as data: names, defaults, what is allowed, and how they agree.

They are what a module and the check of the configuration both use, so this imports nothing that computes: a
mistake is told before anything is built and before any job starts.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import wraps
from numbers import Integral, Real
from typing import Any, ClassVar, ParamSpec, Self, TypeAlias, TypeVar

from flexnet.problems import Problem, nearest, refuse, unknown_keys, wrong

Check: TypeAlias = Callable[[Any], Iterator[Problem]]
T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of options: a dataclass whose fields are made by `option` or `required`."""

    OPEN: ClassVar[bool] = False  # whether there may be others, which somebody else checks

    @classmethod
    def problems(cls, values: Mapping[str, Any]) -> Iterator[Problem]:
        """What is wrong with some values; those that are not given have their defaults."""
        known = {entry.name: entry for entry in fields(cls)}
        found = list(_wrong_values(known, cls._own(values)))
        yield from found or cls._with(values).disagreements()

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The options that some values say."""
        return cls(**cls._own(values))

    @classmethod
    def _own(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        known = {entry.name for entry in fields(cls)}
        return {key: value for key, value in values.items() if key in known or not cls.OPEN}

    @classmethod
    def _with(cls, values: Mapping[str, Any]) -> Self:
        """The options with these values, past a `__post_init__` that would itself refuse them."""
        made = object.__new__(cls)
        for entry in fields(cls):
            object.__setattr__(made, entry.name, values.get(entry.name, entry.default))
        return made

    def disagreements(self) -> Iterator[Problem]:
        """Where values that are allowed each by itself do not fit each other."""
        return iter(())


Kind = TypeVar("Kind", bound=Options)


def _wrong_values(known: Mapping[str, "Field[Any]"], values: Mapping[str, Any]) -> Iterator[Problem]:
    unknown = [key for key in values if key not in known]
    if unknown:
        yield unknown_keys(unknown, known)
    for name, entry in known.items():
        if name in values:
            yield from (problem.below(name) for problem in entry.metadata["check"](values[name]))
        elif entry.default is MISSING:
            yield Problem(f"expected the key {name!r} as well; add it")


def option(default: T, check: Check) -> T:
    """Declare an option with its default and what is allowed."""
    return field(default=default, metadata={"check": check})


def required(check: Check) -> Any:
    """Declare an option that must be given."""
    return field(metadata={"check": check})


def checked(options: type[Options], name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function with keyword arguments alone refuse what its options do not allow.

    The decorated function raises ConfigError, which names all problems.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            refuse(name, options.problems(kwargs))
            return function(*args, **kwargs)

        return call

    return decorate


# --- what is allowed -------------------------------------------------------------------------------


def one_of(names: Sequence[str]) -> Check:
    """One of some names."""

    def check(value: Any) -> Iterator[Problem]:
        if not isinstance(value, str) or value not in names:
            yield wrong(f"one of {list(names)}", value, names)

    return check


def whole(least: int, most: int | None = None, *, of: Collection[int] | None = None) -> Check:
    """A whole number within bounds, or one of a few."""
    words = (
        f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    )

    def check(value: Any) -> Iterator[Problem]:
        right = isinstance(value, Integral) and not isinstance(value, bool)
        if of is not None and not (right and value in of):
            yield wrong(f"a whole number, {' or '.join(map(str, of))}", value)
        elif not right or value < least or (most is not None and value > most):
            yield wrong(words, value)

    return check


def number(
    words: str, *, least: float = -math.inf, above: float = -math.inf, most: float = math.inf
) -> Check:
    """A finite number within bounds, which `words` tell."""

    def check(value: Any) -> Iterator[Problem]:
        if not is_number(value) or not least <= value <= most or value <= above:
            yield wrong(words, value)

    return check


def is_number(value: object) -> bool:
    """Whether a value is a finite real number; true and false are none."""
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)


def flag(value: Any) -> Iterator[Problem]:
    """True or false."""
    if not isinstance(value, bool):
        yield wrong("true or false", value)


def optional(check: Check) -> Check:
    """None, or what the check allows."""
    return lambda value: iter(()) if value is None else check(value)


def section(options: type[Options]) -> Check:
    """A mapping of options."""

    def check(value: Any) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            yield from options.problems(value)
        else:
            yield wrong("options with their values", value)

    return check


def by_kind(kinds: Mapping[str, type[Options]], words: str) -> Check:
    """A mapping whose key `kind` says what the others are; `words` name it, as in "a schedule"."""

    def check(value: Any) -> Iterator[Problem]:
        if not isinstance(value, Mapping) or "kind" not in value:
            example = nearest(value, kinds) if isinstance(value, str) else ""
            yield wrong(f"{words} by its kind, such as {{kind: {example or next(iter(kinds))}}}", value)
        elif found := list(one_of(tuple(kinds))(value["kind"])):
            yield from (problem.below("kind") for problem in found)
        else:
            yield from kinds[value["kind"]].problems(beside_kind(value))

    return check


def made(kinds: Mapping[str, type[Kind]], value: Mapping[str, Any]) -> Kind:
    """The options that a mapping with a `kind`, which `by_kind` allows, says."""
    return kinds[value["kind"]](**beside_kind(value))


def beside_kind(value: Mapping[str, Any]) -> dict[str, Any]:
    """What a mapping says beside its `kind`."""
    return {key: entry for key, entry in value.items() if key != "kind"}


def distinct(check: Check, words: str) -> Check:
    """A list (or tuple) of at least one entry, each of which is allowed and there once; `words` name them."""

    def check_all(value: Any) -> Iterator[Problem]:
        if not isinstance(value, list | tuple) or not value:
            yield wrong(f"a list of {words}, at least one", value)
            return
        found = [problem.below(place) for place, entry in enumerate(value) for problem in check(entry)]
        repeated = [entry for place, entry in enumerate(value) if entry in value[:place]]
        yield from found
        if repeated and not found:
            yield Problem(
                f"expected {words}, none of them twice; got {list(value)!r} with {repeated[0]!r} twice; "
                "a decimal comma makes two numbers of one"
            )

    return check_all
