import pytest
import torch
from torch import nn

from flexnet.attacks.fgsm import fgsm
from flexnet.attacks.spaces import Space, space_of
from flexnet.errors import ConfigError
from flexnet.inputs import trusted_inputs

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Normalise(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", MEAN)
        self.register_buffer("std", STD)

    def forward(self, images):
        return (images - self.mean) / self.std


class Normalised(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.normalise, self.trunk = Normalise(), trunk
        self.eval()

    def forward(self, images):
        return self.trunk(self.normalise(images))


def trunk():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(6 * 36, 5)).eval()


def test_loose_clamp_is_one_normalised_range_for_all_channels():
    space = Space.normalised(MEAN, STD)
    assert ((space.low - MEAN) / STD).flatten().tolist() == pytest.approx([-2.117] * 3, abs=1e-6)
    assert ((space.high - MEAN) / STD).flatten().tolist() == pytest.approx([2.64] * 3, abs=1e-6)
    # 0.406 - 2.117 * 0.225: blue may become darker than black.
    assert space.low[0, 2, 0, 0].item() == pytest.approx(-0.070325, abs=1e-6)
    assert space.high[0, 0, 0, 0].item() == pytest.approx(1.08956, abs=1e-6)
    assert torch.equal(space.scale, STD)


def test_loose_clamp_of_half_statistics_leaves_the_pixel_range():
    half = torch.full((1, 1, 1, 1), 0.5)
    space = Space.normalised(half, half)
    assert space.low.item() == pytest.approx(-0.5585)
    assert space.high.item() == pytest.approx(1.82)


@pytest.mark.parametrize("space", [Space.pixel(3), Space.normalised(MEAN, STD, clamp="valid")])
def test_valid_clamp_is_the_pixel_range(space):
    assert space.low.flatten().tolist() == [0, 0, 0]
    assert space.high.flatten().tolist() == [1, 1, 1]


def test_unknown_clamp():
    with pytest.raises(ConfigError, match=r"clamp of an attack: expected one of .*; got 'tight'; name one"):
        Space.normalised(MEAN, STD, clamp="tight")


@pytest.mark.parametrize("epsilon", [0.05, 0.3, 1.0])
def test_normalised_space_equals_attacking_the_trunk_on_normalised_images(epsilon):
    model = Normalised(trunk())
    images, labels = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 5
    ours = model.normalise(fgsm(model, images, labels, epsilon, Space.normalised(MEAN, STD)))
    direct = Space(torch.ones(1, 3, 1, 1), torch.full((1, 3, 1, 1), -2.117), torch.full((1, 3, 1, 1), 2.64))
    with trusted_inputs():  # the trunk alone takes normalised images
        expected = fgsm(model.trunk, model.normalise(images), labels, epsilon, direct)
    torch.testing.assert_close(ours, expected, rtol=0, atol=2e-6)


def test_space_of_reads_the_statistics_of_the_model():
    model = Normalised(trunk())
    assert torch.equal(space_of(model, "normalised", "valid").scale, STD)
    assert torch.equal(space_of(model, "normalised", "loose").low, MEAN + STD * -2.117)
    assert torch.equal(space_of(model, "pixel", "valid").scale, torch.ones(1, 3, 1, 1))


def test_space_of_refuses_pixels_with_the_loose_clamp():
    with pytest.raises(ConfigError, match="got pixel with loose; choose one of these three"):
        space_of(Normalised(trunk()), "pixel", "loose")


def test_space_of_needs_a_model_that_normalises():
    with pytest.raises(ConfigError, match=r"expected an attribute `normalise`.*got a Sequential without one"):
        space_of(trunk(), "normalised", "loose")
