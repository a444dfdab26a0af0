"""Stages in order: scenarios out to worker processes, settled worlds back, those that failed drawn again."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Self

from ...scenes.acceptance import MAX_DRAWS, find_unmet, needs_checking, redraw_helps
from ...scenes.scenario import Scenario
from ...scenes.scene_code import SceneCodeError, make_stage
from ...scenes.stage import Reason, Stage
from ...scenes.worker_tally import WorkerTally, WorkTimes
from ...scenes.workers import WorkerError, WorkerPool
from ..dataset.outcomes import Outcomes
from ..errors import FaultError, SimloomError, UsageError
from .plan import Plan
from .queue_fill import QueueFill

_UNMET = Reason.REQUIREMENT.name.lower()


class StageSource:
    """Yields the stage of each scenario, in the order asked, whatever worker is done first.

    A scenario that comes back invalid is drawn again where the sampler redraws, at most `plan.attempts` times; then, or
    where it does not, the invalid stage is what is yielded: a tombstone. A draw that does not meet what the space
    requires costs no physics: where the sampler redraws it is drawn again at once, at most `MAX_DRAWS` times.

    Args:
        plan: Who proposes and who makes.
        indices: Numbers of the scenarios, in order.
        workers: Physics processes; 0 makes the stages in this process.
        ahead: Stages that may be under way or waiting at once; at least four for each worker.

    Example:
        >>> with StageSource(plan, range(8), workers=2) as source:
        ...     stages = list(source)
    """

    def __init__(self, plan: Plan, indices: Iterable[int], *, workers: int, ahead: int = 0) -> None:
        self._plan = plan
        self._indices = iter(indices)
        self._workers = workers
        self.ahead = max(ahead, 4 * workers)
        """Stages that may be under way or waiting at once."""
        self._pool: WorkerPool | None = None
        self._stages: Iterator[Stage] = iter(())
        self._failures: dict[int, list[str]] = {}
        self.draws = 0
        """Scenarios that were proposed."""
        self.examples: dict[str, str] = {}
        """Reason to what was said of one scenario that failed for it."""
        self.tallies: tuple[WorkerTally, ...] = (WorkerTally(),)
        """Each worker's times and counts; without workers this process's."""
        self.propose_seconds = 0.0
        """Time spent proposing scenarios [s]."""
        self.slot_bytes = 0
        """What waiting stages may take at most in shared memory [byte]."""
        self.queued, self.ready = QueueFill(), QueueFill()
        """Scenarios that wait for a worker, and stages that wait to be taken."""

    def __enter__(self) -> Self:
        if self._workers:
            # As many as wait, and as many again in the hands of who takes them.
            self._pool = WorkerPool(self._plan.spec, self._workers, slots=2 * (self.ahead + self._workers))
            self.tallies, self.slot_bytes = self._pool.tallies, self._pool.slot_bytes
            self._stages = self._ordered(self._pool)
        else:
            self._stages = self._alone()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; another thread that waits for a stage gets an error within a second."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def __iter__(self) -> Iterator[Stage]:
        return self

    def __next__(self) -> Stage:
        return next(self._stages)

    def take_outcomes(self, stages: Iterable[Stage]) -> Outcomes:
        """Return how often the scenarios of some stages failed, and why; what was drawn again is told once."""
        found = list(stages)
        return Outcomes.count(
            tombstones=(stage.reason.name.lower() for stage in found if not stage.valid),
            redraws=(reason for stage in found for reason in self._failures.pop(stage.scenario.index, ())),
        )

    def _alone(self) -> Iterator[Stage]:
        for index in self._indices:
            stage = self._make(self._propose(index))
            while (scenario := self._redraw(stage)) is not None:
                stage = self._make(scenario)
            yield stage

    def _make(self, scenario: Scenario) -> Stage:
        begun, cpu = time.perf_counter(), time.process_time()
        try:
            stage = make_stage(self._plan.scene, scenario)
        except SceneCodeError as error:
            raise UsageError(str(error)) from error
        times = WorkTimes(time.perf_counter() - begun, time.process_time() - cpu, 0.0, 0.0, 0.0)
        self.tallies[0].add(times, size=0, unpack=0.0, piped=False)
        return stage

    def _ordered(self, pool: WorkerPool) -> Iterator[Stage]:
        order: deque[int] = deque()
        done: dict[int, Stage] = {}
        while True:
            for index in itertools.islice(self._indices, self.ahead - len(order)):
                pool.submit(self._propose(index))
                order.append(index)
            if not order:
                return
            self.queued.look(pool.queued)
            while order[0] not in done:
                stage = self._next(pool)
                self.ready.look(len(done) + 1 + pool.ready)
                if (scenario := self._redraw(stage)) is not None:
                    pool.submit(scenario)
                else:
                    done[stage.scenario.index] = stage
            self.ready.look(len(done) + pool.ready)
            stage = done.pop(order.popleft())
            yield stage
            del stage  # and with it the slot that it lies in, where the taker keeps nothing

    def _next(self, pool: WorkerPool) -> Stage:
        try:
            return next(pool.results(in_order=False))
        except SceneCodeError as error:
            raise UsageError(str(error)) from error
        except WorkerError as error:
            told = f"physics failed: {error}"
            raise (FaultError(told, error.trace) if error.trace else SimloomError(told)) from error

    def _propose(self, index: int, attempt: int = 0) -> Scenario:
        begun = time.perf_counter()
        scenario = self._draw(index, attempt)
        self.propose_seconds += time.perf_counter() - begun
        return scenario

    def _draw(self, index: int, attempt: int) -> Scenario:
        """Propose a scenario that meets what is required, or the last that may be drawn."""
        space, sampler = self._plan.scene.space, self._plan.sampler
        while True:
            scenario = sampler.propose(index, attempt)
            self.draws += 1
            if not needs_checking(space) or not find_unmet(space, scenario):
                return scenario
            attempt += 1
            if not sampler.redraws or attempt >= MAX_DRAWS or not redraw_helps(space, scenario):
                return scenario
            self._failures.setdefault(index, []).append(_UNMET)

    def _redraw(self, stage: Stage) -> Scenario | None:
        """Propose what takes the place of a stage; None where the stage stays."""
        index, attempt = stage.scenario.index, stage.scenario.attempt + 1
        if not stage.valid and stage.message:
            self.examples.setdefault(stage.reason.name.lower(), stage.message)
        if stage.valid or stage.reason == Reason.REQUIREMENT or attempt >= MAX_DRAWS:
            return None
        failures = self._failures.setdefault(index, [])
        if sum(reason != _UNMET for reason in failures) + 1 >= self._plan.attempts:
            return None
        failures.append(stage.reason.name.lower())
        return self._propose(index, attempt)
