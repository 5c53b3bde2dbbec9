"""Packages that import what they offer when it is asked for, so that importing one module costs only that.

Checking the configuration reads modules that stand beside others which import torch.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def offers(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a package.

    Args:
        package: its `__name__`.
        homes: name that it offers -> module that defines it. No name is that of a module of the package:
            it would mean the module as soon as somebody has imported it.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return get
