"""One command for all timings: `python -m benchmarks [--quick] [--threads N] [--device D] [--only NAME]`."""

import argparse
import os
import platform
from importlib import import_module

import torch

from benchmarks.memory import begin_as_jobs_do
from flexnet.layers.fused import build

# name of the benchmark: module with a function benchmark(quick, device)
BENCHMARKS = {
    "layer": "benchmarks.layer",
    "training": "benchmarks.training",
    "small": "benchmarks.small",
    "walls": "benchmarks.walls",
    "attack": "benchmarks.attack",
    "corruptions": "benchmarks.corruptions",
    "attacks_pgd": "benchmarks.attacks_pgd",
    "attacks_suite": "benchmarks.attacks_suite",
}


def facts(device: str) -> str:
    """The machine and the software, on one line."""
    where = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return (
        f"device {device} ({where}), {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small batches, few turns: about two minutes")
    parser.add_argument("--threads", type=int, help="threads of torch (default: torch's own choice)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="run one benchmark")
    return parser.parse_args()


def main() -> None:
    """Run the chosen benchmarks and print their tables."""
    options = parse()
    begin_as_jobs_do()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    print(facts(options.device))
    used = options.device == "cpu" and torch.get_num_threads() == 1 and build()
    print(f"gates and pools: {'compiled' if used else 'operations of torch'}")
    for name in [options.only] if options.only else BENCHMARKS:
        import_module(BENCHMARKS[name]).benchmark(quick=options.quick, device=options.device)


if __name__ == "__main__":
    main()
