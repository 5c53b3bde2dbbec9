"""Training recipes as data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from flexnet.errors import ConfigError

PRECISIONS = ("float32", "tf32", "bf16")


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum and a step schedule, as both networks' papers use.

    Defaults are those of the Flexible Layer paper ("Experiment Details and Hyperparameters").

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: rate of the first epoch.
        momentum: of the gradient average.
        weight_decay: of all parameters but thresholds.
        threshold_weight_decay: of the thresholds of flexible layers.
        step_size: epochs between two decays of the rate.
        gamma: factor of each decay.
        flip: probability that a training image is mirrored.
        evaluate_every: epochs between two evaluations (the last epoch is always evaluated).
        precision: "float32", "tf32" (matrix products of a GPU) or "bf16" (autocast; gates stay float32).
        compile: whether to compile the network; pays for itself in long runs only.
    """

    epochs: int = 150
    batch_size: int = 100
    learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 0.006
    threshold_weight_decay: float = 0.0
    step_size: int = 20
    gamma: float = 0.7
    flip: float = 0.5
    evaluate_every: int = 1
    precision: str = "float32"
    compile: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "step_size", "gamma", "evaluate_every"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"recipe.{name}: expected a positive number; got {getattr(self, name)}")
        for name in ("momentum", "weight_decay", "threshold_weight_decay"):
            if getattr(self, name) < 0:
                raise ConfigError(f"recipe.{name}: expected 0 or more; got {getattr(self, name)}")
        if not 0 <= self.flip <= 1:
            raise ConfigError(f"recipe.flip: expected a probability in [0, 1]; got {self.flip}")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"recipe.precision: expected one of {list(PRECISIONS)}; got {self.precision!r}")

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "Recipe":
        """Build from a configuration section.

        Raises:
            ConfigError: if a key is unknown or a value is not allowed.
        """
        known = [field.name for field in fields(cls)]
        for key in mapping:
            if key not in known:
                raise ConfigError(f"recipe: expected keys among {known}; got {key!r}")
        return cls(**mapping)

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 1."""
        return float(self.learning_rate * self.gamma ** ((epoch - 1) // self.step_size))

    def evaluates(self, epoch: int) -> bool:
        """Whether the model is evaluated after this epoch, counted from 1."""
        return epoch % self.evaluate_every == 0 or epoch == self.epochs
