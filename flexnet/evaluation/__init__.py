"""Evaluation of trained models: accuracy under a condition, as tidy rows."""

from flexnet.evaluation.accuracy import correct_per_image, count_correct
from flexnet.evaluation.fgsm import evaluate_fgsm, fgsm_outcomes
from flexnet.evaluation.fgsm_settings import FgsmSettings

__all__ = ["FgsmSettings", "correct_per_image", "count_correct", "evaluate_fgsm", "fgsm_outcomes"]
