"""Side-by-side timings of flexnet against its peers: `python -m benchmarks`."""
