"""Which steps are recorded, and that they can be. That a replay does what a step does asks tests/gpu."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx import symbolic_trace
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from flexnet.layers.flexible import SCHEMES
from flexnet.networks.registry import build, expected_images
from flexnet.training import captured
from flexnet.training.captured import FIRST, CapturedStep, capturable
from flexnet.training.optimiser import SGD

GPU = torch.device("cuda")


class Own(nn.Module):
    """A module that somebody else wrote: it may count its passes, and behave by that."""

    def forward(self, maps: Tensor) -> Tensor:
        """Pass."""
        return maps


# Networks of every kind with layers of every kind.
LAYERS: dict[str, dict[str, Any]] = {
    **{scheme: {"scheme": scheme, **({"value": 0.1} if scheme == "uniform" else {})} for scheme in SCHEMES},
    "above": {"scheme": "learned", "rule": "above"},
    "per channel": {"scheme": "learned", "per": "channel"},
    "push-pull": {"kind": "pushpull"},
    "push-pull learned": {"kind": "pushpull", "alpha": "learned"},
    "both": {"kind": "both", "scheme": "learned"},
    "low-pass": {"kind": "lowpass"},
}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"small {name}": ("small", {"layer": layer}) for name, layer in LAYERS.items()},
    "vgg16": ("vgg16", {"width": 0.25}),
    "vgg16 all": ("vgg16", {"width": 0.25, "flexible": "all", "layer": LAYERS["learned"]}),
    "surrogate": ("surrogate", {}),
    "lenet": ("lenet", {"layer": LAYERS["push-pull"]}),
    "resnet": ("resnet", {"layer": LAYERS["both"]}),
    "densenet": ("densenet", {"depth": 16, "layer": LAYERS["push-pull"]}),
    "hmax": ("hmax", {"width": 0.1}),
    "hmax flexible": ("hmax", {"width": 0.1, "c1": "flexible", "s2": "flexible", "layer": LAYERS["learned"]}),
    "hmax of colours": ("hmax", {"width": 0.1, "channels": 3}),
    "more channels than outputs": ("small", {"width": 1 / 8, "channels": 3, "layer": LAYERS["learned"]}),
    "hmax conv": ("hmax", {"width": 0.1, "c1": "conv", "s2": "conv"}),
}


COPIES = {torch.tensor, torch.as_tensor, torch.from_numpy, Tensor.new_tensor}  # of numbers to a device


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what touches the processor, on which nothing lies: such a step could not be recorded."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found = found

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        tensors = [each for each in tree_leaves((args, kwargs, result)) if isinstance(each, Tensor)]
        if any(tensor.is_cpu for tensor in tensors):
            self.found.append(str(function))
        return result


class Calls(TorchFunctionMode):
    """Notes what makes a tensor of Python's numbers, which no operation shows."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in COPIES:
            self.found.append(str(function))
        return function(*args, **(kwargs or {}))


def watched(model: nn.Module, images: Tensor) -> list[str]:
    """What a step of a model on no real device did on the processor, or read back from where nothing is."""
    found: list[str] = []
    with Calls(found), Operations(found):
        try:
            torch.autograd.backward(model.train()(images).square().sum())
        except (RuntimeError, NotImplementedError) as error:
            found.append(str(error))
    return found


class Reading(nn.Module):
    """Reads a number back."""

    def forward(self, images: Tensor) -> Tensor:
        """Scale by the greatest."""
        return images * float(images.max())


class Copying(nn.Module):
    """Copies numbers to the device."""

    def forward(self, images: Tensor) -> Tensor:
        """Scale by them."""
        return images * images.new_tensor([2.0])


class Recorder:
    """Stands for CUDA graphs: what runs while it records is not done, and a replay does it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.recording, self.recorded, self.replayed = False, 0, 0
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        monkeypatch.setattr(torch.cuda, "graph", self.start)
        monkeypatch.setattr(torch.cuda, "Stream", object)
        monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())

    def start(self, graph: "Recorder", **options: Any) -> "Recorder":
        return graph

    def __enter__(self) -> None:
        self.recording = True
        self.recorded += 1

    def __exit__(self, *error: object) -> None:
        self.recording = False

    def replay(self) -> None:
        self.replayed += 1
        self.again()

    again: Any = None


class Learner:
    """A step that notes what it saw, at which rate."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self.seen = recorder, list[tuple[float, int]]()
        parameter = nn.Parameter(torch.zeros(1))
        self.optimiser = SGD([{"params": [parameter]}], lr=1.0, momentum=0.0, nesterov=False)
        self.found = torch.zeros(1)

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        rate = self.optimiser.param_groups[0]["lr"]  # recorded for good, as a graph does
        found = torch.zeros(1)

        def act() -> None:
            self.seen.append((rate, int(images.sum())))
            found.copy_(labels.sum())

        if self.recorder.recording:
            self.recorder.again = act
        else:
            act()
        return found


@pytest.mark.parametrize("name", ["small", "vgg16", "resnet"])
def test_known_networks_are_recorded_on_a_gpu_alone(name: str) -> None:
    model = build(name, width=0.25)
    assert capturable(model, GPU)
    assert not capturable(model, torch.device("cpu"))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_of_no_known_network_touches_the_processor(name: str) -> None:
    network, options = NETWORKS[name]
    channels, side, _ = expected_images(network, options)
    model = build(network, **options).to("meta")
    assert capturable(model, GPU)
    assert watched(model, torch.rand(4, channels, side, side, device="meta")) == []


@pytest.mark.parametrize("module", [Reading, Copying])
def test_steps_that_do_are_seen(module: type[nn.Module]) -> None:
    assert watched(module(), torch.rand(4, 3, device="meta", requires_grad=True)) != []


def test_modules_of_others_are_not_recorded() -> None:
    model = build("small")
    model.add_module("own", nn.Sequential(Own()))
    assert not capturable(model, GPU)


def hooked(model: nn.Module) -> None:
    model.get_submodule("head.1").register_forward_hook(lambda module, given, found: None)


def hooked_before(model: nn.Module) -> None:
    model.get_submodule("head.1").register_forward_pre_hook(lambda module, given: None)


def hooked_behind(model: nn.Module) -> None:
    model.get_submodule("head.1").register_full_backward_hook(lambda module, given, found: None)


def hooked_parameter(model: nn.Module) -> None:
    next(model.parameters()).register_hook(lambda grad: None)  # type: ignore[no-untyped-call]


def hooked_sum(model: nn.Module) -> None:
    next(model.parameters()).register_post_accumulate_grad_hook(lambda parameter: None)


def replaced(model: nn.Module) -> None:
    model.get_submodule("head.1").forward = lambda maps: maps


def replaced_within(model: nn.Module) -> None:
    (layer,) = (module for module in model.modules() if isinstance(module, nn.Conv2d))
    layer._conv_forward = lambda given, weight, bias: given


def counting(model: nn.Module) -> None:
    model.add_module("norm", nn.BatchNorm2d(3, momentum=None))


def traced(model: nn.Module) -> None:
    model.add_module("traced", symbolic_trace(nn.Sequential(Own())))


CHANGES = [hooked, hooked_before, hooked_behind, hooked_parameter, hooked_sum, replaced, replaced_within]


@pytest.mark.parametrize("change", [*CHANGES, counting, traced])
def test_known_modules_that_do_something_else_are_not_recorded(change: Callable[[nn.Module], None]) -> None:
    model = build("small")
    assert capturable(model, GPU)
    change(model)
    assert not capturable(model, GPU)


def test_steps_are_recorded_for_each_rate_and_replayed_on_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch)
    learner = Learner(recorder)
    take = CapturedStep(learner.step, learner.optimiser, batch_size=2)
    given, totals = [], []
    for number in range(12):
        learner.optimiser.param_groups[0]["lr"] = rate = 1.0 if number < 8 else 0.5
        size = 1 if number in (5, 11) else 2  # the last batches of two epochs
        images, labels = torch.full((size, 1), number), torch.full((size,), number)
        totals.append(float(take(images, labels)))
        given.append((rate, number * size))
    assert learner.seen == given
    assert totals == [float(seen) for _, seen in given]
    assert recorder.recorded == 2
    assert recorder.replayed == 12 - FIRST - 2


def test_large_batches_are_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured, "LARGEST", 3)
    recorder = Recorder(monkeypatch)
    learner = Learner(recorder)
    take = CapturedStep(learner.step, learner.optimiser, batch_size=2)
    for _ in range(6):
        take(torch.ones(2, 2), torch.ones(2))
    assert recorder.recorded == 0
    take(torch.ones(2, 1), torch.ones(2))
    assert recorder.recorded == 1
    assert learner.seen == [(1.0, 4)] * 6 + [(1.0, 2)]
