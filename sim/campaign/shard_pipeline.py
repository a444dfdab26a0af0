"""From scenarios to committed shards: worker processes, this thread that captures, and a thread that writes.

Three stages side by side. What waits between them is bounded: stages by `StageSource.ahead` in number and by its slots
in bytes, captured shards by one that waits while one is written.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from ...scenes.stage import Stage
from ...scenes.worker_tally import WorkerTally
from ..dataset.outcomes import Outcomes
from ..dataset.writer import DatasetWriter
from .plan import Plan
from .progress import StageTimes
from .replay_collector import ReplayCollector
from .resources import Resources
from .row_maker import RowMaker, Rows
from .shard_writer import ShardWriter
from .stage_counts import count_stages
from .stages import StageSource


@dataclass(kw_only=True, eq=False)
class _Shard:
    """A shard under way."""

    number: int
    captured: Rows
    outcomes: Outcomes = field(default_factory=Outcomes)


@dataclass(kw_only=True, eq=False)
class _Batch:
    """Stages whose capture was begun."""

    shard: _Shard
    stages: Sequence[Stage]
    finish: Callable[[], None]
    is_last: bool


@final
class ShardPipeline:
    """Makes the shards of a dataset.

    Args:
        plan: What their rows are.
        resources: Where, and how many at once.
        writer: Who commits them.
        scenarios: Scenarios of each shard, by its number, in the order in which shards are made.
        times: Where seconds are kept.
        replay: Who collects the snapshots; None for nobody.
        on_batch: Called with the number of scenarios after each batch.
        on_commit: Called with a shard's number once it is durable, in another thread.

    Example:
        >>> pipeline = ShardPipeline(plan, resources, writer, {0: range(8)}, times=StageTimes())
        >>> pipeline.run()
        >>> print(occupancy_table(pipeline.times.counters))
    """

    def __init__(
        self,
        plan: Plan,
        resources: Resources,
        writer: DatasetWriter,
        scenarios: Mapping[int, range],
        *,
        times: StageTimes,
        replay: ReplayCollector | None = None,
        on_batch: Callable[[int], None] = lambda count: None,
        on_commit: Callable[[int], None] = lambda shard: None,
    ) -> None:
        self._scenarios, self._replay, self._on_batch = scenarios, replay, on_batch
        self._workers = resources.worker_count
        self._maker = RowMaker(plan, resources)
        every = itertools.chain.from_iterable(scenarios.values())
        self._source = StageSource(plan, every, workers=self._workers, ahead=2 * self._maker.batch)
        self._writer, self._on_commit = writer, on_commit
        self._watched_from: float | None = None
        self._waited = 0.0
        self.times = times
        """Seconds by stage, complete after `run`."""
        self.outcomes = Outcomes()
        """How often scenarios failed, and why."""
        self.captured = 0
        """Scenarios that were captured."""

    @property
    def source(self) -> StageSource:
        """Who hands out stages."""
        return self._source

    def run(self) -> None:
        """Make all shards.

        Raises:
            Exception: Whatever stopped physics, capture or the writer.
        """
        cpu = time.process_time()
        begun: deque[_Batch] = deque()
        with (
            self._source,
            ShardWriter(self._writer, finish=self._maker.finish, on_commit=self._on_commit) as thread,
        ):
            for batch in self._begin_batches():
                begun.append(batch)
                del batch
                while len(begun) >= self._maker.in_flight:
                    self._finish(begun.popleft(), thread)
            while begun:
                self._finish(begun.popleft(), thread)
        self.times.cpu += time.process_time() - cpu
        self._count(thread)

    def _begin_batches(self) -> Iterator[_Batch]:
        size, maker = self._maker.batch, self._maker
        for number, scenarios in self._scenarios.items():
            shard = _Shard(number=number, captured=maker.allocate(len(scenarios)))
            for start in range(0, len(scenarios), size):
                count = min(size, len(scenarios) - start)
                stages = self._take(count)
                finish = maker.begin(stages, shard.captured, start=start)
                yield _Batch(shard=shard, stages=stages, finish=finish, is_last=start + count == len(scenarios))
                del stages, finish
            del shard  # the writer's alone from here on

    def _take(self, count: int) -> list[Stage]:
        begun, proposing = time.perf_counter(), self._source.propose_seconds
        stages = [next(self._source)]
        if self._watched_from is None:
            # Watched from when the first stage was begun; before that processes start and scenes are built.
            first = WorkerTally.sum(self._source.tallies).busy / max(self._workers, 1)
            self._watched_from = time.perf_counter() - first
        stages += [next(self._source) for _ in range(count - 1)]
        now, proposed = time.perf_counter(), self._source.propose_seconds - proposing
        self.times.physics += now - begun
        if self._workers:
            self._waited += max(now - max(begun, self._watched_from) - proposed, 0.0)
        return stages

    def _finish(self, batch: _Batch, thread: ShardWriter) -> None:
        batch.finish()
        batch.shard.outcomes += self._source.take_outcomes(batch.stages)
        if self._replay is not None:
            self._replay.add(batch.stages)
        self.captured += len(batch.stages)
        self._on_batch(len(batch.stages))
        if batch.is_last:
            shard = batch.shard
            self.outcomes += shard.outcomes
            thread.put(shard.number, shard.captured, shard.outcomes)

    def _count(self, thread: ShardWriter) -> None:
        times, now = self.times, time.perf_counter()
        for step, seconds in self._maker.seconds.items():
            setattr(times, step, getattr(times, step) + seconds)
        times.write, times.write_wait = thread.busy_seconds, thread.wait_seconds
        times.counters = count_stages(
            self._source,
            self._maker,
            thread,
            workers=self._workers,
            wall=max(now - (now if self._watched_from is None else self._watched_from), 1e-9),
            waited=self._waited,
            captured=self.captured,
            shard_scenarios=max((len(scenarios) for scenarios in self._scenarios.values()), default=0),
        )
