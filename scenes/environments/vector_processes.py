"""The processes of a batch of environments, as the parent sees them."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from ..process_pipe import receive, send, start_process
from ..workers import WorkerError
from .group import Begun, EnvironmentGroup
from .shared_arrays import Fields, SharedArrays
from .vector_worker import WorkerSetup, make_environments

_PATIENCE: Final = 5.0
"""Time that a worker is given to end [s], before it is told to, and then before it is killed."""
Orders = Mapping[int, tuple[int | None, dict[str, Any] | None]]
"""Row to seed and options of an episode to be started."""


class Stepper(Protocol):
    """Whatever steps the environments of a batch."""

    def step(self) -> dict[int, Begun]:
        """Step all environments by the shared actions."""

    def reset(self, orders: Orders) -> dict[int, Begun]:
        """Start episodes."""

    def close(self) -> None:
        """Give everything back."""


class VectorProcesses:
    """Worker processes, each with a run of the batch's environments.

    Args:
        entry: `module:Class` of the environment.
        options: Its keyword arguments.
        shares: Rows of each worker.
        fields: The shared arrays.
        arrays: The same, as they are here.
        autoreset: When an environment whose episode is over starts the next.

    Raises:
        ValueError: If an environment refuses its arguments.
        WorkerError: If a worker does not come up; the message says why.
    """

    def __init__(
        self,
        entry: str,
        options: dict[str, Any],
        shares: Sequence[range],
        fields: Fields,
        arrays: SharedArrays,
        autoreset: str,
    ) -> None:
        self._shares, self._processes = tuple(shares), []
        _check_portable("a keyword argument", options)
        try:
            for rows in shares:
                process = start_process("simloom.scenes.environments.vector_worker", [arrays.descriptor])
                self._processes.append(process)
                setup = WorkerSetup(
                    entry=entry,
                    options=options,
                    first=rows.start,
                    count=len(rows),
                    fields=fields,
                    descriptor=arrays.descriptor,
                    autoreset=autoreset,
                )
                with suppress(OSError):  # the answer will not come, and says so
                    send(cast("Any", process.stdin), setup)
            self._collect(range(len(self._processes)))
        except BaseException:
            self.close()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids."""
        return tuple(process.pid for process in self._processes)

    def step(self) -> dict[int, Begun]:
        """Step all environments by the shared actions."""
        return self._ask(dict.fromkeys(range(len(self._processes))))

    def reset(self, orders: Orders) -> dict[int, Begun]:
        """Start episodes; ValueError where an option cannot be sent to another process."""
        parts = {k: {row: orders[row] for row in rows if row in orders} for k, rows in enumerate(self._shares)}
        _check_portable("an option", parts)
        return self._ask({k: part for k, part in parts.items() if part})

    def close(self) -> None:
        """End all processes; calling it again does nothing."""
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        for process in self._processes:
            for insist in (process.terminate, process.kill):  # the first it hears between two steps
                try:
                    process.wait(timeout=_PATIENCE)
                    break
                except subprocess.TimeoutExpired:
                    insist()
            process.wait()

    def _ask(self, messages: Mapping[int, Any]) -> dict[int, Begun]:
        for k, message in messages.items():
            with suppress(OSError):  # as above
                send(cast("Any", self._processes[k].stdin), message)
        return self._collect(messages)

    def _collect(self, which: Any) -> dict[int, Begun]:
        """Take one answer of each, so that none is left in a pipe, and raise the first error."""
        begun: dict[int, Begun] = {}
        first: Exception | None = None
        for k in which:
            rows = self._shares[k]
            where = f"environment {rows[0]}" if len(rows) == 1 else f"environments {rows[0]} to {rows[-1]}"
            try:
                kind, *content = receive(cast("Any", self._processes[k].stdout))
            except EOFError:
                code = self._processes[k].wait()
                first = first or WorkerError(
                    f"the worker of {where} ended (exit code {code}); use workers=0 to see why, and make a new batch"
                )
                continue
            if kind == "begun":
                begun.update(content[0])
            elif content[0] == "ValueError":
                first = first or ValueError(f"{where}: {content[1]}")
            else:
                first = first or WorkerError(f"{where}: {content[1]}")
        if first is not None:
            raise first
        return begun


def _check_portable(what: str, message: Any) -> None:
    """Raise unless a message can be sent to another process."""
    try:
        pickle.dumps(message, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{what} cannot be sent to worker processes ({error}); give numbers, names, lists and mappings, or use "
            "workers=0"
        ) from error


def step_here(
    entry: str, options: dict[str, Any], count: int, arrays: SharedArrays, autoreset: str
) -> EnvironmentGroup:
    """Return what steps all environments of a batch in this process."""
    return EnvironmentGroup(make_environments(entry, options, count), 0, arrays, autoreset)
