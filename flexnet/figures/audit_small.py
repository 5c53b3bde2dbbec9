"""Whether the robustness of the small network on Fashion-MNIST is real: the page of its audit."""

from flexnet.figures.auditing import body, draw, summarise_rows

__all__ = ["NAME", "body", "draw", "summarise_rows"]

NAME = "audit_small"
