"""Fourier-basis noise against NumPy's transform of a single frequency."""

import numpy as np
import pytest
import torch

from flexnet.errors import ConfigError
from flexnet.spectral.basis import basis_image
from flexnet.spectral.plane import half_plane

SIDES = [(8, 8), (7, 7), (8, 5), (32, 32)]


@pytest.mark.parametrize("sides", SIDES)
def test_a_basis_image_is_what_one_frequency_and_its_mirror_transform_to(sides):
    height, width = sides
    for v in range(-(height // 2), height // 2 + 1):
        for h in (-(width // 2), -1, 0, 2, width // 2):
            spectrum = np.zeros(sides)
            spectrum[v % height, h % width] = spectrum[-v % height, -h % width] = 1.0
            theirs = np.fft.ifft2(spectrum)
            assert np.abs(theirs.imag).max() < 1e-15  # conjugate symmetry: the picture is real
            ours = basis_image(height, width, v, h).numpy()
            assert np.allclose(ours, theirs.real / np.linalg.norm(theirs.real), atol=1e-12)


@pytest.mark.parametrize("sides", SIDES)
def test_the_basis_is_of_norm_one_and_its_half_is_orthogonal(sides):
    waves = [basis_image(*sides, v, h) for v, h in half_plane((min(sides) - 1) // 2, 1)]
    table = torch.stack([found.flatten() for found in waves])
    assert torch.allclose(table @ table.T, torch.eye(len(table), dtype=torch.float64), atol=1e-10)


def test_frequency_0_is_grey_and_the_highest_a_chessboard():
    assert torch.allclose(basis_image(6, 6, 0, 0), torch.full((6, 6), 1 / 6, dtype=torch.float64))
    board = basis_image(6, 6, 3, 3) * 6
    places = torch.arange(6, dtype=torch.float64)
    assert torch.allclose(board, (-1.0) ** (places[:, None] + places), atol=1e-12)


def test_rows_are_vertical_frequencies():
    wave = basis_image(8, 8, 1, 0)
    assert torch.allclose(wave, wave[:, :1].expand(8, 8))
    assert float(wave[:, 0].std()) > 0.1


def test_mirror_images_are_one_and_are_asked_once():
    assert torch.allclose(basis_image(9, 9, 2, -3), basis_image(9, 9, -2, 3))
    grid = half_plane(6, 3)
    assert grid[0] == (0, 0)
    whole = {*grid, *((-v, -h) for v, h in grid)}
    assert whole == {(v, h) for v in range(-6, 7, 3) for h in range(-6, 7, 3)}
    assert len(grid) == 13
    assert half_plane(7, 3) == grid


def test_at_half_as_many_cycles_as_pixels_two_of_the_grid_are_one_wave():
    grid = half_plane(4, 2)
    for one, other in (((4, 2), (4, -2)), ((2, 4), (2, -4))):
        assert {one, other} <= {*grid}
        assert torch.allclose(basis_image(8, 8, *one), basis_image(8, 8, *other), atol=1e-12)
        assert not torch.allclose(basis_image(9, 9, *one), basis_image(9, 9, *other), atol=0.1)


@pytest.mark.parametrize(("sides", "at"), [((8, 8), (5, 0)), ((8, 8), (0, -5)), ((7, 7), (4, 0))])
def test_frequencies_that_images_do_not_have_are_refused(sides, at):
    with pytest.raises(ConfigError, match=r"expected a (vertical|horizontal) frequency between"):
        basis_image(*sides, *at)
