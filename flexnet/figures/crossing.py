"""Where the Flexible Layer paper's curves under FGSM cross: what Figure 4D marks and its caption explains."""

from collections.abc import Iterable

from flexnet.claims.catalogue import published
from flexnet.figures.facts import Facts


def marked_crossing(epsilons: Iterable[float], facts: Facts) -> float | None:
    """The paper's crossing, where a figure over these sizes of the step may show it.

    It belongs to normalised units and is absent from pixels, from grids that do not reach so far, and from
    scales that are no evidence.
    """
    crossing = published("flexible-layer", "fgsm_crossing_epsilon").value
    assert isinstance(crossing, float)
    shown = facts.space != "pixel" and facts.evidence and crossing <= max(epsilons)
    return crossing if shown else None
