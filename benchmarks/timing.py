"""Fair timing on a noisy machine: the candidates take turns, and ratios are formed turn by turn."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds of one candidate and how many times as long it takes as the reference.

    Attributes:
        name: of the candidate.
        seconds: median time of a call.
        ratio: median over the turns of (its time / the reference's time in the same turn).
        low: smallest of these ratios.
        high: largest of these ratios.
    """

    name: str
    seconds: float
    ratio: float
    low: float
    high: float


def compare(
    name: str, functions: Mapping[str, Callable[[], object]], repeats: int, warmup: int = 1
) -> list[Timing]:
    """Time functions in turns (A B C A B C ...) and print a table.

    A slow moment of the machine falls on neighbours, so ratios within a turn are far steadier than the
    times themselves.

    Args:
        name: headline that says what is timed.
        functions: candidates by name; the first is the reference of the ratios.
        repeats: number of turns.
        warmup: untimed calls of each before the first turn.

    Returns:
        One timing per candidate, in the order given.
    """
    for function in functions.values():
        for _ in range(warmup):
            function()
    turns = [{label: _seconds(function) for label, function in functions.items()} for _ in range(repeats)]
    reference = next(iter(functions))
    timings = [_summary(label, turns, reference) for label in functions]
    _show(name, timings, repeats)
    return timings


def _seconds(function: Callable[[], object]) -> float:
    _finish()
    start = time.perf_counter()
    function()
    _finish()
    return time.perf_counter() - start


def _finish() -> None:
    """Wait for the accelerator: its calls return before they are done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _summary(label: str, turns: list[dict[str, float]], reference: str) -> Timing:
    ratios = [turn[label] / turn[reference] for turn in turns]
    seconds = statistics.median(turn[label] for turn in turns)
    return Timing(label, seconds, statistics.median(ratios), min(ratios), max(ratios))


def _show(name: str, timings: list[Timing], repeats: int) -> None:
    width = max(len(timing.name) for timing in timings)
    print(f"\n{name}  ({repeats} turns; ratio = time / time of the first row, median [range])")
    for timing in timings:
        milliseconds = f"{1000 * timing.seconds:10.1f} ms"
        spread = f"[{timing.low:.2f}, {timing.high:.2f}]"
        print(f"  {timing.name:<{width}}  {milliseconds}  {timing.ratio:6.2f}  {spread}", flush=True)
