"""What models are given: refused with advice where it is wrong, and unseen by whoever traces them."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.inputs import check_range, trusted_inputs
from flexnet.layers.convert import convert
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import Normalise, normalisation
from flexnet.networks.registry import build

NETWORKS = {
    "small": {"width": 0.25, "channels": 3, "input_size": 32},
    "surrogate": {"width": 0.25},
    "vgg16": {"width": 0.125},
    "hmax": {"prototypes": 4, "channels": 3, "input_size": 32},
}


def network(name: str = "surrogate") -> Classifier:
    torch.manual_seed(0)
    return build(name, **NETWORKS[name]).eval()


def images(*shape: int) -> Tensor:
    return torch.rand(*(shape or (2, 3, 32, 32)), generator=torch.Generator().manual_seed(1))


def plain(module: Classifier, x: Tensor) -> Tensor:
    """The network's arithmetic without any check."""
    normal = module.normalise
    return module.head(module.features(module.stem((x - normal.mean) / normal.std)))


WRONG: dict[str, tuple[Any, str]] = {
    "uint8": (
        (images() * 255).to(torch.uint8),
        r"expected floats in \[0, 1\]; got torch.uint8; use images.float",
    ),
    "int64": (torch.ones(2, 3, 32, 32, dtype=torch.int64), "got torch.int64"),
    "bool": (torch.ones(2, 3, 32, 32, dtype=torch.bool), "got torch.bool"),
    "complex": (images() + 0j, "got torch.complex64"),
    "numpy": (
        images().numpy(),
        "expected a tensor of floats.*got ndarray; convert arrays .* torch.from_numpy",
    ),
    "list": (images().tolist(), "got list"),
    "nothing": (None, "got NoneType"),
    "one image": (
        images(3, 32, 32),
        r"expected the shape \(N, C, H, W\); got \(3, 32, 32\); use image\[None\]",
    ),
    "grey": (images(2, 1, 32, 32), "expected 3 channels; got 1 .*convert between grey and colour"),
    "alpha": (images(2, 4, 32, 32), "expected 3 channels; got 4"),
    "channels last": (images(2, 32, 32, 3), "expected 3 channels; got 32 .*put the channels second"),
    "small": (images(2, 3, 28, 28), "expected 32 x 32 pixels.*got 28 x 28; resize them"),
    "large": (images(2, 3, 64, 64), "got 64 x 64"),
    "oblong": (images(2, 3, 32, 48), "got 32 x 48"),
    "double": (images().double(), "expected torch.float32, .*got torch.float64; convert"),
    "elsewhere": (images().to("meta"), "expected them on the device of the model, cpu; got meta"),
    "0 to 255": (
        images() * 255,
        r"expected values in \[0, 1\]; got values up to 25\d.*divide images of 0 to 255",
    ),
    "normalised": (
        (images() - 0.5) / 0.25,
        r"got values from -[12][\d.]* to 1.99\d+; hand over pixels before any",
    ),
    "NaN": (images().index_fill(3, torch.tensor(5), torch.nan), "got NaN; find out where it comes from"),
    "infinite": (images().index_fill(3, torch.tensor(5), torch.inf), r"got values from .* to inf"),
    "one pixel": (images().index_fill(3, torch.tensor(5), -0.01), "got values from -0.01"),
}


@pytest.mark.parametrize("wrong", sorted(WRONG))
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_model_refuses_what_is_no_batch_of_images(name: str, wrong: str) -> None:
    given, message = WRONG[wrong]
    with pytest.raises(ConfigError, match=message):
        network(name)(given)


def test_subclasses_of_tensors_are_looked_at_too() -> None:
    class Image(Tensor):  # as torchvision's image type, which carries uint8
        pass

    given = (images() * 255).to(torch.uint8).as_subclass(Image)
    with pytest.raises(ConfigError, match="got torch.uint8"):
        network()(given)


@pytest.mark.parametrize("wrong", ["uint8", "grey", "one image", "small", "numpy"])
def test_training_mode_and_stem_look_at_type_and_shape(wrong: str) -> None:
    given, message = WRONG[wrong]
    for entry in (network("hmax").train(), network("hmax").fixed):
        with pytest.raises(ConfigError, match=message):
            entry(given)


@pytest.mark.parametrize("wrong", ["uint8", "grey", "one image", "double", "elsewhere", "numpy"])
def test_normalisation_alone_never_broadcasts(wrong: str) -> None:
    given, message = WRONG[wrong]
    with pytest.raises(ConfigError, match=message):
        nn.Sequential(normalisation("imagenet", 3), nn.Flatten())(given)


def test_images_may_leave_the_range_in_training_and_where_they_are_trusted() -> None:
    model, wide = network(), 3 * images()
    with pytest.raises(ConfigError, match=r"use flexnet.inputs.trusted_inputs\(\)"):
        model(wide)
    with trusted_inputs():
        with trusted_inputs():
            pass
        assert torch.equal(model(wide), plain(model, wide))
    assert model.train()(wide).shape == (2, 10)
    with pytest.raises(ConfigError, match="divide|hand over"):
        model.eval()(wide)


def test_trust_ends_with_an_error() -> None:
    with pytest.raises(KeyError), trusted_inputs():
        raise KeyError
    with pytest.raises(ConfigError):
        check_range(2 + images())


def test_rounding_is_no_reason_to_refuse() -> None:
    model = network()
    normal = model.normalise
    back = normal(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 32, 32)) * normal.std + normal.mean
    for given in (back, images().bfloat16(), images().half()):
        assert model(given).shape == (2, 10)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_checks_change_no_bit(name: str) -> None:
    model, x = network(name), images()
    assert torch.equal(model(x), plain(model, x))
    assert torch.equal(model(nn.Parameter(x)), plain(model, x))
    assert model.double()(x.double()).dtype == torch.float64
    assert model(x).dtype == torch.float64  # float32 images lose nothing in a wider model


def test_an_empty_batch_has_no_logits() -> None:
    assert network()(images(2, 3, 32, 32)[:0]).shape == (0, 10)


def test_a_classifier_of_ones_own_takes_any_size() -> None:
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4))
    model = Classifier(Normalise((0.5,) * 3, (0.5,) * 3), nn.Identity(), head).eval()
    assert model(images(2, 3, 9, 20)).shape == (2, 4)


def test_conversion_takes_an_example_of_any_range() -> None:
    converted = convert(network(), FlexibleConv2d, where=-1, example=5 * torch.randn(1, 3, 32, 32))
    assert converted(images()).shape == (2, 10)


def outputs(model: nn.Module) -> dict[str, Any]:
    """What each way of looking through a network makes of an image batch."""
    x, weights = images(), dict(model.named_parameters()) | dict(model.named_buffers())
    exported = torch.export.export(model, (x,))
    return {
        "fx": torch.fx.symbolic_trace(model)(x),
        "jit trace": torch.jit.trace(model, x)(x),
        "jit script": torch.jit.script(model)(x),
        "compile": torch.compile(model, fullgraph=True, backend="eager")(x),
        "export": exported.module()(x),
        "make_fx": torch.fx.experimental.proxy_tensor.make_fx(model)(x)(x),
        "vmap": torch.func.vmap(model)(x[:, None])[:, 0],
        "functional": torch.func.functional_call(model, weights, (x,)),
        "parallel": nn.DataParallel(model)(x),
        "copy": copy.deepcopy(model)(x),
        "pickle": pickle.loads(pickle.dumps(model))(x),
        "checkpoint": torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False),
        "inference": torch.inference_mode()(model)(x),
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own: its JIT is old
@pytest.mark.parametrize("name", ["surrogate", "vgg16"])
def test_tracers_and_transforms_do_not_see_the_checks(name: str) -> None:
    model = network(name)
    expected = model(images())
    for way, found in outputs(model).items():
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5, msg=way)
    graph = torch.fx.symbolic_trace(model).graph
    assert not any("check" in str(node.target) for node in graph.nodes)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, when it loads the rules
def test_derivatives_of_all_kinds_pass_the_checks() -> None:
    model, x = network().double(), images(1, 3, 32, 32).double()
    tangent = torch.ones_like(x)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, tangent)
        forward = torch.autograd.forward_ad.unpack_dual(model(dual)).tangent
    _, other = torch.func.jvp(model, (x,), (tangent,))
    rows = torch.func.jacrev(model)(x)
    torch.testing.assert_close(forward, other)
    torch.testing.assert_close(rows.sum((2, 3, 4, 5)), other)


def test_shapes_alone_pass_the_checks() -> None:
    with torch.device("meta"):
        model, x = build("surrogate").eval(), torch.empty(2, 3, 32, 32)
    assert model(x).shape == (2, 10)
    with torch._subclasses.FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert network()(mode.from_tensor(images())).shape == (2, 10)
        assert network()(images()).shape == (2, 10)
