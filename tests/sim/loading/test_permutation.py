"""Orders as functions."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.sim.loading.permutation import Permutation


@pytest.mark.parametrize("size", [1, 2, 3, 17, 4096, 4097, 5000, 8191, 8192, 8193, 65537])
def test_every_thing_stands_once(size: int) -> None:
    """The order is a bijection, around every power of two."""
    order = Permutation(size=size, seed=3, stream="order/0").at(np.arange(size))
    np.testing.assert_array_equal(np.sort(order), np.arange(size))


def test_any_place_is_known_alone() -> None:
    """A place gives the same thing alone and among others, also far out in orders that fit no memory."""
    order = Permutation(size=6000, seed=1, stream="a")
    whole = order.at(np.arange(6000))
    assert [int(order.at([place])[0]) for place in (0, 17, 5999)] == whole[[0, 17, 5999]].tolist()
    huge = Permutation(size=(1 << 62) - 5, seed=1, stream="a")
    places = np.array([0, 1, 2, (1 << 62) - 6])
    found = huge.at(places)
    assert len(set(found.tolist())) == 4
    assert found.min() >= 0
    assert found.max() < (1 << 62) - 5


@pytest.mark.parametrize("size, epochs", [(12, 6000), (5003, 400)])
def test_things_are_spread_evenly(size: int, epochs: int) -> None:
    """Over many orders, each place is equally likely for a thing, and each step for a pair of neighbours."""
    watched = np.arange(12)
    cells = 12
    where = np.zeros((12, cells))
    steps = np.zeros(cells)
    for epoch in range(epochs):
        order = Permutation(size=size, seed=9, stream=f"order/{epoch}")
        found = order.at(watched)
        np.add.at(where, (watched, found * cells // size), 1)
        gaps = (found[1::2] - found[::2]) % size
        np.add.at(steps, gaps * cells // size, 1)
    cell_size = np.bincount(np.arange(size) * cells // size)
    expected = epochs * cell_size / size
    # A chi-square of k degrees deviates by sqrt(2 k).
    for counts in where:
        assert ((counts - expected) ** 2 / expected).sum() < 11 + 5 * np.sqrt(22)
    # Neighbours differ, by any other step alike.
    cell_size[0] -= 1
    wanted = steps.sum() * cell_size / (size - 1)
    seen = cell_size > 0
    assert ((steps - wanted)[seen] ** 2 / wanted[seen]).sum() < 11 + 5 * np.sqrt(22)


def test_orders_differ() -> None:
    """Another seed or another name is another order."""
    places = np.arange(5000)
    orders = [Permutation(size=5000, seed=s, stream=n).at(places) for s, n in ((0, "a"), (0, "b"), (1, "a"))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        # Matches of unrelated orders are Poisson with mean 1.
        assert (orders[one] == orders[other]).sum() < 8


def test_wrong_sizes_are_named() -> None:
    """Size and places are checked."""
    with pytest.raises(ValueError, match="size must be in"):
        Permutation(size=0, seed=0, stream="a")
    with pytest.raises(ValueError, match="places must be in"):
        Permutation(size=5, seed=0, stream="a").at([5])
