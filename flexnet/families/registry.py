"""Families by name. They are found by listing this folder, so a new one changes no file that stands."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from flexnet.families.base import Condition, Family
from flexnet.problems import no_such_name, refuse

FOLDER = Path(__file__).parent


@cache
def families() -> dict[str, Family]:
    """Every family by its name."""
    names = sorted(path.stem for path in FOLDER.glob("[!_]*.py") if path.stem not in ("base", "registry"))
    found = {name: import_module(f"{__package__}.{name}").FAMILY for name in names}
    assert all(family.name == name for name, family in found.items())
    return found


def family_of(name: str) -> Family:
    """The family of a name.

    Raises:
        ConfigError: if there is none.
    """
    if name not in families():
        refuse("family", [no_such_name("a family", name, families())])
    return families()[name]


def families_of(figure: Mapping[str, Any]) -> list[Family]:
    """The families whose rows a figure of the registry shows, the first of which says what kind it is."""
    return [family_of(figure["family"]), *map(family_of, figure.get("also", ()))]


@cache
def conditions() -> dict[str, Condition]:
    """Every condition of any family by the name of its column.

    A condition means the same in each family that has it.
    """
    found: dict[str, Condition] = {}
    for family in families().values():
        for name, condition in family.conditions.items():
            assert found.setdefault(name, condition) == condition, f"{name} of {family.name} is another"
    return found
