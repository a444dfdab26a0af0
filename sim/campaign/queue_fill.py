"""How full a queue was, looked at whenever something was put or taken."""

from __future__ import annotations

from typing import final


@final
class QueueFill:
    """Mean and peak fill of a queue.

    Looked at by one thread at a time, or under the queue's own lock.

    Example:
        >>> fill = QueueFill()
        >>> fill.look(2)
        >>> fill.look(4)
        >>> fill.mean, fill.peak
        (3.0, 4)
    """

    __slots__ = ("_looks", "_sum", "peak")

    def __init__(self) -> None:
        self._looks = self._sum = 0
        self.peak = 0
        """Items at most."""

    def look(self, items: int) -> None:
        """Count what is in the queue now."""
        self._looks += 1
        self._sum += items
        self.peak = max(self.peak, items)

    @property
    def mean(self) -> float:
        """Items on average; 0 where nobody looked."""
        return self._sum / self._looks if self._looks else 0.0
