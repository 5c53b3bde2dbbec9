"""Layers: the Flexible Layer, the push-pull layer, their functions, and putting them into any model."""

from flexnet.layers.convert import convert
from flexnet.layers.flexible import RULES, SCHEMES, FlexibleConv2d
from flexnet.layers.functional import flexible_conv2d, gate
from flexnet.layers.inhibition import push_pull_conv2d
from flexnet.layers.pushpull import PushPullConv2d

__all__ = [
    "RULES",
    "SCHEMES",
    "FlexibleConv2d",
    "PushPullConv2d",
    "convert",
    "flexible_conv2d",
    "gate",
    "push_pull_conv2d",
]
