"""Run code in another process, with arrays in and arrays out: for the CUDA simulator, caches and forks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from naive.simulator import start_simulator

_BEFORE = """
import sys
import numpy as np
globals().update(np.load(sys.argv[1]))
"""
_AFTER = """
np.savez(sys.argv[2], **out)
"""


def run_process(
    code: str, folder: Path, environment: dict[str, str] | None = None, **arrays: object
) -> dict[str, np.ndarray]:
    """Run `code`, which sees the arrays by name and sets the mapping `out`; return `out`."""
    inputs, outputs, script = folder / "in.npz", folder / "out.npz", folder / "twin.py"
    np.savez(inputs, **{name: np.asarray(value) for name, value in arrays.items()})
    script.write_text(_BEFORE + code + _AFTER)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(inputs), str(outputs)],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(outputs) as found:
        return dict(found)


def run_simulated(code: str, folder: Path, **arrays: object) -> dict[str, np.ndarray]:
    """Run `code` with Numba's CUDA simulator, where device="cuda" is plain Python; all such code shares one process."""
    inputs, outputs = folder / "in.npz", folder / "out.npz"
    np.savez(inputs, **{name: np.asarray(value) for name, value in arrays.items()})
    trouble = start_simulator().run(code, inputs, outputs)
    assert not trouble, trouble[-3000:]
    with np.load(outputs) as found:
        return dict(found)
