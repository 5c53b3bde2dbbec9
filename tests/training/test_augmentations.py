"""Augmentations: each does what torchvision does with the same parameters, and draws as it is told to."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from flexnet.data._torchvision import import_torchvision
from flexnet.errors import ConfigError
from flexnet.options.augmentations import AUGMENTATIONS, MODES, CropOptions, ResizedCropOptions
from flexnet.options.rules import made
from flexnet.training.augmentations import (
    KERNELS,
    crop,
    draw,
    draw_boxes,
    draw_corners,
    flip,
    resized_crop,
)
from flexnet.training.recipe import Recipe

CROP: Mapping[str, Any] = {"kind": "crop", "padding": 4}
EXAMPLES: dict[str, Mapping[str, Any]] = {
    "crop": CROP,
    "flip": {"kind": "flip"},
    "resized_crop": {"kind": "resized_crop", "scale": [0.2, 1]},
}
SHAPES = [(64, 3, 32, 32), (9, 1, 12, 17)]


def functional() -> Any:
    import_torchvision()
    from torchvision.transforms import functional as theirs

    return theirs


def pixels(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator(seed))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_kind_has_options_a_kernel_and_an_example() -> None:
    assert set(AUGMENTATIONS) == set(KERNELS) == set(EXAMPLES)


# --- torchvision as judge ------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("shape", SHAPES)
def test_flip_is_torchvision_s(shape: tuple[int, ...]) -> None:
    theirs, images = functional(), pixels(shape)
    mirrored = torch.arange(shape[0]) % 3 == 0
    expected = [theirs.hflip(it) if yes else it for it, yes in zip(images, mirrored, strict=True)]
    assert torch.equal(flip(images, mirrored), torch.stack(expected))


@pytest.mark.oracle
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", [1, 4, 11])
@pytest.mark.parametrize("shape", SHAPES)
def test_crop_is_torchvision_s_pad_and_crop(shape: tuple[int, ...], padding: int, mode: str) -> None:
    theirs, images = functional(), pixels(shape)
    corners = draw_corners(CropOptions(padding=padding), shape, generator(1))
    corners[:2] = torch.tensor([[0, 0], [2 * padding, 2 * padding]])
    called = {"reflect": "reflect", "zeros": "constant"}[mode]
    expected = [
        theirs.crop(theirs.pad(it, [padding] * 4, padding_mode=called), top, left, *shape[2:])
        for it, (top, left) in zip(images, corners.tolist(), strict=True)
    ]
    assert torch.equal(crop(images, corners, padding, mode), torch.stack(expected))


@pytest.mark.oracle
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, (8, 3, 96, 96)])
def test_resized_crop_is_torchvision_s_whatever_the_antialiasing(
    shape: tuple[int, ...], antialias: bool
) -> None:
    """Equal but for values next to a half, which may be rounded otherwise: 1 of 255, in 1 of 200 pixels."""
    theirs, images = functional(), pixels(shape)
    boxes = draw_boxes(ResizedCropOptions(), shape, generator(2))
    boxes[:2] = torch.tensor([[0, 0, 1, 1], [2, 3, shape[2] - 2, shape[3] - 3]])
    expected = torch.stack(
        [
            theirs.resized_crop(it, *box, list(shape[2:]), antialias=antialias)
            for it, box in zip(images, boxes.tolist(), strict=True)
        ]
    )
    found = resized_crop(images, boxes)
    apart = (found.int() - expected.int()).abs()
    assert found.dtype == torch.uint8
    assert apart.max() <= 1
    assert (apart > 0).float().mean() < 1 / 200


def test_a_part_that_is_the_whole_image_leaves_it_as_it_is() -> None:
    images = pixels((5, 3, 224, 224))
    boxes = torch.tensor([[0, 0, 224, 224]]).expand(5, 4)
    assert torch.equal(resized_crop(images, boxes), images)


def test_what_lies_around_a_part_does_not_shine_into_it() -> None:
    images = torch.full((1, 1, 8, 8), 255, dtype=torch.uint8)
    images[:, :, 2:5, 3:7] = 10
    assert (resized_crop(images, torch.tensor([[2, 3, 3, 4]])) == 10).all()


# --- what is drawn -------------------------------------------------------------------------------


def test_corners_are_uniform_over_all_places() -> None:
    corners = draw_corners(CropOptions(padding=2), (10000, 3, 32, 32), generator())
    counts = torch.zeros(5, 5)
    counts.index_put_((corners[:, 0], corners[:, 1]), torch.ones(10000), accumulate=True)
    assert ((counts - 400).abs() < 5 * 400**0.5).all()


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("scale", "ratio", "shape"),
    [
        ([0.08, 1], [3 / 4, 4 / 3], (64, 64)),
        ([0.9, 1], [3 / 4, 4 / 3], (64, 64)),  # most shapes do not fit
        ([0.5, 1], [2, 3], (48, 64)),
        ([0.3, 0.3], [0.5, 0.5], (40, 40)),
    ],
)
def test_parts_are_drawn_as_torchvision_draws_them(
    scale: list[float], ratio: list[float], shape: tuple[int, int]
) -> None:
    """Means and spreads of height, width and centre agree with those of as many of torchvision's."""
    import_torchvision()
    from torchvision.transforms import RandomResizedCrop

    image, n = torch.empty(3, *shape), 3000
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = [RandomResizedCrop.get_params(image, scale, ratio) for _ in range(n)]
    options = ResizedCropOptions(scale=(scale[0], scale[1]), ratio=(ratio[0], ratio[1]))
    ours, theirs = draw_boxes(options, (n, 3, *shape), generator(3)).double(), torch.tensor(drawn).double()
    for boxes in (ours, theirs):
        boxes[:, :2] += boxes[:, 2:] / 2  # centres
    spread = theirs.std(0)
    assert ((ours.mean(0) - theirs.mean(0)).abs() <= 5 * spread * (2 / n) ** 0.5 + 0.01).all()
    assert ((ours.std(0) - spread).abs() <= 0.08 * spread + 0.01).all()


def test_parts_are_as_often_upright_as_they_are_wide() -> None:
    """The logarithm of the ratio is uniform; a uniform ratio would be below 1 in one of eleven."""
    options = ResizedCropOptions(scale=(0.05, 0.05), ratio=(0.1, 10))  # all of them fit into the image
    _, _, height, width = draw_boxes(options, (4000, 3, 224, 224), generator()).double().T
    ratio = (width / height).log()
    spread = math.log(10) / 3**0.5
    assert abs(float(ratio.mean())) < 5 * spread / 4000**0.5
    assert float(ratio.std()) == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize("shape", [(33, 1, 28, 28), (200, 3, 16, 224)])
@pytest.mark.parametrize("options", [{}, {"scale": [0.001, 0.01]}, {"ratio": [30, 1000]}, {"scale": [1, 1]}])
def test_parts_lie_in_the_image(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    top, left, height, width = draw_boxes(ResizedCropOptions(**options), shape, generator()).T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (height >= 1).all()
    assert (width >= 1).all()
    assert (top + height <= shape[2]).all()
    assert (left + width <= shape[3]).all()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_images_are_augmented_alike_in_batches_of_any_size_and_order(kind: str) -> None:
    images = pixels((24, 3, 20, 20))
    (augmentation,) = draw([EXAMPLES[kind]], images.shape, generator())
    before = images.clone()
    whole = augmentation.apply(images, torch.arange(24))
    assert torch.equal(images, before)  # nothing is done in place
    assert (whole.shape, whole.dtype) == (images.shape, torch.uint8)
    assert not torch.equal(whole, images)
    for part in torch.split(torch.randperm(24, generator=generator(5)), 7):
        assert torch.equal(augmentation.apply(images[part], part), whole[part])


@pytest.mark.parametrize("kind", EXAMPLES)
def test_draws_repeat_with_the_generator_and_leave_the_global_one_alone(kind: str) -> None:
    shape = (24, 3, 20, 20)
    state = torch.get_rng_state()
    first, again, other = (draw([EXAMPLES[kind]], shape, generator(seed))[0].values for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(first) == 24


def test_a_list_is_done_in_its_order() -> None:
    images = pixels((16, 1, 9, 9))
    places = torch.arange(16)
    entries = [{"kind": "crop", "padding": 3, "mode": "zeros"}, {"kind": "flip", "probability": 1}]
    for chosen in (entries, entries[::-1]):
        expected = images
        drawn = draw(chosen, images.shape, generator())
        for entry, augmentation in zip(chosen, drawn, strict=True):
            if entry["kind"] == "flip":
                expected = expected.flip(-1)
            else:
                expected = crop(expected, augmentation.values, 3, "zeros")
        found = images
        for augmentation in drawn:
            found = augmentation.apply(found, places)
        assert torch.equal(found, expected)


# --- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ({"kind": "flip"}, "augment: expected a list of augmentations, such as [{kind: flip}]; got {'kind'"),
        ("flip", "augment: expected a list of augmentations"),
        (["flip"], "augment.0: expected an augmentation by its kind, such as {kind: flip}; got 'flip'"),
        (
            [CROP, {"kind": "flp"}],
            "augment.1.kind: expected one of ['crop', 'flip', 'resized_crop']; got 'flp'",
        ),
        ([{"kind": "flp"}], "did you mean 'flip'?"),
        ([{"kind": "crop"}], "augment.0: expected the key 'padding' as well"),
        ([{**CROP, "pading": 1}], "augment.0: unknown key 'pading'"),
        ([{**CROP, "padding": 0}], "augment.0.padding: expected a whole number of at least 1; got 0"),
        ([{**CROP, "padding": 4.0}], "augment.0.padding: expected a whole number of at least 1; got 4.0"),
        ([{**CROP, "mode": "reflct"}], "got 'reflct'; did you mean 'reflect'?"),
        (
            [{"kind": "flip", "probability": 0}],
            "augment.0.probability: expected a probability above 0, at most 1",
        ),
        ([{"kind": "flip", "probability": True}], "augment.0.probability: expected a probability above 0"),
        ([{"kind": "resized_crop", "scale": 0.5}], "augment.0.scale: expected shares above 0, at most 1, as"),
        (
            [{"kind": "resized_crop", "scale": [0, 1]}],
            "augment.0.scale: expected shares above 0, at most 1, as",
        ),
        (
            [{"kind": "resized_crop", "scale": [0.5, 1.1]}],
            "augment.0.scale: expected shares above 0, at most",
        ),
        (
            [{"kind": "resized_crop", "scale": [1, 0.5]}],
            "augment.0.scale: expected shares above 0, at most 1",
        ),
        (
            [{"kind": "resized_crop", "ratio": [1, 2, 3]}],
            "augment.0.ratio: expected numbers above 0 as [least",
        ),
        ([{"kind": "resized_crop", "ratio": [float("nan"), 2]}], "augment.0.ratio: expected numbers above 0"),
        ([CROP, {**CROP, "padding": 2}], "augment: expected every kind once; got 'crop' twice; remove one"),
    ],
)
def test_wrong_augmentations_are_named(augment: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe(augment=augment)
    assert str(caught.value).startswith("recipe.augment")
    assert message in str(caught.value)


def test_padding_that_an_image_cannot_mirror_is_refused_and_the_most_that_it_can_is_done() -> None:
    images = pixels((4, 1, 8, 6))
    (largest,) = draw([{"kind": "crop", "padding": 5}], images.shape, generator())
    assert largest.apply(images, torch.arange(4)).shape == images.shape
    with pytest.raises(ConfigError, match=r"recipe\.augment: 1\.padding: expected less than 6, .*; got 6"):
        draw([{"kind": "flip"}, {"kind": "crop", "padding": 6}], images.shape, generator())
    draw([{"kind": "crop", "padding": 6, "mode": "zeros"}], images.shape, generator())


@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_are_allowed(kind: str) -> None:
    assert list(Recipe.problems({"augment": [EXAMPLES[kind]]})) == []
    assert type(made(AUGMENTATIONS, EXAMPLES[kind])) is AUGMENTATIONS[kind]
