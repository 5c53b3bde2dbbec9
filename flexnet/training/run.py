"""One training run as data: one model and one seed, and the network that it starts from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from flexnet import __version__
from flexnet.files import canonical_json
from flexnet.networks.registry import build
from flexnet.seeds import derive_seed
from flexnet.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingRun:
    """Who is trained, how, and with which seed.

    Attributes:
        model: key of the model.
        seed: index of the seed, from 1.
        network: name of the network.
        options: options of the network.
        recipe: how it is trained.
        run_seed: seed of the whole study.
        code: digest of the code that trains it, kept in the metadata.
        checkpoint_seconds: least time between two checkpoints.
    """

    model: str
    seed: int
    network: str
    options: Mapping[str, Any]
    recipe: Recipe
    run_seed: int = 0
    code: str = ""
    checkpoint_seconds: float = 30.0

    def derive(self, purpose: str, *names: str | int) -> int:
        """Seed of one purpose of this run."""
        return derive_seed(self.run_seed, self.model, self.seed, purpose, *names)

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        return {
            "model": self.model,
            "seed": str(self.seed),
            "epoch": str(self.recipe.epochs),
            "network": self.network,
            "options": canonical_json(self.options),
            "recipe": canonical_json(self.recipe.told()),
            "run_seed": str(self.run_seed),
            "code": self.code,
            "version": __version__,
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "TrainingRun":
        """The run that wrote a weights file, from what the file says of itself."""
        return cls(
            metadata["model"],
            int(metadata["seed"]),
            metadata["network"],
            json.loads(metadata["options"]),
            Recipe.from_mapping(json.loads(metadata["recipe"])),
            int(metadata["run_seed"]),
            metadata["code"],
        )


def build_model(run: TrainingRun) -> nn.Module:
    """Build the network with the weights of this run's seed; the caller's random state is kept."""
    with torch.random.fork_rng():
        torch.manual_seed(run.derive("init"))
        return build(run.network, **run.options)
