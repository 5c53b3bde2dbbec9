"""Estimates over training seeds, and what they are made of."""

from flexnet.statistics.chance import rises_above_chance
from flexnet.statistics.intervals import Estimate, t_interval, wilson_interval
from flexnet.statistics.summary import per_seed, summarise

__all__ = [
    "Estimate",
    "per_seed",
    "rises_above_chance",
    "summarise",
    "t_interval",
    "wilson_interval",
]
