"""Corrupting batches: what an image becomes depends on its key alone; what cannot be corrupted is refused."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from flexnet.corruptions import NAMES, SEVERITIES, corrupt, corrupting, elastic
from flexnet.corruptions.kernel import nothing
from flexnet.corruptions.registry import CORRUPTIONS
from flexnet.corruptions.turns import in_turn
from flexnet.errors import ConfigError

Pictures = Callable[..., torch.Tensor]
RANDOM = [name for name in NAMES if CORRUPTIONS[name].draw is not nothing]


def test_eleven_corruptions_are_random() -> None:
    """Of the others eight have nothing to draw."""
    assert len(RANDOM) == 11
    assert {"glass_blur", "elastic_transform", "spatter"} < set(RANDOM)


@pytest.mark.parametrize("name", NAMES)
def test_type_shape_and_input_stay(name: str, pictures: Pictures) -> None:
    for images in (pictures(32, n=2), pictures(45, n=1)[..., :33]):
        before = images.clone()
        out = corrupt(images, name, 3)
        assert (out.dtype, out.shape, out.device) == (torch.uint8, images.shape, images.device)
        assert out.is_contiguous()
        assert torch.equal(images, before)
        assert not torch.equal(out, images)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_the_same_in_any_batch_and_any_order(
    name: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = pictures(32, n=6)
    whole = corrupt(images, name, 4, seed=3)
    order = torch.tensor([4, 0, 5, 2])
    assert torch.equal(corrupt(images[order], name, 4, seed=3, indices=order), whole[order])
    assert torch.equal(corrupt(images[5:], name, 4, seed=3, indices=[5]), whole[5:])
    assert torch.equal(corrupt(images.to(memory_format=torch.channels_last), name, 4, seed=3), whole)
    monkeypatch.setattr(corrupting, "AT_ONCE", {"cpu": 4 * 3 * 32 * 32})
    assert torch.equal(corrupt(images, name, 4, seed=3), whole)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_the_same_whatever_the_caller_has_set(
    name: str, pictures: Pictures, request: pytest.FixtureRequest
) -> None:
    """PyTorch's default type and device, its mode without gradients, and its number of threads."""
    images = pictures(32, n=2)
    expected = corrupt(images, name, 2)
    request.addfinalizer(lambda: torch.set_default_device(None))
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    torch.set_default_dtype(torch.float64)
    assert torch.equal(corrupt(images, name, 2), expected)
    torch.set_default_device("meta")  # one on which nothing can be computed
    assert torch.equal(corrupt(images, name, 2), expected)
    torch.set_num_threads(2)
    with torch.inference_mode():
        assert torch.equal(corrupt(images, name, 2), expected)


def test_the_middle_of_an_image_moves_as_much_in_any_shape() -> None:
    """Elastic transforms turn about it: about a point outside, edges of long images moved twice as far."""
    for height, width in ((64, 256), (256, 64), (48, 97)):
        points = elastic._points(height, width)
        assert ((points[0] + points[2]) / 2).tolist() == [width // 2, height // 2]


@pytest.mark.parametrize("name", RANDOM)
def test_every_part_of_the_key_counts(name: str, pictures: Pictures) -> None:
    """Same images under another number, seed or severity: other random numbers."""
    images = pictures(32, n=1).expand(2, -1, -1, -1)
    out = corrupt(images, name, 2, seed=0)
    assert torch.equal(out, corrupt(images, name, 2, seed=0))
    assert not torch.equal(out[0], out[1])
    assert not torch.equal(out, corrupt(images, name, 2, seed=1))
    drawn = {
        severity: corrupting._drawn(
            images[:1],
            [corrupting.derive_seed("corruption", name, severity, 0, 0)],
            CORRUPTIONS[name],
            corrupting.constants_of(name, 3, 32),
        )[0]
        for severity in (1, 2)
    }
    assert not torch.equal(drawn[1], drawn[2])


def test_nobody_else_s_random_numbers_are_used_or_changed(pictures: Pictures) -> None:
    images = pictures(32, n=1)
    torch.manual_seed(1)
    first = [corrupt(images, name, 2) for name in RANDOM]
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert all(torch.equal(a, corrupt(images, name, 2)) for a, name in zip(first, RANDOM, strict=True))
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


# Severities among which a corruption does grow, where these are not all of them: saturation goes down in the
# first two and up in the others; waves become finer at the third, and the jitter of CIFAR-10-C smaller from
# each to the next; its glass has finer blurs at the fourth; and blocks of several pixels average their noise
# away.
GROWING = {
    ("saturate", 32): (2, 5),
    ("saturate", 224): (2, 5),
    ("elastic_transform", 32): (0, 0),
    ("elastic_transform", 224): (2, 5),
    ("glass_blur", 32): (0, 3),
    ("pixelate", 32): (0, 4),
}


@pytest.mark.parametrize("side", [32, 224])
@pytest.mark.parametrize("name", NAMES)
def test_severities_differ_and_grow(name: str, side: int, pictures: Pictures) -> None:
    """From each severity to the next but one less of an image is left: pixels move, or agree less."""
    images = pictures(side, n=2).repeat(16 if side == 32 else 4, 1, 1, 1)
    images = images // 2 if name == "frost" else images  # so that nothing is clipped
    lost = [_lost(images, corrupt(images, name, severity), name) for severity in SEVERITIES]
    assert len(set(lost)) == 5
    first, last = GROWING.get((name, side), (0, 5))
    chosen = lost[first:last]
    assert all(later > earlier for earlier, later in zip(chosen, chosen[2:], strict=False)), lost


def _lost(images: torch.Tensor, out: torch.Tensor, name: str) -> float:
    """Mean distance in grey levels; under frost, of unlike pictures, what does not correlate."""
    if name != "frost":
        return float((out.int() - images.int()).abs().float().mean())
    pairs = torch.stack([images.flatten(1), out.flatten(1)], 1).float()
    return 1 - float(torch.stack([torch.corrcoef(pair)[0, 1] for pair in pairs]).mean())


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"saturate"}))
def test_grey_images_are_what_grey_colours_become(name: str, pictures: Pictures) -> None:
    """One channel goes through all but saturation; what is drawn for a pixel is drawn once."""
    grey = pictures(32, n=3, channels=1)
    out = corrupt(grey, name, 3)
    assert out.shape == grey.shape
    per_value = {"gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "frost", "spatter"}
    if name in per_value or name == "jpeg_compression":  # drawn for each channel, or coloured
        assert not torch.equal(out, grey)
    else:
        three = corrupt(grey.expand(-1, 3, -1, -1), name, 3).int()
        assert (three - out.int()).abs().max() <= 1


def test_grey_images_have_no_saturation_to_change(pictures: Pictures) -> None:
    with pytest.raises(ConfigError, match="saturate: expected images of 3 channels; got grey ones"):
        corrupt(pictures(32, n=1, channels=1), "saturate", 3)


IMAGES = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.numpy(), "images: expected a tensor of uint8; got ndarray; use torch.from_numpy"),
        (IMAGES.float() / 255, "images: expected uint8, 0 to 255; got torch.float32"),
        (IMAGES.long(), "images: expected uint8, 0 to 255; got torch.int64"),
        (IMAGES[0], "got the shape (3, 32, 32); use image[None] for a single image"),
        (
            IMAGES[:0],
            "images: expected at least one, in the shape (N, C, H, W); got the shape (0, 3, 32, 32)",
        ),
        (IMAGES[..., :1, :1], "images: expected at least 16 x 16 pixels; got 1 x 1"),
        (IMAGES[..., :15], "images: expected at least 16 x 16 pixels; got 32 x 15"),
        (IMAGES.permute(0, 2, 3, 1), "images: expected at least 16 x 16 pixels; got 32 x 3"),
        (IMAGES[:, :2], "images: expected 3 channels, or 1 for grey images; got 2"),
    ],
)
def test_what_are_no_images_to_corrupt_is_refused(images: Any, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        corrupt(images, "fog", 3)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([1], "indices: expected 2, one for each image; got 1"),
        ([0, -1], "indices: expected numbers from 0; got -1"),
        (torch.tensor([0.0, 1.0]), "indices: expected 2 integers; got torch.float32"),
        (torch.tensor([[0, 1]]), "of shape (1, 2)"),
        ([0.5, 1], "indices: expected 2 integers"),
        (["0", "1"], "indices: expected 2 integers"),
    ],
)
def test_numbers_of_images_are_checked(indices: Any, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        corrupt(IMAGES, "fog", 3, indices=indices)
    assert message in str(error.value)


@pytest.mark.parametrize("seed", [0.5, "1", None])
def test_a_seed_is_an_integer(seed: Any) -> None:
    with pytest.raises(ConfigError, match="seed: expected an integer"):
        corrupt(IMAGES, "fog", 3, seed=seed)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("constants", ["auto", "imagenet", "cifar"])
def test_the_smallest_images_and_flat_ones_go_through(name: str, constants: str) -> None:
    for level in (0, 255):
        images = torch.full((1, 3, 16, 16), level, dtype=torch.uint8)
        for severity in (1, 5):
            assert corrupt(images, name, severity, constants=constants).shape == images.shape


@pytest.mark.parametrize("name", [*RANDOM, "contrast"])
def test_black_images_stay_images(name: str) -> None:
    """A division by the brightest value or by a spread of zero would be stored as anything."""
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    out = corrupt(images, name, 5)
    dark = {
        "shot_noise",
        "speckle_noise",
        "glass_blur",
        "motion_blur",
        "elastic_transform",
        "contrast",
        "fog",
    }
    assert torch.equal(out, images) == (name in dark)


def test_parts_run_side_by_side_and_threads_stay_as_they_were(pictures: Pictures) -> None:
    images, threads = pictures(64, n=40), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = [corrupt(images, name, 2) for name in NAMES]
        torch.set_num_threads(2)
        for one, name in zip(alone, NAMES, strict=True):
            assert torch.equal(one, corrupt(images, name, 2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_an_error_of_a_part_is_raised_and_threads_stay_as_they_were() -> None:
    def work(start: int) -> None:
        if start == 2:
            raise ValueError("part 2")

    threads = torch.get_num_threads()
    with pytest.raises(ValueError, match="part 2"):
        in_turn(work, range(4), threads=2)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)


def test_names_and_constants_cost_no_torch() -> None:
    code = (
        "import sys; from flexnet.corruptions import NAMES, GROUPINGS, constants_of\n"
        "constants_of('fog', 3, 32); import flexnet.statistics.corruption_errors as m; m.alexnet_cifar10()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
