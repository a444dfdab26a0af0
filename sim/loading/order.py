"""The order of training: which rows batch number b of an epoch holds, as a pure function."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .permutation import Permutation
from .quota import Quota

_BLOCK: Final = 4096
"""Places that are looked up at once: alone, each would cost a hundred array operations."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class BatchRows:
    """The rows of one batch, or of a rank's part of it.

    Args:
        source: Number of each row's source, ascending, shape (n,).
        place: Position of each row in its source, shape (n,).
        turn: How many times its source was gone through before, shape (n,).
    """

    source: Rows
    place: Rows
    turn: Rows

    def of_rank(self, rank: int, world_size: int) -> BatchRows:
        """Give the part of one rank: every `world_size`-th row, so that each rank has its share of each source."""
        mine = slice(rank, None, world_size)
        return BatchRows(source=self.source[mine], place=self.place[mine], turn=self.turn[mine])


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which rows each batch holds: a function of (seed, epoch, number of the batch), whoever asks.

    One source: an epoch is one pass over it. Several: each batch takes rows by quota, each source is gone through in an
    order of its own, without a row coming twice before all have come, and the passes go on from epoch to epoch.

    Args:
        sizes: Rows of each source.
        batch_size: Rows of a global batch, those of all ranks.
        seed: Chooses the order, [0, 2^64).
        shuffle: Whether to go through a source in random order.
        drop_last: Whether to leave out a last batch that is not full; one source alone has such.
        names: Names of the sources; the order of a source depends on its name, not on the others.
        weights: Share of each source, see `exact_weights`; empty for one source.
        epoch_batches: Batches in an epoch of several sources; 0 for as many as go once through every source.
        digests: What tells the rows of each source from others, see `digest_rows`; they do not change the order, but a
            place in it is one among these rows only.

    Raises:
        UsageError: A size is out of range, or no batch is full.

    Example:
        >>> order = Order(sizes=(1000,), batch_size=64, seed=0)
        >>> order.batch(epoch=3, number=0).place
    """

    sizes: tuple[int, ...]
    batch_size: int
    seed: int = 0
    shuffle: bool = True
    drop_last: bool = True
    names: tuple[str, ...] = ("",)
    weights: tuple[Fraction, ...] = ()
    epoch_batches: int = 0
    digests: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _is_whole(self.batch_size) or self.batch_size < 1:
            raise UsageError(f"batch_size must be a whole number of at least 1, got {self.batch_size!r}")
        if not _is_whole(self.seed) or not 0 <= self.seed < 1 << 64:
            raise UsageError(f"seed must be a whole number in [0, 2^64), got {self.seed!r}")
        if len(self.names) != len(self.sizes) or len(self.weights) != (len(self.sizes) if self.is_mixed else 0):
            raise UsageError(f"{len(self.sizes)} sources need as many names and weights, got {self.names}")
        for name, size in zip(self.names, self.sizes, strict=True):
            if size < 1:
                raise UsageError(f"the source {name!r} has no rows" if name else "the dataset has no rows to load")
        if not self.is_mixed and self.drop_last and self.sizes[0] < self.batch_size:
            raise UsageError(
                f"batch_size {self.batch_size} is more than the {self.sizes[0]} rows there are: take a smaller one, "
                "or drop_last=False"
            )

    @property
    def is_mixed(self) -> bool:
        """Whether rows come by quota."""
        return bool(self.weights)

    @cached_property
    def batches(self) -> int:
        """Batches in an epoch."""
        if not self.is_mixed:
            whole, rest = divmod(self.sizes[0], self.batch_size)
            return whole + (rest > 0 and not self.drop_last)
        if self.epoch_batches:
            return self.epoch_batches
        # Close from below, then to the batch in which the last row of the slowest source comes.
        rates = [weight * self.batch_size for weight in self.weights]
        count = max(1, *(math.floor((size - 1) / rate) for size, rate in zip(self.sizes, rates, strict=True)))
        while (self._quota.totals(count) < self.sizes).any():
            count += 1
        return count

    @cached_property
    def _quota(self) -> Quota:
        return Quota(weights=self.weights, batch_size=self.batch_size)

    def draws(self, epoch: int, number: int) -> Rows:
        """Count the rows of each source that come before a batch, in all epochs.

        Args:
            epoch: Number of the epoch, from 0.
            number: Number of the batch within it, up to `batches`.

        Returns:
            Counts, shape (sources,). What `drop_last` leaves out counts as gone through.
        """
        if self.is_mixed:
            return self._quota.totals(epoch * self.batches + number)
        return np.array([epoch * self.sizes[0] + min(number * self.batch_size, self.sizes[0])], np.int64)

    def batch(self, epoch: int, number: int) -> BatchRows:
        """Give the rows of one global batch.

        Args:
            epoch: Number of the epoch, from 0.
            number: Number of the batch within it, [0, batches).

        Returns:
            Its rows, by source.

        Raises:
            IndexError: There is no such batch.
        """
        if not 0 <= number < self.batches or epoch < 0:
            raise IndexError(f"batch {number} of epoch {epoch} is not there: an epoch has {self.batches} batches")
        before, after = self.draws(epoch, number), self.draws(epoch, number + 1)
        sources, places, turns = [], [], []
        for source, (first, last) in enumerate(zip(before.tolist(), after.tolist(), strict=True)):
            turn, place = np.divmod(np.arange(first, last, dtype=np.int64), self.sizes[source])
            turns.append(turn)
            places.append(self._look_up(source, turn, place))
            sources.append(np.full(last - first, source, np.int64))
        return BatchRows(source=np.concatenate(sources), place=np.concatenate(places), turn=np.concatenate(turns))

    def _look_up(self, source: int, turn: Rows, place: Rows) -> Rows:
        if not self.shuffle or not turn.size:
            return place
        found = np.empty_like(place)
        blocks = turn * -(-self.sizes[source] // _BLOCK) + place // _BLOCK
        for block in np.unique(blocks).tolist():
            inside = blocks == block
            own = place[inside]
            first = own[0] // _BLOCK * _BLOCK
            values = _shuffled_block(
                self.sizes[source], self.seed, f"order/{self.names[source]}/{turn[inside][0]}", int(first)
            )
            found[inside] = values[own - first]
        return found

    def describe(self) -> dict[str, Any]:
        """Give what chooses the order, as JSON values: two orders are the same if these are equal."""
        return {
            "sizes": list(self.sizes), "names": list(self.names), "weights": [str(weight) for weight in self.weights],
            "batch_size": self.batch_size, "batches": self.batches, "seed": self.seed, "shuffle": self.shuffle,
            "digests": list(self.digests),
        }  # fmt: skip


def _is_whole(value: object) -> bool:
    return isinstance(value, int)


@functools.lru_cache(maxsize=32)
def _shuffled_block(size: int, seed: int, stream: str, first: int) -> Rows:
    return Permutation(size=size, seed=seed, stream=stream).at(np.arange(first, min(first + _BLOCK, size)))
