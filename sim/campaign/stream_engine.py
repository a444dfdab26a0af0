"""The thread that makes a stream's rows ahead of who takes them, and the processes that work for it."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterator
from typing import final

from ...kernels.device import use_sleeping_threads
from ...scenes.stage import Stage
from ..errors import UsageError
from .block_queue import BlockQueue
from .plan import Plan
from .ring_cache import RingCache
from .row_maker import RowMaker, Rows
from .stages import StageSource


@final
class StreamEngine:
    """Makes the rows of some scenarios in order: physics in processes, rendering in a thread, a bounded queue.

    Processes start when the first row is to be made that the cache does not hold; they end with `close`, with the last
    row, and when this process ends in whatever way.

    Args:
        plan: Whose rows.
        maker: Who makes them; no one else may use it meanwhile.
        scenarios: Numbers of the scenarios, ascending.
        workers: Physics processes; 0 for none.
        ahead: Rows that may wait.
        cache: Where rows are kept; None for nowhere.

    Example:
        >>> engine = StreamEngine(plan, RowMaker(plan), iter(range(8)), workers=2, ahead=64)
        >>> for rows in engine.blocks(): ...
    """

    def __init__(
        self,
        plan: Plan,
        maker: RowMaker,
        scenarios: Iterator[int],
        *,
        workers: int,
        ahead: int,
        cache: RingCache | None = None,
    ) -> None:
        self._plan, self._maker, self._cache = plan, maker, cache
        self._scenarios, self._workers = scenarios, workers
        self._following: int | None = None
        self._queue = BlockQueue(ahead)
        self._process = os.getpid()
        self._source: StageSource | None = None
        self._lock = threading.Lock()
        self._is_ended = False
        self.rows_made = 0
        """Rows that were made."""
        self.rows_read = 0
        """Rows that came from the cache."""
        self.seconds = {"physics": 0.0, "read": 0.0, "keep": 0.0}
        """Wall time so far that the thread waited for physics, and for the cache [s]."""
        use_sleeping_threads()
        # At the end of the interpreter the thread must have stopped before its modules are taken away.
        atexit.register(self.close)
        self._thread = threading.Thread(target=self._run, name="simloom-stream", daemon=True)
        self._thread.start()

    @property
    def full_seconds(self) -> float:
        """How long the thread waited because enough rows were waiting [s]."""
        return self._queue.full_seconds

    @property
    def empty_seconds(self) -> float:
        """How long was waited for rows [s]."""
        return self._queue.empty_seconds

    def check_open(self) -> None:
        """Refuse to go on after `close`.

        Raises:
            UsageError: It was called.
        """
        if self._queue.is_closed:
            raise UsageError(
                "this iteration of the stream was ended: another one began, a state was loaded, or it was closed"
            )

    def blocks(self) -> Iterator[Rows]:
        """Yield the rows of whole scenarios, some at a time.

        Raises:
            SimloomError: What went wrong in a worker or in the cache.
        """
        while (block := self._queue.get()) is not None:
            yield block
            del block  # the taker's alone from here on

    def close(self) -> None:
        """End thread and processes; calling it again does nothing."""
        if self._is_ended or os.getpid() != self._process:
            return  # in a fork thread and processes are the parent's; an interpreter that ends has no `os` any more
        self._queue.close()
        with self._lock:
            source = self._source
        if source is not None:
            source.close()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        atexit.unregister(self.close)
        self._is_ended = True

    # ---- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            for block in self._make():
                if not self._queue.put(block):
                    return
                del block  # who takes it decides how long it lives
        except BaseException as error:
            self._queue.end(error)
        else:
            self._queue.end()

    def _make(self) -> Iterator[Rows]:
        self._advance()
        while self._following is not None and not self._queue.is_closed:
            if self._cache is not None and self._cache.find(self._following) is not None:
                kept = self._read(self._cache)
                if kept is not None:
                    yield kept
                    continue
            yield from self._make_missing()

    def _advance(self) -> int | None:
        """Return the scenario that came next, and look at the one after it."""
        current, self._following = self._following, next(self._scenarios, None)
        return current

    def _read(self, cache: RingCache) -> Rows | None:
        begun = time.perf_counter()
        first = self._following
        assert first is not None
        file, wanted = cache.find(first), [first]
        self._advance()
        while self._following is not None and cache.find(self._following) == file:
            wanted.append(self._following)
            self._advance()
        rows = cache.read(wanted)
        if rows is None:  # damaged, or swept meanwhile: made again
            self._scenarios = _chain(wanted, self._following, self._scenarios)
            self._advance()
        else:
            self.rows_read += len(rows["sample/index"])
        self.seconds["read"] += time.perf_counter() - begun
        return rows

    def _missing(self) -> Iterator[int]:
        """Yield scenarios up to the next that is kept."""
        while self._following is not None and (self._cache is None or self._cache.find(self._following) is None):
            current = self._advance()
            assert current is not None
            yield current

    def _make_missing(self) -> Iterator[Rows]:
        size = self._maker.batch
        source = StageSource(self._plan, self._missing(), workers=self._workers, ahead=2 * size)
        with source:
            with self._lock:
                self._source = source
            while not self._queue.is_closed and (stages := self._next_stages(source, size)):
                source.take_outcomes(stages)  # which forgets them
                rows = self._maker.make(stages)
                self.rows_made += len(rows["sample/index"])
                if self._cache is not None:
                    begun = time.perf_counter()
                    self._cache.keep([stage.scenario.index for stage in stages], rows)
                    self.seconds["keep"] += time.perf_counter() - begun
                del stages
                yield rows
                del rows

    def _next_stages(self, source: StageSource, size: int) -> list[Stage]:
        begun, stages = time.perf_counter(), list[Stage]()
        while len(stages) < size and not self._queue.is_closed and (stage := next(source, None)) is not None:
            stages.append(stage)
        self.seconds["physics"] += time.perf_counter() - begun
        return stages


def _chain(wanted: list[int], following: int | None, rest: Iterator[int]) -> Iterator[int]:
    yield from wanted
    if following is not None:
        yield following
    yield from rest
