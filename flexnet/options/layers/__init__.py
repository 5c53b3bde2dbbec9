"""Options of layers, one module for each kind, without torch."""
