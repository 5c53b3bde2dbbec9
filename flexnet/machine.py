"""What jobs find of the machine in their environment."""

import math
import os

from flexnet.errors import ConfigError

# Jobs keep large blocks of memory, which glibc gives back to the system at once, to be cleared for each step.
KEPT_MEMORY = dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(2**32))


def number_from(variable: str, key: str, unit: str) -> float | None:
    """A number of at least 0 from an environment variable; None if it is not set.

    Args:
        variable: its name.
        key: the key of the configuration that sets it.
        unit: what is counted, for the message.

    Raises:
        ConfigError: if it is no such number.
    """
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ConfigError(
            f"{variable}: expected a number of {unit}, 0 or more; got {text!r}; set {key} in the"
            " configuration, or unset the variable"
        )
    return number
