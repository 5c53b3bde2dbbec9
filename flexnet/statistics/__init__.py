"""Estimates over training seeds, paired differences, and the tables that carry them."""

from flexnet.statistics.chance import rises_above_chance
from flexnet.statistics.intervals import Estimate, t_interval, wilson_interval
from flexnet.statistics.paired import Paired, paired_difference
from flexnet.statistics.summary import per_seed, summarise
from flexnet.statistics.tables import read_rows, read_table

__all__ = [
    "Estimate",
    "Paired",
    "paired_difference",
    "per_seed",
    "read_rows",
    "read_table",
    "rises_above_chance",
    "summarise",
    "t_interval",
    "wilson_interval",
]
