import copy
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d
from flexnet.layers.flexible import SCHEMES


def layer(scheme: str = "learned", **options: Any) -> FlexibleConv2d:
    value = 0.1 if scheme == "uniform" else None
    options = {"input_size": (8, 9), "padding": 1, "value": value, **options}
    return FlexibleConv2d(4, 4, 3, scheme=scheme, **options)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def images() -> torch.Tensor:
    return torch.randn(3, 4, 8, 9, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_convolution_is_drawn_as_by_conv2d(scheme: str) -> None:
    torch.manual_seed(5)
    plain = nn.Conv2d(4, 4, 3, padding=1)
    torch.manual_seed(5)
    flexible = layer(scheme)
    assert torch.equal(flexible.weight, plain.weight)
    assert flexible.bias is not None and plain.bias is not None
    assert torch.equal(flexible.bias, plain.bias)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_scheme_conv_is_the_convolution_bit_for_bit(memory: torch.memory_format) -> None:
    flexible, plain = layer("conv"), nn.Conv2d(4, 4, 3, padding=1)
    plain.load_state_dict(flexible.state_dict())
    ours, theirs = images().contiguous(memory_format=memory), images().contiguous(memory_format=memory)
    a, b = flexible(ours.requires_grad_()), plain(theirs.requires_grad_())
    assert torch.equal(a, b)
    a.sum().backward()
    b.sum().backward()
    assert ours.grad is not None and theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)
    assert torch.equal(flexible.weight.grad, plain.weight.grad)  # type: ignore[arg-type]


def test_scheme_conv_skips_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("pooled")

    monkeypatch.setattr("flexnet.layers.flexible.max_pool", fail)
    assert layer("conv")(images()).shape == (3, 4, 8, 9)
    with pytest.raises(AssertionError, match="pooled"):
        layer("max")(images())


@pytest.mark.parametrize("value", [1e6, math.inf])
def test_extreme_uniform_thresholds_are_the_pure_branches(value: float) -> None:
    x = images().relu()  # with the exact zeros of a ReLU
    for sign, rule in ((-1, "below"), (1, "above")):
        flexible = layer("uniform", value=sign * value, rule=rule)
        assert torch.equal(flexible(x), F.conv2d(x, flexible.weight, flexible.bias, padding=1))
    for sign, rule in ((1, "below"), (-1, "above")):
        assert torch.equal(layer("uniform", value=sign * value, rule=rule)(x), F.max_pool2d(x, 3, 1, 1))


def test_scheme_max_is_the_pool_and_computes_no_convolution() -> None:
    flexible = layer("max")
    with torch.no_grad():
        flexible.weight.fill_(math.nan)
    assert torch.equal(flexible(images()), F.max_pool2d(images(), 3, 1, 1))


def test_scheme_blend_is_the_mean_of_the_branches() -> None:
    flexible = layer("blend")
    conv = F.conv2d(images(), flexible.weight, flexible.bias, padding=1)
    torch.testing.assert_close(flexible(images()), (conv + F.max_pool2d(images(), 3, 1, 1)) / 2)


def test_rules_exchange_the_branches() -> None:
    below, above = layer(rule="below"), layer(rule="above")
    above.load_state_dict(below.state_dict())
    conv, pool = F.conv2d(images(), below.weight, below.bias, padding=1), F.max_pool2d(images(), 3, 1, 1)
    torch.testing.assert_close(below(images()) + above(images()), conv + pool)
    torch.testing.assert_close(below.max_share(images()), 1 - above.max_share(images()))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"padding": 0}, (1, 4, 6, 7)),
        ({"padding": 1}, (1, 4, 8, 9)),
        ({"padding": 1, "stride": 2}, (1, 4, 4, 5)),
        ({"padding": (0, 1), "stride": (1, 3)}, (1, 4, 6, 3)),
        ({"per": "channel"}, (1, 4, 1, 1)),
        ({"per": "channel", "input_size": None}, (1, 4, 1, 1)),
        ({"per": "layer", "input_size": None}, (1, 1, 1, 1)),
        ({"input_size": 12}, (1, 4, 12, 12)),
    ],
)
@pytest.mark.parametrize("scheme", ["learned", "frozen", "redrawn"])
def test_threshold_shape(scheme: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert layer(scheme, **options).threshold.shape == shape  # type: ignore[union-attr]


def test_only_learned_thresholds_are_parameters_and_all_are_saved() -> None:
    for scheme in SCHEMES:
        flexible = layer(scheme)
        assert ("threshold" in dict(flexible.named_parameters())) == (scheme == "learned")
        stored = scheme in ("learned", "frozen", "redrawn", "uniform")
        assert ("threshold" in flexible.state_dict()) == stored


@pytest.mark.parametrize("scheme", ["learned", "frozen", "redrawn", "uniform"])
def test_state_dict_reproduces_the_outputs(scheme: str) -> None:
    first = layer(scheme)
    if scheme == "uniform":
        first.set_threshold(0.7)
    second = layer(scheme)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(images()), second(images()))


def test_inits_have_their_moments() -> None:
    wide = {"input_size": 100, "padding": 0}  # 4 x 98 x 98 = 38416 thresholds: standard error 0.005
    for init, mean, deviation in [("normal", 0, 1), ("uniform", 0.5, 0.2887), ((0.5, 0.1), 0.5, 0.1)]:
        threshold = layer(init=init, **wide).threshold
        assert threshold is not None
        assert threshold.mean().item() == pytest.approx(mean, abs=0.03)
        assert threshold.std().item() == pytest.approx(deviation, abs=0.02)
    zeros = layer(init="zeros").threshold
    assert zeros is not None and not zeros.any()


def test_reset_parameters_draws_all_again_in_the_same_order() -> None:
    torch.manual_seed(3)
    flexible = layer()
    start = copy.deepcopy(flexible.state_dict())
    flexible.reset_parameters()
    assert not torch.equal(flexible.threshold, start["threshold"])  # type: ignore[arg-type]
    torch.manual_seed(3)
    flexible.reset_parameters()
    assert all(torch.equal(tensor, start[name]) for name, tensor in flexible.state_dict().items())


def test_redraw_depends_on_the_generator_alone_and_keeps_the_weights() -> None:
    first, second = layer("redrawn"), layer("redrawn")
    weight = first.weight.clone()
    for flexible in (first, second):
        flexible.redraw(torch.Generator().manual_seed(4))
    assert torch.equal(first.threshold, second.threshold)  # type: ignore[arg-type]
    assert torch.equal(first.weight, weight)
    with pytest.raises(ConfigError, match="'redrawn'; got 'frozen'"):
        layer("frozen").redraw(torch.Generator())


def drawn_mask(flexible: FlexibleConv2d, x: torch.Tensor) -> torch.Tensor:
    """The mask of one forward pass: the convolution is made 0 and the pool 1."""
    with torch.no_grad():
        flexible.weight.zero_()
        assert flexible.bias is not None
        flexible.bias.zero_()
    return flexible(torch.ones_like(x))


@pytest.mark.parametrize("training", [True, False])
def test_random_masks_are_fair_shared_by_a_batch_and_always_new(training: bool) -> None:
    flexible = layer("random", input_size=None).train(training)
    x = torch.zeros(3, 4, 50, 50)
    first, second = drawn_mask(flexible, x), drawn_mask(flexible, x)
    assert set(first.unique().tolist()) == {0, 1}
    assert first.mean().item() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(4 * 50 * 50))
    assert torch.equal(first[0], first[1]) and torch.equal(first[0], first[2])
    assert 0.4 < (first != second).float().mean().item() < 0.6
    assert not torch.equal(first[0, 0], first[0, 1])


def test_random_masks_follow_their_own_generator() -> None:
    flexible = layer("random")
    results = []
    for _ in range(2):
        flexible.generator = torch.Generator().manual_seed(8)
        state = torch.get_rng_state()
        results.append(flexible(images()))
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*results)


def test_random_picks_one_branch_in_each_unit() -> None:
    flexible = layer("random")
    y = flexible(images())
    conv, pool = (
        F.conv2d(images(), flexible.weight, flexible.bias, padding=1),
        F.max_pool2d(images(), 3, 1, 1),
    )
    assert (torch.isclose(y, conv) | torch.isclose(y, pool)).all()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("batched", [True, False])
def test_type_is_that_of_the_convolution_under_autocast(scheme: str, batched: bool) -> None:
    x = images() if batched else images()[0]
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(scheme)(x)
    assert y.dtype == torch.bfloat16
    assert y.shape == x.shape


def test_gate_stays_in_single_precision_under_autocast() -> None:
    flexible = layer("uniform", value=0.25)
    with torch.autocast("cpu", torch.bfloat16):
        share = flexible.max_share(torch.zeros(1, 4, 8, 9))
        y = flexible(images())
    assert share.dtype == torch.float32
    assert 0 < 1 - share.max().item() < 1e-5
    torch.testing.assert_close(y.float(), flexible(images()), rtol=0.05, atol=0.02)


def test_half_model_keeps_its_type() -> None:
    flexible = layer().to(torch.bfloat16)
    assert flexible(images().bfloat16()).dtype == torch.bfloat16
    assert flexible.max_share(images().bfloat16()).dtype == torch.float32


@pytest.mark.parametrize(("channels", "out_channels"), [(1, 12), (3, 64), (64, 128), (6, 4)])
def test_channels_are_matched(channels: int, out_channels: int) -> None:
    flexible = FlexibleConv2d(channels, out_channels, 3, scheme="uniform", value=1e6)
    x = torch.randn(2, channels, 5, 5)
    pool = F.max_pool2d(x, 3, 1)
    expected = [
        pool[:, j::out_channels].amax(1) if channels > out_channels else pool[:, j % channels]
        for j in range(out_channels)
    ]
    assert torch.equal(flexible(x), torch.stack(expected, 1))


def test_compiled_layer_gives_the_same() -> None:
    flexible = layer()
    compiled = torch.compile(flexible, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(images()), flexible(images()))


def test_deep_copy_with_a_generator() -> None:
    flexible = layer("random")
    flexible.generator = torch.Generator().manual_seed(2)
    twin = copy.deepcopy(flexible)
    assert torch.equal(twin(images()), flexible(images()))


def test_repr_names_scheme_and_threshold() -> None:
    text = repr(layer())
    assert "4, 4, kernel_size=(3, 3)" in text
    assert "scheme='learned', rule='below', sharpness=50, threshold=(1, 4, 8, 9), init='normal'" in text
    assert "value=0.1" in repr(layer("uniform"))
    assert "rule" not in repr(layer("conv"))
    assert "matching='interp'" in repr(FlexibleConv2d(1, 2, 3, scheme="max", matching="interp"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "joint"}, r"FlexibleConv2d: scheme: expected one of \['conv', .*\]; got 'joint'"),
        ({"rule": "beside"}, "rule: expected one of .*; got 'beside'"),
        ({"matching": "cat"}, "matching: expected one of .*; got 'cat'"),
        ({"per": "image"}, "per: expected one of .*; got 'image'"),
        ({"init": "ones"}, r"init: expected one of .* or a pair \(mean, std\) .*; got 'ones'"),
        ({"init": (0.5, -0.1)}, r"std >= 0; got \(0.5, -0.1\)"),
        ({"init": (0.5,)}, r"a pair .*; got \(0.5,\)"),
        ({"scheme": "learnt"}, "got 'learnt'; did you mean 'learned'\\?"),
        ({"scheme": ["learned"]}, r"scheme: expected one of .*; got \['learned'\]"),
        ({"scheme": "uniform", "value": float("nan")}, "value: expected a number; got nan"),
        (
            {"scheme": "uniform", "value": "0.1"},
            "value: expected a number; got '0.1', which is text; write 0.1",
        ),
        ({"sharpness": float("inf")}, "a positive number; .*; got inf"),
        ({"sharpness": 0.0}, r"sharpness: expected a positive number; .*; got 0\.0"),
        ({"input_size": None}, "needs the input's height and width; give input_size"),
        ({"input_size": 2, "padding": 0}, r"at least the window \(3, 3\); got input_size \(2, 2\)"),
        (
            {"scheme": "uniform", "value": None},
            "scheme: expected a value with the scheme 'uniform'; got none",
        ),
        ({"value": 0.1}, "'uniform' and no other takes a value"),
        ({"padding": 2}, r"at most half the window; got padding \(2, 2\)"),
        ({"padding": "same"}, "padding as one or two integers; got 'same'"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        layer(**{"scheme": "learned", **options})


def test_wrong_input_size_is_named() -> None:
    with pytest.raises(ConfigError, match=r"inputs of size \(8, 9\); got \(9, 8\).*per='channel'"):
        layer()(torch.zeros(1, 4, 9, 8))
    assert layer(per="channel")(torch.zeros(1, 4, 9, 8)).shape == (1, 4, 9, 8)


def test_calls_of_another_scheme_are_named() -> None:
    with pytest.raises(ConfigError, match="'uniform'; got 'learned'"):
        layer().set_threshold(0.1)
    with pytest.raises(ConfigError, match="'random', whose gate is constant"):
        layer("random").max_share(images())


def test_one_learned_threshold_is_the_uniform_one_and_has_the_summed_gradient() -> None:
    torch.manual_seed(0)
    single = FlexibleConv2d(3, 4, 3, scheme="learned", per="layer", init="zeros")
    uniform = FlexibleConv2d(3, 4, 3, scheme="uniform", value=0.0)
    units = FlexibleConv2d(3, 4, 3, input_size=6, scheme="learned", init="zeros")
    for other in (uniform, units):
        other.load_state_dict({"weight": single.weight, "bias": single.bias}, strict=False)
    x = 0.1 * torch.randn(5, 3, 6, 6)
    outputs = [layer(x) for layer in (single, uniform, units)]
    torch.testing.assert_close(outputs[0], outputs[1])
    (outputs[0].square().sum() + outputs[2].square().sum()).backward()
    assert single.threshold is not None and units.threshold is not None
    assert single.threshold.grad is not None and units.threshold.grad is not None
    torch.testing.assert_close(single.threshold.grad, units.threshold.grad.sum().view(1, 1, 1, 1))
    assert float(single.threshold.grad.abs()) > 0
