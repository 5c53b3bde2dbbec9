"""Table 1 of the push-pull paper: the LeNets, read off the modules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.fig2 import WORDS, read, summarise_rows
from flexnet.figures.notes import stamp_of
from flexnet.figures.pushpull.lenets import paper_numbers
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAME", "body", "draw", "read", "summarise_rows"]

NAME = "pushpull/table1"
HEADS: Final = {"first": "First layer", "second": "Second layer", "third": "Hidden 1", "fourth": "Hidden 2"}
LAYERS: Final = ("conv", "push-pull", "linear")  # those that have units


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """A line for each network: kernels or units of its layers, ours and, beside evidence, the paper's."""
    part = one_protocol(table, facts)
    columns = [Column("network", "Network")]
    for key, head in HEADS.items():
        columns.append(Column(f"{key} here", "here", head))
        columns += [Column(f"{key} paper", "paper", head)] if facts.evidence else []
    columns.append(Column("weights", "Weights"))
    lines = tuple(_line(str(name), rows, facts) for name, rows in part.groupby("series", sort=False))
    about = (
        "Kernels of the first two layers, with their size; units of the hidden layers. Read off the modules."
    )
    stamp = stamp_of(facts)
    return Sheet(tuple(columns), (Block("", lines),), (f"{about} It is the {stamp}.",) if stamp else (about,))


def _line(series: str, rows: "pd.DataFrame", facts: Facts) -> Line:
    layers = rows[rows["kind"].isin(LAYERS)].sort_values("step").to_dict("records")
    cells = [facts.label(series)]
    for key, layer in zip(HEADS, layers, strict=False):
        cells.append(_units(layer))
        theirs = paper_numbers(f"table1_{key}")
        cells += [f"{theirs[series]:g}" if series in theirs else "\u2013"] if facts.evidence else []
    return Line(series, (*cells, f"{rows['weights'].sum():,}"))


def _units(layer: Mapping[Any, Any]) -> str:
    """How many kernels or units a layer has, and what kind of layer it is."""
    units = str(layer["out_shape"]).split("x")[0]
    if layer["kind"] == "linear":
        return units
    kernel = f"{layer['kernel']:g}"
    return f"{units} {WORDS.get(layer['kind'], layer['kind'])} {kernel}\u00d7{kernel}"


draw, body = setters(_sheet)
