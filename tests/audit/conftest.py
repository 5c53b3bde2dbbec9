"""A task of bright quarters, plain networks and one that was trained adversarially."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flexnet.attacks import Ball, Key, Space
from flexnet.training.adversarial import adversarial_batches

CLASSES = 4
BALL = Ball(0.13, Space.pixel(1))


class Task(NamedTuple):
    plain: nn.Module
    twin: nn.Module
    robust: nn.Module
    images: Tensor
    labels: Tensor


def task_images(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images 1 x 6 x 6: a bright quarter that no small change hides, under a faint pattern that one does."""
    patterns = torch.randn(CLASSES, 1, 6, 6, generator=torch.Generator().manual_seed(9)).sign()
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(number) % CLASSES
    images = 0.3 + 0.1 * torch.randn(number, 1, 6, 6, generator=generator) + 0.1 * patterns[labels]
    for label in range(CLASSES):
        row, column = 3 * (label // 2), 3 * (label % 2)
        images[labels == label, :, row : row + 3, column : column + 3] += 0.3
    return images.clamp(0, 1), labels


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 32), nn.ReLU(), nn.Linear(32, CLASSES)).eval()


def trained(adversarial: bool, seed: int = 0) -> nn.Module:
    model, (images, labels) = network(seed), task_images(400, seed=1)
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    for epoch in range(40):
        batches = iter([(images, labels)])
        if adversarial:
            batches = adversarial_batches(model, batches, BALL, key=Key(seed, repeat=epoch))
        for batch, truth in batches:
            optimiser.zero_grad()
            F.cross_entropy(model(batch), truth).backward()
            optimiser.step()
    optimiser.zero_grad()
    return model


@pytest.fixture(scope="session")
def ball() -> Ball:
    return BALL


@pytest.fixture(scope="session")
def task() -> Task:
    return Task(trained(False), trained(False, seed=5), trained(True), *task_images(80, seed=2))
