"""HMAX of the Flexible Layer paper (its Figure 4A): Gabor filters, pooling, learned patches, pooling.

The layers are those of Serre, Oliva and Poggio (PNAS 2007): S1 and C1 in eight bands, S2 templates of eight
sizes, C2 the maximum of each template over positions and bands. The published templates are not available,
so they are learned, as a convolution of their shape would be.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from flexnet.layers.eager import one_node, sizes
from flexnet.layers.gabor import ORIENTATIONS, GaborS1
from flexnet.layers.pooling import max_pool
from flexnet.layers.registry import convolution
from flexnet.layers.templates import FlexibleTemplates, Patches, Templates
from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import normalisation
from flexnet.options.networks.hmax import POOLS, HmaxOptions
from flexnet.options.rules import beside_kind, checked

PATCHES = tuple(range(2, 17, 2))  # sides of the S2 patches
CHANNELS = len(ORIENTATIONS)
LUMINANCE = (0.299, 0.587, 0.114)


def sides(input_size: int) -> tuple[int, ...]:
    """Sides of the C1 maps of the eight bands: (8, 6, 5, 5, 4, 4, 3, 3) for 28 pixels."""
    return tuple(input_size // (window // 2) + 1 for window in POOLS)


class Luminance(nn.Module):
    """Luminance of RGB images (ITU-R BT.601); images of one channel stay as they are."""

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to (N, 1, H, W)."""
        return _luminance(images)


@one_node
def _luminance(images: Tensor) -> Tensor:
    if sizes(images)[1] == 1:
        return images
    # Filled where the images are: numbers that are copied there cannot be part of a recorded step.
    shares = torch.cat([images.new_full((1, 1, 1, 1), share) for share in LUMINANCE], 1)
    return (images * shares).sum(1, keepdim=True)


class MaxC1(nn.Module):
    """C1 of the definition: the maximum over neighbouring positions, joined in one row per image."""

    def forward(self, bands: Tensor) -> Tensor:
        """Pool S1 responses (N, 8, 4, H, W) to (N, sum over bands of 4 d d)."""
        maps = [
            max_pool(bands[:, band], (window, window), (window // 2, window // 2), (window // 2, window // 2))
            for band, window in enumerate(POOLS)
        ]
        return torch.cat([pooled.flatten(1) for pooled in maps], 1)


class SplitMaps(nn.Module):
    """The maps that `MaxC1` joined."""

    def __init__(self, sides: Sequence[int]) -> None:
        super().__init__()
        self.sides = tuple(sides)

    def forward(self, joined: Tensor) -> list[Tensor]:
        """Split (N, sum of 4 d d) into maps (N, 4, d, d)."""
        parts = torch.split(joined, [CHANNELS * side**2 for side in self.sides], 1)
        return [parts[band].reshape(-1, CHANNELS, side, side) for band, side in enumerate(self.sides)]


class LayerC1(nn.Module):
    """C1 with a layer or a convolution in place of each band's pooling.

    Args:
        input_size: side of the images.
        layer: options of the layers, with their kind.
    """

    def __init__(self, input_size: int, layer: Mapping[str, Any]) -> None:
        super().__init__()
        self.bands = nn.ModuleList(
            convolution(
                layer,
                CHANNELS,
                CHANNELS,
                window,
                stride=window // 2,
                padding=window // 2,
                input_size=input_size,
            )
            for window in POOLS
        )

    def forward(self, responses: Tensor) -> list[Tensor]:
        """Map S1 responses (N, 8 * 4, H, W) to eight maps (N, 4, d, d)."""
        parts = torch.split(responses, CHANNELS, 1)
        return [layer(parts[band]) for band, layer in enumerate(self.bands)]


class S2C2(nn.Module):
    """S2 and C2: the greatest response of each template over all positions and bands.

    Args:
        templates: one layer of templates for each size.
        sides: sides of the C1 maps.
        layer: options of the Flexible Layers, one for each size and band; None for the templates alone.
    """

    def __init__(
        self, templates: Sequence[Patches], sides: Sequence[int], layer: Mapping[str, Any] | None
    ) -> None:
        super().__init__()
        self.templates = nn.ModuleList(templates)
        self.flexible = nn.ModuleList()
        if layer is not None:
            for patches in templates:
                options = beside_kind(layer)
                self.flexible.extend(FlexibleTemplates(patches, side, **options) for side in sides)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map C1 maps (N, 4, d, d) to (N, sizes * templates), the templates of one size together."""
        peaks = [self._peak(size, maps) for size in range(len(self.templates))]
        return torch.cat(peaks, 1)

    def _peak(self, size: int, maps: Sequence[Tensor]) -> Tensor:
        """C2 of the templates of one size (N, templates)."""
        count = len(maps)
        units = self._following(size, count) if len(self.flexible) else [self.templates[size]] * count
        layers = cast(list[Patches | FlexibleTemplates], units)
        peaks = [layer.peak(band) for layer, band in zip(layers, maps, strict=True)]
        return torch.stack(peaks).amax(0).flatten(1)

    def _following(self, size: int, count: int) -> list[nn.Module]:
        """The flexible layers of one size; those of a replica still follow the templates of the original."""
        templates = cast(Patches, self.templates[size])
        units = self.flexible[size * count : (size + 1) * count]
        for layer in cast(list[FlexibleTemplates], units):
            if not layer.follows(templates):
                layer.follow(templates)
        return list(units)


@checked(HmaxOptions, "network 'hmax'")
def hmax(
    *,
    classes: int = 10,
    channels: int = 1,
    input_size: int = 28,
    width: float = 1.0,
    c1: str = "max",
    s2: str = "template",
    layer: Mapping[str, Any] | None = None,
    prototypes: int = 400,
    normalise: str = "none",
) -> Classifier:
    """HMAX for square images. S1, and C1 where it is a fixed maximum, form the stem.

    The templates and the head are drawn before all other parts, so that all variants start from the same.

    Args:
        classes: number of logits.
        channels: 1, or 3 for RGB images, of which S1 sees the luminance.
        input_size: side of the images in pixels, at least 11: half the largest C1 window, below which the
            last band would have no second position.
        width: factor on the number of prototypes.
        c1: "max"; "flexible" for Flexible Layers 4 -> 4 with the window, step and padding of the maximum;
            "conv" for their convolutions alone.
        s2: "template" for minus the distance to the prototypes; "flexible" to switch it against the maximum
            of the same window; "conv" for a convolution with the prototypes, without bias.
        layer: options of the layers of C1 and S2; in S2 they are flexible ones.
        prototypes: number of templates of each of the eight sizes.
        normalise: name of the normalisation. S1 ignores the scale of the images but not their offset: the
            default leaves a black background without a response.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """
    wide, maps, options = max(1, round(prototypes * width)), sides(input_size), dict(layer or {})
    kind = Patches if s2 == "conv" else Templates
    templates = [kind(CHANNELS, wide, size) for size in PATCHES]
    head = nn.Linear(len(PATCHES) * wide, classes)
    stem: list[nn.Module] = [Luminance(), GaborS1()]
    if c1 == "max":
        stem.append(MaxC1())
        first: nn.Module = SplitMaps(maps)
    else:
        stem.append(nn.Flatten(1, 2))
        first = LayerC1(input_size, options if c1 == "flexible" else {"scheme": "conv"})
    second = S2C2(templates, maps, options if s2 == "flexible" else None)
    return Classifier(
        normalisation(normalise, channels),
        nn.Sequential(first, second),
        head,
        nn.Sequential(*stem),
        input_size,
    )
