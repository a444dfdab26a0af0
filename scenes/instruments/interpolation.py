"""Values between the instants of a motion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_NANOSECONDS = 1e9


def find_between(time: NDArray[np.int64], at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the instant before each query and how far it lies towards the next, [0, 1].

    Args:
        time: Instants [ns], ascending, shape (R, T), T ≥ 1.
        at: Queries [ns], shape (R, K); those outside take the nearest end.

    Returns:
        Places, shape (R, K), range [0, T - 2], and shares, shape (R, K).
    """
    last = max(time.shape[1] - 2, 0)
    place = np.empty(at.shape, np.int64)
    for row in range(len(time)):
        place[row] = np.searchsorted(time[row], at[row], side="right") - 1
    place = np.clip(place, 0, last)
    rows = np.arange(len(time))[:, None]
    start, end = time[rows, place], time[rows, np.minimum(place + 1, time.shape[1] - 1)]
    share = (at - start) / np.maximum(end - start, 1)
    return place, np.clip(share, 0.0, 1.0)


def interpolate_linear(time: NDArray[np.int64], values: Array, at: NDArray[np.int64]) -> Array:
    """Return values along straight lines.

    Args:
        time: Instants [ns], ascending, shape (R, T).
        values: Values there, shape (R, T, ...).
        at: Queries [ns], shape (R, K).

    Returns:
        Shape (R, K, ...).
    """
    place, share = find_between(time, at)
    before, after = _ends(values, place)
    share = share.reshape(share.shape + (1,) * (values.ndim - 2))
    return np.asarray(before + share * (after - before))


def interpolate_cubic(
    time: NDArray[np.int64], values: Array, rates: Array, at: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Return values and their rates along the cubics that have the given values and rates at both ends.

    Args:
        time: Instants [ns], ascending, shape (R, T).
        values: Values there, shape (R, T, ...).
        rates: Their derivatives there [1/s], shape (R, T, ...).
        at: Queries [ns], shape (R, K).

    Returns:
        Values and derivatives, shape (R, K, ...) each. Source: Hermite's interpolation.
    """
    place, share = find_between(time, at)
    tail = (1,) * (values.ndim - 2)
    rows = np.arange(len(time))[:, None]
    step = (time[rows, np.minimum(place + 1, time.shape[1] - 1)] - time[rows, place]) / _NANOSECONDS
    s, step = share.reshape(share.shape + tail), np.maximum(step, 1e-9).reshape(step.shape + tail)
    (y0, y1), (d0, d1) = _ends(values, place), _ends(rates, place)
    rise = y1 - y0
    cubic = step * (d0 + d1) - 2.0 * rise
    square = 3.0 * rise - step * (2.0 * d0 + d1)
    value = y0 + s * (step * d0 + s * (square + s * cubic))
    rate = d0 + s * (2.0 * square + 3.0 * s * cubic) / step
    return value, rate


def _ends(values: Array, place: NDArray[np.int64]) -> tuple[Array, Array]:
    rows = np.arange(len(values))[:, None]
    return values[rows, place], values[rows, np.minimum(place + 1, values.shape[1] - 1)]
