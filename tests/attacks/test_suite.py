"""APGD, FAB, Square and their suite: as strong as the reference, in the ball, honest about randomness."""

import copy
import logging
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from flexnet.attacks import hyperplanes, square
from flexnet.attacks.apgd import _Intervals, apgd
from flexnet.attacks.balls import Ball
from flexnet.attacks.fab import fab
from flexnet.attacks.hyperplanes import in_order, to_hyperplane
from flexnet.attacks.keys import Key
from flexnet.attacks.ratios import dlr, likely_targets, targeted_dlr
from flexnet.attacks.repeats import batched, standing
from flexnet.attacks.results import Attacked
from flexnet.attacks.spaces import Space
from flexnet.attacks.square import square_attack
from flexnet.attacks.suite import PARTS, fitting, suite
from flexnet.attacks.verdicts import Verdict
from flexnet.errors import ConfigError
from flexnet.networks.registry import build
from flexnet.options import iterated
from flexnet.options.iterated import ApgdOptions, FabOptions, SquareOptions, SuiteOptions

TWO = Space.pixel(2)
LINF, L2 = Ball(0.07, TWO), Ball(0.5, TWO, "l2")
QUICK = {
    "apgd": partial(apgd, options=ApgdOptions(steps=12)),
    "apgd-t": partial(apgd, options=ApgdOptions(steps=12, loss="targeted_dlr", targets=2)),
    "fab": partial(fab, options=FabOptions(steps=8, targets=2, restarts=2)),
    "square": partial(square_attack, options=SquareOptions(queries=60)),
}


# --- parts by hand ----------------------------------------------------------------------------------


def test_ratios_by_hand() -> None:
    logits = torch.tensor([[5.0, 1.0, 3.0, 2.0, 0.0]])
    assert dlr(logits, torch.tensor([0])).item() == pytest.approx(-2 / 3)  # (3 - 5) / (5 - 2)
    found = targeted_dlr(logits, torch.tensor([0]), torch.tensor([3]))
    assert found.item() == pytest.approx(-3 / 3.5)  # (2 - 5) / (5 - (2 + 1) / 2)
    assert dlr(1000 * logits, torch.tensor([0])).item() == pytest.approx(-2 / 3)
    assert likely_targets(logits, torch.tensor([2]), 9).tolist() == [[0, 3, 1, 4]]


def test_intervals_of_the_paper() -> None:
    """Checks after 22, 41, 57, 70, 80, 87, 93 and 99 of 100 steps: p(j) of Croce and Hein, section 3.2."""
    intervals = _Intervals(100)
    checks = [sum(next(intervals) for _ in range(1)) for _ in range(8)]
    assert torch.tensor(checks).cumsum(0).tolist() == [22, 41, 57, 70, 80, 87, 93, 99]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_hyperplane_by_hand(norm: str) -> None:
    weight, far = torch.tensor([[3.0, -4.0, 0.0]]), torch.full((1, 3), 9.0)
    found = to_hyperplane(weight, torch.tensor([7.0]), -far, far, norm)
    expected = [1.0, -1.0, 0.0] if norm == "linf" else [7 * 3 / 25, -7 * 4 / 25, 0.0]
    assert found.flatten().tolist() == pytest.approx(expected)
    tight = torch.tensor([[0.2, 9.0, 9.0]])  # the first runs out of room, the second does the rest
    found = to_hyperplane(weight, torch.tensor([7.0]), -far, tight, norm)
    assert found.flatten().tolist() == pytest.approx([0.2, -6.4 / 4, 0.0])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), norm=st.sampled_from(["linf", "l2"]), gap=st.floats(-3, 3))
def test_hyperplane_against_search(seed: int, norm: str, gap: float) -> None:
    """The reached sum rises with the pace t, so halving finds it without any sorting."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(1, 12, generator=generator, dtype=torch.float64)
    weight[:, ::5] = 0
    down, up = (sign * torch.rand(1, 12, generator=generator, dtype=torch.float64) for sign in (-1, 1))
    found = to_hyperplane(weight, torch.tensor([gap], dtype=torch.float64), down, up, norm)
    signed = weight * (1 if gap > 0 else -1)
    room, pace = torch.where(signed > 0, up, -down), 1.0 if norm == "linf" else signed.abs()
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        moved = torch.minimum(middle * pace * torch.ones_like(room), room)
        low, high = (middle, high) if float((signed.abs() * moved).sum()) < abs(gap) else (low, middle)
    expected = torch.minimum(high * pace * torch.ones_like(room), room) * signed.sign()
    torch.testing.assert_close(found, expected if gap else torch.zeros_like(found), rtol=0, atol=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_sorted_as_torch_sorts_them_stably(seed: int) -> None:
    """Zeros of both signs, ties as quantised images have them, values that never come, negative ones."""
    times = torch.rand(5, 200, generator=torch.Generator().manual_seed(seed))
    times = (times * 20).round() / 20 if seed % 2 else times
    times[:, ::7], times[:, 3::7], times[:, ::11] = 0.0, -0.0, torch.inf
    for values in (times, times.double(), times[:, ::2], times[:, :1], times - 0.5):
        expected = values.sort(dim=1, stable=True)
        found, order = in_order(values)
        assert found.dtype == values.dtype
        assert torch.equal(found, expected.values)
        assert torch.equal(order, expected.indices)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_boundary_attack_does_not_hang_on_the_way_of_sorting(
    learned: Any, norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images of whole grey levels have ties, among which sums are formed in another order."""
    model, images, labels = learned
    images = (images * 255).round() / 255
    options = FabOptions(steps=30, targets=3)
    for size in (0.5, 0.8, 1.0, 1.2):
        ball = Ball(size * {"linf": LINF, "l2": L2}[norm].epsilon, TWO, norm)
        ours = fab(model, images, labels, ball, options)
        with monkeypatch.context() as patch:
            patch.setattr(hyperplanes, "in_order", lambda times: tuple(times.sort(dim=1)))
            other = fab(model, images, labels, ball, options)
        assert torch.equal(ours.fooled, other.fooled)
        assert torch.equal(ours.forwards, other.forwards)
        assert float((ours.images - other.images).abs().max()) < 1e-5


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_boundary_attack_finds_the_nearest_point_of_a_linear_model(norm: str) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False)).eval()
    weight = torch.tensor([3.0, -4.0, 0.0])
    with torch.no_grad():
        model[1].weight.copy_(torch.stack((weight, -weight)))
    image = torch.tensor([0.9, 0.5, 0.5]).view(1, 1, 1, 3)  # gap -1.4: 0.1 away in linf, 0.14 in l2
    nearest = {"linf": 0.1, "l2": 0.14}[norm]
    for epsilon, fooled in ((0.98 * nearest, False), (1.06 * nearest, True)):
        ball = Ball(epsilon, Space.pixel(1), norm)
        assert fab(model, image, torch.tensor([0]), ball).fooled.item() is fooled


# --- the reference ----------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", ["apgd-ce", "apgd-t", "fab-t"])
def test_as_strong_as_the_reference(learned: Any, name: str, norm: str) -> None:
    peer = pytest.importorskip("pyautoattack")
    logging.disable(logging.CRITICAL)
    model, images, labels = learned
    ball = {"Linf": LINF, "L2": L2}[norm]
    judge = peer.AutoAttack(model, norm=norm, eps=ball.epsilon, version="custom", attacks=[name], seed=0)
    for attack in (judge.apgd, judge.apgd_targeted, judge.fab):
        attack.n_restarts, attack.n_target_classes = 1, 5
    expected = _withstood(model, judge.run_standard_evaluation(images, labels), labels)
    ours = 1 - PARTS[name](model, images, labels, ball, key=Key(1)).fooled.double().mean().item()
    assert ours == pytest.approx(expected, abs=_sampling_error(expected, len(images)))


@pytest.mark.oracle
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_squares_as_strong_as_the_reference(learned: Any, norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference never moves the last row and column; squares that may reach them fool many more here."""
    peer = pytest.importorskip("pyautoattack")
    logging.disable(logging.CRITICAL)
    model, images, labels = learned
    ball = {"Linf": LINF, "L2": L2}[norm]
    judge = peer.AutoAttack(model, norm=norm, eps=ball.epsilon, version="custom", attacks=["square"], seed=0)
    judge.square.n_queries = 200
    expected = _withstood(model, judge.run_standard_evaluation(images, labels), labels)
    attack, options = square_attack, SquareOptions(queries=200)
    whole = 1 - attack(model, images, labels, ball, options).fooled.double().mean().item()
    monkeypatch.setattr(square, "_corners", lambda numbers, size, side: (numbers * (side - size)).long())
    inner = 1 - attack(model, images, labels, ball, options).fooled.double().mean().item()
    assert inner == pytest.approx(expected, abs=_sampling_error(expected, len(images)))
    assert whole <= inner + 0.02


def _withstood(model: nn.Module, attacked: Any, labels: Tensor) -> float:
    images = attacked[0] if isinstance(attacked, tuple) else attacked
    return float((model(images).argmax(1) == labels).double().mean())


def _sampling_error(accuracy: float, images: int) -> float:
    """Two standard errors of a share, at least two images."""
    return max(2 * (accuracy * (1 - accuracy) / images) ** 0.5, 2 / images)


# --- properties -------------------------------------------------------------------------------------


@settings(max_examples=16, deadline=None)
@given(
    name=st.sampled_from(sorted(QUICK)),
    norm=st.sampled_from(["linf", "l2"]),
    epsilon=st.floats(0.001, 0.6),
    seed=st.integers(0, 10**6),
)
def test_inside_the_ball_and_told_as_it_is(
    learned: Any, name: str, norm: str, epsilon: float, seed: int
) -> None:
    model, images, labels = learned[0], learned[1][:12], learned[2][:12]
    ball = Ball(epsilon, TWO, norm)
    found = QUICK[name](model, images, labels, ball, key=Key(seed))
    assert (ball.distance(found.images, images) <= epsilon + 1e-5)[found.fooled].all()
    assert found.images.min() >= 0
    assert found.images.max() <= 1
    assert torch.equal(found.fooled, model(found.images).argmax(1) != labels)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("name", sorted(QUICK))
def test_neither_batches_nor_order_matter(wide: Any, name: str, norm: str) -> None:
    model, images, labels = wide[0], wide[1][:20], wide[2][:20]
    ball, attack = (LINF if norm == "linf" else L2), QUICK[name]
    whole = attack(model, images, labels, ball, key=Key(2))
    parts = batched(attack, 7)(model, images, labels, ball, key=Key(2))
    order = torch.arange(19, -1, -1)
    mixed = attack(model, images[order], labels[order], ball, key=Key(2, tuple(order.tolist())))
    torch.testing.assert_close(parts.images, whole.images, rtol=0, atol=1e-7)
    torch.testing.assert_close(mixed.images, whole.images[order], rtol=0, atol=1e-7)
    assert torch.equal(parts.forwards, whole.forwards)
    other = attack(model, images, labels, ball, key=Key(3))
    assert name == "fab" or not torch.equal(other.images, whole.images)


def test_the_suite_attacks_what_still_stands(learned: Any) -> None:
    model, images, labels = learned
    labels = labels.clone()
    labels[0] = (labels[0] + 1) % 6
    options = SuiteOptions(parts=("apgd-ce", "apgd-t"))
    found = suite(model, images, labels, LINF, options, key=Key(1), batch_size=25)
    accuracies = [found.clean_accuracy, *found.robust_accuracy.values()]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[-1] == pytest.approx(found.found.verdict.robust_accuracy)
    assert found.fooled_by[0] == "clean"
    assert found.found.forwards[0] == 1
    first = apgd(model, images, labels, LINF, key=Key(1)).fooled
    told = torch.tensor([name in ("clean", "apgd-ce") for name in found.fooled_by])
    assert torch.equal(told, first)
    assert torch.equal(found.found.fooled, torch.tensor([name != "" for name in found.fooled_by]))


def test_the_standard_order_and_strength() -> None:
    assert SuiteOptions().order() == ("apgd-ce", "apgd-t", "fab-t", "square")
    assert SuiteOptions(draws=20, verdicts=20).order() == ("apgd-ce", "apgd-dlr")
    assert set(PARTS) == set(iterated.PARTS)
    assert (ApgdOptions().steps, ApgdOptions().targets, FabOptions().steps, FabOptions().targets) == (
        100,
        9,
        100,
        9,
    )
    assert SquareOptions().queries == 5000


# --- saturated and stochastic models ----------------------------------------------------------------


class Scaled(nn.Module):
    def __init__(self, model: nn.Module, factor: float) -> None:
        super().__init__()
        self.model, self.factor = copy.deepcopy(model), factor
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.model(x)


def test_the_ratio_of_logits_sees_through_their_scale(learned: Any) -> None:
    model, images, labels = learned
    scaled = Scaled(model, 1e4)
    blind = apgd(scaled, images, labels, LINF, ApgdOptions(steps=20)).fooled
    seeing = apgd(scaled, images, labels, LINF, ApgdOptions(steps=20, loss="targeted_dlr")).fooled
    assert seeing.sum() > blind.sum() + 10


GREY = torch.rand(10, 1, 10, 10, generator=torch.Generator().manual_seed(0))


def test_stochastic_models_are_refused_or_averaged() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = build("small", width=0.5, input_size=10, layer={"scheme": "random"}).eval()
    labels, ball = model(GREY).argmax(1), Ball(0.1, Space.pixel(1))
    for attack, advice in (
        (apgd, "draws=20"),
        (fab, "apgd or pgd"),
        (square_attack, "apgd"),
        (suite, "draws=20"),
    ):
        with pytest.raises(ConfigError, match=f"expected a deterministic model.*{advice}"):
            attack(model, GREY, labels, ball)
    found = suite(
        model, GREY, labels, ball, SuiteOptions(draws=3, verdicts=15, parts=("apgd-margin",)), batch_size=5
    ).found
    assert found.verdict.draws == 15
    assert found.verdict.uncertain() <= 10
    low, high = found.verdict.interval()
    assert low - 1e-9 <= found.verdict.robust_accuracy <= high + 1e-9


class Hesitant(nn.Module):
    """Wrong about all images in every fourth pass."""

    def __init__(self) -> None:
        super().__init__()
        self.passes = 0
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        sign = -1 if self.passes % 4 == 0 else 1
        first = 9 + x.flatten(1)[:, :1]
        return sign * torch.cat((first, -first), dim=1)


def test_an_image_that_most_draws_are_right_about_counts_as_right() -> None:
    """Clean accuracy is a share of images, as every accuracy after it, and not one of draws."""
    images, labels = torch.rand(3, 1, 2, 2), torch.zeros(3, dtype=torch.int64)
    options = SuiteOptions(draws=4, verdicts=20, parts=("apgd-margin",))
    found = suite(Hesitant(), images, labels, Ball(0.1, Space.pixel(1)), options)
    assert found.found.verdict.accuracy == 15 / 20
    assert (found.clean_accuracy, found.robust_accuracy) == (1, {"apgd-margin": 1})


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(QUICK))
def test_arguments_are_refused(learned: Any, name: str) -> None:
    attack, images, labels = QUICK[name], learned.images[:4], learned.labels[:4]
    with pytest.raises(ConfigError, match="divide images of 0 to 255"):
        attack(learned.model, images * 255, labels, LINF)
    with pytest.raises(ConfigError, match="expected classes below 6"):
        attack(learned.model, images, labels + 6, LINF)
    with pytest.raises(ConfigError, match="float32 or float64; got torch.bfloat16"):
        attack(learned.model, images.bfloat16(), labels, LINF)
    with pytest.raises(ConfigError, match="training mode"):
        attack(nn.Sequential(nn.Flatten(), nn.Linear(128, 6)), images, labels, LINF)


def test_few_classes_are_refused() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 3)).eval()
    with pytest.raises(ConfigError, match="at least 4 classes for targeted_dlr; got 3; use margin"):
        apgd(
            model,
            torch.rand(2, 1, 3, 3),
            torch.tensor([0, 1]),
            Ball(0.1, Space.pixel(1)),
            ApgdOptions(loss="targeted_dlr"),
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ApgdOptions(steps=0), "steps: expected a whole number"),
        (lambda: ApgdOptions(loss="nll"), "loss: expected one of"),
        (lambda: FabOptions(bias=0), "bias: expected a number in"),
        (lambda: FabOptions(overshoot=0.9), "overshoot: expected a number of at least 1"),
        (lambda: SquareOptions(queries=1), "queries: expected a whole number of at least 2"),
        (lambda: SquareOptions(share=1.5), "share: expected"),
        (lambda: SuiteOptions(parts=("apgd",)), "parts"),
        (lambda: SuiteOptions(draws=2, parts=("square",)), "with several draws"),
    ],
)
def test_options_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_of_images_that_draws_judge_the_worst_is_kept() -> None:
    """An attack that fools nobody but comes nearer takes the place of what stood before it."""
    images, labels = torch.zeros(3, 1, 1, 1), torch.zeros(3, dtype=torch.int64)
    before = Attacked(images, Verdict(torch.tensor([4, 4, 1]), 5), labels, labels)

    def attack(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, *, key: Key) -> Attacked:
        return Attacked(images + 1, Verdict(torch.tensor([3, 5]), 5), labels + 1, labels)

    after = standing(attack, before, nn.Identity(), images, labels, Ball(1, Space.pixel(1)), Key())
    assert after.verdict.right.tolist() == [3, 4, 1]
    assert after.images.flatten().tolist() == [1, 0, 0]
    assert after.fooled.tolist() == [False, False, True]
    assert after.forwards.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("classes", "draws", "parts"),
    [
        (10, 1, ("apgd-ce", "apgd-t", "fab-t", "square")),
        (4, 1, ("apgd-ce", "apgd-t", "fab-t", "square")),
        (3, 1, ("apgd-ce", "apgd-margin", "fab-t", "square")),
        (10, 20, ("apgd-ce", "apgd-dlr")),
        (4, 20, ("apgd-ce", "apgd-dlr")),
        (3, 20, ("apgd-ce", "apgd-margin")),
    ],
)
def test_the_suite_fits_the_network(classes: int, draws: int, parts: tuple[str, ...]) -> None:
    options = fitting(classes, draws)
    assert (options.order(), options.draws, options.verdicts) == (parts, draws, draws)
