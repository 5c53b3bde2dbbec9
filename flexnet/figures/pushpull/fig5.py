"""Figure 5 of the push-pull paper: LeNets on faded images with Poisson noise."""

from flexnet.families.sensor import POISSON
from flexnet.figures.pushpull.lenets import Noise

NAME = "pushpull/fig5"
NOISE = Noise(POISSON, "contrast", (1.0, 0.5, 0.4, 0.3, 0.2), "Contrast", "fig5")

summarise_rows, draw = NOISE.summarise_rows, NOISE.draw
