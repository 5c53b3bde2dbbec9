"""Estimates over training seeds, paired differences."""

from flexnet.statistics.chance import rises_above_chance
from flexnet.statistics.intervals import Estimate, t_interval, wilson_interval
from flexnet.statistics.paired import Paired, paired_difference
from flexnet.statistics.summary import per_seed, summarise

__all__ = [
    "Estimate",
    "Paired",
    "paired_difference",
    "per_seed",
    "rises_above_chance",
    "summarise",
    "t_interval",
    "wilson_interval",
]
