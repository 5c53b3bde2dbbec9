"""Layers: the Flexible Layer, its functions, and the replacement of layers in any model."""

from flexnet.layers.convert import convert
from flexnet.layers.flexible import RULES, SCHEMES, FlexibleConv2d
from flexnet.layers.functional import flexible_conv2d, gate

__all__ = ["RULES", "SCHEMES", "FlexibleConv2d", "convert", "flexible_conv2d", "gate"]
