"""What becomes of thresholds at test: drawn, exchanged, swept; and the accuracy and gates that result."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.evaluation.interventions import intervene
from flexnet.families.interventions import check_intervention
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.training.recipe import Recipe
from flexnet.training.run import Run, TrainingRun, build_model

SMALL = {"input_size": 12, "width": 0.25}
CLEAN = {"space": "pixel", "clamp": "valid", "loss": "cross_entropy", "epsilons": [0.0]}
ATTACK = {"space": "normalised", "clamp": "loose", "loss": "cross_entropy", "epsilons": [0.0, 0.3]}
Ask = Callable[..., Iterator[dict[str, Any]]]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def run_of(**layer: object) -> TrainingRun:
    return TrainingRun("m", 3, "small", {**SMALL, "layer": layer}, Recipe())


def layer_of(model: nn.Module) -> FlexibleConv2d:
    return next(module for module in model.modules() if isinstance(module, FlexibleConv2d))


def threshold_of(model: nn.Module) -> Tensor:
    threshold = layer_of(model).threshold
    assert threshold is not None
    return threshold.detach().clone()


def test_trained_leaves_everything() -> None:
    model = build_model(run_of(scheme="learned"))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    intervene(model, "trained", generator())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_shuffled_exchanges_the_same_values() -> None:
    model = build_model(run_of(scheme="learned"))
    before = threshold_of(model)
    intervene(model, "shuffled", generator())
    after = threshold_of(model)
    assert not torch.equal(before, after)
    assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)


@pytest.mark.parametrize(
    ("name", "mean", "deviation"), [("redrawn", 0.0, 1.0), ("normal(-0.5,0.1)", -0.5, 0.1)]
)
def test_new_draws_have_their_distribution(name: str, mean: float, deviation: float) -> None:
    model = build_model(run_of(scheme="learned"))
    before = threshold_of(model)
    intervene(model, name, generator())
    after = threshold_of(model)
    assert not torch.equal(before, after)
    assert float(after.mean()) == pytest.approx(mean, abs=4 * deviation / after.numel() ** 0.5)
    assert float(after.std()) == pytest.approx(deviation, rel=0.2)


@pytest.mark.parametrize("name", ["shuffle", "normal(1)", "normal(a,b)", ""])
def test_an_unknown_intervention_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="expected one of"):
        intervene(build_model(run_of(scheme="learned")), name, generator())


@pytest.mark.parametrize("options", [{"scheme": "conv"}, {"scheme": "uniform", "value": 0.1}])
def test_a_network_without_stored_thresholds_has_none_to_exchange(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="stored thresholds"):
        intervene(build_model(run_of(**options)), "redrawn", generator())


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("normal(0.5 0.1)", "normal(0.5,0.1)"),
        ("normal(0.5, 0.1)", "normal(0.5,0.1)"),
        ("Normal(1;0.1)", "normal(1,0.1)"),
        ("redraw", "redrawn"),
        ("Shuffled", "shuffled"),
    ],
)
def test_the_right_spelling_is_offered(name: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_intervention(name)
    assert str(caught.value).endswith(f"got {name!r}; did you mean {near!r}?")


@pytest.mark.parametrize("name", ["normal(0,-1)", "normal(1,2,3)", "normal(.5,)", "normal"])
def test_no_distribution_is_read_into_anything_else(name: str) -> None:
    with pytest.raises(ConfigError, match="expected one of"):
        check_intervention(name)


def test_thresholds_that_always_pool_make_the_network_that_pools(intervened: Ask) -> None:
    run = run_of(scheme="learned")
    model = build_model(run)
    rows = list(intervened(model, run, ATTACK, ["normal(1000,0)"]))
    assert [row["intervention"] for row in rows] == ["trained"] * 2 + ["normal(1000,0)"] * 2
    pooling = build_model(run_of(scheme="max"))
    pooling.load_state_dict(model.state_dict(), strict=False)
    expected = list(intervened(pooling, run_of(scheme="max"), ATTACK))
    assert [row["correct"] for row in rows[2:]] == [row["correct"] for row in expected]
    assert rows[2]["max_share"] == 1.0
    assert rows[2]["switching"] == 0.0
    assert rows[2]["threshold_shift"] == pytest.approx(1000, rel=0.01)


def test_an_attack_that_draws_thresholds_anew_leaves_an_intervention_alone(intervened: Ask) -> None:
    """As under the release protocol: the network as trained is redrawn for each repeat, and no other."""
    run = run_of(scheme="redrawn", rule="below")
    model = build_model(run)
    for parameter in model.parameters():  # or it answers all images alike
        torch.nn.init.normal_(parameter, generator=generator(5))
    images = torch.rand(200, 1, 12, 12, generator=generator()).mul(255).to(torch.uint8).numpy()
    pooling = build_model(run_of(scheme="max"))
    pooling.load_state_dict(model.state_dict(), strict=False)
    labels = pooling(torch.from_numpy(images) / 255).argmax(1).numpy()
    settings = {**ATTACK, "epsilons": [0.0], "redraw": True, "draws": 3}
    rows = list(intervened(model, run, settings, ["normal(1000,0)"], images, labels))
    assert [row["intervention"] for row in rows] == ["trained"] * 3 + ["normal(1000,0)"]
    assert rows[3]["correct"] == 200
    assert max(row["correct"] for row in rows[:3]) < 200


def test_scoring_leaves_the_model_and_reports_its_own_gates(intervened: Ask) -> None:
    run = run_of(scheme="learned")
    model = build_model(run)
    before = threshold_of(model)
    rows = list(intervened(model, run, ATTACK, ["redrawn"]))
    assert torch.equal(before, threshold_of(model))
    assert [row["epsilon"] for row in rows] == [0.0, 0.3, 0.0, 0.3]
    assert rows[0]["threshold_shift"] == 0.0  # untrained: where it started
    # Mean |a - b| of two N(0,1): 2 / sqrt(pi).
    assert rows[3]["threshold_shift"] == pytest.approx(1.13, abs=0.15)
    assert 0 < rows[0]["max_share"] < 1


def test_a_sweep_passes_through_the_network_as_trained(intervened: Ask, swept: Ask) -> None:
    run = run_of(scheme="uniform", value=0.3)
    model = build_model(run)
    rows = list(swept(model, run, CLEAN, [-1e6, 0.3, 1e6]))
    assert [row["threshold"] for row in rows] == [-1e6, 0.3, 1e6]
    own = list(intervened(model, run, CLEAN))
    assert rows[1]["correct"] == own[0]["correct"]
    for row, scheme in ((rows[0], "conv"), (rows[2], "max")):
        twin = build_model(run_of(scheme=scheme))
        twin.load_state_dict(model.state_dict(), strict=False)
        ends = list(intervened(twin, run_of(scheme=scheme), CLEAN))
        assert row["correct"] == ends[0]["correct"]
    assert layer_of(model).value == 0.3


def test_a_threshold_of_zero_is_swept_like_any_other(intervened: Ask, swept: Ask) -> None:
    run = run_of(scheme="uniform", value=0.0)
    model = build_model(run)
    for parameter in model.parameters():  # or it answers all images alike
        torch.nn.init.normal_(parameter, generator=generator(5))
    images = torch.rand(200, 1, 12, 12, generator=generator()).mul(255).to(torch.uint8).numpy()
    labels = model.eval()(torch.from_numpy(images) / 255).argmax(1).numpy()
    far, zero = swept(model, run, CLEAN, [1e6, 0.0], images, labels)
    assert far["correct"] < zero["correct"] == 200


def test_a_sweep_needs_a_uniform_threshold(swept: Ask) -> None:
    run = run_of(scheme="learned")
    with pytest.raises(ConfigError, match="uniform"):
        list(swept(build_model(run), run, CLEAN, [0.1]))


def test_nobody_says_how_far_thresholds_from_elsewhere_moved(intervened: Ask) -> None:
    run = run_of(scheme="learned")
    elsewhere = replace(run, trained=False)
    own, others = (list(intervened(build_model(run), each, CLEAN)) for each in (run, elsewhere))
    assert own[0]["threshold_shift"] == 0.0
    assert others[0]["threshold_shift"] == ""
    assert others[0]["max_share"] == own[0]["max_share"]
    said = {key: value for key, value in run.metadata().items() if key != "recipe"}
    assert Run.from_metadata(run.metadata()).trained
    assert not Run.from_metadata(said).trained
