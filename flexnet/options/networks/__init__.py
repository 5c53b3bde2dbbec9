"""Options of networks, one module of the network's name for each, without torch."""
