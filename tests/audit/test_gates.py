"""Networks with the same answers and another gradient."""

import math

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import input_gradient
from flexnet.audit import frozen, softened
from flexnet.errors import ConfigError
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.registry import build

IMAGES = torch.rand(5, 1, 10, 10, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(5)


def net(**layer: object) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return build("small", width=0.5, input_size=10, layer=layer).eval()


@pytest.mark.parametrize("scheme", ["learned", "frozen", "uniform"])
def test_answers_are_the_same_to_the_bit_and_gradients_are_not(scheme: str) -> None:
    model = net(scheme=scheme, value=0.6) if scheme == "uniform" else net(scheme=scheme)
    exact = input_gradient(model, IMAGES, LABELS)
    for other in (softened(model, 5.0), frozen(model)):
        assert other is not None
        assert torch.equal(other(IMAGES), model(IMAGES))
        assert not torch.allclose(input_gradient(other, IMAGES, LABELS), exact, rtol=1e-3, atol=0)
    same = softened(model, 50.0)
    assert same is not None
    torch.testing.assert_close(input_gradient(same, IMAGES, LABELS), exact, rtol=1e-5, atol=1e-8)
    assert all(isinstance(layer, FlexibleConv2d) for layer in model.modules() if hasattr(layer, "scheme"))


def test_gradients_by_hand() -> None:
    """One unit of one pixel: MAX is x, conv is -x, T = 0.5; the model adds nothing."""
    layer = FlexibleConv2d(1, 1, 1, scheme="uniform", value=0.5, bias=False)
    with torch.no_grad():
        layer.weight.fill_(-1)
    model = nn.Sequential(layer, nn.Flatten()).eval()
    x = torch.full((1, 1, 1, 1), 0.6)

    def slope(network: nn.Module) -> float:
        leaf = x.clone().requires_grad_()
        (found,) = torch.autograd.grad(network(leaf).sum(), leaf)
        return float(found)

    # y = x (2 g - 1) with g = sigmoid(s (0.5 - x)): dy/dx = 2 g - 1 - 2 s x g (1 - g).
    for sharpness in (1.0, 5.0):
        g = torch.sigmoid(torch.tensor(sharpness * -0.1)).item()
        soft = softened(model, sharpness)
        assert soft is not None
        assert slope(soft) == pytest.approx(2 * g - 1 - 1.2 * sharpness * g * (1 - g), rel=1e-5)
    constant = frozen(model)
    assert constant is not None
    assert slope(constant) == pytest.approx(2 * torch.sigmoid(torch.tensor(-5.0)).item() - 1, rel=1e-5)


def test_masks_that_stay_are_not_the_same_in_all_layers() -> None:
    """In layers of one shape the same seed would draw the same mask."""
    with torch.random.fork_rng():
        layers = [FlexibleConv2d(1, 1, 3, padding=1, input_size=8, scheme="random") for _ in range(2)]
        same = frozen(nn.Sequential(*layers).eval())
    assert same is not None
    assert len({layer.seed for layer in same}) == 2


def test_a_random_mask_stays() -> None:
    model = net(scheme="random")
    layer = next(each for each in model.modules() if isinstance(each, FlexibleConv2d))
    layer.generator = torch.Generator().manual_seed(3)
    before = layer.generator
    same = frozen(model)
    assert same is not None
    first: Tensor = same(IMAGES)
    assert torch.equal(same(IMAGES), first)
    assert not torch.equal(model(IMAGES), model(IMAGES))
    assert layer.generator is before
    assert softened(model, 5.0) is None


def test_nothing_to_soften() -> None:
    assert softened(net(scheme="conv"), 1.0) is None
    assert frozen(net(scheme="max")) is None
    for wrong in (0.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match=f"softened gates: expected a finite number > 0; got {wrong}"):
            softened(net(scheme="learned"), wrong)
