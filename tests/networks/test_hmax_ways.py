"""HMAX under tracers and in replicas: equal to plain execution, and scripts are refused."""

import importlib
import io
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.networks import build

VARIANTS: dict[str, dict[str, Any]] = {
    "definition": {},
    "learned": {"channels": 3, "c1": "flexible", "s2": "flexible", "layer": {"scheme": "learned"}},
    "random": {"c1": "flexible", "s2": "flexible", "layer": {"scheme": "random"}},
    "convolutions": {"c1": "conv", "s2": "conv"},
}
variants = pytest.mark.parametrize("variant", VARIANTS)


def hmax(variant: str) -> nn.Module:
    torch.manual_seed(0)
    return build("hmax", input_size=12, prototypes=2, **VARIANTS[variant])


def images(variant: str, seed: int = 1) -> Tensor:
    channels = VARIANTS[variant].get("channels", 1)
    return torch.rand(3, channels, 12, 12, generator=torch.Generator().manual_seed(seed))


def same(found: nn.Module, model: nn.Module, variant: str) -> None:
    for seed in (1, 2):
        torch.manual_seed(3)
        expected = model(images(variant, seed))
        torch.manual_seed(3)
        torch.testing.assert_close(found(images(variant, seed)), expected)


@variants
def test_symbolic_trace(variant: str) -> None:
    model = hmax(variant)
    same(torch.fx.symbolic_trace(model), model, variant)


@variants
def test_jit_trace_saved_and_loaded(variant: str) -> None:
    model, file = hmax(variant), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # The channels that share an output are constants, as the tracer says.
        warnings.filterwarnings("ignore", "torch.tensor results are registered as constants")
        torch.jit.save(torch.jit.trace(model, images(variant), check_trace=False), file)
        file.seek(0)
        loaded = torch.jit.load(file)
    same(loaded, model, variant)


@pytest.mark.parametrize(
    ("variant", "kind"),
    [("definition", torch.bfloat16), ("definition", torch.float16), ("random", torch.float16)],
)
def test_half_precision(variant: str, kind: torch.dtype) -> None:
    model, x = hmax(variant).eval(), images(variant)[:1]
    torch.manual_seed(3)
    expected = model(x)
    torch.manual_seed(3)
    found = model.to(kind)(x.to(kind))
    assert found.dtype == kind
    assert (found.float() - expected).norm() < 0.02 * expected.norm()


@variants
def test_scripts_are_refused(variant: str) -> None:
    with warnings.catch_warnings(), pytest.raises(ConfigError, match="use torch.export"):
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(hmax(variant))


@variants
def test_replicas_respond_by_their_own_templates(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `DataParallel` builds them; here each has weights twice as large, so that it can be told apart."""
    model = hmax(variant)
    replicate = importlib.import_module("torch.nn.parallel.replicate")

    def twice(tensors: list[Tensor], devices: list[int], detach: bool = False) -> list[list[Tensor]]:
        return [[t * 2 if t.requires_grad else t for t in tensors] for _ in devices]

    monkeypatch.setattr(replicate, "_broadcast_coalesced_reshape", twice)
    (replica,) = replicate.replicate(model, [0])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    doubled = hmax(variant)
    with torch.no_grad():
        for parameter in doubled.parameters():
            parameter.mul_(2)
    same(replica, doubled, variant)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
