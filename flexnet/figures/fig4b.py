"""Figure 4B of the Flexible Layer paper: VGG16 on CIFAR-10, test accuracy during training."""

from flexnet.figures.learning import draw_learning as draw
from flexnet.figures.learning import summarise_learning as summarise_rows

__all__ = ["NAME", "draw", "summarise_rows"]

NAME = "fig4b"
