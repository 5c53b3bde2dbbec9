"""flexnet: brain-inspired convolutional layers, reproduced and examined.

Importing this package is cheap: torch is only imported by the sub-packages that compute with it, and by what
is offered here when it is asked for.
"""

from typing import TYPE_CHECKING

from flexnet.lazy import offers

__version__ = "0.1.0"

if TYPE_CHECKING:
    from flexnet.corruptions.corrupting import corrupt as corrupt
    from flexnet.evaluation.fgsm import evaluate_fgsm as evaluate_fgsm
    from flexnet.layers.convert import convert as convert
    from flexnet.layers.flexible import FlexibleConv2d as FlexibleConv2d
    from flexnet.layers.parameters import parameter_groups as parameter_groups
    from flexnet.layers.pushpull import PushPullConv2d as PushPullConv2d
    from flexnet.networks.registry import build as build
    from flexnet.training.checkpoint import save_model as save_model
    from flexnet.training.loading import load_model as load_model
else:
    __getattr__ = offers(
        __name__,
        {
            "FlexibleConv2d": "flexnet.layers.flexible",
            "PushPullConv2d": "flexnet.layers.pushpull",
            "build": "flexnet.networks.registry",
            "convert": "flexnet.layers.convert",
            "corrupt": "flexnet.corruptions.corrupting",
            "evaluate_fgsm": "flexnet.evaluation.fgsm",
            "load_model": "flexnet.training.loading",
            "parameter_groups": "flexnet.layers.parameters",
            "save_model": "flexnet.training.checkpoint",
        },
    )

__all__ = [
    "FlexibleConv2d",
    "PushPullConv2d",
    "build",
    "convert",
    "corrupt",
    "evaluate_fgsm",
    "load_model",
    "parameter_groups",
    "save_model",
]
