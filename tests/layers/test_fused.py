"""The compiled passes give the bytes of torch's operations, or are not used."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from flexnet.layers import compiled, fused
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.fused_gate import FusedGate
from flexnet.layers.fused_pool import FusedPool
from flexnet.layers.gates import blend
from flexnet.layers.pooling import max_pool

KIND = torch.backends.cpu.get_cpu_capability()
pytestmark = pytest.mark.skipif(KIND not in compiled.INSTRUCTIONS, reason=f"no instructions known for {KIND}")


def can_compile() -> bool:
    """Whether there is a compiler that knows the language of torch's headers."""
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    asked = ["-std=c++20", "-fsyntax-only", "-x", "c++", "-"]
    return compiler is not None and not subprocess.run([compiler, *asked], input=b"int one = 1;").returncode


with_compiler = pytest.mark.skipif(not can_compile(), reason="no compiler of C++20")
SHAPE = (40, 12, 24, 24)  # two pieces of a batch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / f"kernels-{KIND}-test.so"
    assert compiled.compile_library(path)
    return path


@pytest.fixture
def ready(library: Path) -> None:
    """The library lies in the cache, and was found to agree."""
    path = compiled.library_path()
    assert path is not None
    path.parent.mkdir(parents=True)
    shutil.copy(library, path)
    assert fused.build()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the compiled passes were asked for."""
    found: list[str] = []
    for owner, name in (
        (FusedGate, "blend"),
        (FusedGate, "backward"),
        (FusedPool, "pool"),
        (FusedPool, "backward"),
    ):
        function = getattr(owner, name)

        def noted(*given: Any, name: str = name, function: Any = function) -> None:
            found.append(name)
            function(*given)

        monkeypatch.setattr(owner, name, noted)
    return found


def operands(
    shape: tuple[int, ...], units: tuple[int, ...], like: torch.dtype = torch.float32
) -> list[Tensor]:
    """MAX and conv branch, thresholds and a gradient: gates open, shut and between; some are no numbers."""
    generator = torch.Generator().manual_seed(0)
    f_max, f_conv, grad = (torch.randn(shape, generator=generator).mul_(0.3) for _ in range(3))
    threshold = torch.randn(units, generator=generator).mul_(0.3)
    flat = f_max.view(-1)
    flat[::1001], flat[7::1003], flat[8::997] = torch.nan, torch.inf, 1e-42
    f_conv.view(-1)[5::1009] = -torch.inf
    return [tensor.to(like) for tensor in (f_max, f_conv, threshold, grad)]


def results(
    given: list[Tensor], rule: str, needed: tuple[bool, bool, bool] = (True, True, True)
) -> list[Tensor]:
    """The mixture and the gradients that are needed."""
    leaves = [
        tensor.detach().clone(memory_format=torch.preserve_format).requires_grad_(need)
        for tensor, need in zip(given, needed, strict=False)
    ]
    f_max, f_conv, threshold = leaves
    mixed = blend(f_max, f_conv, threshold, rule, 50.0)
    torch.autograd.backward(mixed, given[3])
    return [mixed.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def same_bytes(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(
        bool(((this.view(torch.int32) == that.view(torch.int32)) | (this.isnan() & that.isnan())).all())
        for this, that in zip(one, other, strict=True)
    )


@with_compiler
@pytest.mark.parametrize("rule", ["below", "above"])
@pytest.mark.parametrize("units", [SHAPE[1:], (1, 1, 1)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    "needed",
    [(True,) * 3, (True, True, False), (False, True, True), (True, False, False), (False, True, False)],
)
def test_bytes_are_those_of_the_passes(
    rule: str, units: tuple[int, ...], layout: torch.memory_format, needed: Any, ready: None, calls: list[str]
) -> None:
    given = [tensor.contiguous(memory_format=layout) for tensor in operands(SHAPE, (1, *units))]
    found = results(given, rule, needed)
    assert calls == ["blend", "blend", "backward", "backward"]
    with fused.operations_alone():
        assert same_bytes(found, results(given, rule, needed))
    assert len(calls) == 4


@with_compiler
def test_numbers_that_are_nearly_zero_count_as_in_jobs(ready: None, calls: list[str]) -> None:
    """Jobs let them be zero: a matter of each thread, and a library may be tried in another one."""
    given = operands(SHAPE, SHAPE[1:])
    assert torch.set_flush_denormal(True)
    try:
        found = results(given, "below")
        assert len(calls) == 4
        with fused.operations_alone():
            assert same_bytes(found, results(given, "below"))
    finally:
        torch.set_flush_denormal(False)


@with_compiler
def test_a_gradient_in_another_layout_is_followed(ready: None, calls: list[str]) -> None:
    given = operands(SHAPE, SHAPE[1:])
    given[3] = given[3].contiguous(memory_format=torch.channels_last)
    found = results(given, "below")
    assert len(calls) == 4
    with fused.operations_alone():
        assert same_bytes(found, results(given, "below"))
    assert len(calls) == 4


@with_compiler
@pytest.mark.parametrize(
    ("shape", "units", "threads", "like"),
    [
        ((8, 12, 24, 24), (12, 1, 1), 1, torch.float32),  # a threshold per channel
        ((8, 3, 5, 5), (3, 5, 5), 1, torch.float32),  # units that no vector divides
        ((8, 12, 24, 24), (12, 24, 24), 2, torch.float32),
        ((8, 12, 24, 24), (12, 24, 24), 1, torch.float64),
        ((0, 12, 24, 24), (12, 24, 24), 1, torch.float32),
    ],
)
def test_whatever_it_is_not_made_for_is_left_to_the_passes(
    shape: Any, units: Any, threads: int, like: torch.dtype, ready: None, calls: list[str]
) -> None:
    torch.set_num_threads(threads)
    results(operands(shape, (1, *units), like), "below")
    assert calls == []


@with_compiler
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(3, 4, 9, 37), (2, 1, 28, 28), (40, 12, 24, 24), (2, 3, 5, 5)])
@pytest.mark.parametrize("side", [2, 3, 4, 5])
def test_pools_and_their_gradients_are_those_of_the_passes(
    side: int, shape: tuple[int, ...], layout: torch.memory_format, ready: None, calls: list[str]
) -> None:
    """Of ties the first counts; the gradient comes in another layout than the maps."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(shape, generator=generator).mul_(2).round_().abs_()
    maps.view(-1)[::101], maps.view(-1)[7::103] = torch.nan, -torch.inf
    maps = maps.contiguous(memory_format=layout)

    def pooled() -> list[Tensor]:
        leaf = maps.detach().clone(memory_format=torch.preserve_format).requires_grad_()
        found = max_pool(leaf, (side, side))
        grad = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
        torch.autograd.backward(found, grad)
        assert leaf.grad is not None
        return [found.detach(), leaf.grad + 0.0]  # zeros may have another sign

    found = pooled()
    assert calls == ["pool", "backward"]
    with fused.operations_alone():
        assert same_bytes(found, pooled())
    assert len(calls) == 2


@with_compiler
@pytest.mark.parametrize(
    ("window", "dilation", "stride", "like"),
    [
        ((3, 3), (2, 2), (1, 1), torch.float32),
        ((3, 2), (1, 1), (1, 1), torch.float32),
        ((6, 6), (1, 1), (1, 1), torch.float32),
        ((3, 3), (1, 1), (2, 2), torch.float32),
        ((3, 3), (1, 1), (1, 1), torch.float64),
    ],
)
def test_other_pools_are_left_to_the_passes(
    window: Any, dilation: Any, stride: Any, like: torch.dtype, ready: None, calls: list[str]
) -> None:
    max_pool(torch.rand(2, 3, 12, 12, dtype=like), window, stride, dilation=dilation)
    assert calls == []


@with_compiler
def test_a_layer_learns_the_same_with_it(ready: None, calls: list[str]) -> None:
    """In bf16, as networks are trained."""

    def learned() -> list[Tensor]:
        torch.manual_seed(0)
        layer = FlexibleConv2d(1, 12, 5, input_size=28)
        images = torch.rand(16, 1, 28, 28)
        for _ in range(3):
            with torch.autocast("cpu", torch.bfloat16):
                loss = layer(images).float().square().mean()
            layer.zero_grad()
            torch.autograd.backward(loss)
            with torch.no_grad():
                for parameter in layer.parameters():
                    assert parameter.grad is not None
                    parameter.sub_(parameter.grad, alpha=0.1)
        return [parameter.detach() for parameter in layer.parameters()]

    found = learned()
    assert (
        calls == ["pool", "blend", "backward"] * 3
    )  # images need no gradient, the pool has no backward pass
    with fused.operations_alone():
        assert all(torch.equal(one, other) for one, other in zip(found, learned(), strict=True))
    assert len(calls) == 9


@with_compiler
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Vec(1.0f) +", "Vec(1.0000002f) +"),
        (
            "at::vec::fmadd(share.of_conv, conv, share.of_max * max)",
            "(share.of_conv * conv + share.of_max * max)",
        ),
        ("if (to_convolved)", "if (false)"),
        ("minus, share.of_max", "by, share.of_max"),
        ("wins[tap] = next.gt(best)", "wins[tap] = next.ge(best)"),  # another of two that are equal
        ("for (int tap = K - 1; tap > 0; --tap) sum =", "for (int tap = 1; tap < K; ++tap) sum ="),
        ("int tap = 1; tap < K; ++tap)\n          best", "int tap = 2; tap < K; ++tap)\n          best"),
    ],
)
def test_a_library_that_rounds_otherwise_is_not_used(
    right: str, wrong: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, calls: list[str]
) -> None:
    source = compiled.SOURCE.read_text(encoding="utf-8")
    assert right in source
    changed = tmp_path / "changed.cpp"
    changed.write_text(source.replace(right, wrong), encoding="utf-8")
    monkeypatch.setattr(compiled, "SOURCE", changed)
    path = compiled.library_path()
    assert path is not None
    assert compiled.compile_library(path)
    assert not fused.build()
    calls.clear()  # it was tried
    results(operands(SHAPE, SHAPE[1:]), "below")
    max_pool(torch.rand(2, 3, 12, 12), (3, 3))
    assert calls == []


@with_compiler
def test_it_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fused.build()
    path = compiled.library_path()
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("CXX", "false")
    fused._libraries.clear()
    assert fused.build()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@with_compiler
@pytest.mark.parametrize(("capability", "expected"), [("avx2", "True"), ("default", "False")])
def test_processors_of_other_kinds_agree_or_use_the_passes(capability: str, expected: str) -> None:
    """As torch computes on them, which this processor can do as well."""
    code = "import torch; torch.set_num_threads(1); from flexnet.layers.fused import build; print(build())"
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize("compiler", ["false", "no-such-compiler"])
def test_without_a_compiler_there_are_the_passes(
    compiler: str, monkeypatch: pytest.MonkeyPatch, empty_cache: Path, calls: list[str]
) -> None:
    monkeypatch.setenv("CXX", compiler)
    assert not fused.build()
    results(operands(SHAPE, SHAPE[1:]), "below")
    assert calls == []
    assert not list(empty_cache.rglob("*.so"))


@with_compiler
@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_what_others_can_write_is_not_loaded(mode: int, ready: None) -> None:
    path = compiled.library_path()
    assert path is not None
    path.chmod(mode)
    assert compiled.load_library(path) is None
    path.chmod(0o700)
    assert compiled.load_library(path) is not None


def test_damaged_libraries_are_not_loaded() -> None:
    path = compiled.library_path()
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no library")
    path.chmod(0o700)
    assert compiled.load_library(path) is None


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not fused.build()


def test_who_has_no_home_has_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("could not determine home directory")

    monkeypatch.setattr(compiled, "cache_folder", homeless)
    assert compiled.library_path() is None
    assert not fused.build()


def test_what_is_over_soon_or_has_several_threads_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[float] = []
    monkeypatch.setattr(fused, "build", lambda: built.append(time.monotonic()))
    with fused.compiled_meanwhile(60.0):
        pass
    assert not built
    torch.set_num_threads(2)
    with fused.compiled_meanwhile(0.0):
        time.sleep(0.1)
    assert not built
    torch.set_num_threads(1)
    start = time.monotonic()
    with fused.compiled_meanwhile(0.05):
        while not built and time.monotonic() < start + 30:
            time.sleep(0.01)
    assert built
