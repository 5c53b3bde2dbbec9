"""Importing torchvision where its compiled part does not match torch.

PyPI's torchvision is compiled for CUDA; beside a CPU-only torch its extension cannot be loaded and the
import stops at a missing operator, although datasets, models and transforms are pure Python and work.

The set-up copies this file into its environment: it imports nothing of this package.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

NAME = "torchvision"
# A Library withdraws its operators when it is collected: they must outlive the import.
_declared: list[Any] = []


def import_torchvision() -> ModuleType:
    """Import torchvision; where its compiled operators are missing, declare those that it insists on.

    Datasets, models and transforms then work; operators of detection such as `nms` are declared alone.

    Raises:
        ImportError: if torchvision is not installed.
        RuntimeError: if the import fails for another reason.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    _declare_operators()
    return importlib.import_module("torchvision")


def _declare_operators() -> None:
    """Declare the operators that torchvision's Python part refers to while it is imported."""
    import torch.library

    make: Any = torch.library.Library  # untyped in torch
    library = make("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):  # older versions refer to nms only
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)


class _Before:
    """Declares the operators when torchvision is looked for, and looks for nothing itself."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Be asked by Python for a module that is about to be imported."""
        if name == NAME:
            sys.meta_path.remove(self)
            _declare_operators()


def declare_before_import() -> None:
    """Let a plain `import torchvision` succeed in this process; costs nothing until then.

    For an environment that is known to have a torchvision whose compiled part does not fit its torch.
    """
    sys.meta_path.insert(0, _Before())
