"""Worker processes that hold an object each and answer calls: the processes of a user's script, started beforehand."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, Self


class Workers:
    """Processes with one object each.

    Args:
        count: Number of processes.
        target: What each makes, `module:Class`.
        arguments: Keyword arguments of the class.

    Example:
        >>> with Workers(2, "tiny_world:TinyWorld") as workers:
        ...     workers.call("load_robot", [(robot,), (robot,)])
    """

    def __init__(self, count: int, target: str, arguments: dict[str, Any] | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, target, arguments or {}), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        try:
            self._collect()  # made, so that no call pays for the start
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a method of every object at once and wait for all.

        Args:
            method: Its name.
            arguments: One tuple per process.

        Returns:
            What each returned.

        Raises:
            RuntimeError: If one of them failed, with its traceback.
        """
        for pipe, given in zip(self._pipes, arguments, strict=True):
            pipe.send((method, given))
        return self._collect()

    def call_all(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of every object with the same arguments."""
        return self.call(method, [arguments] * len(self._pipes))

    def _collect(self) -> list[Any]:
        answers = []
        for pipe in self._pipes:
            try:
                answers.append(pipe.recv())
            except EOFError:
                raise RuntimeError("a worker process died") from None
        for failed, answer in answers:
            if failed:
                raise RuntimeError(f"a worker process failed:\n{answer}")
        return [answer for _, answer in answers]

    def close(self) -> None:
        """End the processes."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(timeout=10)
            if process.is_alive():
                process.terminate()


def _serve(pipe: Connection, target: str, arguments: dict[str, Any]) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # PyBullet prints when it is imported
    try:
        module, _, name = target.partition(":")
        served = getattr(import_module(module), name)(**arguments)
        pipe.send((False, None))
    except BaseException:
        pipe.send((True, traceback.format_exc()))
        return
    while True:
        try:
            method, given = pipe.recv()
        except EOFError:
            break
        try:
            answer = (False, getattr(served, method)(*given))
        except BaseException:
            answer = (True, traceback.format_exc())
        pipe.send(answer)
    close = getattr(served, "close", None)
    if close is not None:
        close()
