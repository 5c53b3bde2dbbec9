"""What all networks share: normalisation, stem, features, head."""

import torch
from torch import Tensor, nn

from flexnet.inputs import check_values
from flexnet.networks.normalise import Normalise


class Classifier(nn.Module):
    """A network of four parts that maps images (N, C, H, W) in [0, 1] to logits (N, classes).

    Args:
        normalise: the first layer.
        features: maps what the stem returns to feature maps.
        head: maps feature maps to logits.
        stem: a stage without parameters and randomness between `normalise` and `features`, which returns one
            tensor (N, ...). What it gives for an image never changes, so a trainer may compute it once. None:
            no such stage.
        input_size: side in pixels of the square images that it is built for; None: of any size.
    """

    def __init__(
        self,
        normalise: Normalise,
        features: nn.Module,
        head: nn.Module,
        stem: nn.Module | None = None,
        input_size: int | None = None,
    ) -> None:
        super().__init__()
        self.normalise = normalise
        self.stem = nn.Identity() if stem is None else stem
        self.features = features
        self.head = head
        self.input_size = input_size

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, C, H, W) in [0, 1].

        Raises:
            ConfigError: if the images are no floats, or have another shape, size, number of channels, device
                or type; in evaluation mode also if they leave [0, 1], see `flexnet.inputs.trusted_inputs`.
        """
        return self.rest(self.fixed(images))

    def fixed(self, images: Tensor) -> Tensor:
        """Return what the stem makes of images (N, C, H, W) in [0, 1]; training never changes it.

        Raises:
            ConfigError: as `forward`.
        """
        normalised = self.normalise(images)
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            check_values(images, self.input_size, ranged=not self.training)
        stemmed: Tensor = self.stem(normalised)
        return stemmed

    def rest(self, fixed: Tensor) -> Tensor:
        """Return logits (N, classes) from what `fixed` returned for the images."""
        logits: Tensor = self.head(self.features(fixed))
        return logits
