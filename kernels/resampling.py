"""Means over other intervals: from the physics' steps to a sensor's samples, with the integral kept.

A series of means over intervals is a piecewise constant function of time; its means over other intervals are what
overlaps, weighted by its length. Instants are int64 nanoseconds. Where a sensor is faster than the physics it reads the
same mean several times; where it is slower, nothing between its samples is lost.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .series import check_rate
from .tensors import find_place

_LATEST: Final = 1 << 62
_SECOND: Final = 1_000_000_000


@scalar
def _average(
    index: Any, value_in: Any, edge_in: Any, begin_in: Any, new_edge_in: Any, samples: Any, mean_out: Any
) -> None:
    row = index // samples
    m = np.int64(index - row * samples)
    start, end = new_edge_in[m], new_edge_in[m + 1]
    length = np.float64(end - start)
    for c in range(value_in.shape[2]):
        total = 0.0
        k = begin_in[m]
        while k < value_in.shape[1] and edge_in[k] < end:
            low, high = max(edge_in[k], start), min(edge_in[k + 1], end)
            total += value_in[row, k, c] * (np.float64(high - low) / length)
            k += 1
        mean_out[row, m, c] = total


_AVERAGE: Final = Kernel(_average)


def sample_instants(rate: float, count: int, *, first: int = 0, origin: int = 0) -> NDArray[np.int64]:
    """Return the instants of evenly spaced samples, each rounded from its exact time.

    Args:
        rate: Samples per second [Hz].
        count: Number of instants.
        first: Number of the first sample.
        origin: Instant of sample 0 [ns].

    Returns:
        Instants [ns], shape (count,).

    Example:
        >>> sample_instants(400.0, 3).tolist()
        [0, 2500000, 5000000]
    """
    over, under = check_rate(rate).as_integer_ratio()
    if count < 0 or first < 0:
        raise ValueError(f"count and first must be at least 0, got {count} and {first}")
    last = first + count
    if origin.bit_length() < 62 and (2 * last * _SECOND * under + over).bit_length() < 63:
        numbers = np.arange(first, last, dtype=np.int64)
        return np.int64(origin) + (2 * _SECOND * under * numbers + over) // (2 * over)
    # Whole numbers of any size: no instant drifts, however long the series.
    whole = [origin + (2 * k * _SECOND * under + over) // (2 * over) for k in range(first, last)]
    if whole and not -_LATEST < min(whole) <= max(whole) < _LATEST:
        raise ValueError(f"instants must lie within 2^62 ns, got {min(whole)} to {max(whole)}")
    return np.array(whole, np.int64)


def resample_means(
    value: Any, edge: ArrayLike, new_edge: ArrayLike, *, device: str = "cpu", threads: int | None = None
) -> Any:
    """Turn means over intervals into means over others.

    Args:
        value: Means over T intervals, shape (R, T, C).
        edge: Where intervals begin and the last one ends [ns], whole numbers, rising, shape (T + 1,).
        new_edge: Likewise of M other intervals, within the first ones, shape (M + 1,).
        device: "cpu" or "cuda"; tensors that are on a device are treated there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Means over the other intervals, float64, shape (R, M, C): sums of mean times length are the same over any time
        that both sets of intervals make up.

    Raises:
        ValueError: If a shape is wrong, instants do not rise, or other intervals lie outside the first ones.
        RuntimeError: If the device is not here.

    Example:
        >>> slow = resample_means(np.ones((1, 8, 3)), sample_instants(400.0, 9), sample_instants(100.0, 3))
        >>> slow.shape
        (1, 2, 3)
    """
    shape = tuple(value.shape)
    if len(shape) != 3:
        raise ValueError(f"value must have shape (rows, intervals, channels), got {shape}")
    old, new = _check_edges(edge, "edge"), _check_edges(new_edge, "new_edge")
    if len(old) != shape[1] + 1:
        raise ValueError(f"edge must have shape ({shape[1] + 1},), one more than the intervals, got {old.shape}")
    if new[0] < old[0] or new[-1] > old[-1]:
        raise ValueError(f"new_edge must lie within {old[0]} and {old[-1]} ns, got {new[0]} to {new[-1]} ns")
    place = find_place(value, device)
    begin = np.searchsorted(old, new[:-1], side="right") - 1
    samples = len(new) - 1
    mean = place.allocate((shape[0], samples, shape[2]), np.float64)
    _AVERAGE.launch(
        shape[0] * samples, place.borrow(value, np.float64), old, begin.astype(np.int64), new, samples, mean,
        device=place.device, threads=threads,
    )  # fmt: skip
    return place.give(mean)


def _check_edges(edge: ArrayLike, name: str) -> NDArray[np.int64]:
    given = np.asarray(edge)
    if given.ndim != 1 or len(given) < 2 or given.dtype.kind not in "iu":
        raise ValueError(f"{name} must be two or more whole numbers of nanoseconds, got {given.dtype} {given.shape}")
    instants = given.astype(np.int64)
    if not (np.diff(instants) > 0).all():
        raise ValueError(f"{name} must rise from one instant to the next")
    return instants
