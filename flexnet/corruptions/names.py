"""The nineteen corruptions by name and category, without torch."""

from typing import Final

from flexnet.by_name import ByName

# In the order of CIFAR-10-C; the last four are the ones that its authors keep for validation.
NAMES: Final = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    *("speckle_noise", "gaussian_blur", "spatter", "saturate"),
)
SEVERITIES: Final = (1, 2, 3, 4, 5)

# How the two papers group them: each corruption is in exactly one category of a grouping.
GROUPINGS: ByName[dict[str, tuple[str, ...]]] = {
    "flexible-layer": {  # its Table 1
        "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
        "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
        "weather": ("snow", "frost", "fog", "brightness"),
        "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
        "other": ("speckle_noise", "gaussian_blur", "spatter", "saturate"),
    },
    "push-pull": {  # the blocks of its Table 2
        "noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
        "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"),
        "weather": ("snow", "frost", "fog", "spatter", "brightness"),
        "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression", "saturate"),
    },
}

# What results call a corruption whose ingredients are not those of the originals. The photographs of frost
# have no author and no licence that are known, so the frost made here is drawn by
# `flexnet.corruptions.frost`.
SYNTHETIC: ByName[str] = {"frost": "frost_synthetic"}


# The images as they are: what stands in the place of a corruption, and its severity.
CLEAN: Final = "none"


def original(label: str) -> str:
    """The corruption that results call by a name, which may be that of one made of other ingredients."""
    return next((name for name, other in SYNTHETIC.items() if other == label), label)
