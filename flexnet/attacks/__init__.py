"""Attacks on models that take images in [0, 1]: FGSM, PGD, the standard suite, and one without logits.

All take a model in evaluation mode, images, labels and how far they may go (a space with epsilon for FGSM, a
`Ball` for the others), and know nothing of where the model comes from.
"""

from flexnet.attacks.apgd import apgd
from flexnet.attacks.balls import Ball
from flexnet.attacks.fab import fab
from flexnet.attacks.fgsm import expected_gradient, fgsm, fgsm_from_gradient, input_gradient
from flexnet.attacks.hopskipjump import hopskipjump
from flexnet.attacks.keys import Key
from flexnet.attacks.losses import LOSSES, loss_by_name
from flexnet.attacks.pgd import clamp_only, pgd
from flexnet.attacks.protocols import pgd_space
from flexnet.attacks.repeats import batched, repeated, restarted
from flexnet.attacks.results import Attacked
from flexnet.attacks.spaces import Space, space_of
from flexnet.attacks.square import square_attack
from flexnet.attacks.suite import Suite, suite
from flexnet.attacks.verdicts import Verdict, judge
from flexnet.options.iterated import (
    ApgdOptions,
    FabOptions,
    HopSkipJumpOptions,
    PgdOptions,
    SquareOptions,
    SuiteOptions,
)

__all__ = [
    "LOSSES",
    "ApgdOptions",
    "Attacked",
    "Ball",
    "FabOptions",
    "HopSkipJumpOptions",
    "Key",
    "PgdOptions",
    "Space",
    "SquareOptions",
    "Suite",
    "SuiteOptions",
    "Verdict",
    "apgd",
    "batched",
    "clamp_only",
    "expected_gradient",
    "fab",
    "fgsm",
    "fgsm_from_gradient",
    "hopskipjump",
    "input_gradient",
    "judge",
    "loss_by_name",
    "pgd",
    "pgd_space",
    "repeated",
    "restarted",
    "space_of",
    "square_attack",
    "suite",
]
