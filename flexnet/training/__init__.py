"""Training: recipes as data, one loop, checkpoints that resume to the same weights."""

from flexnet.training.checkpoint import load_model as load_model
from flexnet.training.recipe import Recipe as Recipe
from flexnet.training.run import TrainingRun as TrainingRun
from flexnet.training.trainer import train as train
