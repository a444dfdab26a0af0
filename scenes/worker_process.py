"""One worker process: what its parent asks of it, and what it does."""

from __future__ import annotations

import pickle
import subprocess
import time
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple, final

from .process_pipe import pack, receive, send, send_packed, start_process
from .scenario import Scenario
from .scene import Scene, SceneSpec
from .scene_code import SceneCodeError, make_stage
from .shared_slots import SharedSlots, SlotMemory
from .worker_tally import WorkerTally, WorkTimes

_EARLY_BYTES: Final = 60_000
"""What an empty pipe takes, though nobody reads it yet [byte]; Linux gives it 65536."""


class Answer(NamedTuple):
    """What a worker answers."""

    kind: str
    """"stage", "code" (a mistake in the scene's own code) or "error"."""
    value: Any
    """The stage, a sentence, or a sentence and a traceback."""


@dataclass(kw_only=True, eq=False)
class Task:
    """A scenario on its way to a worker."""

    ticket: int
    """Number in the order of submission."""
    scenario: Scenario
    """What is to be made."""
    tries: int = 0
    """How often it was sent."""
    slot: int | None = None
    """The slot that the stage may be written to."""


@final
class WorkerProcess:
    """One worker process, as its parent sees it; it is told the next task while it works, so that it need not wait.

    Args:
        spec: The scene, packed.
        slots: Where stages may be put; None for the pipe alone.
    """

    def __init__(self, spec: bytes, slots: SharedSlots | None) -> None:
        self._slots = slots
        self._process = start_process("simloom.scenes.workers", () if slots is None else (slots.descriptor,))
        self.asked: deque[Task] = deque()
        """Tasks that it was sent and has not answered, in order."""
        self.made = 0
        """Tasks that it has answered."""
        with suppress(OSError):  # the first answer will not come, and says so
            send_packed(self._pipe_in, spec)
            send(self._pipe_in, None if slots is None else (slots.descriptor, slots.size))

    @property
    def _pipe_in(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    def ask(self, task: Task) -> None:
        """Send a task to a worker that has none.

        Raises:
            OSError: If the process died; other errors where the scenario cannot be pickled.
        """
        task.tries += 1
        self.asked.append(task)
        self._send(task, pack(task.scenario))

    def ask_early(self, task: Task) -> bool:
        """Send a task to a worker that has one; False where it must be sent later, as one too large for the pipe."""
        try:
            data = pack(task.scenario)
        except Exception:  # pickle has no one kind of error; `ask` raises it again
            return False
        if len(data) > _EARLY_BYTES:
            return False  # both sides might write, and neither read
        task.tries += 1
        self.asked.append(task)
        self._send(task, data)
        return True

    def _send(self, task: Task, data: bytes) -> None:
        if self._slots is not None and task.slot is None:
            task.slot = self._slots.take()
        send_packed(self._pipe_in, pack((data, task.slot)))

    def answer(self, tally: WorkerTally) -> tuple[Task, Answer]:
        """Wait for the answer to the task that was sent first.

        Args:
            tally: Where the stage is counted.

        Returns:
            The task and the answer.

        Raises:
            EOFError: If the process died; other errors where what it sent cannot be read.
        """
        assert self._process.stdout is not None
        kind, value, times = receive(self._process.stdout)  # type: ignore[arg-type]
        task = self.asked[0]
        if kind in ("slot", "pipe"):
            begun = time.perf_counter()
            if kind == "slot":
                assert self._slots is not None
                assert task.slot is not None
                slot, task.slot = task.slot, None  # the stage's from here on
                size = value.size
                value = self._slots.read(slot, value)
            else:
                size = len(value)
                value = pickle.loads(value)
            tally.add(times, size=size, unpack=time.perf_counter() - begun, piped=kind == "pipe")
            kind = "stage"
        self.asked.popleft()
        self.made += 1
        return task, Answer(kind, value)

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


def serve_parent(requests: BinaryIO, answers: BinaryIO) -> None:
    """Do a worker's work, until its parent is gone.

    Args:
        requests: Where the scene, the slots and then tasks come from.
        answers: Where answers go.

    Raises:
        EOFError: When the parent is gone; or BrokenPipeError.
    """
    spec: SceneSpec = receive(requests)
    place: tuple[int, int] | None = receive(requests)
    memory = None if place is None else SlotMemory(*place)
    scene: Scene | None = None
    sent = 0.0
    try:
        while True:
            begun = time.perf_counter()
            data, slot = receive(requests)
            idle = time.perf_counter() - begun if scene is not None else 0.0
            message: tuple[str, Any, WorkTimes | None]
            try:
                if scene is None:
                    scene = spec.make()
                message = _make(scene, data, None if slot is None else memory, slot, idle, sent)
            except SceneCodeError as error:
                message = ("code", str(error), None)
            except (ValueError, OSError, RuntimeError) as error:
                message = ("error", (str(error), ""), None)
            except Exception as error:
                message = ("error", (f"{type(error).__name__}: {error}", traceback.format_exc()), None)
            begun = time.perf_counter()
            send(answers, message)
            sent = time.perf_counter() - begun
    finally:
        if scene is not None:
            scene.close()


def _make(
    scene: Scene, data: bytes, memory: SlotMemory | None, slot: int, idle: float, sent: float
) -> tuple[str, Any, WorkTimes]:
    """Make a stage and lay it out for the parent."""
    begun, cpu = time.perf_counter(), time.process_time()
    stage = make_stage(scene, pickle.loads(data))
    made, cpu = time.perf_counter(), time.process_time() - cpu
    where = None if memory is None else memory.pack(slot, stage)
    kind, value = ("pipe", pack(stage)) if where is None else ("slot", where)
    return kind, value, WorkTimes(made - begun, cpu, time.perf_counter() - made, idle, sent)
