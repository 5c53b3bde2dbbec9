"""Starting a job as if its user had set nothing for other programs.

What a notebook, a cluster's modules or a shell's start-up file put into the environment must neither
change a figure nor break a job: switches of Python, foreign modules that precede Python's own, the backend
and the style of matplotlib. Only what Python has loaded before anybody could interfere is imported here.
"""

import os
import sys
from importlib.machinery import PathFinder

HOME = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

# Every other variable of Python goes: these say where Python and its packages are, or change no result.
_KEPT = {
    "PYTHONHOME",
    "PYTHONPLATLIBDIR",
    "PYTHONUSERBASE",
    "PYTHONNOUSERSITE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUNBUFFERED",
    "PYTHONFAULTHANDLER",
}
# Some would let products have fewer digits than were asked for, or choose instructions of a processor by
# which the same seed gives other weights.
_FOREIGN = {
    "MPLBACKEND",
    "MATPLOTLIBRC",
    "SOURCE_DATE_EPOCH",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "OPENBLAS_CORETYPE",
}
_FOREIGN_KINDS = ("PYTHON", "TQDM_", "PANDAS_", "ONEDNN_", "DNNL_", "NPY_")
# Without the working directory in front, a user's json.py beside his results is not taken for Python's.
_OURS = {"PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0"}
# On some clusters the packages themselves come from PYTHONPATH.
_NEEDED = ("matplotlib", "numpy", "pandas", "snakemake", "torch", "yaml")


def clean(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment without what may interfere; cleaning twice changes nothing more."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in _KEPT or not (name in _FOREIGN or name.startswith(_FOREIGN_KINDS))
    }
    path = _needed_path(environment.get("PYTHONPATH", ""))
    return kept | _OURS | ({"PYTHONPATH": os.pathsep.join(path)} if path else {})


def _needed_path(path: str) -> list[str]:
    """What remains of a PYTHONPATH: the folder of this package, and of packages that are nowhere else."""
    given = list(dict.fromkeys(os.path.realpath(entry) for entry in path.split(os.pathsep) if entry))
    rest = [entry for entry in sys.path if entry and os.path.realpath(entry) not in given]
    missing = [name for name in _NEEDED if PathFinder.find_spec(name, rest) is None]
    return [
        entry
        for entry in given
        if entry == HOME or any(PathFinder.find_spec(name, [entry]) is not None for name in missing)
    ]


def isolate() -> None:
    """Start this program again in a clean environment, in the same process, and look for modules safely.

    Nothing happens in a program that is not one of this project, such as a test that calls its functions.
    """
    program = os.path.realpath(getattr(sys.modules["__main__"], "__file__", None) or "")
    folders = [os.path.join(HOME, "flexnet"), os.path.join(HOME, "workflow", "scripts")]
    if os.path.basename(program) != "flexnet" and os.path.dirname(program) not in folders:
        return
    given = dict(os.environ)
    wanted = clean(given)
    if sys.executable and wanted != given:
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, program, *sys.argv[1:]], wanted)
    _order_path()


def _order_path() -> None:
    """Look where Python and its packages are first: a file beside the results may be called json.py.

    Modules of this package are found beside it all the same.
    """
    last = _needed_path(os.environ.get("PYTHONPATH", ""))
    if os.path.basename(HOME) not in ("site-packages", "dist-packages") and HOME not in last:
        last.append(HOME)
    sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry) not in last] + last


def plain_matplotlib() -> None:
    """Import matplotlib with its own settings: no file and no variable of the user is read.

    The user's folder of caches is used as ever. A program that has imported matplotlib before keeps it.
    """
    if "matplotlib" in sys.modules:
        return
    from contextlib import chdir
    from importlib import import_module
    from tempfile import TemporaryDirectory

    before = dict(os.environ)
    with TemporaryDirectory() as empty, chdir(empty):
        os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": empty, "MPLCONFIGDIR": empty}
        try:
            import_module("matplotlib.style")  # where the folders of settings are read, once
        finally:
            os.environ.clear()
            os.environ |= before
