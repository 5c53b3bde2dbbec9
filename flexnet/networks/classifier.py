"""What all networks share: normalisation, features, head."""

from torch import Tensor, nn

from flexnet.networks.normalise import Normalise


class Classifier(nn.Module):
    """A network of three parts that maps images (N, C, H, W) in [0, 1] to logits (N, classes).

    Args:
        normalise: the first layer.
        features: maps normalised images to feature maps.
        head: maps feature maps to logits.
    """

    def __init__(self, normalise: Normalise, features: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.normalise = normalise
        self.features = features
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, C, H, W) in [0, 1]."""
        logits: Tensor = self.head(self.features(self.normalise(images)))
        return logits
