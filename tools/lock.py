"""Lock every dependency with hashes: `python tools/lock.py [path of a CPU wheel of torch ...]`.

Writes requirements/all.lock (everything but what follows), requirements/torch.lock, requirements/cuda.lock
(the libraries that torch's GPU build for Linux needs), requirements/slurm.lock (what a cluster needs: each
start of Snakemake takes longer with it), requirements/docs.lock (what builds the documentation,
an environment of its own) and requirements/uv.lock (the installer). No file names an index.
Hashes of wheels given on the command line are added to those of torch, so that a machine whose pip is
pointed at a folder of CPU wheels can use them.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
# The newest torch whose CPU build the authors of this file could test with every dependency.
PINS = "torch==2.13.0\ntorchvision==0.28.0\n"
GPU = re.compile(r"(nvidia|cuda|triton)\b")
SLURM = "snakemake-executor-plugin-slurm"
COMPILE = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
PLAIN = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]


def compiled(arguments: list[str], text: str | None = None) -> list[str]:
    """Resolve requirements and return one block of lines for each locked package."""
    command = [sys.executable, "-m", "uv", *COMPILE, *PLAIN, *arguments]
    output = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    return [block + "\n" for block in re.split(r"\n(?=\S)", output.rstrip("\n"))]


def with_wheels(block: str, wheels: list[str]) -> str:
    """Add the hashes of local wheels to a package's block."""
    hashes = [hashlib.sha256(Path(wheel).read_bytes()).hexdigest() for wheel in wheels]
    lines = [f" \\\n    --hash=sha256:{digest}" for digest in hashes if digest not in block]
    return block.rstrip("\n") + "".join(lines) + "\n"


def part_of(block: str) -> str:
    """Name of the lock to which a package belongs."""
    if block.startswith(SLURM):
        return "slurm"
    return "cuda" if GPU.match(block) else "torch" if block.startswith("torch==") else "all"


def main(wheels: list[str]) -> None:
    """Write the lock files."""
    constraints = FOLDER / "constraints.txt"
    constraints.write_text(PINS, encoding="utf-8")
    groups = [
        "--extra",
        "workflow",
        "--extra",
        "slurm",
        "--group",
        "test",
        "--group",
        "oracle",
        "--constraints",
        str(constraints),
    ]
    blocks = compiled([*groups, "pyproject.toml"])
    constraints.unlink()
    parts: dict[str, list[str]] = {"all": [], "torch": [], "cuda": [], "slurm": []}
    for block in blocks:
        parts[(name := part_of(block))].append(with_wheels(block, wheels) if name == "torch" else block)
    for name, chosen in parts.items():
        (FOLDER / f"{name}.lock").write_text("".join(chosen), encoding="utf-8")
    (FOLDER / "docs.lock").write_text("".join(compiled(["--group", "docs"])), encoding="utf-8")
    (FOLDER / "uv.lock").write_text("".join(compiled(["-"], "uv\n")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
