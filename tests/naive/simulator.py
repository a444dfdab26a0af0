"""A process in which Numba's CUDA simulator is on: it lives as long as the tests, since starting one takes seconds.

Each piece of code runs in a fork of it.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import subprocess
import sys
from pathlib import Path

_SERVE = """
import json, os, sys, traceback
import numpy as np
from numba import cuda
import simloom.kernels.device

def work(code, inputs, outputs):
    with np.load(inputs) as arrays:
        space = {"__name__": "twin", "np": np, "sys": sys, **arrays}
    exec(compile(code, "twin", "exec"), space)
    np.savez(outputs, **space["out"])

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the code prints must not print into the answers
for line in sys.stdin:
    code, inputs, outputs = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()  # what the code replaces in modules is gone with it
    if child == 0:
        status = 1
        try:
            work(code, inputs, outputs)
            status = 0
        except BaseException:
            os.write(writing, traceback.format_exc()[-30_000:].encode())
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    trouble = told or (f"the simulator's process ended with status {status}" if status else "")
    print(json.dumps(trouble), file=answers, flush=True)
"""


class Simulator:
    """Runs code with the simulator, one piece after the other, each in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _SERVE],
            env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.kill)

    def run(self, code: str, inputs: Path, outputs: Path, *, seconds: float = 300.0) -> str:
        """Run code; return its traceback, empty where there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([code, str(inputs), str(outputs)]) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        answer = self._process.stdout.readline() if ready else ""
        if not answer:
            self._process.kill()
            start_simulator.cache_clear()
            return f"the simulator said nothing for {seconds} s, or ended with {self._process.wait()}"
        return str(json.loads(answer))


@functools.cache
def start_simulator() -> Simulator:
    """Start the process, or return the one that is running."""
    return Simulator()
