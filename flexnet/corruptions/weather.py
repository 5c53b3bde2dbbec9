"""Weather: snow, frost, fog and brightness."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from flexnet.corruptions.colour import Hsv, hsv, rgb_bytes
from flexnet.corruptions.constants import Values
from flexnet.corruptions.frost import PICTURES, frost_picture
from flexnet.corruptions.kernel import (
    Corruption,
    Draws,
    Shape,
    column,
    luma,
    normal,
    truncated,
    uniform,
    unit,
)
from flexnet.corruptions.motion import draw_path, motion_blur
from flexnet.corruptions.zoom import zoomed

Heights = NDArray[np.float64]

# --- snow --------------------------------------------------------------------------------------------


def draw_snow(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A standard normal number for each pixel, (1, H, W), and the path of the flakes, roughly downwards."""
    return normal(generator, 1, *shape[1:]), draw_path(generator, -135, -45, constants)


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
    """A part of one of five pictures, (C, H, W) in uint8; one that the image exceeds is enlarged."""
    number = int(torch.randint(len(PICTURES), (1,), device="cpu", generator=generator))
    height, width = shape[1:]
    picture = frost_picture(number, constants["size"], height, width)
    room = torch.tensor([picture.shape[1] - height, picture.shape[2] - width], device="cpu")
    place = uniform(generator, 2, dtype=torch.float64)
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
    return (2 * uniform(generator, side, side, dtype=torch.float64) - 1,)


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

    NumPy makes it, on the CPU: its many steps on few numbers take half of torch's time.

    Args:
        chances: (n, side, side) in [-1, 1] as float64, the side a power of two; what each place is moved by.
        decay: by how much the moves become smaller from one scale to the next.
    """
    moves = chances.cpu().numpy()
    heights, step, wibble = np.zeros((len(moves), 1, 1)), moves.shape[1], 100.0
    while step >= 2:
        heights = _finer(heights, moves[:, :: step // 2, :: step // 2], wibble * wibble)
        step, wibble = step // 2, wibble / decay
    heights -= heights.min((1, 2), keepdims=True)
    heights /= heights.max((1, 2), keepdims=True)
    return torch.from_numpy(heights).to(chances.device)


def _finer(heights: Heights, moves: Heights, size: float) -> Heights:
    """Heights (n, k, k) with those between them, (n, 2k, 2k): means of four around, moved."""
    finer = np.empty(moves.shape)
    down, across = heights + _turned(heights, 1, 1), heights + _turned(heights, 1, 2)
    middle = (down + _turned(down, 1, 2)) / 4 + moves[:, 1::2, 1::2] * size
    finer[:, ::2, ::2] = heights
    finer[:, 1::2, 1::2] = middle
    finer[:, ::2, 1::2] = (middle + _turned(middle, -1, 1) + across) / 4 + moves[:, ::2, 1::2] * size
    finer[:, 1::2, ::2] = (middle + _turned(middle, -1, 2) + down) / 4 + moves[:, 1::2, ::2] * size
    return finer


def _turned(heights: Heights, by: int, axis: int) -> Heights:
    """What lies `by` further along on the torus; `numpy.roll` takes longer than all the rest."""
    first, rest = np.split(heights, [by], axis)
    return np.concatenate((rest, first), axis)


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
