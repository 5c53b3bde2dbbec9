"""Names of what an attack can be: its space, its clamp and its loss."""

# The range to which the authors' released code clamps every channel of a normalised image: black of
# the first and white of the last ImageNet channel. For the other channels it lies outside the pixels.
LOOSE_LOW = -2.117
LOOSE_HIGH = 2.64

SPACES = ("normalised", "pixel")
CLAMPS = ("loose", "valid")
LOSSES = ("cross_entropy", "negative_logit", "margin")

# A step as large as the whole range: a larger one gives the same images.
LARGEST_EPSILON = {"normalised": LOOSE_HIGH - LOOSE_LOW, "pixel": 1.0}
