"""The constants of a corruption at a severity, for images of any size; without torch.

There are two families of constants: `imagenet`, made for 224 pixels, and `cifar`, made for 32. Asked for by
name, a family is taken as it stands, whatever the size of the images: with `imagenet`, images of 32 pixels
become unrecognisable. Where none is asked for (`auto`), this rule holds:

1. the family is that whose side is nearer in ratio to the shorter side of the images: `cifar` up to 84
   pixels, `imagenet` from 85;
2. lengths in pixels are multiplied by the shorter side over the side of the family, so that a corruption
   does to an image what it does to the same image at the family's size; whole lengths are rounded, to at
   least 1, and no flake of snow becomes smaller than a pixel;
3. of the width of a blur what is multiplied is how far it spreads a point on the grid of pixels: a width of
   0.25 pixels does nearly nothing, so that of 0.5, which does, is not twice as much of it;
4. noise that is smoothed over a length is drawn with the deviation that leaves it as uneven as at the
   family's size: over more pixels more of it averages out, and no drop would reach the threshold of drops.

At 32 and 224 pixels nothing changes. Severities then stand to each other as at the family's size. They do
not always grow there: with the published constants glass, frost, elastic transforms, saturation and, at 32
pixels, motion blur have severities that change an image less than the one before (root mean square).
"""

from collections.abc import Mapping
from functools import cache
from math import floor, sqrt
from pathlib import Path
from typing import Any, Final

from flexnet.corruptions.allowed import problems
from flexnet.corruptions.names import NAMES, SEVERITIES
from flexnet.corruptions.widths import evenness, spread, width_of
from flexnet.problems import no_such_name, refuse, wrong
from flexnet.yaml_files import read_yaml

Values = Mapping[str, float]
TABLES: Final = Path(__file__).with_name("severities.yaml")
AUTO: Final = "auto"
FAMILIES: Final = ("imagenet", "cifar")


def constants_of(name: str, severity: int, side: int, family: str = AUTO) -> dict[str, float]:
    """The constants of a corruption.

    Args:
        name: one of `flexnet.corruptions.names.NAMES`.
        severity: 1 to 5.
        side: of the images, the shorter one, in pixels.
        family: "imagenet" or "cifar" as they stand, or "auto" for the rule of this module.

    Returns:
        constant -> value; what they mean is said in `severities.yaml`.

    Raises:
        ConfigError: if the name, the severity or the family is unknown.
    """
    check_name(name)
    check_severity(severity)
    if family not in (AUTO, *FAMILIES):
        refuse("constants", [no_such_name("the constants", family, (AUTO, *FAMILIES))])
    found = nearest_family(side) if family == AUTO else family
    table = _tables()["corruptions"][name]
    row = {key: float(value) for key, value in zip(table["columns"], table[found][severity - 1], strict=True)}
    factor = side / side_of(found) if family == AUTO else 1.0
    return row if factor == 1 else _scaled(row, factor, table)


def columns_of(name: str) -> tuple[str, ...]:
    """What the constants of a corruption are called.

    Raises:
        ConfigError: if there is no corruption of this name.
    """
    check_name(name)
    return tuple(_tables()["corruptions"][name]["columns"])


def check_values(name: str, values: object) -> None:
    """Check constants of one's own.

    Raises:
        ConfigError: if they are not one number for each constant of the corruption, within the bounds of
            `flexnet.corruptions.allowed`.
    """
    columns = columns_of(name)
    if not isinstance(values, Mapping) or set(values) != set(columns):
        refuse("constants", [wrong(f"a number for each of {list(columns)}, the constants of {name}", values)])
        return
    refuse("constants", problems(name, values))


def nearest_family(side: int) -> str:
    """The family whose side is nearer, in ratio, to that of images."""
    return "cifar" if side < sqrt(side_of("cifar") * side_of("imagenet")) else "imagenet"


def side_of(family: str) -> int:
    """The side in pixels of the images that a family of constants was made for."""
    side: int = _tables()["families"][family]["side"]
    return side


def source_of(family: str) -> str:
    """Where the constants of a family are from."""
    source: str = _tables()["families"][family]["source"]
    return source


def check_name(name: object) -> None:
    """Check the name of a corruption.

    Raises:
        ConfigError: if there is none of this name; the nearest one is offered.
    """
    if name not in NAMES:
        refuse("corruption", [no_such_name("a corruption", name, NAMES)])


def check_severity(severity: object) -> None:
    """Check a severity.

    Raises:
        ConfigError: if it is not one of the numbers 1 to 5.
    """
    if type(severity) is not int or severity not in SEVERITIES:
        refuse("severity", [wrong("an integer from 1 to 5 (the clean images are severity 0)", severity)])


def _scaled(row: Mapping[str, float], factor: float, table: Mapping[str, Any]) -> dict[str, float]:
    """The constants of images so many times as large as those of the family."""
    scaled = {key: _length(value, factor, key, table) for key, value in row.items()}
    for deviation, width in table.get("smoothed", {}).items():
        scaled[deviation] *= evenness(row[width]) / evenness(scaled[width])
    return scaled


def _length(value: float, factor: float, key: str, table: Mapping[str, Any]) -> float:
    if key in table.get("widths", ()):
        return width_of(factor * spread(value))
    if key not in table.get("lengths", ()):
        return value
    if key in table.get("whole", ()):
        return float(max(1, floor(value * factor + 0.5)))
    return max(1.0, value * factor) if key in table.get("enlarged", ()) else value * factor


@cache
def _tables() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(TABLES)
    return found
