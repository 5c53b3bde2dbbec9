"""flexnet: brain-inspired convolutional layers, reproduced and examined.

Importing this package is cheap: torch is only imported by the sub-packages that compute with it.
"""

__version__ = "0.1.0"
