"""A loader in a process of its own, so that every contestant has the interpreter and the packages that it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from suite_start import process_tree

PEERS_PYTHON = "SIMLOOM_PEERS_PYTHON"
"""Environment variable: the interpreter that has the peers, where this one does not."""


def find_peers_python() -> str:
    """Give the interpreter that peers run in."""
    return os.environ.get(PEERS_PYTHON) or sys.executable


def peer_version(python: str, package: str) -> str:
    """Tell which version of a package an interpreter has; empty where it has none."""
    ask = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


class LoaderProcess:
    """A process with one loader; see `loader_program.py`.

    Args:
        target: What it makes, `module:Class`.
        options: Keyword arguments of the class.
        python: Interpreter.

    Example:
        >>> with LoaderProcess("plain_loaders:NaiveH5py", {"batch": 32, "workers": 1}) as loader:
        ...     loader.ask("open", folder="/tmp/rows")
        ...     loader.ask("epoch", epoch=1)["seconds"]
    """

    def __init__(self, target: str, options: dict[str, Any], *, python: str = sys.executable) -> None:
        self._target = target
        program = str(Path(__file__).with_name("loader_program.py"))
        self._process = subprocess.Popen(
            [python, "-W", "ignore", program, target, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, what: str, **details: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            RuntimeError: If it failed, with the process's traceback.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, **details}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._target}: the process died at {what!r} with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise RuntimeError(f"{self._target} failed at {what!r}:\n{answer['failed']}")
        return answer

    def cpu_seconds(self) -> float:
        """Tell how much CPU time the process and all that it started have taken [s]."""
        ticks = 0
        for pid in process_tree(self._process.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
