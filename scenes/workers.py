"""Worker processes: physics on every core, settled stages back in the order they were asked for.

A worker is `python -m simloom.scenes.workers`, never the user's main module again, so a script without a main guard, a
notebook and standard input all work. Parent and worker talk over the worker's own standard input and output in messages
with a length in front; the pickles in them come from our own child over our own pipe, and from nowhere else. Stages
come through slots of shared memory (`shared_slots.py`); where no slot is free or large enough, through the pipe.
"""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from .process_pipe import end_on_sigterm, pack
from .scenario import Scenario
from .scene import Scene, SceneSpec
from .scene_code import SceneCodeError, make_stage
from .shared_slots import make_slots
from .stage import Stage
from .worker_process import Answer, Task, WorkerProcess, serve_parent
from .worker_tally import WorkerTally, WorkTimes


class WorkerError(RuntimeError):
    """A scenario or a scene that a worker could not make; the message says which and why.

    Args:
        message: One sentence.
        trace: The worker's traceback where the error was not foreseen.
    """

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


def _name(scenario: Scenario) -> str:
    return f"scenario {scenario.index} (seed {scenario.seed}, attempt {scenario.attempt})"


def _pack_spec(spec: SceneSpec) -> bytes:
    try:
        return pack(spec)
    except Exception as error:  # pickle has no one kind of error
        raise ValueError(
            f"the scene {spec.name!r} cannot be sent to a worker process: {error}; give it options of JSON types, "
            "or make it with workers=0"
        ) from error


def _read_answer(answer: Answer, scenario: Scenario) -> Stage | BaseException:
    if answer.kind == "code":
        return SceneCodeError(answer.value)
    if answer.kind == "error":
        return WorkerError(f"{_name(scenario)}: {answer.value[0]}", answer.value[1])
    return answer.value  # type: ignore[no-any-return]


class WorkerPool:
    """Makes stages in worker processes.

    Args:
        spec: The scene.
        workers: Processes; 0 makes stages in this process.
        recycle_after: Stages after which a worker is replaced: Bullet's shapes and files leak a little.
        slots: Stages that may be in shared memory at once, from when a worker begins one until nobody holds it; None:
            eight for each worker. Further ones come through the pipe.

    Raises:
        ValueError: If an argument is out of range, or the scene cannot be sent to a process.

    Example:
        >>> with WorkerPool(SceneSpec(name="tabletop"), workers=2) as pool:
        ...     for scenario in scenarios:
        ...         pool.submit(scenario)
        ...     for stage in pool.results():
        ...         capture(stage)
    """

    def __init__(self, spec: SceneSpec, workers: int, *, recycle_after: int = 2000, slots: int | None = None) -> None:
        if workers < 0:
            raise ValueError(f"workers must not be negative, got {workers}; 0 works in this process")
        if recycle_after < 1:
            raise ValueError(f"recycle_after must be at least 1, got {recycle_after}")
        self._spec = spec
        self._packed = _pack_spec(spec) if workers else b""
        self._recycle_after = recycle_after
        self._slots = make_slots(8 * workers if slots is None else slots) if workers else None
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[int, Stage | BaseException]] = queue.SimpleQueue()
        self._submitted = self._delivered = 0
        self._waiting: dict[int, Stage | BaseException] = {}
        self._scene: Scene | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._processes: set[WorkerProcess] = set()
        self.tallies = tuple(WorkerTally() for _ in range(max(workers, 1)))
        """Each worker's times and counts."""
        self._threads = [
            threading.Thread(target=self._serve, args=(self.tallies[k],), daemon=True) for k in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pending(self) -> int:
        """Scenarios submitted whose stages have not been handed out."""
        return self._submitted - self._delivered

    @property
    def queued(self) -> int:
        """Scenarios that no worker was sent yet."""
        return self._tasks.qsize()

    @property
    def ready(self) -> int:
        """Stages that are made and not handed out."""
        return self._answers.qsize() + len(self._waiting)

    @property
    def slot_count(self) -> int:
        """Stages that may be in shared memory at once."""
        return 0 if self._slots is None else self._slots.count

    @property
    def slot_bytes(self) -> int:
        """What they may take at most [byte]."""
        return 0 if self._slots is None else self._slots.count * self._slots.size

    def submit(self, scenario: Scenario) -> None:
        """Ask for the stage of a scenario.

        Args:
            scenario: The scenario.

        Raises:
            RuntimeError: If the pool is closed.
        """
        if self._closed.is_set():
            raise RuntimeError("the worker pool is closed")
        self._tasks.put(Task(ticket=self._submitted, scenario=scenario))
        self._submitted += 1

    def results(self, *, in_order: bool = True) -> Iterator[Stage]:
        """Hand out stages until all that were submitted, also meanwhile, are out.

        Args:
            in_order: In the order of submission; False = as they are done.

        Yields:
            Stages.

        Raises:
            WorkerError: If a scenario could not be made: its worker died twice, or the scene raised an error.
            SceneCodeError: If the error is one of the scene's own code, and the scene is a user's.
        """
        while self.pending:
            if in_order and self._delivered in self._waiting:
                found = self._waiting.pop(self._delivered)
            elif not in_order and self._waiting:
                found = self._waiting.pop(next(iter(self._waiting)))
            else:
                ticket, answer = self._next_answer()
                self._waiting[ticket] = answer
                continue
            self._delivered += 1
            if isinstance(found, BaseException):
                raise found
            yield found

    def _next_answer(self) -> tuple[int, Stage | BaseException]:
        if self._threads:
            while True:  # with a time limit, so that Ctrl-C is heard
                if self._closed.is_set():  # by another thread: nothing will come
                    raise WorkerError("the worker pool was closed")
                try:
                    return self._answers.get(timeout=1.0)
                except queue.Empty:
                    continue
        task = self._tasks.get()
        assert task is not None
        if self._scene is None:
            self._scene = self._spec.make()
        begun, cpu = time.perf_counter(), time.process_time()
        stage = make_stage(self._scene, task.scenario)
        times = WorkTimes(time.perf_counter() - begun, time.process_time() - cpu, 0.0, 0.0, 0.0)
        self.tallies[0].add(times, size=0, unpack=0.0, piped=False)
        return task.ticket, stage

    def close(self) -> None:
        """End all workers; calling it again does nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        for _ in self._threads:
            self._tasks.put(None)
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            process.stop(kill=True)
        for thread in self._threads:
            thread.join(timeout=10)
        if self._slots is not None:
            self._slots.close()
        if self._scene is not None:
            self._scene.close()
            self._scene = None

    # ---- one thread per worker --------------------------------------------------------------------------------------

    def _serve(self, tally: WorkerTally) -> None:
        process: WorkerProcess | None = None
        again: deque[Task] = deque()  # what goes before all other tasks
        with suppress(Exception):  # the first task says so
            process = self._start()
        while not self._closed.is_set():
            task: Task | None = None
            try:
                if process is None or not process.asked:
                    task = again.popleft() if again else self._tasks.get()
                    if task is None:
                        break
                    process = process or self._start()
                    process.ask(task)
                if not again:
                    self._ask_early(process, again)
                task, answer = process.answer(tally)
                self._hand_over(task, _read_answer(answer, task.scenario))
                del answer  # and with it the slot that it lies in
            except Exception as error:  # a thread that ended here would never answer
                if process is None:
                    assert task is not None
                    task.tries += 1
                    self._try_again(again, task, f": no worker process could be started: {error}")
                    continue
                code = self._end(process, kill=True)
                sent, process = list(process.asked), None
                if self._closed.is_set():
                    break
                trouble = f": it could not be exchanged with its worker: {type(error).__name__}: {error}"
                if isinstance(error, (EOFError, OSError, ValueError, pickle.UnpicklingError)):
                    trouble = f" ended its worker twice (exit code {code}); make it alone with workers=0 to see why"
                for other in sent[1:]:
                    other.tries -= 1  # it was not begun
                again.extendleft(reversed(sent[1:]))
                self._try_again(again, sent[0], trouble)
                continue
            if process.made >= self._recycle_after and not process.asked:
                self._end(process, kill=False)
                process = None
        if process is not None:
            self._end(process, kill=self._closed.is_set())

    def _ask_early(self, process: WorkerProcess, again: deque[Task]) -> None:
        """Tell a worker what comes next, unless others should have it or this one is to be replaced."""
        if len(process.asked) > 1 or process.made + len(process.asked) >= self._recycle_after:
            return
        if self._tasks.qsize() < len(self._threads):
            return
        with suppress(queue.Empty):
            task = self._tasks.get_nowait()
            if task is None:
                self._tasks.put(None)
            elif not process.ask_early(task):
                again.append(task)

    def _try_again(self, again: deque[Task], task: Task, trouble: str) -> None:
        """Put a task first in line, or answer that it failed where that was its second try."""
        if task.tries < 2:
            again.appendleft(task)
        else:
            self._hand_over(task, WorkerError(_name(task.scenario) + trouble))

    def _hand_over(self, task: Task, answer: Stage | BaseException) -> None:
        if self._slots is not None and task.slot is not None:
            self._slots.give_back(task.slot)
            task.slot = None
        self._answers.put((task.ticket, answer))

    def _start(self) -> WorkerProcess:
        process = WorkerProcess(self._packed, self._slots)
        with self._lock:
            self._processes.add(process)
        return process

    def _end(self, process: WorkerProcess, *, kill: bool) -> int:
        with self._lock:
            self._processes.discard(process)
        return process.stop(kill=kill)


def main() -> None:
    """Serve the parent process over standard input and output."""
    end_on_sigterm()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not print into the messages
    with suppress(EOFError, BrokenPipeError):  # the parent is gone
        serve_parent(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
