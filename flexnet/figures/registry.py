"""Finding a figure by name. A figure is a module below this folder with NAME, summarise_rows and draw."""

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from flexnet.errors import ConfigError
from flexnet.figures.facts import Facts
from flexnet.figures.names import drawn, module_of, said_by

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class FigureModule(Protocol):
    """What every figure module offers. A table also offers its text as Markdown: see `body_of`."""

    NAME: str

    @staticmethod
    def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
        """Turn rows into the figure's tidy table."""

    @staticmethod
    def draw(table: "pd.DataFrame", facts: Facts) -> "Figure":
        """Draw the figure from its table."""


def load(name: str) -> FigureModule:
    """Import the figure called `name`, and no other.

    Args:
        name: its path below this folder, such as `fig1` or `pushpull/fig1`.

    Raises:
        ConfigError: if there is no such figure; the message lists those that there are.
    """
    said = said_by(name)
    if said == name:
        return cast(FigureModule, import_module(module_of(name)))
    if said:
        raise ConfigError(f"{module_of(name)}: expected NAME = {name!r}, as its path says; got {said!r}")
    raise ConfigError(f"unknown figure {name!r}; known are {drawn()}; choose one")


def body_of(figure: FigureModule, table: "pd.DataFrame", facts: Facts) -> str:
    """What stands below the caption: the Markdown of a module that has `body(table, facts)`, else nothing."""
    body = getattr(figure, "body", None)
    return str(body(table, facts)) if body else ""
