"""Random corruptions against readings of the generators that are given the same random numbers.

Tolerance: one grey level, for values that single precision or another order of sums brings across one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from skimage.filters import gaussian

from flexnet.corruptions import SEVERITIES, constants_of, corrupt, pillow, weather
from flexnet.corruptions import gaussian as filters
from flexnet.corruptions.blur import glass_places
from flexnet.corruptions.edges import canny, distances, equalised
from flexnet.corruptions.frost import PICTURES, frost_picture
from flexnet.corruptions.motion import path
from flexnet.corruptions.registry import CORRUPTIONS
from flexnet.corruptions.spatter import water_drops
from flexnet.corruptions.weather import plasma

Pictures = Callable[..., torch.Tensor]
Array = np.ndarray
Reading = Callable[[Array, list[Array], dict[str, float]], Array]


def gaussian_noise(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    return np.clip(image / 255.0 + planes_last(drawn[0]) * it["sigma"], 0, 1) * 255


def speckle_noise(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    pixels = image / 255.0
    return np.clip(pixels + pixels * planes_last(drawn[0]) * it["sigma"], 0, 1) * 255


def shot_noise(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    """The smallest count whose probability of no more photons exceeds the number drawn."""
    counts = stats.poisson.ppf(planes_last(drawn[0]).astype(float), image / 255.0 * it["photons"])
    return np.clip(np.maximum(counts, 0) / it["photons"], 0, 1) * 255


def impulse_noise(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    out, chance = image.copy(), planes_last(drawn[0])
    out[chance < it["amount"]] = 0
    out[chance < it["amount"] / 2] = 255
    return out


def glass_blur(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    """With the swap as it stands: both sides are views of one array."""
    blurred = np.uint8(gaussian(image / 255.0, sigma=it["sigma"], channel_axis=-1) * 255)
    shuffled = shuffle(blurred, drawn[0], int(it["shift"]))
    return np.clip(gaussian(shuffled / 255.0, sigma=it["sigma"], channel_axis=-1), 0, 1) * 255


def shuffle(image: Array, neighbours: Array, shift: int) -> Array:
    x = image.copy()
    height, width = x.shape[:2]
    for down, right in zip(*neighbours, strict=True):
        for h in range(height - shift, shift, -1):
            for w in range(width - shift, shift, -1):
                other = h + int(down[h, w]), w + int(right[h, w])
                x[h, w], x[other] = x[other], x[h, w]
    return x


def motion_blur(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    return np.round(blurred_along(image.astype(float), drawn[0], it["sigma"]))


def blurred_along(image: Array, steps: Array, sigma: float) -> Array:
    weights = np.exp(-(np.arange(steps.shape[1]) ** 2) / (2 * sigma**2))
    height, width = image.shape[:2]
    total = np.zeros(image.shape)
    for weight, down, right in zip(weights / weights.sum(), *steps, strict=True):
        rows = np.clip(np.arange(height) + down, 0, height - 1)
        columns = np.clip(np.arange(width) + right, 0, width - 1)
        total += weight * image[rows][:, columns]
    return total


def snow(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    side = len(image)
    noise = drawn[0][0].astype(float) * it["deviation"] + it["mean"]
    kept = int(np.ceil(side / it["zoom"]))
    first = (side - kept) // 2
    large = ndimage.zoom(noise[first : first + kept, first : first + kept], it["zoom"], order=1)
    first = (len(large) - side) // 2
    flakes = large[first : first + side, first : first + side]
    flakes[flakes < it["cut"]] = 0
    flakes = (np.clip(flakes, 0, 1) * 255).astype(np.uint8)
    layer = np.round(blurred_along(flakes.astype(float), drawn[1], it["sigma"]))[..., None] / 255
    pixels = image.astype(np.float32) / 255
    grey = (pixels @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    pixels = it["mix"] * pixels + (1 - it["mix"]) * np.maximum(pixels, grey * 1.5 + 0.5)
    return np.clip(pixels + layer + np.rot90(layer, k=2), 0, 1) * 255


def frost(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    return np.clip(it["image"] * image + it["frost"] * planes_last(drawn[0]), 0, 255)


def fog(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    height, width = image.shape[:2]
    pixels = image / 255.0
    most = pixels.max()
    pixels += it["strength"] * diamond_square(drawn[0], it["decay"])[:height, :width, None]
    return np.clip(pixels * most / (most + it["strength"]), 0, 1) * 255


def diamond_square(chances: Array, decay: float) -> Array:
    """Point by point, as the algorithm is told: squares get their middles, then diamonds theirs."""
    side = len(chances)
    heights, step, wibble = np.zeros((side, side)), side, 100.0
    while step >= 2:
        half = step // 2

        def mean(places: list[tuple[int, int]]) -> float:
            return float(sum(heights[row % side, column % side] for row, column in places) / 4)

        for row in range(half, side, step):
            for column in range(half, side, step):
                around = [(row + a, column + b) for a in (-half, half) for b in (-half, half)]
                heights[row, column] = mean(around) + wibble**2 * chances[row, column]
        for row in range(0, side, half):
            for column in range((row // half + 1) % 2 * half, side, step):
                around = [
                    (row - half, column),
                    (row + half, column),
                    (row, column - half),
                    (row, column + half),
                ]
                heights[row, column] = mean(around) + wibble**2 * chances[row, column]
        step, wibble = half, wibble / decay
    heights -= heights.min()
    return heights / heights.max()


def elastic_transform(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    side = len(image)
    middle, reach = side // 2, side // 3
    points = np.array([[1, 1], [1, -1], [-1, -1]]) * reach + middle
    moved = points + drawn[0] * it["side"] * it["jitter"]
    back = np.linalg.solve(np.c_[moved, np.ones(3)], points)  # the three moved points to where they were
    rows, columns = np.mgrid[:side, :side].astype(float)
    from_columns, from_rows = np.moveaxis(np.stack([columns, rows, np.ones_like(rows)], -1) @ back, -1, 0)
    pixels = sampled(image.astype(np.float32) / 255, from_rows, from_columns, "mirror")
    shifts = [
        gaussian(field.astype(float), it["side"] * it["sigma"], mode="reflect", truncate=3)
        * (it["side"] * it["alpha"])
        for field in drawn[1]
    ]
    return np.clip(sampled(pixels, rows + shifts[1], columns + shifts[0], "reflect"), 0, 1) * 255


def sampled(pixels: Array, rows: Array, columns: Array, mode: Any) -> Array:
    planes = [
        ndimage.map_coordinates(plane, [rows, columns], order=1, mode=mode) for plane in planes_first(pixels)
    ]
    return np.stack(planes, -1)


def mud(image: Array, drawn: list[Array], it: dict[str, float]) -> Array:
    liquid = gaussian(drawn[0][0] * it["deviation"] + it["mean"], sigma=it["sigma"])
    mask = gaussian((liquid > it["cut"]).astype(np.float32), sigma=it["mud"])
    mask[mask < 0.8] = 0
    colour = np.array([63, 42, 20]) / 255
    return np.clip(image / 255 * (1 - mask[..., None]) + colour * mask[..., None], 0, 1) * 255


def planes_last(planes: Array) -> Array:
    return np.moveaxis(planes, 0, -1)


def planes_first(image: Array) -> Array:
    return np.moveaxis(image, -1, 0)


READINGS: dict[str, Reading] = {
    reading.__name__: reading
    for reading in (
        *(gaussian_noise, speckle_noise, shot_noise, impulse_noise, glass_blur, motion_blur),
        *(snow, frost, fog, elastic_transform),
    )
}
SIDES = (32, 224)
LARGE = {"glass_blur": (2, 4), "fog": (1, 3)}  # severities that are read at 224 pixels where that takes long


def both(name: str, reading: Reading, images: torch.Tensor, severity: int, family: str = "auto") -> Array:
    """Ours minus the reading, both of the same draw, (n, H, W, C)."""
    constants, corruption = constants_of(name, severity, min(images.shape[2:]), family), CORRUPTIONS[name]
    shape = (images.shape[1], images.shape[2], images.shape[3])
    generators = [torch.Generator().manual_seed(number) for number in range(len(images))]
    drawn = [corruption.draw(generator, shape, constants) for generator in generators]
    ours = corruption.apply(images, tuple(map(torch.stack, zip(*drawn, strict=True))), constants)
    expected = [
        np.uint8(reading(image, [part.numpy() for part in parts], constants))
        for image, parts in zip(images.permute(0, 2, 3, 1).numpy(), drawn, strict=True)
    ]
    return ours.permute(0, 2, 3, 1).numpy().astype(int) - np.stack(expected)


@pytest.mark.oracle
@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", READINGS)
def test_the_reading_of_the_same_draw_at_32(name: str, severity: int, pictures: Pictures) -> None:
    apart = np.abs(both(name, READINGS[name], pictures(32, n=4), severity))
    assert apart.max() <= 1
    assert apart.mean() < 0.01


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "severity"), [(name, severity) for name in READINGS for severity in LARGE.get(name, SEVERITIES)]
)
def test_the_reading_of_the_same_draw_at_224(name: str, severity: int, pictures: Pictures) -> None:
    apart = np.abs(both(name, READINGS[name], pictures(224, n=1), severity))
    assert apart.max() <= 1
    assert apart.mean() < 0.01


@pytest.mark.oracle
@pytest.mark.parametrize("severity", [4, 5])
@pytest.mark.parametrize("side", SIDES)
def test_mud_of_the_same_draw(side: int, severity: int, pictures: Pictures) -> None:
    assert np.abs(both("spatter", mud, pictures(side, n=2), severity)).max() <= 1


# --- glass -------------------------------------------------------------------------------------------


def swapped(image: Array, neighbours: Array, shift: int) -> Array:
    """What the generators meant: a swap of both pixels."""
    x = image.copy()
    for down, right in zip(*neighbours, strict=True):
        for h in range(len(x) - shift, shift, -1):
            for w in range(len(x) - shift, shift, -1):
                other = h + int(down[h, w]), w + int(right[h, w])
                x[h, w], x[other] = x[other].copy(), x[h, w].copy()
    return x


@pytest.mark.parametrize(("shift", "rounds"), [(1, 1), (1, 3), (2, 1), (3, 2), (4, 3)])
def test_glass_copies_one_way_as_the_generators_do(shift: int, rounds: int) -> None:
    """Of 32 x 32 numbers none may be lost by a swap, and many are by copies that follow each other."""
    neighbours = torch.randint(
        -shift, shift, (1, 2, rounds, 32, 32), generator=torch.Generator().manual_seed(1)
    )
    numbers = np.arange(32 * 32).reshape(32, 32, 1)
    ours = glass_places(neighbours.to(torch.int8), shift)[0].view(32, 32, 1).numpy()
    assert np.array_equal(ours, shuffle(numbers, neighbours[0].numpy(), shift))
    meant = swapped(numbers, neighbours[0].numpy(), shift)
    assert len(np.unique(meant)) == 32 * 32
    assert len(np.unique(ours)) < 32 * 32
    assert not np.array_equal(ours, meant)


def test_glass_draws_neighbours_as_far_as_the_generators_do() -> None:
    """numpy.random.randint(-3, 3): from -3 to 2, each as often."""
    constants = {"sigma": 1.0, "shift": 3.0, "rounds": 2.0}
    (drawn,) = CORRUPTIONS["glass_blur"].draw(torch.Generator().manual_seed(0), (3, 224, 224), constants)
    assert drawn.shape == (2, 2, 224, 224)
    values, counts = drawn.unique(return_counts=True)
    assert values.tolist() == [-3, -2, -1, 0, 1, 2]
    assert counts.float().std() / counts.float().mean() < 0.02


# --- frost -------------------------------------------------------------------------------------------


def test_frost_draws_from_five_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sixth would be one too many: the generators draw the first five of their six."""
    numbered = [torch.full((3, 40, 40), number, dtype=torch.uint8) for number in range(6)]
    monkeypatch.setattr(weather, "frost_picture", lambda number, *size: numbered[number])
    generator, constants = torch.Generator().manual_seed(0), constants_of("frost", 3, 32)
    seen = [int(weather.draw_frost(generator, (3, 32, 32), constants)[0].max()) for _ in range(200)]
    assert set(seen) == {0, 1, 2, 3, 4}
    assert min(map(seen.count, range(5))) > 20


@pytest.mark.parametrize(("side", "size"), [(224, 1.0), (32, 0.2)])
def test_frost_shows_parts_of_its_pictures_at_the_size_of_the_family(side: int, size: float) -> None:
    """Of 32 pixels a part would show next to nothing of a picture that was not made smaller."""
    constants, generator = constants_of("frost", 3, side), torch.Generator().manual_seed(0)
    assert constants["size"] == size
    (part,) = CORRUPTIONS["frost"].draw(generator, (3, side, side), constants)
    pictures = (frost_picture(number, size) for number in range(len(PICTURES)))
    found = [(picture.unfold(2, side, 1) == part[:, :1, None]).all(-1).all(0) for picture in pictures]
    assert sum(int(places.sum()) for places in found) == 1


def test_pictures_of_frost_have_the_colour_and_contrast_that_they_are_said_to_have() -> None:
    for number, told in enumerate(PICTURES):
        values = frost_picture(number, 1.0).double()
        assert tuple(values.shape) == (3, told.height, told.width)
        assert (values.mean((1, 2)) - torch.tensor(told.colour)).abs().max() < 3
        assert abs(float(values.mean(0).std()) - told.contrast) < 3


@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 32, 128), (1, 200, 20)])
def test_frost_covers_images_that_exceed_its_pictures(shape: tuple[int, int, int]) -> None:
    """By constants as they stand, and of images that are much longer than wide."""
    constants, generator = constants_of("frost", 3, 32, "cifar"), torch.Generator()
    for seed in range(12):  # all five pictures
        (part,) = CORRUPTIONS["frost"].draw(generator.manual_seed(seed), shape, constants)
        assert part.shape == shape
        assert len(part.unique()) > 20
    needed = frost_picture(1, 0.2, 64, 64)  # 63 x 112 at that size
    assert tuple(needed.shape) == (3, 64, 114)


# --- motion, fog, snow ---------------------------------------------------------------------------------


def test_paths_are_rounded_as_imagemagick_does() -> None:
    """Half a pixel goes to the lower number, and a path of 45 degrees is a diagonal with its gaps."""
    assert path(0, 3).tolist() == [[0] * 7, [0, 1, 2, 3, 4, 5, 6]]
    assert path(-90, 2)[0].tolist() == [0, -1, -2, -3, -4]
    assert path(30, 2).tolist() == [[0, 0, 1, 1, 2], [0, 1, 2, 3, 3]]


def test_fog_has_no_edge_where_its_map_meets_itself() -> None:
    """The map goes on from its last row to its first as between any two rows."""
    chances = 2 * torch.rand(20, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1
    maps = plasma(chances, 2.0)
    inside = (maps[:, 1:] - maps[:, :-1]).abs().mean()
    assert 0.5 < (maps[:, 0] - maps[:, -1]).abs().mean() / inside < 2
    assert torch.equal(maps.amin((1, 2)), torch.zeros(20, dtype=torch.float64))
    assert torch.equal(maps.amax((1, 2)), torch.ones(20, dtype=torch.float64))


# --- drops -------------------------------------------------------------------------------------------


def random_bytes(side: int, smooth: float, number: int) -> Array:
    field = ndimage.gaussian_filter(np.random.default_rng(number).normal(size=(side, side + 5)), smooth)
    return np.uint8(255 * (field - field.min()) / np.ptp(field))


def planes(image: Array, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(image)[None, None].to(dtype)


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.2])
def test_distances_are_shortest_paths(share: float) -> None:
    """By walking: sixteen steps from each pixel, until no way becomes shorter."""
    edges = np.random.default_rng(0).random((40, 47)) < share
    edges[3, 5] = True
    steps = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if {abs(a), abs(b)} not in ({0}, {0, 2}, {2})]
    lengths = {1: 1.0, 2: 1.4, 5: 2.1969}
    found = np.where(edges, 0.0, np.inf)
    for _ in range(40):
        around = np.pad(found, 2, constant_values=np.inf)
        ways = [
            around[2 + a : 42 + a, 2 + b : 49 + b] + lengths[a * a + b * b]
            for a, b in steps
            if (a, b) != (0, 0)
        ]
        found = np.minimum(found, np.min(ways, axis=0))
    ours = distances(planes(edges, torch.bool), 20)[0, 0].numpy()
    assert np.allclose(ours, np.minimum(found, 20), atol=1e-3)


def test_no_edge_at_all_is_as_far_as_it_gets() -> None:
    assert distances(torch.zeros(2, 1, 20, 30, dtype=torch.bool), 20).unique().tolist() == [20.0]


@pytest.mark.oracle
@pytest.mark.parametrize(("side", "smooth"), [(32, 0.7), (60, 1.5), (224, 3)])
def test_edges_distances_and_histograms_are_opencv_s(side: int, smooth: float) -> None:
    cv2 = pytest.importorskip("cv2")
    for number in range(4):
        image = random_bytes(side, smooth, number)
        edges = canny(planes(image), 50, 150)
        expected = cv2.Canny(image, 50, 150)
        assert np.array_equal(edges[0, 0].numpy(), expected > 0)
        far = cv2.distanceTransform(255 - expected, cv2.DIST_L2, 5)
        assert np.allclose(distances(edges, 20)[0, 0].numpy(), np.minimum(far, 20), atol=2e-3)
        assert np.array_equal(equalised(planes(image))[0, 0].numpy(), cv2.equalizeHist(image))
    flat = np.full((20, 20), 7, np.uint8)
    assert np.array_equal(equalised(planes(flat))[0, 0].numpy(), cv2.equalizeHist(flat))


@pytest.mark.oracle
@pytest.mark.parametrize("severity", [1, 2, 3])
@pytest.mark.parametrize("side", SIDES)
def test_drops_of_water_are_opencv_s(side: int, severity: int) -> None:
    """Step by step as in the generator, from the same noise.

    Where the mean distance around a pixel is a whole number in fixed point, it may be just below one in
    floats; what is truncated then, and some of its neighbours, differ.
    """
    cv2 = pytest.importorskip("cv2")
    it = constants_of("spatter", severity, side)
    for number in range(3):
        noise = np.random.default_rng(number).normal(it["mean"], it["deviation"], (side, side))
        thick = gaussian(noise, sigma=it["sigma"])
        thick[thick < it["cut"]] = 0
        liquid = (thick * 255).astype(np.uint8)
        dist = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
        _, dist = cv2.threshold(dist, 20, 20, cv2.THRESH_TRUNC)
        dist = cv2.equalizeHist(cv2.blur(dist, (3, 3)).astype(np.uint8))
        light = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
        dist = cv2.blur(cv2.filter2D(dist, cv2.CV_8U, light), (3, 3)).astype(np.float32)
        drops = liquid * dist
        apart = np.abs(water_drops(planes(thick))[0, 0].numpy() - drops / drops.max())
        assert (apart > 1 / 255).mean() < 0.002
        assert apart.max() < 0.05


def test_no_drop_leaves_the_image_as_it_is(pictures: Pictures) -> None:
    """The generator divides by zero there, and stores black."""
    images, constants = pictures(32, n=1), constants_of("spatter", 1, 32)
    dry = torch.full((1, 1, 32, 32), -9.0)
    assert torch.equal(CORRUPTIONS["spatter"].apply(images, (dry,), constants), images)


# --- two ways of one thing ------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.0, 6.0])
def test_the_gaussian_filter_of_torch_is_that_of_scipy_to_the_last_bit(
    sigma: float, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of them runs hangs on the processor; images may not."""
    for images in (pictures(40, n=2).double() / 255, pictures(33, n=1, channels=1).float() / 255):
        first = filters.gaussian_filter(images, sigma)
        with monkeypatch.context() as patch:
            patch.setattr(filters, "ROUNDS_APART", False)
            assert torch.equal(filters.gaussian_filter(images, sigma), first)
        assert first.dtype == images.dtype


@pytest.mark.parametrize("name", ["pixelate", "jpeg_compression"])
def test_large_and_small_images_go_two_ways_to_the_same_end(
    name: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    for images in (pictures(96, n=2), pictures(96, n=1, channels=1)[..., :90]):
        for severity in (1, 5):
            found = []
            for large in (0, 10**9):
                monkeypatch.setattr(pillow, "LARGE", large)
                found.append(corrupt(images, name, severity))
            assert torch.equal(*found)
