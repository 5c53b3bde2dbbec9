"""Evaluation of trained models: accuracy under a condition, as tidy rows."""

from typing import TYPE_CHECKING

from flexnet.lazy import offers

if TYPE_CHECKING:
    from flexnet.evaluation.accuracy import correct_per_image as correct_per_image
    from flexnet.evaluation.fgsm import evaluate_fgsm as evaluate_fgsm
    from flexnet.evaluation.fgsm import fgsm_outcomes as fgsm_outcomes
    from flexnet.families.fgsm import FgsmSettings as FgsmSettings
else:
    __getattr__ = offers(
        __name__,
        {
            "correct_per_image": "flexnet.evaluation.accuracy",
            "evaluate_fgsm": "flexnet.evaluation.fgsm",
            "fgsm_outcomes": "flexnet.evaluation.fgsm",
            "FgsmSettings": "flexnet.families.fgsm",
        },
    )

__all__ = [
    "FgsmSettings",
    "correct_per_image",
    "evaluate_fgsm",
    "fgsm_outcomes",
]
