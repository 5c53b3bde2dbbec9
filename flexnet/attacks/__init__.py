"""Attacks on models that take images in [0, 1]: the fast gradient sign method and its spaces."""

from flexnet.attacks.fgsm import expected_gradient, fgsm, fgsm_from_gradient, input_gradient
from flexnet.attacks.losses import LOSSES, loss_by_name
from flexnet.attacks.spaces import Space, space_of

__all__ = [
    "LOSSES",
    "Space",
    "expected_gradient",
    "fgsm",
    "fgsm_from_gradient",
    "input_gradient",
    "loss_by_name",
    "space_of",
]
