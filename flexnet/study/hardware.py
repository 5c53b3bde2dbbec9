"""The machine that makes rows, and its software, as a provenance tells them."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def gpus() -> str:
    """Names of the GPUs of this machine; "none" where it shows none."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "none"
    told = [tool, "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    return ", ".join(done.stdout.splitlines()) if done.returncode == 0 else "none"


def machine() -> dict[str, Any]:
    """Describe this machine and its software."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    packages = ("torch", "numpy", "snakemake", "matplotlib")
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "gpu": gpus(),
        "memory_gib": round(pages * page / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
