"""The worker process of a batch of environments: `python -m simloom.scenes.environments.vector_worker`."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO

from ..process_pipe import end_on_sigterm, receive, send
from .environment import SceneEnvironment
from .group import EnvironmentGroup
from .shared_arrays import Fields, SharedArrays


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """What a worker is told first."""

    entry: str
    """`module:Class` of the environment."""
    options: dict[str, Any]
    """Its keyword arguments."""
    first: int
    """Row of its first environment."""
    count: int
    """Environments that it steps."""
    fields: Fields
    """The shared arrays."""
    descriptor: int
    """Their memory."""
    autoreset: str
    """When an environment whose episode is over starts the next."""


def make_environments(entry: str, options: dict[str, Any], count: int) -> list[SceneEnvironment]:
    """Make environments of one kind.

    Args:
        entry: `module:Class`.
        options: Keyword arguments.
        count: How many.

    Returns:
        The environments.
    """
    module, _, name = entry.partition(":")
    kind = getattr(import_module(module), name)
    made: list[SceneEnvironment] = []
    try:
        for _ in range(count):
            made.append(kind(**options))
    except BaseException:
        for environment in made:
            environment.close()
        raise
    return made


def _describe(error: Exception) -> tuple[str, str, str]:
    """Return an answer: what kind of error, and its text, with a traceback where it was not foreseen."""
    if isinstance(error, ValueError):
        return "error", "ValueError", str(error)
    if isinstance(error, OSError | RuntimeError):
        return "error", type(error).__name__, str(error)
    return "error", type(error).__name__, f"{type(error).__name__}: {error}\n{traceback.format_exc()}"


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Serve one parent until it is gone."""
    setup: WorkerSetup = receive(requests)
    made: list[SceneEnvironment] = []
    try:
        try:
            arrays = SharedArrays(setup.fields, setup.descriptor)
            made = make_environments(setup.entry, setup.options, setup.count)
            group = EnvironmentGroup(made, setup.first, arrays, setup.autoreset)
        except Exception as error:
            send(answers, _describe(error))
            return
        send(answers, ("begun", {}))
        while True:
            orders = receive(requests)
            try:
                answer: Any = ("begun", group.step() if orders is None else group.reset(orders))
            except Exception as error:
                answer = _describe(error)
            send(answers, answer)
    finally:  # also where it is told to end, so that no folder of a world is left behind
        for environment in made:
            environment.close()


def main() -> None:
    """Serve the parent process over standard input and output."""
    end_on_sigterm()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not print into the messages
    with suppress(EOFError, BrokenPipeError):  # the parent is gone
        _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    # Messages name classes by the module they came from, which is not __main__.
    import_module("simloom.scenes.environments.vector_worker").main()
