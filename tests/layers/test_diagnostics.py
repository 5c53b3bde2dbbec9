from typing import Any

import pytest
import torch
from torch import nn

from flexnet.errors import ConfigError, DataError
from flexnet.layers.diagnostics import gate_statistics, threshold_shift, threshold_snapshot, thresholds
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.randomness import is_redrawn, is_stochastic, redraw_layers, set_generator


def flexible(scheme: str, **options: Any) -> FlexibleConv2d:
    return FlexibleConv2d(1, 1, 1, input_size=(1, 3), scheme=scheme, **options)


def with_thresholds(values: list[float], scheme: str = "learned") -> FlexibleConv2d:
    layer = flexible(scheme)
    assert layer.threshold is not None
    with torch.no_grad():
        layer.threshold.copy_(torch.tensor(values).reshape(1, 1, 1, 3))
    return layer


def mixed() -> nn.Sequential:
    torch.manual_seed(0)
    schemes: list[tuple[str, dict[str, Any]]] = [
        ("conv", {}),
        ("learned", {}),
        ("frozen", {}),
        ("redrawn", {}),
        ("uniform", {"value": 0.1}),
        ("random", {}),
    ]
    return nn.Sequential(*(flexible(scheme, **options) for scheme, options in schemes), nn.BatchNorm2d(1))


def test_gate_statistics_by_hand() -> None:
    # 1x1 windows: the pooled input is the input. Gates far from the threshold are 0 or 1.
    model = nn.Sequential(with_thresholds([0.0, 5.0, 1.0]))
    first = torch.tensor([[2.0, 2.0, 0.0], [3.0, 2.0, 2.0]]).reshape(2, 1, 1, 3)
    second = torch.tensor([[2.0, 2.0, 1.0], [4.0, 2.0, 0.0]]).reshape(2, 1, 1, 3)
    (record,) = gate_statistics(model, [first, second])
    # Unit 1: always conv. Unit 2: always MAX. Unit 3: MAX, conv, half (counted as conv), MAX: it switches.
    assert record.name == "0"
    assert record.images == 4
    torch.testing.assert_close(record.unit_share, torch.tensor([[[0.0, 1.0, 2.5 / 4]]]))
    assert record.max_share == pytest.approx((0 + 1 + 2.5 / 4) / 3)
    assert record.switching == pytest.approx(1 / 3)


class ByName(nn.Module):
    """Calls its layer by keyword."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.layer(input=images)
        return output


def test_a_layer_that_is_called_by_keyword_has_the_same_statistics() -> None:
    layer, images = with_thresholds([0.0, 5.0, 1.0]), torch.tensor([2.0, 2.0, 0.5]).reshape(1, 1, 1, 3)
    (by_name,), (by_place,) = gate_statistics(ByName(layer), [images]), gate_statistics(layer, [images])
    assert (by_name.images, by_name.max_share) == (1, by_place.max_share)
    assert torch.equal(by_name.unit_share, by_place.unit_share)
    with pytest.raises(ConfigError, match=r"expected batches \(N,C,H,W\) at each layer; got \(1, 1, 3\)"):
        gate_statistics(ByName(layer), [images[0]])


def test_a_unit_that_switches_between_batches_counts() -> None:
    model = with_thresholds([1.0, 1.0, 1.0])
    records = gate_statistics(model, [torch.zeros(2, 1, 1, 3), torch.full((2, 1, 1, 3), 2.0)])
    assert [record.switching for record in records] == [1.0]


def test_gate_statistics_cover_gated_layers_and_leave_no_trace() -> None:
    model = mixed()
    model[2].eval()
    modes = [module.training for module in model.modules()]
    records = gate_statistics(model, [torch.randn(4, 1, 1, 3)])
    assert [record.name for record in records] == ["1", "2", "3", "4"]
    assert [module.training for module in model.modules()] == modes
    assert model[6].num_batches_tracked.item() == 0
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_gate_statistics_without_images_are_refused() -> None:
    with pytest.raises(DataError, match="at least one image that reaches '1'"):
        gate_statistics(mixed(), [])


def test_thresholds_are_found_by_the_type_of_their_owner() -> None:
    class Impostor(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.threshold = nn.Parameter(torch.zeros(1))

    model = nn.Sequential(mixed(), Impostor())
    assert [name for name, _ in thresholds(model)] == ["0.1.threshold"]
    assert next(thresholds(model))[1] is model[0][1].threshold
    assert [name for name, _ in thresholds(flexible("learned"))] == ["threshold"]


def test_an_optimiser_group_without_decay_leaves_thresholds_alone() -> None:
    model = mixed()
    free = [parameter for _, parameter in thresholds(model)]
    ids = {id(parameter) for parameter in free}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in ids]
    optimiser = torch.optim.SGD(
        [{"params": rest, "weight_decay": 0.5}, {"params": free, "weight_decay": 0.0}], lr=1.0
    )
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before, weight = threshold_snapshot(model), model[1].weight.clone()
    optimiser.step()
    assert threshold_shift(model, before) == {"1": 0.0, "2": 0.0, "3": 0.0, "4": 0.0}
    torch.testing.assert_close(model[1].weight, weight / 2)


def test_threshold_shift_by_hand() -> None:
    model = nn.Sequential(with_thresholds([0.0, 1.0, 2.0]))
    start = threshold_snapshot(model)
    assert list(start) == ["0.threshold"]
    with torch.no_grad():
        model[0].threshold.add_(torch.tensor([0.3, -0.6, 0.0]))
    assert threshold_shift(model, start) == {"0": pytest.approx(0.3)}
    assert threshold_shift(model, model.state_dict()) == {"0": 0.0}


def test_threshold_shift_of_another_network_is_refused() -> None:
    model = nn.Sequential(with_thresholds([0.0, 1.0, 2.0]))
    with pytest.raises(
        DataError, match=r"'0.threshold' of shape \(1, 1, 1, 3\) in the snapshot; found nothing"
    ):
        threshold_shift(model, {})
    with pytest.raises(DataError, match=r"found \(2,\)"):
        threshold_shift(model, {"0.threshold": torch.zeros(2)})


def test_redraw_reaches_redrawn_layers_alone() -> None:
    model, twin = mixed(), mixed()
    before = threshold_snapshot(model)
    for each in (model, twin):
        redraw_layers(each, torch.Generator().manual_seed(5))
    shifts = threshold_shift(model, before)
    assert [name for name, shift in shifts.items() if shift > 0] == ["3"]
    assert torch.equal(model[3].threshold, twin[3].threshold)


def test_mask_generator_makes_evaluation_repeatable() -> None:
    model = nn.Sequential(FlexibleConv2d(1, 3, 3, scheme="random"), FlexibleConv2d(3, 3, 3, scheme="random"))
    x = torch.randn(2, 1, 9, 9)
    results = []
    for seed in (1, 1, 2):
        set_generator(model, torch.Generator().manual_seed(seed))
        results.append(model(x))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    set_generator(model, None)
    assert model[0].generator is None


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("conv", False),
        ("learned", False),
        ("frozen", False),
        ("redrawn", False),
        ("random", True),
        ("max", False),
    ],
)
def test_is_stochastic(scheme: str, expected: bool) -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 1), flexible(scheme))
    assert is_stochastic(model) is expected
    assert is_redrawn(model) is (scheme == "redrawn")
