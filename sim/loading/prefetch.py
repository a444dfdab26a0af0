"""Work ahead in threads, in order, a bounded number of steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Step = TypeVar("Step")
Made = TypeVar("Made")


def prefetch(make: Callable[[Step], Made], steps: Iterable[Step], *, depth: int, threads: int = 1) -> Iterator[Made]:
    """Make the results of some steps, some of them before they are asked for.

    Args:
        make: Makes one; with several threads, it is called from all of them.
        steps: The steps, walked through in the caller's thread.
        depth: How many results may wait or be under way, [0, inf); 0 makes each when it is asked for.
        threads: How many are made at the same time.

    Yields:
        The results in order.

    Raises:
        Exception: What making one raised, in its place.

    Example:
        >>> list(prefetch(str, range(3), depth=2))
        ['0', '1', '2']
    """
    if depth < 1:
        yield from map(make, steps)
        return
    walk = iter(steps)
    with ThreadPoolExecutor(threads, thread_name_prefix="simloom-load") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            waiting.extend(pool.submit(make, step) for step in islice(walk, depth))
            while waiting:
                made = waiting.popleft().result()
                waiting.extend(pool.submit(make, step) for step in islice(walk, 1))
                yield made
                del made  # the caller's alone from here on
        finally:
            for future in waiting:
                future.cancel()
