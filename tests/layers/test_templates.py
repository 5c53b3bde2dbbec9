"""Distances to templates against torch.cdist, and the Flexible Layer around shared templates."""

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.flexible import SCHEMES
from flexnet.layers.templates import FlexibleTemplates, Patches, Templates, correlate, response, similarity

SHAPES = [(2, 8), (4, 3), (8, 8), (16, 8), (16, 6), (16, 3), (6, 2), (4, 1)]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def maps(side: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(3, 4, side, side, dtype=dtype, generator=torch.Generator().manual_seed(1))


def distances(x: Tensor, patches: Tensor) -> Tensor:
    """Euclidean distances (N, C', d + 1, d + 1) by cutting out every window."""
    size, side = patches.shape[-1], x.shape[-1] + 1
    windows = F.unfold(x, size, padding=size // 2).transpose(1, 2)
    return torch.cdist(windows, patches.flatten(1)).transpose(1, 2).unflatten(2, (side, side))


@pytest.mark.parametrize(("size", "side"), SHAPES)
def test_response_is_minus_the_distance_of_cdist(size: int, side: int) -> None:
    patches = torch.randn(5, 4, size, size, dtype=torch.float64)
    ours = response(similarity(maps(side, torch.float64), patches), patches)
    torch.testing.assert_close(ours, -(distances(maps(side, torch.float64), patches) ** 2 + 1e-6).sqrt())


def test_distance_keeps_its_digits_where_window_and_patch_nearly_agree() -> None:
    x = maps(4)
    templates = Templates(4, 1, 4)
    with torch.no_grad():
        templates.weight.copy_(x[:1] + 0.01)
    found = templates(x)[0, 0, 2, 2].item()
    assert found == pytest.approx(-((64 * 0.01**2 + 1e-6) ** 0.5), rel=1e-3)


def test_a_window_that_equals_its_patch_has_a_finite_gradient() -> None:
    templates = Templates(4, 1, 4)
    with torch.no_grad():
        templates.weight.copy_(maps(4)[:1])
    nearest = templates.peak(maps(4)[:1])
    assert -0.003 < nearest.item() <= -0.00099
    nearest.sum().backward()
    assert templates.weight.grad is not None and templates.weight.grad.isfinite().all()


@pytest.mark.parametrize(("size", "side"), SHAPES)
def test_leaving_out_taps_on_padding_changes_nothing(size: int, side: int) -> None:
    gradients, results = [], []
    for function in (correlate, lambda x, w: F.conv2d(x, w, padding=size // 2)):
        torch.manual_seed(2)
        x = maps(side, torch.float64).requires_grad_()
        w = torch.randn(5, 4, size, size, dtype=torch.float64, requires_grad=True)
        results.append(function(x, w))
        gradients.append(torch.autograd.grad(results[-1].sin().sum(), (x, w)))
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_gradients_are_right() -> None:
    x, w = maps(3, torch.float64)[:1].requires_grad_(), torch.randn(2, 4, 4, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x, w: response(similarity(x, w), w), (x, w.requires_grad_()))


@pytest.mark.parametrize("kind", [Patches, Templates])
def test_patches_are_drawn_as_by_conv2d(kind: type[Patches]) -> None:
    torch.manual_seed(5)
    expected = nn.Conv2d(4, 7, 6).weight
    torch.manual_seed(5)
    assert torch.equal(kind(4, 7, 6).weight, expected)
    with pytest.raises(ConfigError, match="even side; got 5"):
        kind(4, 7, 5)


def flexible(templates: Patches, **layer: Any) -> FlexibleTemplates:
    return FlexibleTemplates(templates, 5, **layer)


@pytest.mark.parametrize("kind", [Patches, Templates])
def test_peak_is_the_maximum_of_the_responses_gradient_included(kind: type[Patches]) -> None:
    owner = kind(4, 6, 4)
    for layer in (owner, flexible(owner, scheme="learned")):
        results = []
        for function in (layer.peak, lambda x, layer=layer: layer(x).amax((2, 3), keepdim=True)):
            x = maps(5).requires_grad_()
            y = function(x)
            results.append((y, *torch.autograd.grad(y.square().sum(), (x, *owner.parameters()))))
        torch.testing.assert_close(results[0], results[1])


def test_extreme_thresholds_are_the_templates_and_the_tiled_maximum() -> None:
    owner, x = Templates(4, 6, 4), maps(5)
    pool = F.max_pool2d(x, 4, 1, 2)
    for sign, rule in ((1, "below"), (-1, "above")):
        template, maximum = (
            flexible(owner, scheme="uniform", value=value * sign, rule=rule) for value in (-1e6, 1e6)
        )
        assert torch.equal(template(x), owner(x))
        assert torch.equal(maximum(x), pool[:, [0, 1, 2, 3, 0, 1]])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_mixes_the_shared_templates(scheme: str) -> None:
    owner = Templates(4, 6, 4)
    layer = flexible(owner, scheme=scheme, value=0.3 if scheme == "uniform" else None)
    response = layer(maps(5))
    assert response.shape == (3, 6, 6, 6)
    with torch.no_grad():
        owner.weight.mul_(3)
    assert torch.equal(response, layer(maps(5))) == (scheme == "max")


def test_a_layer_owns_its_threshold_and_nothing_else() -> None:
    owner = Templates(4, 6, 4)
    weight = owner.weight.clone()
    layer = flexible(owner)
    assert [(name, tuple(p.shape)) for name, p in layer.named_parameters()] == [("threshold", (1, 6, 6, 6))]
    assert list(layer.state_dict()) == ["threshold"]
    threshold = layer.threshold.detach().clone()
    layer.reset_parameters()
    assert not torch.equal(layer.threshold, threshold) and torch.equal(owner.weight, weight)


def test_a_copy_of_the_whole_follows_its_own_templates() -> None:
    owner = Templates(4, 6, 4)
    model = nn.ModuleList([owner, flexible(owner)])
    twin = copy.deepcopy(model)
    with torch.no_grad():
        owner.weight.zero_()
    assert not torch.equal(twin[1](maps(5)), model[1](maps(5)))
    twin.load_state_dict(model.state_dict(), assign=True)
    assert torch.equal(twin[1](maps(5)), model[1](maps(5)))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_distances_to_half_precision_patches_are_of_their_type(kind: torch.dtype) -> None:
    owner, x = Templates(4, 6, 16).to(kind), maps(5).to(kind)
    exact = -(distances(x.double(), owner.weight.detach().double()) ** 2 + 1e-6).sqrt()
    for found, expected in ((owner(x), exact), (owner.peak(x), exact.amax((2, 3), keepdim=True))):
        assert found.dtype == kind
        torch.testing.assert_close(found.double(), expected, atol=0.05, rtol=0.01)
    with torch.autocast("cpu", torch.bfloat16):
        assert owner(x).dtype == owner.peak(x).dtype == torch.float32


def test_distances_stay_in_single_precision_under_autocast() -> None:
    owner = Templates(4, 6, 16)
    layer, x = flexible(owner), maps(5)
    with torch.autocast("cpu", torch.bfloat16):
        results = owner(x), owner.peak(x), layer(x)
        assert Patches(4, 6, 4)(x).dtype == torch.bfloat16
    for found, expected in zip(results, (owner(x), owner.peak(x), layer(x)), strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, expected, atol=0.02, rtol=0.01)
