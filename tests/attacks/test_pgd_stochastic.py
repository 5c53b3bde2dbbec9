"""PGD on models whose output varies: the gradient over draws, and the verdict over draws of its own."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.pgd import pgd
from flexnet.attacks.repeats import batched, restarted
from flexnet.attacks.spaces import Space
from flexnet.attacks.verdicts import Verdict, judge, varies
from flexnet.errors import ConfigError
from flexnet.layers.randomness import stochastic_layers
from flexnet.networks.registry import build
from flexnet.options.iterated import PgdOptions

LAST = PgdOptions(steps=10, step=0.02, start="clean", scoring="last")
WORST = PgdOptions(steps=10, step=0.02)


def stochastic(scheme: str = "random") -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return build("small", width=0.5, input_size=10, layer={"scheme": scheme}).eval()


GREY = torch.rand(12, 1, 10, 10, generator=torch.Generator().manual_seed(0))
ONE = Ball(0.1, Space.pixel(1))


def test_a_stochastic_model_is_not_judged_by_one_lucky_pass() -> None:
    model = stochastic()
    labels = model(GREY).argmax(1)
    with pytest.raises(ConfigError, match="expected a deterministic model; .*verdicts=20"):
        pgd(model, GREY, labels, ONE, WORST)
    options = PgdOptions(steps=3, draws=4, verdicts=30)
    found = pgd(model, GREY, labels, ONE, options, key=Key(5))
    assert found.verdict.draws == 30
    assert set(found.forwards.tolist()) == {4 + 3 * 4 + 4 + 30}
    low, high = found.verdict.interval()
    assert 0 <= low <= found.verdict.robust_accuracy <= high <= 1
    assert len(found.verdict.image_intervals()) == 12
    pgd(stochastic("conv"), GREY, labels, ONE, WORST)


def test_masks_are_named_and_shared_by_all_batches() -> None:
    model = stochastic().double()
    images, labels = GREY.double(), torch.arange(12) % 10
    attack = partial(pgd, options=PgdOptions(steps=3, draws=3, verdicts=9))
    generator = next(layer for layer in model.modules() if hasattr(layer, "generator")).generator
    whole, again = (attack(model, images, labels, ONE, key=Key(5)) for _ in range(2))
    parts = batched(attack, 5)(model, images, labels, ONE, key=Key(5))
    assert torch.equal(whole.images, again.images)
    torch.testing.assert_close(parts.images, whole.images, rtol=0, atol=1e-9)
    assert torch.equal(parts.verdict.right, whole.verdict.right)
    assert next(layer for layer in model.modules() if hasattr(layer, "generator")).generator is generator


def test_half_of_the_draws_are_enough_to_withstand() -> None:
    verdict = Verdict(torch.tensor([9, 10, 11]), 20)
    assert verdict.fooled.tolist() == [True, False, False]
    assert verdict.robust_accuracy == pytest.approx(2 / 3)


class Undecided(nn.Module):
    """Answers by luck, which is the same for all images of a pass, and a little by the first pixel."""

    def forward(self, x: Tensor) -> Tensor:
        first = x.flatten(1)[:, :1] - 0.5
        return torch.cat((first, -first), 1) + torch.randn(1, 2)


def test_attempts_are_judged_by_the_same_draws_and_repeats_are_not() -> None:
    """A fresh vote for each attempt fools images by luck alone, in a ball where nothing can happen."""
    model, labels, nothing = Undecided().eval(), torch.zeros(12, dtype=torch.long), Ball(1e-6, Space.pixel(1))
    attack = partial(pgd, options=PgdOptions(steps=1, verdicts=9))
    grey = GREY.clone()
    grey[:, 0, 0, 0] = torch.linspace(0, 1, 12)
    given = (model, grey, labels, nothing)
    once = attack(*given, key=Key()).fooled
    assert 0 < int(once.sum()) < 12
    assert torch.equal(restarted(attack, 10)(*given, key=Key()).fooled, once)
    judged = [judge(model, grey, labels, draws=9, key=Key().again(repeat)).fooled for repeat in range(10)]
    assert int(torch.stack(judged).any(0).sum()) > int(once.sum())


def test_layers_of_one_network_draw_apart() -> None:
    """Each layer turns the sign or not: the same draw in both would never turn it."""

    class Turning(nn.Module):
        generator: torch.Generator | None = None
        stochastic = True

        def forward(self, x: Tensor) -> Tensor:
            drawn = torch.rand(1, generator=self.generator, device=x.device)
            return x * torch.where(drawn < 0.5, -1.0, 1.0)

    class Signs(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            value = super().forward(x.flatten(1)[:, :1])
            return torch.cat((value, -value), 1)

    model, labels = Signs(Turning(), Turning()).eval(), torch.zeros(12, dtype=torch.long)
    assert len(list(stochastic_layers(model))) == 2
    assert varies(model, GREY)
    assert 0.3 < judge(model, GREY, labels, draws=100).accuracy < 0.7


@pytest.mark.parametrize("given", ["loose", "elsewhere"])
def test_a_start_outside_of_the_range_is_no_attack(given: str) -> None:
    """The model errs on negative pixels alone, which no image has."""

    class Negative(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            least = x.flatten(1).amin(1, keepdim=True)
            return torch.cat((least + 1e-4, -least - 1e-4), 1)

    model, black, labels = Negative().eval(), torch.zeros(20, 1, 4, 4), torch.zeros(20, dtype=torch.long)
    options = PgdOptions(steps=2, start="loose" if given == "loose" else "random")
    start = black - 0.5 if given == "elsewhere" else None
    found = pgd(model, black, labels, Ball(0.03, Space.pixel(1)), options, start=start)
    assert not bool(found.fooled.any())
    assert float(found.images.amin()) == 0.0


def test_the_last_iterate_of_a_stochastic_model_may_have_one_pass() -> None:
    found = pgd(stochastic(), GREY, torch.arange(12) % 10, ONE, LAST)
    assert found.verdict.draws == 1
