"""Nineteen common corruptions of images, five severities each: `corrupt(images, "fog", 3)`."""

from typing import TYPE_CHECKING

from flexnet.lazy import offers

if TYPE_CHECKING:
    from flexnet.corruptions.constants import constants_of as constants_of
    from flexnet.corruptions.corrupting import corrupt as corrupt
    from flexnet.corruptions.names import GROUPINGS as GROUPINGS
    from flexnet.corruptions.names import NAMES as NAMES
    from flexnet.corruptions.names import SEVERITIES as SEVERITIES
    from flexnet.corruptions.names import SYNTHETIC as SYNTHETIC
else:
    __getattr__ = offers(
        __name__,
        {
            "constants_of": "flexnet.corruptions.constants",
            "corrupt": "flexnet.corruptions.corrupting",
            **dict.fromkeys(("GROUPINGS", "NAMES", "SEVERITIES", "SYNTHETIC"), "flexnet.corruptions.names"),
        },
    )

__all__ = ["GROUPINGS", "NAMES", "SEVERITIES", "SYNTHETIC", "constants_of", "corrupt"]
