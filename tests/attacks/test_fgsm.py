import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flexnet.attacks.fgsm import expected_gradient, fgsm, fgsm_from_gradient, input_gradient
from flexnet.attacks.losses import LOSSES
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError

EPSILONS = [1 / 255, 0.031, 8 / 255, 0.1, 0.3, 1.0]


def small_model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 16, 7),
    ).eval()


def batch(n=16):
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (n, 3, 8, 8), generator=generator).float() / 255
    return images, torch.randint(0, 7, (n,), generator=generator)


def linear_model():
    """Two logits of one channel with three pixels: +x and -x, weights 1, -2, 3."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False))
    weight = torch.tensor([1.0, -2.0, 3.0])
    with torch.no_grad():
        model[1].weight.copy_(torch.stack((weight, -weight)))
    return model.eval()


def three_pixels(*values):
    return torch.tensor(values).view(1, 1, 1, 3)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_linear_model_by_hand_in_pixels(loss):
    # The loss of class 0 falls with its logit, so every pixel moves against the sign of its weight.
    images = three_pixels(0.5, 0.5, 0.05)
    moved = fgsm(linear_model(), images, torch.tensor([0]), 0.1, Space.pixel(1), loss)
    assert moved.flatten().tolist() == pytest.approx([0.4, 0.6, 0.0])


def test_linear_model_by_hand_in_normalised_units():
    half = torch.full((1, 1, 1, 1), 0.5)
    images, label = three_pixels(0.5, 0.5, 0.05), torch.tensor([0])
    loose = fgsm(linear_model(), images, label, 1.4, Space.normalised(half, half))
    # One unit is half a pixel; the third would reach -0.65 and stops at 0.5 - 2.117 / 2.
    assert loose.flatten().tolist() == pytest.approx([-0.2, 1.2, -0.5585])
    valid = fgsm(linear_model(), images, label, 1.4, Space.normalised(half, half, clamp="valid"))
    assert valid.flatten().tolist() == pytest.approx([0.0, 1.0, 0.0])


def test_gradient_of_a_linear_model_by_hand():
    gradient = input_gradient(
        linear_model(), three_pixels(0.5, 0.5, 0.5), torch.tensor([0]), "negative_logit"
    )
    assert gradient.flatten().tolist() == [-1.0, 2.0, -3.0]


def test_gradient_of_an_image_does_not_depend_on_its_neighbours():
    model, (images, labels) = small_model().double(), batch()
    together = input_gradient(model, images.double(), labels)
    alone = input_gradient(model, images[3:4].double(), labels[3:4])
    torch.testing.assert_close(together[3:4], alone, rtol=1e-12, atol=0)


def test_zero_epsilon_returns_the_clean_images():
    images, labels = batch()
    mean, std = torch.full((1, 3, 1, 1), 0.485), torch.full((1, 3, 1, 1), 0.229)
    space = Space.normalised(mean, std)
    assert images.min() < space.low.min()
    assert torch.equal(fgsm(small_model(), images, labels, 0.0, space), images)


@pytest.mark.parametrize("epsilon", [-0.1, math.nan])
def test_negative_epsilon(epsilon):
    images, labels = batch()
    with pytest.raises(ConfigError, match=rf"epsilon of an attack: expected >= 0; got {epsilon}; use 0"):
        fgsm(small_model(), images, labels, epsilon, Space.pixel(3))


def test_parameters_keep_their_gradients_and_their_flags():
    model, (images, labels) = small_model(), batch()
    model[0].bias.requires_grad_(False)
    model[5].bias.grad = torch.ones(7)
    fgsm(model, images, labels, 0.1, Space.pixel(3))
    assert [name for name, p in model.named_parameters() if not p.requires_grad] == ["0.bias"]
    assert [name for name, p in model.named_parameters() if p.grad is not None] == ["5.bias"]
    assert torch.equal(model[5].bias.grad, torch.ones(7))
    assert not images.requires_grad


def test_flags_come_back_after_an_error():
    model, (images, labels) = small_model(), batch()
    with pytest.raises(RuntimeError, match="shape"):
        input_gradient(model, images[:, :, :5], labels)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_works_where_gradients_are_switched_off():
    model, (images, labels) = small_model(), batch()
    with torch.no_grad():
        inside = fgsm(model, images, labels, 0.1, Space.pixel(3))
    assert torch.equal(inside, fgsm(model, images, labels, 0.1, Space.pixel(3)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused(dtype):
    images, labels = batch()
    with pytest.raises(ConfigError, match=rf"expected images in float32 or float64; got {dtype}; convert"):
        input_gradient(small_model(), images.to(dtype), labels)
    with pytest.raises(ConfigError, match=rf"expected model parameters in .*; got {dtype}; convert"):
        input_gradient(small_model().to(dtype), images, labels)


def test_autocast_is_switched_off_inside():
    model, (images, labels) = small_model(), batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = input_gradient(model, images, labels)
    assert torch.equal(inside, input_gradient(model, images, labels))


class Coin(nn.Module):
    """Logit of class 0 is s times the sum of the pixels; s is drawn from a list, pass by pass."""

    def __init__(self, slopes):
        super().__init__()
        self.slopes = iter(slopes)

    def forward(self, images):
        total = next(self.slopes) * images.flatten(1).sum(dim=1)
        return torch.stack((total, -total), dim=1)


def test_expected_gradient_averages_over_the_draws():
    images, labels = three_pixels(0.5, 0.5, 0.5), torch.tensor([0])
    gradient = expected_gradient(
        Coin([1.0, -4.0, 2.0, -5.0]).eval(), images, labels, "negative_logit", draws=4
    )
    # Minus the mean slope, (1 - 4 + 2 - 5) / 4; the first draw alone has the opposite sign.
    assert gradient.flatten().tolist() == [1.5, 1.5, 1.5]
    assert (
        input_gradient(Coin([1.0]).eval(), images, labels, "negative_logit").flatten().tolist() == [-1.0] * 3
    )


def test_expected_gradient_needs_a_draw():
    images, labels = batch()
    with pytest.raises(ConfigError, match="draws of an expected gradient: expected >= 1; got 0; use 1"):
        expected_gradient(small_model(), images, labels, draws=0)


@settings(max_examples=60, deadline=None)
@given(
    epsilon=st.floats(0, 1.6),
    clamp=st.sampled_from(["loose", "valid"]),
    mean=st.floats(0.1, 0.9),
    std=st.floats(0.1, 0.6),
    seed=st.integers(0, 10**6),
)
def test_step_stays_within_epsilon_and_within_the_bounds(epsilon, clamp, mean, std, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 1, 4, 4, generator=generator)
    gradient = torch.randn(2, 1, 4, 4, generator=generator)
    space = Space.normalised(*(torch.full((1, 1, 1, 1), value) for value in (mean, std)), clamp=clamp)
    moved = fgsm_from_gradient(images, gradient, epsilon, space)
    # The loose range need not hold the clean image, which is then pulled into it.
    nearest = images.clamp(space.low, space.high)
    allowed = torch.maximum(epsilon * space.scale, (nearest - images).abs())
    assert ((moved - images).abs() <= allowed + 1e-6).all()
    assert epsilon == 0 or ((moved >= space.low) & (moved <= space.high)).all()
    pulled = (nearest - images) * gradient.sign() > 0
    free = ~pulled & (nearest == images)
    assert ((moved - images) * gradient.sign() >= 0)[free].all()


@pytest.mark.oracle
@pytest.mark.parametrize("epsilon", EPSILONS)
def test_bit_identical_to_torchattacks(epsilon):
    torchattacks = pytest.importorskip("torchattacks")
    model, (images, labels) = small_model(), batch()
    expected = torchattacks.FGSM(model, eps=epsilon)(images, labels)
    assert torch.equal(fgsm(model, images, labels, epsilon, Space.pixel(3)), expected)


@pytest.mark.oracle
@pytest.mark.parametrize("epsilon", EPSILONS)
def test_bit_identical_to_foolbox(epsilon):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        foolbox = pytest.importorskip("foolbox")
        attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
        model, (images, labels) = small_model(), batch()
        target = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        _, expected, _ = attack(target, images, labels, epsilons=epsilon)
    assert torch.equal(fgsm(model, images, labels, epsilon, Space.pixel(3)), expected)


@pytest.mark.oracle
def test_one_gradient_serves_the_whole_grid():
    torchattacks = pytest.importorskip("torchattacks")
    model, (images, labels) = small_model(), batch()
    gradient = input_gradient(model, images, labels)
    for epsilon in EPSILONS:
        expected = torchattacks.FGSM(model, eps=epsilon)(images, labels)
        assert torch.equal(fgsm_from_gradient(images, gradient, epsilon, Space.pixel(3)), expected)
