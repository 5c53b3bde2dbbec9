"""Weather: snow, frost, fog and brightness."""

import torch
from torch import Generator, Tensor

from flexnet.corruptions.colour import Hsv, hsv, rgb_bytes
from flexnet.corruptions.constants import Values
from flexnet.corruptions.frost import PICTURES, frost_pictures
from flexnet.corruptions.kernel import Corruption, Draws, Shape, column, luma, truncated, unit
from flexnet.corruptions.motion import draw_path, motion_blur
from flexnet.corruptions.zoom import zoomed

# --- snow --------------------------------------------------------------------------------------------


def draw_snow(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A standard normal number for each pixel, (1, H, W), and the path of the flakes, roughly downwards."""
    return torch.randn(1, *shape[1:], generator=generator), draw_path(generator, -135, -45, constants)


def let_snow(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Whiten images, and add flakes and the same flakes turned by half a circle."""
    noise, paths = drawn
    flakes = zoomed(noise.double() * constants["deviation"] + constants["mean"], constants["zoom"])
    fallen = motion_blur(truncated(flakes * (flakes >= constants["cut"])), paths, constants["sigma"])
    layer = unit(fallen)
    pixels = images.float() / torch.tensor(255.0, device=images.device)
    white = torch.maximum(pixels, luma(pixels) * 1.5 + 0.5)
    mix = constants["mix"]
    return truncated((pixels * mix).add_(white.mul_(1 - mix)) + (layer + layer.flip(2, 3)))


# --- frost -------------------------------------------------------------------------------------------


def draw_frost(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A part of one of five pictures, (C, H, W) in uint8."""
    number = int(torch.randint(len(PICTURES), (1,), generator=generator))
    picture = frost_pictures(constants["size"])[number]
    height, width = shape[1:]
    room = torch.tensor([picture.shape[1] - height, picture.shape[2] - width])
    place = torch.rand(2, dtype=torch.float64, generator=generator)
    top, left = (place * room).long().tolist()
    part = picture[:, top : top + height, left : left + width]
    return (part if shape[0] == 3 else luma(part[None].float())[0].round_().to(torch.uint8),)


def freeze(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Add frost to a weakened image, in grey levels."""
    mixed = (images.double() * constants["image"]).add_(drawn[0].double() * constants["frost"])
    return mixed.clamp_(0, 255).to(torch.uint8)


# --- fog ---------------------------------------------------------------------------------------------


def draw_fog(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A number in [-1, 1] for each place of a square map whose side is the next power of two."""
    side = 1 << (max(shape[1:]) - 1).bit_length()
    return (2 * torch.rand(side, side, dtype=torch.float64, generator=generator) - 1,)


def add_fog(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Add a map of fog, and weaken the image so that its brightest value stays where it was."""
    height, width = images.shape[2:]
    fog_map = plasma(drawn[0], constants["decay"])[:, None, :height, :width]
    pixels = unit(images)
    brightest = column(pixels.flatten(1).amax(1))
    foggy = pixels.add_(fog_map * constants["strength"]).mul_(brightest)
    return truncated(foggy.div_(brightest + constants["strength"]))


def plasma(chances: Tensor, decay: float) -> Tensor:
    """A height map by the diamond-square algorithm on a torus, from 0 to 1.

    Args:
        chances: (n, side, side) in [-1, 1], the side a power of two; what each place is moved by.
        decay: by how much the moves become smaller from one scale to the next.
    """
    heights = torch.zeros_like(chances)
    step, wibble = chances.shape[-1], 100.0
    while step >= 2:
        half = step // 2
        corners, middles = (slice(None, None, step),) * 2, (slice(half, None, step),) * 2
        size = wibble * wibble
        at_corners = heights[:, *corners]
        columns = at_corners + at_corners.roll(-1, 1)
        heights[:, *middles] = (columns + columns.roll(-1, 2)) / 4 + chances[:, *middles] * size
        middle = heights[:, *middles]
        for place, dim in (
            ((slice(None, None, step), middles[1]), 1),
            ((middles[0], slice(None, None, step)), 2),
        ):
            around = (middle + middle.roll(1, dim)) + (at_corners + at_corners.roll(-1, 3 - dim))
            heights[:, *place] = around / 4 + chances[:, *place] * size
        step, wibble = half, wibble / decay
    heights -= heights.amin((1, 2), keepdim=True)
    return heights / heights.amax((1, 2), keepdim=True)


# --- brightness --------------------------------------------------------------------------------------


def brighten(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Add to the value of hue, saturation and value; of grey images, to the grey level."""
    if images.shape[1] == 1:
        return truncated(unit(images).add_(constants["added"]))
    found = hsv(unit(images))
    return rgb_bytes(Hsv(found.hue, found.saturation, (found.value + constants["added"]).clamp_(0, 1)))


snow = Corruption(let_snow, draw_snow)
frost = Corruption(freeze, draw_frost)
fog = Corruption(add_fog, draw_fog)
brightness = Corruption(brighten)
