"""Where a stream's time goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class StreamTimes:
    """Seconds of wall time of a stream so far, over all its iterations.

    The thread that makes rows waits for physics, renders, senses, gathers, reads and writes the cache, or waits because
    enough rows are ready. The training loop waits for rows.
    """

    physics: float = 0.0
    """Waiting for worker processes."""
    render: float = 0.0
    """Rendering."""
    sensors: float = 0.0
    """Sensor models."""
    gather: float = 0.0
    """Gathering labels and truth, and judging rows."""
    cache_read: float = 0.0
    """Reading rows that are kept."""
    cache_write: float = 0.0
    """Keeping rows."""
    consumer: float = 0.0
    """Waiting because enough rows were ready: the training loop is slower than the stream."""
    rows: float = 0.0
    """What the training loop waited for rows: the stream is slower."""
    rows_made: int = 0
    """Rows made, rejected ones too."""
    rows_read: int = 0
    """Rows that came from the cache."""
    rows_given: int = 0
    """Rows handed out."""

    @property
    def binds(self) -> Literal["physics", "rendering", "cache", "consumer"]:
        """Which stage took most of the time of the thread that makes rows: the one to give more to."""
        spent: dict[Literal["physics", "rendering", "cache", "consumer"], float] = {
            "physics": self.physics,
            "rendering": self.render + self.sensors + self.gather,
            "cache": self.cache_read + self.cache_write,
            "consumer": self.consumer,
        }
        return max(spent, key=lambda stage: spent[stage])
