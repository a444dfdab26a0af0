"""Where a rank stands in the order: an iterable of batches of row numbers, which can be saved and resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np

from ..errors import UsageError
from .order import BatchRows, Order

STATE_VERSION = 2
_WANTED = "a state is what `state_dict()` of a loader of these rows gave"


class BatchSampler:
    """Batches of indices for torch's `DataLoader(batch_sampler=...)` or torchdata's `StatefulDataLoader`.

    An index is the row's position in its dataset; in a mixture, the rows of the sources stand one after the other. The
    order is that of `Order`: independent of workers and ranks. Iterating again is the next epoch.

    Args:
        order: The order.
        rank: Which part of each batch is ours, [0, world_size).
        world_size: Parts of a batch; it must divide the batch size.

    Raises:
        UsageError: The batch cannot be split so.

    Example:
        >>> sampler = BatchSampler(Order(sizes=(1000,), batch_size=64, seed=0))
        >>> batches = list(sampler)
    """

    def __init__(self, order: Order, *, rank: int = 0, world_size: int = 1) -> None:
        if world_size < 1 or not 0 <= rank < world_size:
            raise UsageError(f"rank must be in [0, world_size), got rank {rank} and world_size {world_size}")
        if order.batch_size % world_size:
            raise UsageError(
                f"batch_size is that of all ranks together: {order.batch_size} cannot be split among {world_size}; "
                f"take a multiple of {world_size}"
            )
        rest = order.sizes[0] % order.batch_size
        if not order.is_mixed and not order.drop_last and 0 < rest < world_size:
            raise UsageError(f"the last batch has {rest} rows for {world_size} ranks: pass drop_last=True")
        self.order, self.rank, self.world_size = order, rank, world_size
        self.epoch, self.position = 0, 0
        self._begun = False
        self._firsts = np.concatenate([[0], np.cumsum(order.sizes)[:-1]]).astype(np.int64)

    def __len__(self) -> int:
        return self.order.batches

    def __iter__(self) -> Iterator[list[int]]:
        epoch, first = self.begin()
        for number in range(first, len(self)):
            self.hand_out(epoch, number)
            yield self.indices(self.rows(epoch, number)).tolist()
        self.end(epoch)

    def begin(self) -> tuple[int, int]:
        """Settle what an iteration goes through: the rest of a resumed epoch, or the next one where one was begun.

        Returns:
            The epoch and the number of its first batch.
        """
        if self._begun:
            self.set_epoch(self.epoch + 1)
        self._begun = True
        return self.epoch, self.position

    def hand_out(self, epoch: int, number: int) -> None:
        """Count a batch as handed out."""
        self.epoch, self.position = epoch, number + 1

    def end(self, epoch: int) -> None:
        """Count an epoch as gone through."""
        self.epoch, self.position, self._begun = epoch + 1, 0, False

    def rows(self, epoch: int, number: int) -> BatchRows:
        """Give our rows of a batch."""
        return self.order.batch(epoch, number).of_rank(self.rank, self.world_size)

    def indices(self, rows: BatchRows) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Give rows as the one number that stands for source and position."""
        return np.asarray(self._firsts[rows.source] + rows.place)

    def seek(self, epoch: int, position: int) -> None:
        """Make the next iteration begin at a batch of an epoch."""
        self.epoch, self.position, self._begun = epoch, position, False

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration goes through; the one that a state was loaded for goes on.

        Raises:
            UsageError: The epoch is negative.
        """
        if epoch < 0:
            raise UsageError(f"epoch must be at least 0, got {epoch}")
        if epoch != self.epoch or self._begun:
            self.epoch, self.position = epoch, 0
        self._begun = False

    def state_dict(self) -> dict[str, Any]:
        """Give the place in the order, as JSON values."""
        return {
            "version": STATE_VERSION, "epoch": self.epoch, "position": self.position, "order": self.order.describe(),
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on at a place; the number of ranks and workers may be another.

        Raises:
            UsageError: It is no state, or one of another order or of other rows.
        """
        if not isinstance(state, Mapping):
            raise UsageError(f"{_WANTED}, got {state!r:.80}")
        if state.get("version") != STATE_VERSION:
            raise UsageError(f"the state has version {state.get('version')!r}, this simloom reads {STATE_VERSION}")
        found, wanted = state.get("order"), self.order.describe()
        epoch, position = state.get("epoch"), state.get("position")
        if not (isinstance(found, Mapping) and is_count(epoch) and is_count(position)):
            raise UsageError(f"{_WANTED}, with epoch, position and order in it; got {dict(state)!r:.200}")
        differing = [name for name in wanted if found.get(name) != wanted[name]]
        if differing == ["digests"]:
            raise UsageError(
                f"the state belongs to other rows, though as many: {' or '.join(self.order.names)} is another dataset "
                "or another choice of its rows"
            )
        if differing:
            listed = "; ".join(
                f"{name} was {found.get(name)!r}, is {wanted[name]!r}" for name in differing if name != "digests"
            )
            raise UsageError(f"the state belongs to another order of rows: {listed}")
        self.seek(*((epoch, position) if position < len(self) else (epoch + 1, 0)))


def is_count(value: object) -> TypeGuard[int]:
    """Tell whether a value of a state is a whole number of at least 0."""
    return isinstance(value, int) and value >= 0
