"""Create .venv with everything locked in requirements/: `python3.11 tools/environment.py [cluster]`.

`cluster` adds what SLURM needs, with which each start of Snakemake takes longer.

Needs nothing but Python 3.11 or newer. uv does the work; a machine without it gets it through pip into
the environment. torch alone is installed by pip, which knows this machine's folders of wheels: where one
holds a CPU build, that is taken, and the gigabytes of GPU libraries are left out.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "locked"
LOCKS = {name: ROOT / "requirements" / f"{name}.lock" for name in ("all", "torch", "cuda", "uv", "slurm")}
PYTHON = VENV / "bin" / "python"
# A line that Python runs when it starts in the environment.
MENDED = "import torchvision_operators; torchvision_operators.declare_before_import()\n"
PIP = [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]


def run(*command: str | Path) -> None:
    """Run a command; stop with its exit status if it fails."""
    told = {**os.environ, "VIRTUAL_ENV": str(VENV)}
    status = subprocess.run([str(part) for part in command], cwd=ROOT, env=told, check=False).returncode
    if status:
        sys.exit(f"environment: {command[0]} failed with status {status}; see its message above")


def identity() -> str:
    """Digest of what the environment is made from."""
    files = [*LOCKS.values(), ROOT / "pyproject.toml", ROOT / "flexnet" / "data" / "_torchvision.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def installer() -> list[str]:
    """Return the command of uv, installing it into the environment if the machine has none."""
    found = shutil.which("uv")
    if found:
        return [found]
    run(*PIP, "-r", LOCKS["uv"])
    return [str(VENV / "bin" / "uv")]


def install_torch() -> None:
    """Install torch from this machine's own folders of wheels if one holds it, else from the index."""
    local = [str(part) for part in (*PIP, "--no-index", "-r", LOCKS["torch"])]
    if subprocess.run(local, cwd=ROOT, capture_output=True, check=False).returncode:
        run(*PIP, "-r", LOCKS["torch"])


def has_cpu_build() -> bool:
    """Whether the installed torch is a CPU build."""
    versions = [path.name.split("-")[1] for path in VENV.glob("lib/python*/site-packages/torch-*.dist-info")]
    return any("+cpu" in version for version in versions)


def mend_torchvision() -> None:
    """Let torchvision be imported beside a CPU build of torch.

    The index has it compiled for GPUs alone; its compiled part does not load then, and its import stops. The
    module that mends it is copied: flexnet itself must not be imported before it is known from where.
    """
    for packages in VENV.glob("lib/python*/site-packages"):
        shutil.copyfile(ROOT / "flexnet" / "data" / "_torchvision.py", packages / "torchvision_operators.py")
        (packages / "torchvision_operators.pth").write_text(MENDED, encoding="utf-8")


def add_cluster() -> None:
    """Add what SLURM needs, unless it is there."""
    if not list(VENV.glob("lib/python*/site-packages/snakemake_executor_plugin_slurm")):
        run(*PIP, "-r", LOCKS["slurm"])


def main() -> None:
    """Create or refresh the environment; do nothing if it is up to date."""
    if sys.version_info < (3, 11):
        found = sys.version.split()[0]
        sys.exit(
            f"environment: expected Python 3.11 or newer; got {found}; name another, as in make env"
            " PYTHON=python3.12"
        )
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == identity():
        return
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", VENV)
    if not (VENV / "bin" / "pip").exists():  # as in an environment that uv made
        run(PYTHON, "-m", "ensurepip")
    uv = installer()
    # By VIRTUAL_ENV uv takes nothing but that; told a Python, it takes whatever that seems to be part of.
    install = [*uv, "pip", "install", "--no-deps"]
    install_torch()
    on_linux = sys.platform == "linux"
    locked = [*install, "--compile-bytecode", "--require-hashes"]
    run(*locked, "-r", LOCKS["all"], *(["-r", LOCKS["cuda"]] if on_linux and not has_cpu_build() else []))
    run(*install, "--quiet", "--editable", ROOT)
    if on_linux and has_cpu_build():
        mend_torchvision()
    STAMP.write_text(identity(), encoding="utf-8")


if __name__ == "__main__":
    main()
    if "cluster" in sys.argv[1:]:
        add_cluster()
