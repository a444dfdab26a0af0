"""Logs of an inertial unit: stamps, turn rates and specific forces, as CSV or NumPy files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Array = NDArray[np.float64]

COLUMNS: Final = "time, wx, wy, wz, ax, ay, az"
TIME_UNITS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of stamps [s]."""
MIN_SAMPLES: Final = 1000
"""Samples without which no noise is told."""
_GAP: Final = 0.5  # of a step, by which a stamp may be late


class InertialLog(NamedTuple):
    """Readings at a steady rate."""

    rate: float
    """Readings per second [Hz]."""
    angular_rate: Array
    """Turn rates [rad/s], shape (T, 3)."""
    specific_force: Array
    """Specific forces [m/s^2], shape (T, 3)."""


def load_inertial_log(path: str | Path, *, time_unit: str = "s") -> InertialLog:
    """Read a log.

    Args:
        path: A .csv file with columns time, wx, wy, wz [rad/s], ax, ay, az [m/s^2], with or without a line of names, or
            a .npy file of that shape, (T, 7).
        time_unit: Unit of the stamps: s, ms, us or ns.

    Raises:
        UsageError: If the file cannot be read or its stamps are not those of a steady rate.
    """
    file = Path(path)
    if time_unit not in TIME_UNITS:
        raise UsageError(f"the unit of time must be one of {', '.join(TIME_UNITS)}, got {time_unit!r}")
    if file.suffix.lower() == ".npy":
        values = _read_numpy(file)
    elif file.suffix.lower() in (".csv", ".txt"):
        values = _read_text(file)
    else:
        raise UsageError(f"{file}: a log is a .csv or .npy file with the columns {COLUMNS}")
    if values.ndim != 2 or values.shape[1] != 7:
        raise UsageError(f"{file}: a log has the 7 columns {COLUMNS}, got an array of shape {values.shape}")
    if len(values) < MIN_SAMPLES:
        raise UsageError(f"{file}: {len(values)} samples are too few to tell noise; record at least {MIN_SAMPLES}")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise UsageError(f"{file}: sample {bad[0]} holds what is not a finite number; take such samples out at an end")
    return InertialLog(_find_rate(file, values[:, 0], time_unit), values[:, 1:4], values[:, 4:7])


def _find_rate(file: Path, stamps: Array, time_unit: str) -> float:
    steps = np.diff(stamps) * TIME_UNITS[time_unit]
    step = float(np.mean(steps))
    if not 1e-6 <= step <= 10.0:
        if step <= 0.0:
            raise UsageError(f"{file}: the stamps must rise, their mean step is {step:.3g} s; sort the log by time")
        raise UsageError(
            f"{file}: the stamps are {step:.3g} s apart if they are in {time_unit}; give another unit of time "
            f"({', '.join(TIME_UNITS)})"
        )
    # Stamps jitter, but a missing sample shows in where the next ones lie.
    wrong = np.flatnonzero(np.abs(steps - float(np.median(steps))) > _GAP * step)
    if len(wrong):
        at = int(wrong[0])
        raise UsageError(
            f"{file}: the rate is not steady: sample {at + 1} comes {steps[at]:.4g} s after the one before it, others "
            f"{float(np.median(steps)):.4g} s; cut the log there and use the longer part"
        )
    return (len(stamps) - 1) / float((stamps[-1] - stamps[0]) * TIME_UNITS[time_unit])


def _read_numpy(file: Path) -> Array:
    try:
        # Mapped, not read: a header may claim more than the file holds.
        values: NDArray[Any] = np.lib.format.open_memmap(file, mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"cannot read the log {file}: {error}") from None
    if values.dtype.kind not in "fiu":
        raise UsageError(f"{file}: a log holds numbers, got {values.dtype}")
    return values.astype(np.float64)


def _read_text(file: Path) -> Array:
    try:
        with file.open(encoding="utf-8") as text:
            first = text.readline()
        skip = 0 if _is_number(first.split(",")[0]) else 1
        values: Array = np.loadtxt(file, delimiter=",", skiprows=skip, ndmin=2, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the log {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: not a text file in UTF-8") from None
    except ValueError as error:
        raise UsageError(f"{file}: not a table of the columns {COLUMNS}: {error}") from None
    return values


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
