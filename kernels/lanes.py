"""How the lines of a batch are shared out: each lane works through a run of them in working space of its own."""

from __future__ import annotations

from typing import Final

from .device import thread_count
from .tensors import Place

_LANES_PER_THREAD: Final = 4


def count_lanes(place: Place, lines: int, threads: int | None) -> int:
    """Return how many lanes lines are shared out to.

    A few per thread keep all threads busy to the end, and working space within the cache; a GPU wants every line.

    Args:
        place: Where they are worked on.
        lines: Number of lines.
        threads: CPU threads; None for all.
    """
    return lines if place.device == "cuda" else min(lines, _LANES_PER_THREAD * (threads or thread_count()))
