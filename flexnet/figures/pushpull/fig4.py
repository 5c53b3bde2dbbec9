"""Figure 4 of the push-pull paper: LeNets under Gaussian noise of growing variance."""

from flexnet.families.sensor import GAUSSIAN
from flexnet.figures.pushpull.lenets import Noise

NAME = "pushpull/fig4"
NOISE = Noise(GAUSSIAN, "variance", (0.0, 0.01, 0.1, 0.2, 0.3, 0.5), "Variance of noise", "fig4")

summarise_rows, draw = NOISE.summarise_rows, NOISE.draw
