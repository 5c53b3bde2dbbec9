"""One run as data: one model and one seed, and the network that it starts from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from flexnet import __version__
from flexnet.files import canonical_json
from flexnet.networks.classifier import Classifier
from flexnet.networks.registry import build
from flexnet.options.checkpoint import CheckpointOptions
from flexnet.seeds import derive_seed
from flexnet.training.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """A network with the weights of one seed.

    Attributes:
        model: key of the model.
        seed: index of the seed, from 1.
        network: name of the network.
        options: options of the network.
        run_seed: seed of the whole study.
        code: digest of the code that made the weights, kept in the metadata.
        trained: whether they were trained from this run's first ones, and not taken over from elsewhere.
    """

    model: str
    seed: int
    network: str
    options: Mapping[str, Any]
    run_seed: int = field(default=0, kw_only=True)
    code: str = field(default="", kw_only=True)
    trained: bool = field(default=True, kw_only=True)

    def derive(self, purpose: str, *names: str | int) -> int:
        """Seed of one purpose of this run."""
        return derive_seed(self.run_seed, self.model, self.seed, purpose, *names)

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        return {
            "model": self.model,
            "seed": str(self.seed),
            "network": self.network,
            "options": canonical_json(self.options),
            "run_seed": str(self.run_seed),
            "code": self.code,
            "version": __version__,
        }

    @staticmethod
    def from_metadata(metadata: Mapping[str, str]) -> "Run":
        """The run that wrote a weights file, from what the file says of itself."""
        return Run(
            metadata["model"],
            int(metadata["seed"]),
            metadata["network"],
            json.loads(metadata["options"]),
            run_seed=int(metadata["run_seed"]),
            code=metadata["code"],
            trained="recipe" in metadata,
        )


@dataclass(frozen=True)
class TrainingRun(Run):
    """Who is trained, how, and with which seed.

    Attributes:
        recipe: how it is trained.
        checkpoint_seconds: least time between two checkpoints.
    """

    recipe: Recipe
    checkpoint_seconds: float = field(default=30.0, kw_only=True)

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        recipe = canonical_json(self.recipe.told())
        return super().metadata() | {"epoch": str(self.recipe.epochs), "recipe": recipe}


@dataclass(frozen=True)
class ImportedRun(Run):
    """A network whose weights come from a file that somebody else's program wrote.

    Attributes:
        checkpoint: the file and how it is read.
        sha256: of the file.
    """

    checkpoint: CheckpointOptions
    sha256: str

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        told = canonical_json({"file": self.checkpoint.file_of(self.seed), "sha256": self.sha256})
        return super().metadata() | {"epoch": str(self.checkpoint.epoch), "checkpoint": told}


def build_model(run: Run) -> Classifier:
    """Build the network with the weights of this run's seed; the caller's random state is kept."""
    with torch.random.fork_rng():
        torch.manual_seed(run.derive("init"))
        return build(run.network, **run.options)
