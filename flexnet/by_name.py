"""Tables that are looked up by a name, which a setting or a default tells."""

from typing import TypeAlias, TypeVar

T = TypeVar("T")

# A constant of this type, written as a literal, may grow without anything running again: of such a table
# `flexnet.digest` counts the entries whose names a job's settings or its code hold, and no others.
ByName: TypeAlias = dict[str, T]
