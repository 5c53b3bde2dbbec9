"""Norms whose statistics are those of the batch: what a network answers hangs on what else is asked."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from flexnet.errors import ConfigError


def require_own_statistics(model: nn.Module, whose: str) -> None:
    """Check that each image has an answer of its own in evaluation mode.

    Args:
        model: what is to be judged.
        whose: how messages begin, such as "evaluated model".

    Raises:
        ConfigError: naming a batch norm that has no running statistics.
    """
    norms = ((name, part) for name, part in model.named_modules() if isinstance(part, _BatchNorm))
    name = next((name for name, norm in norms if norm.running_mean is None), None)
    if name is not None:
        which = f"its module {name!r}" if name else type(model).__name__
        raise ConfigError(
            f"{whose}: expected batch norms with running statistics; got {which} without, so that the answer"
            " for an image hangs on others of its batch; train it with track_running_stats=True, or use a"
            " norm of single images (GroupNorm, InstanceNorm)"
        )
