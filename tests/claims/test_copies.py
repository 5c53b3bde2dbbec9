"""Which seeds are one run under two names: by numbers that tell, of which there must be enough."""

import pandas as pd
import pytest

from flexnet.claims.copies import copies
from flexnet.claims.grids import SeriesGrid, series_grid

NAN = float("nan")


def grid(*rows: list[float]) -> SeriesGrid:
    """A network with a row of numbers for seeds 1, 2 and so on."""
    seen = pd.DataFrame(list(rows), index=range(1, 1 + len(rows)))
    return SeriesGrid("a", seen, seen, seen)


@pytest.mark.parametrize(
    ("second", "third", "copied"),
    [
        ([0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], True),
        ([0.1, 0.2, 0.3, 0.41], [0.5, 0.6, 0.7, 0.8], False),  # one differs
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.6, 0.7, 0.8], False),  # and one is the same in all seeds
        ([0.1, 0.2, 0.3, NAN], [0.5, 0.6, 0.7, 0.8], False),  # three are few
    ],
)
def test_four_numbers_that_could_differ_make_a_copy(second, third, copied):
    found = copies([grid([0.1, 0.2, 0.3, 0.4], second, third)], [1, 2, 3])
    assert found == ({2: "it repeats seed 1 in every value"} if copied else {})


@pytest.mark.parametrize("same", [0.0, 1.0, 0.3])
def test_what_many_networks_have_and_what_was_told_before_is_no_further_number(same):
    own = [0.1, 0.2, 0.3, same, same]
    assert copies([grid(own, own, [0.5, 0.6, 0.7, 0.8, 0.9])], [1, 2, 3]) == {}


def test_a_copy_is_one_in_every_network_and_of_the_first_seed_that_counts():
    first, second = [0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]
    one = grid(first, first, first, second)
    assert copies([one, grid([0.1], [0.1], [0.1], [0.2])], [1, 2, 3, 4]) == dict.fromkeys(
        (2, 3), "it repeats seed 1 in every value"
    )
    assert copies([one, grid([0.1], [0.3], [0.1], [0.2])], [1, 2, 3, 4]) == {
        3: "it repeats seed 1 in every value"
    }
    assert copies([one], [2, 3, 4]) == {3: "it repeats seed 2 in every value"}


@pytest.mark.parametrize("seeds", [[1, 2], [1, 2, 3]])
def test_where_all_seeds_are_one_run_one_of_them_stays(seeds):
    own = [0.1, 0.2, 0.3, 0.4]
    found = copies([grid(*([own] * len(seeds)))], seeds)
    assert found == dict.fromkeys(seeds[1:], "it repeats seed 1 in every value")
    assert copies([grid(own[:3], own[:3])], [1, 2]) == {}  # three are few here too


def test_a_run_is_known_by_all_its_rows_and_by_what_is_compared(make_rows):
    """One accuracy under three layers, and a measure that differs: the rule looks at a single layer."""
    accuracies = {"all": {seed: dict.fromkeys((2, 4, 7), 0.5 + 0.1 * seed) for seed in (1, 2)}}
    rows = make_rows(accuracies, over="layer").assign(sameness=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    seen = series_grid(rows, "all", "layer", measure="sameness").seen
    assert seen.loc[1].tolist() == pytest.approx([0.6, 0.6, 0.6, 0.1, 0.2, 0.3])
    attacked = pd.concat([rows.assign(attack="none"), rows.assign(attack="white", accuracy=0.2)])
    assert series_grid(attacked, "all", "layer").seen.loc[2].tolist() == pytest.approx([0.7] * 3 + [0.2] * 3)
