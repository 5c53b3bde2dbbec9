"""Compiling kernels.cpp, and loading what was compiled, by whom and for what machine.

A library serves one version of torch on one kind of processor. It is kept in the user's cache.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from flexnet.files import atomic_path, cache_folder

SOURCE = Path(__file__).with_name("kernels.cpp")
# Instructions of the kinds of processor that torch tells apart, as torch itself is compiled for them.
INSTRUCTIONS = {
    "AVX2": ("-mavx2", "-mfma", "-mf16c"),
    "AVX512": ("-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mf16c"),
}
OPTIONS = ("-std=c++20", "-O3", "-fPIC", "-shared", "-ffp-contract=off")
MOST = 300.0  # seconds that a compilation may take


def library_path() -> Path | None:
    """Where the library for this torch and this processor is kept; None if there can be none."""
    homes = (os.environ.get(variable) for variable in ("XDG_CACHE_HOME", "HOME"))
    return _place(torch.backends.cpu.get_cpu_capability(), *homes)


@cache  # layers ask in each pass
def _place(kind: str, *homes: str | None) -> Path | None:
    """Where the library for a kind of processor is kept, as long as these variables stay."""
    if os.name != "posix" or kind not in INSTRUCTIONS:
        return None
    try:
        return cache_folder() / "compiled" / f"kernels-{kind}-{_identity()}.so"
    except RuntimeError:  # the user has no home
        return None


@cache
def _identity() -> str:
    """Digest of all that the library depends on but the processor."""
    told = repr((SOURCE.read_bytes(), OPTIONS, INSTRUCTIONS, torch.__version__))
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def compile_library(path: Path) -> bool:
    """Compile into a file of the name that `library_path` gives; return whether that could be done.

    The compiler is what the variable CXX names, c++ unless told.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        return False
    try:
        with atomic_path(path) as temporary:
            command = [compiler, *_arguments(path.name.split("-")[1], temporary)]
            subprocess.run(command, capture_output=True, timeout=MOST, check=True)
            temporary.chmod(0o700)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _arguments(kind: str, out: Path) -> list[str]:
    torchs = Path(torch.__file__).parent
    defined = (f"-DCPU_CAPABILITY={kind}", f"-DCPU_CAPABILITY_{kind}", f"-I{torchs / 'include'}")
    linked = (f"-L{torchs / 'lib'}", "-ltorch_cpu", "-lc10", f"-Wl,-rpath,{torchs / 'lib'}")
    return [*OPTIONS, *INSTRUCTIONS[kind], *defined, str(SOURCE), "-o", str(out), *linked]


def load_library(path: Path) -> ctypes.CDLL | None:
    """Load a library, unless there is none or somebody else could have written it."""
    try:
        found = path.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            return None
        library = ctypes.CDLL(str(path))
        pointer, number, scalar = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
        library.flexnet_blend.argtypes = [pointer] * 4 + [number] * 3 + [scalar] * 3
        library.flexnet_blend_backward.argtypes = [pointer] * 7 + [number] * 3 + [scalar] * 3
        library.flexnet_pool.argtypes = [pointer] * 2 + [number] * 7
        library.flexnet_pool_backward.argtypes = [pointer] * 3 + [number] * 7
        for name in ("blend", "blend_backward", "pool", "pool_backward"):
            getattr(library, f"flexnet_{name}").restype = None
    except (OSError, AttributeError):
        return None
    return library


def addresses(*tensors: Tensor | None) -> list[int | None]:
    """Where tensors lie, for a library: keep them as long as it works."""
    return [None if tensor is None else tensor.data_ptr() for tensor in tensors]
