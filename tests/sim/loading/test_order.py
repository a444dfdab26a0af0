"""The order of rows over epochs, ranks and restarts."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from simloom.sim.errors import UsageError
from simloom.sim.loading.batch_sampler import BatchSampler
from simloom.sim.loading.order import Order

MIXED = Order(
    sizes=(10, 95), names=("real", "sim"), weights=(Fraction(1, 4), Fraction(3, 4)), batch_size=6, seed=5
)  # fmt: skip


def test_an_epoch_holds_every_row_once() -> None:
    """With the last batch, an epoch is the dataset; the next one is it in another order."""
    order = Order(sizes=(9001,), batch_size=64, seed=2, drop_last=False)
    epochs = [np.concatenate([order.batch(epoch, n).place for n in range(order.batches)]) for epoch in (0, 1)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(9001))
    assert (epochs[0] == epochs[1]).sum() < 8
    assert order.batches == 141
    assert Order(sizes=(9001,), batch_size=64, seed=2).batches == 140
    straight = Order(sizes=(7,), batch_size=3, shuffle=False, drop_last=False)
    assert [straight.batch(4, n).place.tolist() for n in range(3)] == [[0, 1, 2], [3, 4, 5], [6]]


def test_ranks_share_the_same_batches() -> None:
    """The global batch is one for any number of ranks, and each rank gets its share of each source."""
    for world_size in (1, 2, 3, 6):
        samplers = [BatchSampler(MIXED, rank=rank, world_size=world_size) for rank in range(world_size)]
        for number, parts in enumerate(zip(*samplers, strict=True)):
            wanted = MIXED.batch(0, number)
            rows = sorted(index for part in parts for index in part)
            assert rows == sorted(np.where(wanted.source == 0, wanted.place, 10 + wanted.place).tolist())
            for part in parts:
                real = sum(index < 10 for index in part)
                assert abs(real - (wanted.source == 0).sum() / world_size) < 1


def test_a_mixture_goes_through_each_source_in_turn() -> None:
    """No row of a source comes a time more before every row has come as often; passes go on over epochs."""
    counts: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
    for epoch in range(3):
        for number in range(MIXED.batches):
            rows = MIXED.batch(epoch, number)
            for source, place, turn in zip(rows.source, rows.place, rows.turn, strict=True):
                assert counts[source][place] == turn
                counts[source][place] += 1
    for count, size in zip(counts, MIXED.sizes, strict=True):
        assert len(count) == size
        assert max(count.values()) - min(count.values()) <= 1
    # 95 rows at three quarters: 127 rows, so 22 batches of 6; of them a quarter is real.
    assert MIXED.batches == 22
    assert abs(counts[0].total() - 3 * 22 * 6 / 4) < 1


def test_a_source_keeps_its_order_beside_others() -> None:
    """Another source or another weight changes when rows of a source come, and not in which order."""
    alone = Order(sizes=(95,), names=("sim",), batch_size=95, seed=5).batch(0, 0).place
    mixed = np.concatenate([MIXED.batch(0, n).place[MIXED.batch(0, n).source == 1] for n in range(22)])
    np.testing.assert_array_equal(mixed[:95], alone)


@pytest.mark.parametrize("order", [MIXED, Order(sizes=(50,), batch_size=6, seed=5, drop_last=False)])
def test_a_saved_place_goes_on(order: Order) -> None:
    """A state taken after k batches goes on with batch k, in the same epoch, through JSON and with other ranks."""
    sampler = BatchSampler(order)
    straight = [batch for _ in range(3) for batch in sampler]
    for done in (0, 1, 5, len(sampler), len(sampler) + 2):
        first = BatchSampler(order)
        epoch, rest = divmod(done, len(first))
        for _ in range(epoch):
            list(first)
        seen = list(islice(first, rest))
        assert len(seen) == rest
        second = BatchSampler(order, world_size=1)
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        second.set_epoch(epoch)  # what a training loop does at the top of an epoch
        going_on = [batch for _ in range(3) for batch in second]
        assert going_on[: len(straight) - done] == straight[done:]


def test_ranks_may_change_between_runs() -> None:
    """A state of one rank goes on with three, which together see the batches that it would have seen."""
    alone = BatchSampler(MIXED)
    batches = iter(alone)
    next(batches)
    state = alone.state_dict()
    wanted = [sorted(batch) for batch in batches]
    ranks = [BatchSampler(MIXED, rank=rank, world_size=3) for rank in range(3)]
    for rank in ranks:
        rank.load_state_dict(state)
    assert [sorted(index for part in parts for index in part) for parts in zip(*ranks, strict=True)] == wanted


def test_iterating_again_is_the_next_epoch() -> None:
    """After an epoch, whole or broken off, comes the next; `set_epoch` begins the one it names."""
    sampler = BatchSampler(Order(sizes=(12,), batch_size=4))
    first, second = list(sampler), list(sampler)
    assert first != second
    sampler.set_epoch(0)
    assert next(iter(sampler)) == first[0]
    assert next(iter(sampler)) == second[0]
    sampler.set_epoch(1)
    assert list(sampler) == second


def test_what_cannot_be_is_named() -> None:
    """Sizes, ranks and states that do not fit are answered with the way out."""
    with pytest.raises(UsageError, match="drop_last=False"):
        Order(sizes=(5,), batch_size=6)
    with pytest.raises(UsageError, match="no rows"):
        Order(sizes=(0,), batch_size=6)
    with pytest.raises(UsageError, match="multiple of 4"):
        BatchSampler(MIXED, world_size=4)
    with pytest.raises(UsageError, match="drop_last=True"):
        BatchSampler(Order(sizes=(13,), batch_size=6, drop_last=False), world_size=2)
    other = BatchSampler(Order(sizes=(50,), batch_size=5)).state_dict()
    with pytest.raises(UsageError, match="batch_size was 5, is 6"):
        BatchSampler(Order(sizes=(50,), batch_size=6)).load_state_dict(other)
    with pytest.raises(UsageError, match="version"):
        BatchSampler(MIXED).load_state_dict({"version": 7})
    place = BatchSampler(MIXED).state_dict()
    for state in (None, [], {**place, "epoch": "1"}, {**place, "position": -1}, {"version": place["version"]}):
        with pytest.raises(UsageError, match=r"a state is what `state_dict\(\)` of a loader of these rows gave"):
            BatchSampler(MIXED).load_state_dict(state)  # type: ignore[arg-type]
