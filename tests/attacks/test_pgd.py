"""PGD: equal to two libraries from the same start, inside the ball, named draws, both scorings."""

import warnings
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.pgd import clamp_only, pgd
from flexnet.attacks.protocols import pgd_space
from flexnet.attacks.repeats import batched, repeated, restarted
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError
from flexnet.networks.registry import build
from flexnet.options.iterated import PgdOptions

TWO = Space.pixel(2)
LINF, L2 = Ball(0.1, TWO), Ball(0.8, TWO, "l2")
LAST = PgdOptions(steps=10, step=0.02, start="clean", scoring="last")
WORST = PgdOptions(steps=10, step=0.02)


def linear() -> nn.Module:
    """Two logits of one channel with three pixels: +x and -x, weights 3, -4, 0."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False)).eval()
    weight = torch.tensor([3.0, -4.0, 0.0])
    with torch.no_grad():
        model[1].weight.copy_(torch.stack((weight, -weight)))
    return model


def three(*values: float) -> Tensor:
    return torch.tensor(values).view(1, 1, 1, 3)


# --- by hand -----------------------------------------------------------------------------------------


def test_steps_by_hand_in_linf() -> None:
    options = PgdOptions(steps=3, step=0.04, loss="margin", start="clean", scoring="last")
    found = pgd(linear(), three(0.5, 0.95, 0.5), torch.tensor([0]), Ball(0.1, Space.pixel(1)), options)
    # Against the first weight, along the second until white; the third has no gradient and stays.
    assert found.images.flatten().tolist() == pytest.approx([0.4, 1.0, 0.5])
    assert (found.forwards.tolist(), found.backwards.tolist()) == ([4], [3])


def test_steps_by_hand_in_l2() -> None:
    options = PgdOptions(steps=5, step=0.1, loss="margin", start="clean", scoring="last")
    ball = Ball(0.2, Space.pixel(1), "l2")
    found = pgd(linear(), three(0.5, 0.5, 0.5), torch.tensor([0]), ball, options)
    assert found.images.flatten().tolist() == pytest.approx([0.5 - 0.2 * 0.6, 0.5 + 0.2 * 0.8, 0.5])


def test_units_of_the_space_stretch_steps_and_ball() -> None:
    half = torch.full((1, 1, 1, 1), 0.5)
    ball = Ball(0.2, Space.normalised(half, half, clamp="valid"))
    found = pgd(linear(), three(0.5, 0.5, 0.5), torch.tensor([0]), ball, PgdOptions(steps=9, scoring="last"))
    assert found.images.flatten().tolist()[:2] == pytest.approx([0.4, 0.6])


STRETCHED = torch.tensor([0.2, 0.6]).view(1, 2, 1, 1)
UNEVEN = Space(STRETCHED, torch.zeros_like(STRETCHED), torch.ones_like(STRETCHED))


def test_a_step_is_the_steepest_where_units_differ_between_channels() -> None:
    """In units of the space the gradient (2, 0.5) is (0.4, 0.3), its direction (0.8, 0.6)."""
    start, gradient = torch.full((1, 2, 1, 1), 0.5), torch.tensor([2.0, 0.5]).view(1, 2, 1, 1)
    moved = {norm: Ball(1, UNEVEN, norm).step(start, gradient, 0.1) - start for norm in ("linf", "l2")}
    assert moved["linf"].flatten().tolist() == pytest.approx([0.2 * 0.1, 0.6 * 0.1], rel=1e-5)
    assert moved["l2"].flatten().tolist() == pytest.approx([0.2 * 0.1 * 0.8, 0.6 * 0.1 * 0.6], rel=1e-5)


def test_starts_fill_the_ball_evenly_whatever_the_batch() -> None:
    """The radius that holds half of a ball of six dimensions is the sixth root of one half."""
    images, normal = torch.full((4, 2, 1, 3), 0.5), torch.randn(4, 2, 1, 3)
    ball = Ball(0.3, UNEVEN, "l2")
    found = ball.inner(images, torch.full_like(images, 0.5), normal)
    assert ball.distance(found, images).tolist() == pytest.approx([0.3 * 0.5 ** (1 / 6)] * 4)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_points_of_the_surface_are_as_far_away_as_they_may_be(norm: str) -> None:
    images, ball = torch.full((4, 2, 1, 3), 0.5), Ball(0.3, UNEVEN, norm)
    uniform, normal = 2 * torch.rand_like(images) - 1, torch.randn_like(images)
    assert ball.distance(ball.surface(images, uniform, normal), images).tolist() == pytest.approx([0.3] * 4)


def test_curve_is_what_was_climbed() -> None:
    options = PgdOptions(steps=2, step=0.1, loss="margin", start="clean", scoring="last")
    ball = Ball(0.1, Space.pixel(1))
    found = pgd(linear(), three(0.6, 0.4, 0.5), torch.tensor([0]), ball, options, curve=True)
    # The margin is -2 (3 a - 4 b): 0.2, and 0.7 less 0.1 (3 + 4) 2 higher after one step; then it stays.
    assert found.losses is not None
    assert found.losses.flatten().tolist() == pytest.approx([-0.4, 1.0, 1.0], abs=1e-6)


def test_the_worst_is_remembered_and_the_last_forgets() -> None:
    """A loss that a long step overshoots: the last iterate is right again, the worst is not."""

    class Valley(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            near = (x.flatten(1)[:, :1] - 0.6).abs()
            return torch.cat((near - 0.06, torch.zeros_like(near)), dim=1)

    image, label, ball = torch.full((1, 1, 1, 1), 0.5), torch.tensor([0]), Ball(0.4, Space.pixel(1))
    outcomes = {}
    for scoring in ("last", "worst"):
        options = PgdOptions(steps=2, step=0.08, loss="margin", start="clean", scoring=scoring)
        outcomes[scoring] = pgd(Valley().eval(), image, label, ball, options)
    assert outcomes["worst"].fooled.tolist() == [True]
    assert outcomes["worst"].images.item() == pytest.approx(0.58)
    options = PgdOptions(steps=2, step=0.3, loss="margin", start="clean", scoring="last")
    assert pgd(Valley().eval(), image, label, ball, options).fooled.tolist() == [False]


def test_fooled_images_leave_and_what_is_wrong_already_costs_one_pass(learned: Any) -> None:
    model, images, labels = learned
    wrong = (labels + 1) % 6
    found = pgd(model, images, wrong, LINF, WORST)
    at_once = model(images).argmax(1) != wrong
    assert at_once.any()
    assert found.forwards[at_once].tolist() == [1] * int(at_once.sum())
    assert torch.equal(found.images[at_once], images[at_once])
    withstood = ~found.fooled
    assert set(found.backwards[withstood].tolist()) <= {10}


# --- other libraries --------------------------------------------------------------------------------


def started(images: Tensor, epsilon: float) -> Tensor:
    torch.manual_seed(7)
    return (images + torch.empty_like(images).uniform_(-epsilon, epsilon)).clamp(0, 1)


@pytest.mark.oracle
@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("epsilon", [0.031, 0.1])
def test_as_torchattacks(wide: Any, epsilon: float, random: bool) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    model, images, labels = wide
    start = started(images, epsilon) if random else None
    torch.manual_seed(7)
    peer = torchattacks.PGD(model, eps=epsilon, alpha=0.007, steps=20, random_start=random)
    options = PgdOptions(steps=20, step=0.007, start="clean", scoring="last")
    ours = pgd(model, images, labels, Ball(epsilon, TWO), options, start=start)
    torch.testing.assert_close(ours.images, peer(images, labels), rtol=0, atol=1e-6)


@pytest.mark.oracle
def test_as_torchattacks_in_l2(wide: Any) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    model, images, labels = wide
    peer = torchattacks.PGDL2(model, eps=0.8, alpha=0.1, steps=20, random_start=False)
    options = PgdOptions(steps=20, step=0.1, start="clean", scoring="last")
    ours = pgd(model, images, labels, L2, options)
    expected = peer(images, labels)
    torch.testing.assert_close(ours.images, expected, rtol=0, atol=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_as_foolbox(learned: Any, norm: str) -> None:
    model, images, labels = learned
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        foolbox = pytest.importorskip("foolbox")
        kind = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm]
        ball, step = {"linf": (LINF, 0.02), "l2": (L2, 0.1)}[norm]
        attack = kind(abs_stepsize=step, steps=20, random_start=False)
        target = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        _, expected, _ = attack(target, images, labels, epsilons=ball.epsilon)
    options = PgdOptions(steps=20, step=step, start="clean", scoring="last")
    ours = pgd(model, images, labels, ball, options)
    torch.testing.assert_close(ours.images, expected, rtol=0, atol=1e-6)


def test_trades_as_published_on_pixels(learned: Any) -> None:
    """Its start is not clamped before the first gradient."""
    model, images, labels = learned
    options = PgdOptions(steps=20, step=0.003, start="loose", scoring="last")
    ours = pgd(model, images, labels, Ball(0.031, TWO), options, key=Key(3))
    key = Key(3)
    moved = images + 0.031 * key.uniform(images, "start")
    assert moved.min() < 0
    for _ in range(20):
        leaf = moved.detach().requires_grad_()
        loss = nn.functional.cross_entropy(model(leaf), labels, reduction="sum")
        moved = leaf.detach() + 0.003 * torch.autograd.grad(loss, leaf)[0].sign()
        moved = torch.min(torch.max(moved, images - 0.031), images + 0.031).clamp(0, 1)
    torch.testing.assert_close(ours.images, moved, rtol=0, atol=1e-6)


# --- protocols --------------------------------------------------------------------------------------


def test_the_squeezed_clamp_keeps_normalised_values_in_zero_to_one() -> None:
    model = build("surrogate", width=0.05, classes=6, input_size=8).eval()
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    space = pgd_space(model, "normalised", "squeezed")
    moved = clamp_only(model, images, torch.zeros(4, dtype=torch.long), Ball(0.0, space)).images
    normalised = model.normalise(moved)
    assert (normalised.min().item(), normalised.max().item()) == pytest.approx((0, 1), abs=1e-5)
    assert ((moved - images).abs() > 32 / 255).double().mean() > 0.4
    assert torch.equal(pgd_space(model, "pixel", "valid").scale, torch.ones(1, 3, 1, 1))
    assert pgd_space(model, "normalised", "loose").low.min() < 0
    for space_name, clamp in (("pixel", "squeezed"), ("pixel", "loose"), ("normalised", "tight")):
        with pytest.raises(ConfigError, match="of an attack: expected"):
            pgd_space(model, space_name, clamp)


def test_a_surrogate_gives_the_gradient_and_the_judged_model_the_verdict(learned: Any) -> None:
    model, images, labels = learned
    other = type(model)(
        *(type(layer)(2, 8, 3, padding=1) if i == 0 else layer for i, layer in enumerate(model))
    )
    other.eval()
    black = pgd(model, images, labels, LINF, LAST, source=other)
    white = pgd(other, images, labels, LINF, LAST)
    assert torch.equal(black.images, white.images)
    assert torch.equal(black.fooled, model(black.images).argmax(1) != labels)
    worst = pgd(model, images, labels, LINF, PgdOptions(steps=10, step=0.02, start="clean"), source=other)
    assert (worst.fooled | ~black.fooled).all()
    assert torch.equal(worst.fooled, model(worst.images).argmax(1) != labels)


# --- properties -------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(
    epsilon=st.floats(0, 1),
    norm=st.sampled_from(["linf", "l2"]),
    start=st.sampled_from(["clean", "random"]),
    scoring=st.sampled_from(["last", "worst"]),
    std=st.floats(0.2, 0.6),
    seed=st.integers(0, 10**6),
)
def test_inside_the_ball_and_the_range(
    learned: Any, epsilon: float, norm: str, start: str, scoring: str, std: float, seed: int
) -> None:
    model, images, labels = learned
    scale = torch.full((1, 2, 1, 1), std)
    ball = Ball(epsilon, Space.normalised(0.5 * torch.ones_like(scale), scale, clamp="valid"), norm)
    options = PgdOptions(steps=3, start=start, scoring=scoring, step=0.5)
    moved = pgd(model, images[:12], labels[:12], ball, options, key=Key(seed)).images
    assert (ball.distance(moved, images[:12]) <= epsilon * (1 + 1e-5) + 1e-6).all()
    assert moved.min() >= 0
    assert moved.max() <= 1


@settings(max_examples=8, deadline=None)
@given(fewer=st.integers(1, 8), more=st.integers(1, 8), seed=st.integers(0, 10**6), norm=st.booleans())
def test_more_steps_are_never_weaker_in_the_worst_scoring(
    learned: Any, fewer: int, more: int, seed: int, norm: bool
) -> None:
    model, images, labels = learned
    ball = LINF if norm else L2
    short, long = (
        pgd(model, images, labels, ball, PgdOptions(steps=steps, step=0.03), key=Key(seed)).fooled
        for steps in (fewer, fewer + more)
    )
    assert (long | ~short).all()


@settings(max_examples=5, deadline=None)
@given(size=st.integers(1, 60), seed=st.integers(0, 10**6), scoring=st.sampled_from(["last", "worst"]))
def test_neither_batches_nor_order_matter(wide: Any, size: int, seed: int, scoring: str) -> None:
    model, images, labels = wide
    attack = partial(pgd, options=PgdOptions(steps=4, step=0.03, scoring=scoring))
    whole = attack(model, images, labels, LINF, key=Key(seed))
    parts = batched(attack, size)(model, images, labels, LINF, key=Key(seed))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(seed))
    key = Key(seed, tuple(order.tolist()))
    mixed = attack(model, images[order], labels[order], LINF, key=key)
    for found, expected in ((parts, whole.images), (mixed, whole.images[order])):
        torch.testing.assert_close(found.images, expected, rtol=0, atol=1e-9)
    assert torch.equal(parts.fooled, whole.fooled)
    assert torch.equal(mixed.forwards, whole.forwards[order])


def test_the_key_names_every_draw(learned: Any) -> None:
    model, images, labels = learned
    state = torch.random.get_rng_state()
    first, again = (pgd(model, images, labels, LINF, WORST, key=Key(1)) for _ in range(2))
    assert torch.equal(first.images, again.images)
    assert torch.equal(torch.random.get_rng_state(), state)
    options = PgdOptions(steps=1, scoring="last")
    others = [
        pgd(model, images, labels, LINF, options, key=key).images
        for key in (Key(1), Key(2), Key(1, repeat=1))
    ]
    assert not torch.equal(others[0], others[1])
    assert not torch.equal(others[0], others[2])
    repeats = repeated(partial(pgd, options=options), 2, model, images, labels, LINF, Key(1))
    assert torch.equal(repeats[1].images, others[2])


def test_restarts_add_up(learned: Any) -> None:
    model, images, labels = learned
    attack = partial(pgd, options=PgdOptions(steps=1, step=0.02))
    ball = Ball(0.15, TWO)
    tries = [Key().retry(attempt) for attempt in range(4)]
    singles = [attack(model, images, labels, ball, key=key).fooled for key in tries]
    assert len({tuple(fooled.tolist()) for fooled in singles}) > 1  # from starts of their own
    together = restarted(attack, 4)(model, images, labels, ball, key=Key())
    assert torch.equal(together.fooled, torch.stack(singles).any(0))
    assert torch.equal(together.fooled, model(together.images).argmax(1) != labels)


def test_the_model_is_left_as_it_came(learned: Any) -> None:
    model, images, labels = learned
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = [parameter.grad for parameter in model.parameters()]
    with torch.inference_mode():
        pgd(model, images, labels, LINF, WORST)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(now.grad is then for now, then in zip(model.parameters(), gradients, strict=True))
