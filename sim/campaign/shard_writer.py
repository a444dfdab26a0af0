"""A thread that compresses and commits shards while the next ones are made."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from ..dataset.outcomes import Outcomes
from ..dataset.writer import DatasetWriter

_Job = tuple[int, Mapping[str, NDArray[Any]], Outcomes | None]


class ShardWriter:
    """Commits one shard after another; `put` blocks while one is under way and one waits.

    The first failure stops it and is raised by the next `put` or by `close`.

    Example:
        >>> with ShardWriter(writer, on_commit=lambda shard: None) as thread:
        ...     thread.put(0, rows)
    """

    def __init__(self, writer: DatasetWriter, *, on_commit: Callable[[int], None]) -> None:
        self._writer = writer
        self._on_commit = on_commit
        self._jobs: queue.Queue[_Job | None] = queue.Queue(maxsize=1)
        self._error: BaseException | None = None
        self._given_up = False
        self.busy_seconds = 0.0
        self.wait_seconds = 0.0
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
            rows: Its arrays; the caller leaves them alone from now on.
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

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._error is not None or self._given_up:
                continue  # drained, so that nobody waits for ever
            begun = time.perf_counter()
            try:
                self._writer.commit_shard(*job)
                self._on_commit(job[0])
            except BaseException as error:
                self._error = error
            self.busy_seconds += time.perf_counter() - begun
            del job
