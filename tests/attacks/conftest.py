"""A small task and a network that has learned it."""

import copy
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 6


class Task(NamedTuple):
    model: nn.Module
    images: Tensor
    labels: Tensor


def task_images(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images 2 x 8 x 8 in [0, 1]: a pattern for each class under noise."""
    patterns = torch.rand(CLASSES, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    patterns = F.interpolate(patterns, scale_factor=2)
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(number) % CLASSES
    noise = torch.randn(number, 2, 8, 8, generator=generator)
    return (0.25 + 0.5 * patterns[labels] + 0.15 * noise).clamp(0, 1), labels


def small_network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * 16, CLASSES),
        )


@pytest.fixture(scope="session")
def wide(learned: Task) -> Task:
    """The same in float64, where no sign hangs on the order of a sum."""
    return Task(copy.deepcopy(learned.model).double(), learned.images.double(), learned.labels)


@pytest.fixture(scope="session")
def learned() -> Task:
    model = small_network().train()
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    images, labels = task_images(300, seed=1)
    for _ in range(20):
        optimiser.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimiser.step()
    optimiser.zero_grad()
    return Task(model.eval(), *task_images(60, seed=2))
