import pytest
import torch

from flexnet.errors import ConfigError
from flexnet.layers.worked import gate_curves, worked_example

OPTIONS = {"kernel_size": 3, "input_size": 5, "scheme": "learned", "rule": "below"}


def test_every_number_is_that_of_plain_arithmetic():
    parts = worked_example(OPTIONS, 1)
    for i in range(3):
        for j in range(3):
            window = parts["input"][i : i + 3, j : j + 3]
            conv, highest = (window * parts["weight"]).sum() + parts["bias"], window.max()
            share = 1 / (1 + torch.exp(-50 * (parts["threshold"][i, j] - highest)))
            assert parts["conv"][i, j] == pytest.approx(conv.item())
            assert parts["max"][i, j] == highest
            assert parts["gate"][i, j] == pytest.approx(share.item())
            assert parts["output"][i, j] == pytest.approx((share * highest + (1 - share) * conv).item())


def test_a_reader_can_check_it_by_hand():
    parts = worked_example(OPTIONS, 1)
    for name, decimals in (("input", 1), ("weight", 1), ("bias", 2), ("threshold", 2), ("conv", 2)):
        assert torch.allclose(parts[name], parts[name].round(decimals=decimals), atol=1e-12), name
    assert parts["threshold"].std() > 0.3  # N(0,1)


def test_the_seed_decides_and_the_global_state_does_not():
    first = worked_example(OPTIONS, 1)
    torch.rand(3)
    assert all(torch.equal(value, first[name]) for name, value in worked_example(OPTIONS, 1).items())
    assert not torch.equal(worked_example(OPTIONS, 2)["input"], first["input"])


def test_gates_of_the_two_rules_add_up_to_one():
    curves = gate_curves(50.0)
    assert torch.allclose(curves["below"] + curves["above"], torch.ones(1, dtype=torch.float64))
    assert curves["below"][curves["difference"].abs().argmin()] == pytest.approx(0.5)
    assert (curves["below"].diff() > 0).all()


@pytest.mark.parametrize("options", [{"scheme": "random"}, {"per": "channel"}, {"bias": False}])
def test_a_layer_without_bias_or_threshold_per_unit_is_refused(options):
    with pytest.raises(ConfigError, match="expected a bias and a threshold per unit"):
        worked_example({**OPTIONS, **options}, 1)


def test_an_unknown_option_is_named():
    with pytest.raises(ConfigError, match="unexpected keyword argument 'kernel'"):
        worked_example({**OPTIONS, "kernel": 3}, 1)
