"""Cheap processes that may die: forked from one that has everything imported and no thread."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_tell = os.write  # kept: a campaign may stand in its place


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a forked process ended: its lines, and its exit code, negative for a signal."""

    code: int
    lines: list[str]
    seconds: float


def run_forked(
    action: Callable[[Callable[[str], None]], Any], *, kill_after: float | None = None, limit: float = 60.0
) -> Ending:
    """Run an action in a forked process.

    Args:
        action: What to do; it may tell lines, which arrive even if it is killed right after.
        kill_after: When to kill it [s].
        limit: When to give up and kill it [s].

    Returns:
        How it ended. A process that raised ends with 1, and its last line is the traceback.
    """
    started = time.monotonic()
    source, sink = os.pipe()
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.close(source)
            action(lambda text: _tell(sink, text.encode() + b"\0") and None)
            code = 0
        except BaseException:
            _tell(sink, traceback.format_exc().encode() + b"\0")
        finally:
            os._exit(code)
    os.close(sink)
    end, data = started + (limit if kill_after is None else kill_after), b""
    while True:
        ready = select.select([source], [], [], max(0.0, end - time.monotonic()))[0]
        if not ready:
            os.kill(process, signal.SIGKILL)
            end = started + limit + 60.0
            continue
        piece = os.read(source, 1 << 16)
        if not piece:
            break
        data += piece
    os.close(source)
    status = os.waitpid(process, 0)[1]
    lines = data.decode("utf-8", "replace").split("\0")[:-1]
    return Ending(code=os.waitstatus_to_exitcode(status), lines=lines, seconds=time.monotonic() - started)


def run_campaign(module: str, folder: Path, **arguments: Any) -> dict[str, Any]:
    """Run `campaign(folder, **arguments)` of a module of this folder in a fresh process, and return what it returns."""
    # What is imported where it serves is imported once, before the forks.
    code = "import json, sys, h5py, pyarrow.parquet, yaml\nfrom pathlib import Path\n"
    code += "from faults.small_rows import warm_up\n"
    code += f"from faults.{module} import campaign\nwarm_up(Path(sys.argv[1]) / 'warm')\n"
    code += "print(json.dumps(campaign(Path(sys.argv[1]), **json.loads(sys.argv[2]))))"
    tests = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), json.dumps(arguments)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
