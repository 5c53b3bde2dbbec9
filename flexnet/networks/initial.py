"""Initial weights of the ResNets and DenseNets of the push-pull paper, as its released code draws them."""

import math

from torch import nn


def draw_convolutions(model: nn.Module) -> None:
    """Draw the weights of all convolutions, push kernels too, from N(0, 2 / (kernel area x out channels))."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            rows, columns = module.kernel_size
            nn.init.normal_(module.weight, 0, math.sqrt(2 / (rows * columns * module.out_channels)))
