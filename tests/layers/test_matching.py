from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from flexnet.errors import ConfigError
from flexnet.layers.matching import MATCHINGS, match_channels


def numbered(channels: int) -> torch.Tensor:
    """Channel j holds j everywhere, with its sign alternating to make maxima less obvious."""
    return torch.arange(float(channels)).reshape(1, channels, 1, 1).expand(2, -1, 3, 2)


def channel_values(pooled: torch.Tensor, out_channels: int, matching: str) -> list[float]:
    matched = match_channels(pooled, out_channels, matching)
    assert matched.shape == (2, out_channels, 3, 2)
    assert torch.equal(matched, matched[:1, :, :1, :1].expand_as(matched))
    return matched[0, :, 0, 0].tolist()


@pytest.mark.parametrize(("channels", "out_channels"), [(1, 12), (3, 64), (64, 128), (64, 64)])
def test_tile_repeats_the_channels_in_turn(channels: int, out_channels: int) -> None:
    expected = [j % channels for j in range(out_channels)]
    assert channel_values(numbered(channels), out_channels, "tile") == expected


@pytest.mark.parametrize(("channels", "out_channels"), [(1, 12), (3, 64), (64, 128), (64, 64)])
def test_interleave_repeats_each_channel(channels: int, out_channels: int) -> None:
    expected = [j * channels // out_channels for j in range(out_channels)]
    assert channel_values(numbered(channels), out_channels, "interleave") == expected


@pytest.mark.parametrize(("channels", "out_channels"), [(1, 12), (3, 64), (64, 128), (64, 64), (8, 3)])
def test_interp_is_linear_interpolation_along_channels(channels: int, out_channels: int) -> None:
    torch.manual_seed(0)
    pooled = torch.randn(2, channels, 3, 2)
    volume = pooled.permute(0, 2, 3, 1).flatten(1, 2)  # (N, pixels, C): F.interpolate works on the last axis
    expected = F.interpolate(volume, size=out_channels, mode="linear", align_corners=False)
    actual = match_channels(pooled, out_channels, "interp").permute(0, 2, 3, 1).flatten(1, 2)
    torch.testing.assert_close(actual, expected)


def test_interp_by_hand() -> None:
    # Two channels to four: centres at -0.25, 0.25, 0.75, 1.25 of the old ones, clamped at the ends.
    assert channel_values(numbered(2), 4, "interp") == [0, 0.25, 0.75, 1]


def test_fewer_outputs_take_the_maximum_of_a_group() -> None:
    pooled = torch.tensor([5.0, -1, 2, 7, 3]).reshape(1, 5, 1, 1).expand(2, -1, 3, 2)
    assert channel_values(pooled, 2, "tile") == [5, 7]  # channels 0 2 4 and 1 3
    assert channel_values(pooled, 2, "interleave") == [5, 7]  # channels 0 1 2 and 3 4
    assert channel_values(pooled, 3, "tile") == [7, 3, 2]  # channels 0 3, 1 4 and 2
    assert channel_values(pooled, 3, "interleave") == [5, 7, 3]  # channels 0 1, 2 3 and 4


@pytest.mark.parametrize(
    ("matching", "shared"), [("tile", lambda i, c, k: i % k), ("interleave", lambda i, c, k: i * k // c)]
)
def test_groups_are_those_that_share_an_output(matching: str, shared: Callable[[int, int, int], int]) -> None:
    generator = torch.Generator().manual_seed(0)
    for channels in range(2, 25):
        pooled = torch.randn(1, channels, 1, 1, generator=generator).expand(2, -1, 3, 2)
        values = pooled[0, :, 0, 0].tolist()
        for fewer in range(1, channels):
            groups = [[i for i in range(channels) if shared(i, channels, fewer) == j] for j in range(fewer)]
            expected = [max(values[i] for i in group) for group in groups]
            assert channel_values(pooled, fewer, matching) == expected


@pytest.mark.parametrize("matching", MATCHINGS)
@pytest.mark.parametrize("out_channels", [2, 4, 9])
def test_gradients_are_right(matching: str, out_channels: int) -> None:
    torch.manual_seed(0)
    pooled = torch.randn(1, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: match_channels(p, out_channels, matching), pooled)


def test_unknown_matching_is_named() -> None:
    with pytest.raises(ConfigError, match="'cat'"):
        match_channels(numbered(2), 4, "cat")
