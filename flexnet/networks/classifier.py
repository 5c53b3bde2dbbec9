"""What all networks share: normalisation, stem, features, head."""

from torch import Tensor, nn

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
    """

    def __init__(
        self, normalise: Normalise, features: nn.Module, head: nn.Module, stem: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.normalise = normalise
        self.stem = nn.Identity() if stem is None else stem
        self.features = features
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, C, H, W) in [0, 1]."""
        return self.rest(self.fixed(images))

    def fixed(self, images: Tensor) -> Tensor:
        """Return what the stem makes of images (N, C, H, W) in [0, 1]; training never changes it."""
        stemmed: Tensor = self.stem(self.normalise(images))
        return stemmed

    def rest(self, fixed: Tensor) -> Tensor:
        """Return logits (N, classes) from what `fixed` returned for the images."""
        logits: Tensor = self.head(self.features(fixed))
        return logits
