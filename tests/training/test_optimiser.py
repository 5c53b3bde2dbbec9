"""The update is torch's own to the last bit; thresholds form a group of their own, wherever they are."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.registry import build
from flexnet.training.checkpoint import Checkpoint, State
from flexnet.training.optimiser import make_optimiser, set_rate
from flexnet.training.recipe import Recipe


def test_the_threshold_group_holds_the_thresholds_and_nothing_else() -> None:
    model = build("vgg16", width=0.125, flexible="all", layer={"scheme": "learned"})
    weights, gates = make_optimiser(model, Recipe()).param_groups
    expected = {id(m.threshold) for m in model.modules() if isinstance(m, FlexibleConv2d)}
    assert {id(parameter) for parameter in gates["params"]} == expected
    assert (weights["weight_decay"], gates["weight_decay"]) == (0.006, 0.0)
    assert len(weights["params"]) + len(gates["params"]) == len(list(model.parameters()))


def test_thresholds_decay_as_the_recipe_says() -> None:
    layer = FlexibleConv2d(1, 2, 3, input_size=5, scheme="learned")
    recipe = Recipe(weight_decay=0.5, threshold_weight_decay=0.1)
    weights, gates = make_optimiser(nn.Sequential(layer), recipe).param_groups
    assert (weights["weight_decay"], gates["weight_decay"]) == (0.5, 0.1)


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


@pytest.mark.parametrize(
    "changes",
    [{}, {"nesterov": True}, {"momentum": 0.0}, {"weight_decay": 0.0}, {"threshold_weight_decay": 0.1}],
    ids=str,
)
def test_steps_are_those_of_torchs_optimiser_to_the_last_bit(changes: dict[str, float]) -> None:
    """Weights in channels-last order, one that gets no gradient, and a rate that falls."""
    torch.manual_seed(0)
    options = {"width": 0.1, "input_size": 12, "layer": {"scheme": "learned"}}
    model = nn.ModuleDict({"used": build("small", **options), "unused": nn.Linear(2, 2)})
    model = model.to(memory_format=torch.channels_last)
    recipe = Recipe(**{"learning_rate": 0.1, "weight_decay": 0.01, **changes})
    ours, optimiser = model, make_optimiser(model, recipe)
    twin = copy.deepcopy(model)
    groups = [
        {**group, "params": own["params"]}
        for group, own in zip(optimiser.param_groups, make_optimiser(twin, recipe).param_groups, strict=True)
    ]
    theirs = torch.optim.SGD(groups, lr=0.1, fused=True)
    for rate in (0.1, 0.1, 0.03):
        images, labels = torch.rand(8, 1, 12, 12), torch.arange(8)
        set_rate(optimiser, rate)
        for group in theirs.param_groups:
            group["lr"] = rate
        for network, rule in ((ours, optimiser), (twin, theirs)):
            rule.zero_grad()
            nn.functional.cross_entropy(network["used"](images), labels).backward()
            rule.step()
    for (name, mine), other in zip(ours.named_parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine, other), name
        kept = [optimiser.state.get(mine, {}), theirs.state.get(other, {})]
        buffers = [each["momentum_buffer"] for each in kept if each.get("momentum_buffer") is not None]
        assert len(buffers) == 2 * bool(recipe.momentum and "unused" not in name)
        if buffers:
            assert torch.equal(*buffers)
            assert buffers[0].stride() == buffers[1].stride()


class Deepening(nn.Module):
    """A network whose parts come into use one after the other, as by stochastic depth."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(1, 1, 3, padding=1) for _ in range(3))

    def forward(self, images: torch.Tensor, depth: int) -> torch.Tensor:
        for part in self.parts[:depth]:
            images = part(images)
        return images


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("nesterov", [False, True])
def test_a_parameter_may_get_its_first_gradient_late(nesterov: bool, resumed: bool, tmp_path: Path) -> None:
    """Torch's fused update fills in all momenta or none; its plain one says what is expected."""
    torch.manual_seed(0)
    model, images = Deepening(), torch.rand(4, 1, 5, 5)
    twin = copy.deepcopy(model)
    rates = {"momentum": 0.9, "weight_decay": 0.01, "nesterov": nesterov}
    optimiser = make_optimiser(model, Recipe(learning_rate=0.1, **rates))
    theirs = torch.optim.SGD(twin.parameters(), lr=0.1, foreach=False, fused=False, **rates)
    for step, depth in enumerate((1, 2, 1, 3, 3)):
        for network, rule in ((model, optimiser), (twin, theirs)):
            rule.zero_grad()
            network(images, depth).square().mean().backward()
            rule.step()
        if resumed and step in (0, 1):
            checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "a run")
            checkpoint.save(State(step=step), model, optimiser)
            model = Deepening()
            optimiser = make_optimiser(model, Recipe(learning_rate=0.1, **rates))
            assert checkpoint.load(model, optimiser) is not None
    for mine, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, other)
        torch.testing.assert_close(
            optimiser.state[mine]["momentum_buffer"], theirs.state[other]["momentum_buffer"]
        )


def test_training_does_not_load_the_compiler() -> None:
    """It takes as long to import as all the rest of torch."""
    code = (
        "import sys, torch; from torch import nn; from flexnet.training.optimiser import make_optimiser\n"
        "from flexnet.training import trainer; from flexnet.training.recipe import Recipe\n"
        "model = nn.Linear(2, 2); rule = make_optimiser(model, Recipe()); rule.zero_grad()\n"
        "model(torch.ones(1, 2)).sum().backward(); rule.step()\n"
        "print(*(name for name in ('torch._dynamo', 'torch._inductor', 'sympy') if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
