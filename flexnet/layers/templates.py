"""S2 of HMAX: how near a map comes to learned patches, alone or switched against max-pooling.

Serre, Oliva and Poggio (PNAS 2007). The patches are weights of the shape of a convolution's, and the squared
distance of a window x to a patch w is |x|^2 - 2 <x, w> + |w|^2, where the middle is a convolution.
"""

from typing import Any, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.eager import one_node, refuse_scripting, sizes
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.steps import typed_as_weights

EPSILON = 1e-6  # under the root: its slope stays finite where a window equals the patch


@one_node
def correlate(maps: Tensor, patches: Tensor) -> Tensor:
    """Convolution with padding k/2, without the taps that see nothing but padding.

    A window of side k > 2d over a map of side d meets the map with its inner 2d taps only, wherever it is.

    Args:
        maps: (N, C, d, d).
        patches: (C', C, k, k) with an even k.

    Returns:
        (N, C', d + 1, d + 1).
    """
    middle = sizes(patches)[-1] // 2
    reach = min(middle, sizes(maps)[-1])
    inner = slice(middle - reach, middle + reach)
    # Never channels last: with four input channels that takes three times as long on CPU.
    return F.conv2d(maps.contiguous(), patches[:, :, inner, inner].contiguous(), padding=reach)


@one_node
def similarity(maps: Tensor, patches: Tensor) -> Tensor:
    """<x, w> - |x|^2 / 2 of each window x of the maps and each patch w: greatest for the nearest window.

    Only the product follows autocast: the distance is the small difference of large sums.

    Args:
        maps: (N, C, d, d), padded with k/2 zeros on each side.
        patches: (C', C, k, k) with an even k.

    Returns:
        (N, C', d + 1, d + 1), in float32 at least.
    """
    size, wide = sizes(patches)[-1], torch.promote_types(maps.dtype, torch.float32)
    halves = maps.to(wide).square().sum(1, keepdim=True) / 2
    windows = F.avg_pool2d(halves, size, 1, size // 2, divisor_override=1)
    return correlate(maps, patches).to(wide) - windows


@one_node
def response(similarity: Tensor, patches: Tensor) -> Tensor:
    """Minus the Euclidean distance, -sqrt(distance^2 + 1e-6), at a similarity (N, C', H, W)."""
    norms = patches.to(similarity.dtype).square().sum((1, 2, 3)).view(1, -1, 1, 1)
    distances = norms - 2 * similarity
    return -(F.relu(distances) + EPSILON).sqrt()  # rounding may leave a distance below zero


class Patches(nn.Conv2d):
    """A convolution with learned patches of even side k: padding k/2, stride 1, no bias; drawn as by Conv2d.

    Raises:
        ConfigError: if the side is odd.
    """

    def __init__(self, in_channels: int, patches: int, size: int) -> None:
        if size % 2:
            raise ConfigError(f"expected patches of even side; got {size}")
        super().__init__(in_channels, patches, size, padding=size // 2, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return <x, w> of each window x of maps (N, C, d, d) and each patch w (N, C', d + 1, d + 1)."""
        return correlate(input, self.weight)

    def peak(self, input: Tensor) -> Tensor:
        """Return the maximum of `forward` over positions (N, C', 1, 1)."""
        return F.adaptive_max_pool2d(self(input), 1)

    def __prepare_scriptable__(self) -> NoReturn:
        refuse_scripting(self)


class Templates(Patches):
    """Learned patches that respond with minus their Euclidean distance to the input.

    It is computed in float32 at least, and given in the type of patches in half precision.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the responses (N, C', d + 1, d + 1) to maps (N, C, d, d)."""
        return self._response(similarity(input, self.weight))

    def peak(self, input: Tensor) -> Tensor:
        """Return the maximum of `forward` over positions (N, C', 1, 1); the root is taken there only."""
        nearest = F.adaptive_max_pool2d(similarity(input, self.weight), 1)
        return self._response(nearest)

    def _response(self, similarity: Tensor) -> Tensor:
        return typed_as_weights(response(similarity, self.weight), self.weight)


class FlexibleTemplates(FlexibleConv2d):
    """A Flexible Layer whose convolution is replaced by shared templates.

    MAX is the maximum of the same window, and the gate is that of the Flexible Layer. The templates belong
    to another module, so that several layers (the bands of HMAX) share them and yet each weight has one name;
    this layer has no weight of its own, and at most a threshold.

    Args:
        templates: whose response takes the place of the convolution.
        input_size: side of the input maps.
        layer: options of the Flexible Layer (scheme, rule, init, ...).
    """

    def __init__(self, templates: Patches, input_size: int, **layer: Any) -> None:
        size = templates.kernel_size[0]
        super().__init__(
            templates.in_channels,
            templates.out_channels,
            size,
            padding=size // 2,
            input_size=input_size,
            bias=False,
            **layer,
        )
        self.register_parameter("weight", None)
        self.follow(templates)

    def follow(self, templates: Patches) -> None:
        """Take the response of these templates from now on, as a replica on another device must."""
        self._templates = (templates,)  # in a tuple: no child of this module

    def follows(self, templates: Patches) -> bool:
        """Whether the response is that of these templates."""
        return self._templates[0] is templates

    def reset_parameters(self) -> None:
        """Draw the threshold anew; the templates are drawn by their owner."""
        if getattr(self, "threshold", None) is not None:
            self._draw_threshold(None)

    def convolved(self, input: Tensor) -> Tensor:
        """Return the response of the templates in place of a convolution."""
        response: Tensor = self._templates[0](input)
        return response

    def peak(self, input: Tensor) -> Tensor:
        """Return the maximum of `forward` over positions (N, C', 1, 1)."""
        return F.adaptive_max_pool2d(self(input), 1)
