"""Thresholds form a group of their own, whatever their place in the model."""

import pytest
import torch
from torch import nn

from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.registry import build
from flexnet.training.optimiser import make_optimiser
from flexnet.training.recipe import Recipe


def test_the_threshold_group_holds_the_thresholds_and_nothing_else() -> None:
    model = build("vgg16", width=0.125, flexible="all", layer={"scheme": "learned"})
    weights, gates = make_optimiser(model, Recipe()).param_groups
    expected = {id(m.threshold) for m in model.modules() if isinstance(m, FlexibleConv2d)}
    assert {id(parameter) for parameter in gates["params"]} == expected
    assert (weights["weight_decay"], gates["weight_decay"]) == (0.006, 0.0)
    assert len(weights["params"]) + len(gates["params"]) == len(list(model.parameters()))


def test_a_step_without_gradient_decays_weights_and_leaves_thresholds() -> None:
    layer = FlexibleConv2d(1, 2, 3, input_size=5, scheme="learned")
    optimiser = make_optimiser(nn.Sequential(layer), Recipe(learning_rate=0.1, weight_decay=0.5))
    before, weight = layer.threshold.detach().clone(), layer.weight.detach().clone()
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    assert torch.equal(layer.threshold, before)
    torch.testing.assert_close(layer.weight.detach(), weight * 0.95)


def test_a_model_without_thresholds_has_one_group() -> None:
    assert len(make_optimiser(nn.Linear(2, 2), Recipe()).param_groups) == 1


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_nesterov_s_where_the_recipe_says_so(nesterov: bool) -> None:
    """Sutskever et al. (2013) as torch has it: v = m v + g; w -= r (g + m v), or r v without."""
    gradients, rate, momentum = [1.0, -2.0, 0.5, 3.0], 0.1, 0.9
    model = nn.Linear(1, 1, bias=False)
    recipe = Recipe(learning_rate=rate, momentum=momentum, weight_decay=0, nesterov=nesterov)
    optimiser = make_optimiser(model, recipe)
    weight, velocity = model.weight.item(), 0.0
    for gradient in gradients:
        velocity = momentum * velocity + gradient
        weight -= rate * (gradient + momentum * velocity if nesterov else velocity)
        model.weight.grad = torch.full((1, 1), gradient)
        optimiser.step()
        assert model.weight.item() == pytest.approx(weight, abs=1e-6)


def test_nesterov_goes_for_thresholds_too() -> None:
    model = build("small", width=0.1, input_size=12, layer={"scheme": "learned"})
    groups = make_optimiser(model, Recipe(nesterov=True)).param_groups
    assert [group["nesterov"] for group in groups] == [True, True]
