"""The embedded dataset: determined by (seed, split, index), balanced, texture as reliable as declared."""

import numpy as np
import pytest

from flexnet.data.shapes.generate import generate, labels_of, object_of
from flexnet.data.shapes.geometry import Pose, polygon, stroke, transform
from flexnet.data.shapes.objects import CLASSES
from flexnet.data.shapes.raster import RENDERINGS, layers, silhouette
from flexnet.data.shapes.scene import TEXTURE_RELIABILITY, draw_look, preferred_texture
from flexnet.data.shapes.splits import SPLITS, generate_split
from flexnet.data.shapes.textures import FAMILIES, texture
from flexnet.errors import ConfigError


def test_equal_arguments_give_equal_images() -> None:
    first, second = generate(12, seed=3), generate(12, seed=3)
    assert np.array_equal(first.images, second.images)
    assert np.array_equal(first.labels, second.labels)


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_an_image_does_not_depend_on_how_many_there_are(rendering) -> None:
    many, few = generate(25, rendering=rendering), generate(7, rendering=rendering)
    assert np.array_equal(many.images[:7], few.images)
    assert np.array_equal(many.labels[:7], few.labels)


def test_seeds_and_splits_differ() -> None:
    sets = [generate(10), generate(10, seed=1), generate(10, split="test")]
    for index, one in enumerate(sets):
        for other in sets[index + 1 :]:
            assert not any(np.array_equal(a, b) for a in one.images for b in other.images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 28, 33, 224])
def test_sizes_and_channels(size: int, channels: int) -> None:
    arrays = generate(2, size=size, channels=channels)
    assert arrays.images.shape == (2, channels, size, size)
    assert arrays.images.std() > 10


def test_every_ten_images_hold_each_class_once() -> None:
    labels = labels_of(1000, 0, "train").reshape(100, 10)
    assert (np.sort(labels, axis=1) == np.arange(10)).all()
    assert len({tuple(row) for row in labels.tolist()}) > 95  # in ever another order
    assert len(labels_of(13, 0, "train")) == 13


def test_texture_is_as_reliable_as_declared() -> None:
    generator = np.random.default_rng(0)
    n = 4000
    usual = sum(draw_look(k % 10, generator).family == preferred_texture(k % 10) for k in range(n)) / n
    spread = np.sqrt(TEXTURE_RELIABILITY * (1 - TEXTURE_RELIABILITY) / n)
    assert abs(usual - TEXTURE_RELIABILITY) < 4 * spread
    chance = sum(draw_look(4, generator, informative=False).family == FAMILIES[4] for _ in range(n)) / n
    assert abs(chance - 0.1) < 4 * np.sqrt(0.09 / n)


def test_each_class_prefers_its_own_texture() -> None:
    assert len({preferred_texture(label) for label in range(10)}) == len(CLASSES) == len(FAMILIES) == 10


def test_random_texture_changes_nothing_but_the_object_s_texture() -> None:
    for label in range(10):
        looks = [draw_look(label, np.random.default_rng(5), informative=flag) for flag in (True, False)]
        assert looks[0].backdrop == looks[1].backdrop
        assert np.array_equal(looks[0].paint, looks[1].paint)
        assert (looks[0].light, looks[0].noise) == (looks[1].light, looks[1].noise)
    informative, random = generate(40), generate(40, texture="random")
    assert np.array_equal(informative.labels, random.labels)
    assert not np.array_equal(informative.images, random.images)


def test_renderings_show_the_same_object() -> None:
    black, outline, drawing = (
        generate(30, size=64, channels=1, rendering=rendering).images < 128
        for rendering in ("silhouettes", "contours", "line_drawings")
    )
    assert not (outline & ~black).any()  # the outline is drawn inside the silhouette
    assert not (drawing & ~black).any()
    assert not (outline & ~drawing).any()  # a line drawing holds the outline
    areas = [image.mean(axis=(1, 2, 3)) for image in (outline, drawing, black)]
    assert (areas[0] < areas[2]).all()
    assert (areas[0] <= areas[1]).all()
    assert areas[0].mean() < areas[1].mean() < areas[2].mean()


def test_drawn_renderings_are_dark_on_white_and_grey() -> None:
    for rendering in RENDERINGS[1:]:
        images = generate(20, size=64, rendering=rendering).images
        assert (images[:, 0] == images[:, 1]).all()
        assert (images[:, 0] == images[:, 2]).all()
        assert np.median(images) == 255
        assert images.min() == 0


def test_every_object_is_seen() -> None:
    for index, label in enumerate(labels_of(100, 0, "test").tolist()):
        covered = (silhouette(object_of(label, index, 0, "test"), 32) < 0.5).mean()
        assert 0.02 < covered < 0.75, CLASSES[label]


def test_object_looks_alike_at_every_size() -> None:
    thing = object_of(2, 0, 0, "test")
    large = silhouette(thing, 128).reshape(32, 4, 32, 4).mean(axis=(1, 3))
    assert np.abs(large - silhouette(thing, 32)).mean() < 0.01


def test_holes_show_the_background() -> None:
    from flexnet.data.shapes.geometry import Drawing, Part, box

    ring = Drawing((Part(box(-0.5, -0.5, 0.5, 0.5)), Part(box(-0.25, -0.25, 0.25, 0.25), hole=True)))
    mask = layers(ring, 64).mask
    assert (mask[32, 32], mask[32, 20], mask[2, 2]) == (0, 1, 0)
    assert mask.mean() == pytest.approx(0.25 - 0.0625, abs=0.02)


def test_pose_mirrors_scales_turns_and_shifts() -> None:
    pose = Pose(angle=np.pi / 2, scale=(0.5, 1.0), shift=(0.1, 0.2), flipped=True)
    # (1, 0) -> mirrored (-1, 0) -> scaled (-0.5, 0) -> turned by 90 degrees (0, -0.5) -> shifted
    assert transform(polygon((1, 0)), pose) == pytest.approx(np.array([[0.1, -0.3]]))


def test_stroke_has_the_width_of_its_pen() -> None:
    corners = stroke(polygon((0, 0), (1, 0)), 0.2)
    assert corners[:, 1].tolist() == pytest.approx([0.1, 0.1, -0.1, -0.1])


@pytest.mark.parametrize("family", FAMILIES)
def test_textures_fill_their_range(family: str) -> None:
    pattern = np.concatenate([texture(family, 32, np.random.default_rng(seed)) for seed in range(10)])
    assert pattern.shape == (320, 32)
    assert -1.3 < pattern.min() < -0.5
    assert 0.5 < pattern.max() < 1.3


def test_splits_are_renderings_of_the_test_set() -> None:
    test, _ = generate_split("test", {"n": 10})
    contours, used = generate_split("contours", {"n": 10})
    inverted, _ = generate_split("contours_inverted", {"n": 10})
    assert np.array_equal(test.labels, contours.labels)
    assert np.array_equal(contours.images, generate(10, split="test", rendering="contours").images)
    assert np.array_equal(inverted.images, 255 - contours.images)
    assert used == {"n": 10, "size": 32, "channels": 3, "seed": 0, "texture": "informative"}
    assert len(SPLITS) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "at least 1 image of shapes; got n = 0"),
        ({"n": "10"}, "n of shapes as a whole number; got '10'"),
        ({"size": 16.5}, "size of shapes as a whole number; got 16.5"),
        ({"seed": True}, "seed of shapes as a whole number; got True"),
        ({"n": 10**12}, r"4,294,967,296 pixels at most in all; got n = 1000000000000 of 32x32"),
        ({"size": 8}, "16 pixels at least; got size = 8"),
        ({"channels": 2}, r"1 \(grey\) or 3 \(RGB\) channels; got 2"),
        ({"texture": "none"}, "texture informative or random; got 'none'"),
        ({"rendering": "oil"}, r"options of shapes among .*; got \['rendering'\]"),
    ],
)
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        generate_split("train", options)


def test_wrong_split_and_rendering() -> None:
    with pytest.raises(ConfigError, match=r"split of shapes among train, test, contours.*; got 'val'"):
        generate_split("val", {})
    with pytest.raises(ConfigError, match=r"rendering among natural, contours.*; got 'oil'"):
        generate(1, rendering="oil")  # type: ignore[arg-type]
