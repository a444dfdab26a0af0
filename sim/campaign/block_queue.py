"""A bounded queue of blocks of rows between the thread that makes them and the one that takes them."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import final

from .row_maker import Rows


@final
class BlockQueue:
    """Hands blocks over in order; who makes them waits while more rows than allowed are waiting.

    Args:
        limit: Rows that may wait; one block may always wait.

    Example:
        >>> queue = BlockQueue(64)
        >>> queue.put({"sample/index": np.arange(4)})
        True
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._blocks: deque[Rows] = deque()
        self._rows = 0
        self._error: BaseException | None = None
        self._is_ended = self._is_closed = False
        self._changed = threading.Condition()
        self.full_seconds = 0.0
        """How long `put` waited for room [s]."""
        self.empty_seconds = 0.0
        """How long `get` waited for a block [s]."""

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    def put(self, block: Rows) -> bool:
        """Hand over a block; False where nobody wants it any more."""
        size, begun = len(block["sample/index"]), time.perf_counter()
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or not self._blocks or self._rows + size <= self._limit)
            self.full_seconds += time.perf_counter() - begun
            if self._is_closed:
                return False
            self._blocks.append(block)
            self._rows += size
            self._changed.notify_all()
        return True

    def end(self, error: BaseException | None = None) -> None:
        """Say that no more comes, and why where it is an error: `get` raises it after the last block."""
        with self._changed:
            self._is_ended, self._error = True, error
            self._changed.notify_all()

    def get(self) -> Rows | None:
        """Take a block; None after the last, or where the queue was closed.

        Raises:
            BaseException: What ended the making of blocks.
        """
        begun = time.perf_counter()
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._blocks or self._is_ended)
            self.empty_seconds += time.perf_counter() - begun
            if self._is_closed:
                return None
            if self._blocks:
                block = self._blocks.popleft()
                self._rows -= len(block["sample/index"])
                self._changed.notify_all()
                return block
            if self._error is not None:
                raise self._error
            return None

    def close(self) -> None:
        """Drop what waits, and wake both sides."""
        with self._changed:
            self._is_closed = True
            self._blocks.clear()
            self._changed.notify_all()
