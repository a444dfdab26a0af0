"""A thread that judges, compresses and commits shards while the next ones are made."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from ..dataset.outcomes import Outcomes
from ..dataset.writer import DatasetWriter
from .queue_fill import QueueFill
from .row_maker import Rows

_Job = tuple[int, Mapping[str, NDArray[Any]], Outcomes | None]


class ShardWriter:
    """Commits one shard after another; `put` blocks while one is under way and one waits.

    The first failure stops it and is raised by the next `put` or by `close`.

    Args:
        writer: Who commits.
        finish: Turns captured arrays into rows, in the thread; None where rows are put.
        on_commit: Called with a shard's number once it is durable, in the thread.

    Example:
        >>> with ShardWriter(writer, on_commit=lambda shard: None) as thread:
        ...     thread.put(0, rows)
    """

    def __init__(
        self,
        writer: DatasetWriter,
        *,
        finish: Callable[[Mapping[str, NDArray[Any]]], Rows] | None = None,
        on_commit: Callable[[int], None],
    ) -> None:
        self._writer = writer
        self._finish = finish
        self._on_commit = on_commit
        self._jobs: queue.Queue[_Job | None] = queue.Queue(maxsize=1)
        self._error: BaseException | None = None
        self._given_up = False
        self.busy_seconds = 0.0
        """Judging, compressing and committing."""
        self.judge_seconds = 0.0
        """The first of these."""
        self.idle_seconds = 0.0
        """Waiting for a shard, from the first that came on."""
        self.wait_seconds = 0.0
        """How long `put` waited."""
        self.shards = self.bytes = 0
        """Shards committed, and their rows' size, uncompressed [byte]."""
        self.waiting = QueueFill()
        """Shards that wait."""
        self._thread = threading.Thread(target=self._work, name="simloom-shard-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._given_up = True  # what waits is dropped; a commit under way ends, which is sooner than undoing it
        self._send(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def put(self, shard: int, rows: Mapping[str, NDArray[Any]], outcomes: Outcomes | None = None) -> None:
        """Hand over a shard.

        Args:
            shard: Its number.
            rows: Its arrays, which `finish` still has to see; the caller leaves them alone from now on.
            outcomes: How often its scenarios failed, and why.

        Raises:
            Exception: Whatever stopped the thread.
        """
        begun = time.perf_counter()
        self._send((shard, rows, outcomes))
        self.wait_seconds += time.perf_counter() - begun
        if self._error is not None:
            raise self._error

    def _send(self, job: _Job | None) -> None:
        self._jobs.put(job)
        self.waiting.look(self._jobs.qsize())

    def _work(self) -> None:
        idle_from: float | None = None
        while (job := self._jobs.get()) is not None:
            if self._error is not None or self._given_up:
                continue  # drained, so that nobody waits for ever
            begun = time.perf_counter()
            self.idle_seconds += begun - (begun if idle_from is None else idle_from)
            try:
                self._commit(*job)
            except BaseException as error:
                self._error = error
            del job
            idle_from = time.perf_counter()
            self.busy_seconds += idle_from - begun

    def _commit(self, shard: int, rows: Mapping[str, NDArray[Any]], outcomes: Outcomes | None) -> None:
        if self._finish is not None:
            begun = time.perf_counter()
            rows = self._finish(rows)
            self.judge_seconds += time.perf_counter() - begun
        count = len(self._writer.shard_rows(shard))  # the last scenario may have more rows than are wanted
        rows = {name: array[:count] for name, array in rows.items()}
        self._writer.commit_shard(shard, rows, outcomes)
        self.shards += 1
        self.bytes += sum(array.nbytes for array in rows.values())
        self._on_commit(shard)
