"""Worker processes: physics on every core, settled stages back in the order they were asked for.

A worker is `python -m simloom.scenes.workers`, never the user's main module again, so a script without a main guard, a
notebook and standard input all work. Parent and worker talk over the worker's own standard input and output in messages
with a length in front; the pickles in them come from our own child over our own pipe, and from nowhere else.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from .process_pipe import end_on_sigterm, pack, receive, send, send_packed, start_process
from .scenario import Scenario
from .scene import Scene, SceneSpec
from .scene_code import SceneCodeError, make_stage
from .stage import Stage


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


def _read_answer(kind: str, value: Any, scenario: Scenario) -> Stage | BaseException:
    if kind == "stage":
        return value  # type: ignore[no-any-return]
    if kind == "code":
        return SceneCodeError(value)
    return WorkerError(f"{_name(scenario)}: {value[0]}", value[1])


class _Process:
    """One worker process."""

    def __init__(self, spec: bytes) -> None:
        self._process = start_process("simloom.scenes.workers")
        self.made = 0
        with suppress(OSError):  # the first answer will not come, and says so
            send_packed(self._pipe_in, spec)

    @property
    def _pipe_in(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    def make(self, scenario: Scenario) -> Any:
        """Return the worker's answer; EOFError or OSError where it died."""
        assert self._process.stdout is not None
        send(self._pipe_in, scenario)
        answer = receive(self._process.stdout)  # type: ignore[arg-type]
        self.made += 1
        return answer

    def stop(self, *, kill: bool = False) -> int:
        """End the process and return its exit code."""
        if kill:
            self._process.terminate()  # which it hears between two steps, and leaves no files behind
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class WorkerPool:
    """Makes stages in worker processes.

    Args:
        spec: The scene.
        workers: Processes; 0 makes stages in this process.
        recycle_after: Stages after which a worker is replaced: Bullet's shapes and files leak a little.

    Raises:
        ValueError: If an argument is out of range, or the scene cannot be sent to a process.

    Example:
        >>> with WorkerPool(SceneSpec(name="tabletop"), workers=2) as pool:
        ...     for scenario in scenarios:
        ...         pool.submit(scenario)
        ...     for stage in pool.results():
        ...         capture(stage)
    """

    def __init__(self, spec: SceneSpec, workers: int, *, recycle_after: int = 2000) -> None:
        if workers < 0:
            raise ValueError(f"workers must not be negative, got {workers}; 0 works in this process")
        if recycle_after < 1:
            raise ValueError(f"recycle_after must be at least 1, got {recycle_after}")
        self._spec = spec
        self._packed = _pack_spec(spec) if workers else b""
        self._recycle_after = recycle_after
        self._tasks: queue.SimpleQueue[tuple[int, Scenario] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[int, Stage | BaseException]] = queue.SimpleQueue()
        self._submitted = self._delivered = 0
        self._waiting: dict[int, Stage | BaseException] = {}
        self._scene: Scene | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._processes: set[_Process] = set()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
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

    def submit(self, scenario: Scenario) -> None:
        """Ask for the stage of a scenario.

        Args:
            scenario: The scenario.

        Raises:
            RuntimeError: If the pool is closed.
        """
        if self._closed.is_set():
            raise RuntimeError("the worker pool is closed")
        self._tasks.put((self._submitted, scenario))
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
        ticket, scenario = task
        if self._scene is None:
            self._scene = self._spec.make()
        return ticket, make_stage(self._scene, scenario)

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
        if self._scene is not None:
            self._scene.close()
            self._scene = None

    # ---- one thread per worker --------------------------------------------------------------------------------------

    def _serve(self) -> None:
        process: _Process | None = None
        with suppress(Exception):  # the first task says so
            process = self._start()
        while (task := self._tasks.get()) is not None and not self._closed.is_set():
            ticket, scenario = task
            answer: Stage | BaseException | None = None
            trouble = ""
            for _ in range(2):
                try:
                    process = process or self._start()
                    kind, value = process.make(scenario)
                    answer = _read_answer(kind, value, scenario)
                    break
                except Exception as error:  # a thread that ended here would never answer
                    if process is None:
                        trouble = f": no worker process could be started: {error}"
                        continue
                    code = self._end(process, kill=True)
                    process = None
                    if self._closed.is_set():
                        return
                    trouble = f": it could not be exchanged with its worker: {type(error).__name__}: {error}"
                    if isinstance(error, (EOFError, OSError, ValueError, pickle.UnpicklingError)):
                        trouble = f" ended its worker twice (exit code {code}); make it alone with workers=0 to see why"
            self._answers.put((ticket, WorkerError(_name(scenario) + trouble) if answer is None else answer))
            if process is not None and process.made >= self._recycle_after:
                self._end(process, kill=False)
                process = None
        if process is not None:
            self._end(process, kill=self._closed.is_set())

    def _start(self) -> _Process:
        process = _Process(self._packed)
        with self._lock:
            self._processes.add(process)
        return process

    def _end(self, process: _Process, *, kill: bool) -> int:
        with self._lock:
            self._processes.discard(process)
        return process.stop(kill=kill)


def _work(requests: BinaryIO, answers: BinaryIO) -> None:
    """Serve one parent until it is gone."""
    spec: SceneSpec = receive(requests)
    scene: Scene | None = None
    try:
        while True:
            scenario = receive(requests)
            try:
                if scene is None:
                    scene = spec.make()
                message: tuple[str, Any] = ("stage", make_stage(scene, scenario))
            except SceneCodeError as error:
                message = ("code", str(error))
            except (ValueError, OSError, RuntimeError) as error:
                message = ("error", (str(error), ""))
            except Exception as error:
                message = ("error", (f"{type(error).__name__}: {error}", traceback.format_exc()))
            send(answers, message)
    finally:
        if scene is not None:
            scene.close()


def main() -> None:
    """Serve the parent process over standard input and output."""
    end_on_sigterm()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not print into the messages
    with suppress(EOFError, BrokenPipeError):  # the parent is gone
        _work(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
