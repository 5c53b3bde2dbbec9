"""Training: recipes as data, one loop, checkpoints that resume to the same weights."""

from typing import TYPE_CHECKING

from flexnet.lazy import offers

if TYPE_CHECKING:
    from flexnet.training.checkpoint import save_model as save_model
    from flexnet.training.loading import load_model as load_model
    from flexnet.training.recipe import Recipe as Recipe
    from flexnet.training.run import TrainingRun as TrainingRun
    from flexnet.training.trainer import train as train
else:
    __getattr__ = offers(
        __name__,
        {
            "load_model": "flexnet.training.loading",
            "save_model": "flexnet.training.checkpoint",
            "Recipe": "flexnet.training.recipe",
            "TrainingRun": "flexnet.training.run",
            "train": "flexnet.training.trainer",
        },
    )

__all__ = [
    "Recipe",
    "TrainingRun",
    "load_model",
    "save_model",
    "train",
]
