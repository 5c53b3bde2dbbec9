"""Whether the robustness of VGG16 on CIFAR-10 is real: the page of its audit."""

from flexnet.figures.auditing import body, draw, summarise_rows

__all__ = ["NAME", "body", "draw", "summarise_rows"]

NAME = "audit"
