"""The standard suite of attacks (Croce and Hein 2020, AutoAttack): each on the images that still stand.

Four attacks that fail in different ways: APGD with cross entropy, APGD with the targeted ratio of logits, the
boundary attack, and the square attack without gradients, at the numbers of steps of the original. Stochastic
models get its "rand" version, APGD with both losses averaged over 20 draws; unlike there, fresh draws give
the verdict.
"""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from flexnet.attacks.apgd import apgd
from flexnet.attacks.balls import Ball
from flexnet.attacks.checks import check_count
from flexnet.attacks.fab import fab
from flexnet.attacks.keys import Key
from flexnet.attacks.passes import check_attacked
from flexnet.attacks.repeats import Attack, batched, standing, unattacked
from flexnet.attacks.results import Attacked
from flexnet.attacks.square import square_attack
from flexnet.attacks.verdicts import require_deterministic
from flexnet.by_name import ByName
from flexnet.options.iterated import ApgdOptions, SuiteOptions

PARTS: ByName[Attack] = {
    "apgd-ce": apgd,
    "apgd-dlr": partial(apgd, options=ApgdOptions(loss="dlr")),
    "apgd-margin": partial(apgd, options=ApgdOptions(loss="margin")),
    "apgd-t": partial(apgd, options=ApgdOptions(loss="targeted_dlr")),
    "fab-t": fab,
    "square": square_attack,
}
LOSSES = {"apgd-ce": "cross_entropy", "apgd-dlr": "dlr", "apgd-margin": "margin", "apgd-t": "targeted_dlr"}
STANDARD = SuiteOptions()
ADVICE = "let gradients and verdicts have several draws: SuiteOptions(draws=20, verdicts=20)"


@dataclass(frozen=True)
class Suite:
    """What is left after each attack.

    Attributes:
        found: images and verdict after all attacks.
        clean_accuracy: share of images that the model classifies rightly before any.
        robust_accuracy: share that withstands an attack and all before it, by name.
        fooled_by: name of the attack that fooled each image; "clean" if none was needed, "" if none did.
    """

    found: Attacked
    clean_accuracy: float
    robust_accuracy: dict[str, float]
    fooled_by: tuple[str, ...]


def suite(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    ball: Ball,
    options: SuiteOptions = STANDARD,
    *,
    key: Key | None = None,
    batch_size: int = 100,
) -> Suite:
    """Attack images with one attack after another, each on those that withstood.

    Args:
        model: in evaluation mode, from images in [0, 1] to logits (N, K).
        images: in [0, 1], (N, C, H, W), float32 or float64, on the device of the model.
        labels: true classes, (N,), int64.
        ball: how far the attacks may go, "linf" or "l2".
        options: which attacks, and draws for a stochastic model.
        key: names all draws.
        batch_size: most images per pass.

    Raises:
        ConfigError: if an argument is something else, a loss needs more classes than there are, or the model
            is stochastic and the options are for one that is not.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    key = Key() if key is None else key
    check_count("batch size of an attack", batch_size)
    check_attacked(model, images, labels, ball, key)
    if options.verdicts == 1 or options.draws == 1:
        require_deterministic(model, images, "suite", ADVICE)
    found = batched(unattacked(options.verdicts), batch_size)(model, images, labels, ball, key=key)
    clean = 1 - float(found.fooled.double().mean())
    by, left = ["clean" if fooled else "" for fooled in found.fooled.tolist()], {}
    for name in options.order():
        attack = batched(_part(name, options), batch_size)
        found = standing(attack, found, model, images, labels, ball, key)
        by = [then or name * fooled for then, fooled in zip(by, found.fooled.tolist(), strict=True)]
        left[name] = 1 - float(found.fooled.double().mean())
    return Suite(found, clean, left, tuple(by))


def fitting(classes: int, draws: int = 1) -> SuiteOptions:
    """Options of the suite for a network of so many classes, whose answers vary if there are several draws.

    The ratios of logits need more classes than some networks have; the margin takes their place.
    """
    if draws > 1:
        ratio = "apgd-dlr" if classes >= 4 else "apgd-margin"
        return SuiteOptions(draws=draws, verdicts=draws, parts=("apgd-ce", ratio))
    return (
        SuiteOptions() if classes >= 4 else SuiteOptions(parts=("apgd-ce", "apgd-margin", "fab-t", "square"))
    )


def _part(name: str, options: SuiteOptions) -> Attack:
    """One attack with the draws of the options."""
    if options.draws == options.verdicts == 1:
        return PARTS[name]
    return partial(
        apgd, options=ApgdOptions(loss=LOSSES[name], draws=options.draws, verdicts=options.verdicts)
    )
