"""Create .venv with everything locked in requirements/: `python3.11 tools/environment.py`.

Needs nothing but Python 3.11 or newer. uv does the work; a machine without it gets it through pip into
the environment. Where pip is pointed at folders of wheels (find-links), uv is pointed at them too.
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
LOCKS = [ROOT / "requirements" / f"{name}.lock" for name in ("all", "cuda", "uv")]
PYTHON = VENV / "bin" / "python"


def run(*command: str | Path) -> None:
    """Run a command; stop with its exit status if it fails."""
    status = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(f"environment: {command[0]} failed with status {status}; see its message above")


def identity() -> str:
    """Digest of what the environment is made from."""
    files = [*LOCKS, ROOT / "pyproject.toml"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def find_links() -> list[str]:
    """Folders of wheels that pip knows on this machine, as options for uv."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
    configured = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    folders = dict.fromkeys([*os.environ.get("PIP_FIND_LINKS", "").split(), *configured.split()])
    return [option for folder in folders for option in ("--find-links", folder)]


def installer() -> list[str]:
    """Return the command of uv, installing it into the environment if the machine has none."""
    found = shutil.which("uv")
    if found:
        return [found]
    run(PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", LOCKS[2])
    return [str(VENV / "bin" / "uv")]


def needs_cuda() -> bool:
    """Whether the installed torch is a GPU build, which on Linux needs NVIDIA's libraries."""
    versions = [path.name.split("-")[1] for path in VENV.glob("lib/python*/site-packages/torch-*.dist-info")]
    return sys.platform == "linux" and not any("+cpu" in version for version in versions)


def main() -> None:
    """Create or refresh the environment; do nothing if it is up to date."""
    if sys.version_info < (3, 11):
        sys.exit(f"environment: expected Python 3.11 or newer; got {sys.version.split()[0]}")
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == identity():
        return
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", VENV)
    uv = installer()
    install = [*uv, "pip", "install", "--python", str(PYTHON), "--no-deps"]
    locked = [*install, "--compile-bytecode", "--require-hashes", *find_links()]
    run(*locked, "-r", LOCKS[0])
    if needs_cuda():
        run(*locked, "-r", LOCKS[1])
    run(*install, "--quiet", "--editable", ROOT)
    STAMP.write_text(identity(), encoding="utf-8")


if __name__ == "__main__":
    main()
