"""The nineteen corruptions by name."""

from flexnet.by_name import ByName
from flexnet.corruptions import blur, digital, extra, noise, weather
from flexnet.corruptions.kernel import Corruption

CORRUPTIONS: ByName[Corruption] = {
    "gaussian_noise": noise.gaussian_noise,
    "shot_noise": noise.shot_noise,
    "impulse_noise": noise.impulse_noise,
    "defocus_blur": blur.defocus_blur,
    "glass_blur": blur.glass_blur,
    "motion_blur": blur.motion_blur,
    "zoom_blur": blur.zoom_blur,
    "snow": weather.snow,
    "frost": weather.frost,
    "fog": weather.fog,
    "brightness": weather.brightness,
    "contrast": digital.contrast,
    "elastic_transform": digital.elastic_transform,
    "pixelate": digital.pixelate,
    "jpeg_compression": digital.jpeg_compression,
    "speckle_noise": extra.speckle_noise,
    "gaussian_blur": extra.gaussian_blur,
    "spatter": extra.spatter,
    "saturate": extra.saturate,
}
