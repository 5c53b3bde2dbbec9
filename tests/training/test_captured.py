"""When steps are recorded and when not. That a replay does what a step does is a matter of tests/gpu."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.networks.registry import build
from flexnet.training import captured
from flexnet.training.captured import FIRST, CapturedStep, capturable
from flexnet.training.optimiser import SGD

GPU = torch.device("cuda")


class Own(nn.Module):
    """A module that somebody else wrote: it may count its passes, and behave by that."""


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


def test_modules_of_others_are_not_recorded() -> None:
    model = build("small")
    model.add_module("own", nn.Sequential(Own()))
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
