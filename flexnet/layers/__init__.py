"""Brain-inspired layers as drop-in modules of torch."""

from flexnet.layers.convert import convert as convert
from flexnet.layers.flexible import FlexibleConv2d as FlexibleConv2d
from flexnet.layers.functional import flexible_conv2d as flexible_conv2d
