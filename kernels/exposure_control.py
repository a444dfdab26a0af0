"""Automatic exposure as a state over time: it follows what metering asks for, with a lag.

Exposure times count by their logarithms, as stops do, and brightening has another time constant than darkening:

    e(t + dt) = e (m / e)^(1 - exp(-dt / T)),   T = T_brighten where m > e, else T_darken,   m clipped to the limits

It is a pure function of state, metered exposure and time, exact at any frame rate.

Source: first-order lag (`lag.py`); the time constants are the user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .lag import approach
from .profile_check import check_range
from .profile_rows import find_profile_rows
from .tensors import find_place


@final
@dataclass(frozen=True, kw_only=True)
class ExposureControl:
    """How automatic exposure follows the scene.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> control = ExposureControl(darken_time=0.1)
    """

    brighten_time: float = 0.5
    """Time constant when the scene has become darker and exposure grows [s], [0, 1000]; 0: at once."""
    darken_time: float = 0.2
    """Time constant when the scene has become brighter and exposure falls [s], [0, 1000]; 0: at once."""
    exposure_time_min: float = 1e-9
    """Shortest exposure time [s], > 0."""
    exposure_time_max: float = 1e4
    """Longest exposure time [s], at least the shortest."""

    def __post_init__(self) -> None:
        check_range(self, "brighten_time", 0.0, 1000.0)
        check_range(self, "darken_time", 0.0, 1000.0)
        check_range(self, "exposure_time_min", 1e-9, 1e4)
        check_range(self, "exposure_time_max", self.exposure_time_min, 1e4)


@scalar
def _advance_row(
    row: Any, state_in: Any, metered_in: Any, step_in: Any, which_in: Any, control_in: Any, state_out: Any
) -> None:
    which = which_in[row]
    low, high = control_in[which, 2], control_in[which, 3]
    now, target = min(max(state_in[row], low), high), min(max(metered_in[row], low), high)
    time_constant = control_in[which, 0] if target > now else control_in[which, 1]
    state_out[row] = min(max(approach(now, target, step_in[row], time_constant), low), high)


_ADVANCE: Final = Kernel(_advance_row)


def advance_exposure(
    state: Any,
    metered: Any,
    dt: ArrayLike,
    control: ExposureControl | Sequence[ExposureControl],
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> Any:
    """Advance the exposure times of cameras by one frame.

    Args:
        state: Exposure times now [s], > 0, float64, shape (N,), NumPy, torch or on CUDA. Begin with what is metered on
            the first frame.
        metered: Exposure times that metering asks for [s], > 0, shape (N,).
        dt: Time since the last frame [s], ≥ 0, a number or shape (N,).
        control: How exposure follows, one for all or one for each camera.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Exposure times for the next frame [s], within the control's limits, of the same kind, shape (N,).

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Source: first-order lag in the logarithm, solved exactly.

    Example:
        >>> advance_exposure(np.array([0.01]), np.array([0.01]), 1 / 30, ExposureControl())
        array([0.01])
    """
    place = find_place(state, device)
    if len(state.shape) != 1 or tuple(np.shape(metered)) != tuple(state.shape):
        raise ValueError(f"state and metered must have shape (N,), got {tuple(state.shape)} and {np.shape(metered)}")
    count = state.shape[0]
    steps = check_steps(dt, count)
    rows = find_profile_rows(control, count, _no_names)
    controls = np.array(
        [(c.brighten_time, c.darken_time, c.exposure_time_min, c.exposure_time_max) for c in rows.profiles]
    ).reshape(-1, 4)
    now, target = place.borrow(state, np.float64), place.borrow(metered, np.float64)
    check_positive(place.is_resident, state, "state")
    check_positive(place.is_resident, metered, "metered")
    result = place.allocate((count,), np.float64)
    _ADVANCE.launch(count, now, target, steps, rows.which, controls, result, device=place.device, threads=threads)
    return place.give(result)


def check_steps(dt: ArrayLike, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a time step for each row.

    Raises:
        ValueError: If they are not times from 0, one or one for each row.
    """
    steps = np.asarray(dt, dtype=np.float64)
    if steps.shape not in ((), (count,)) or not (np.isfinite(steps).all() and (steps >= 0.0).all()):
        raise ValueError(f"dt must be a time ≥ 0 [s] or an array of shape ({count},), got {dt!r}")
    return np.broadcast_to(steps, (count,)).copy()


def check_positive(resident: bool, values: Any, name: str) -> None:
    """Check that host arrays are positive and finite; those on a device are the caller's to check.

    Raises:
        ValueError: If they are not.
    """
    if not resident and not ((numbers := np.asarray(values)) > 0.0).all() & np.isfinite(numbers).all():
        raise ValueError(f"{name} must be positive and finite, got {values!r}")


def _no_names(name: str) -> ExposureControl:
    raise ValueError(f"control must be an ExposureControl, got {name!r}")
