"""The networks of the papers, built by name: every network takes images in [0, 1]."""

from flexnet.networks.registry import build as build
from flexnet.networks.registry import networks as networks
