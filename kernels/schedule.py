"""The samples of a window of time: when each was measured, when it arrives, and what an observer holds.

See `observation_timing` for the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .image_rows import check_rows, check_sensor
from .observation_timing import MISSING, NANOSECONDS, ObservationTiming
from .philox import draw_block, stream_key
from .series import MAX_SAMPLES
from .tensors import find_place
from .variates import normal, uniform64

_LAST_INSTANT: Final = 1 << 62


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """The samples that are due in a window, oldest first, for R rows; K places, `count` of them used."""

    timing: ObservationTiming
    """The timing they follow."""
    number: NDArray[np.int64]
    """Number of each sample since the sensor's start, shape (R, K); -1 where a place is not used."""
    measured: NDArray[np.int64]
    """When each was measured [ns], shape (R, K); -1 where a place is not used."""
    arrival: NDArray[np.int64]
    """When each arrives, or would have if it had not been lost [ns], shape (R, K); -1 where a place is not used."""
    delivered: NDArray[np.bool_]
    """Whether each arrives, shape (R, K)."""
    count: NDArray[np.int64]
    """Samples of each row, shape (R,)."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Observation:
    """What is known of a sensor at some instants; with a `buffer_size` B every array has an axis B after Q."""

    value: Any
    """Newest value at each instant, shape (R, Q, ...), of the kind and type that the values were."""
    age: NDArray[np.int64]
    """Time since it was measured [ns], shape (R, Q); -1 where there is nothing to show."""
    number: NDArray[np.int64]
    """Number of the sample that is shown, shape (R, Q); -1 where there is nothing to show."""


@scalar
def _draw(
    row: Any, due_in: Any, count_in: Any, first_in: Any, row_in: Any, law_in: Any, key_0: Any, key_1: Any, sensor: Any,
    measured_out: Any, arrival_out: Any, delivered_out: Any,
) -> None:  # fmt: skip
    index, first, count = row_in[row], first_in[row], count_in[row]
    center, spread, wander, loss = law_in[0], law_in[1], law_in[2], law_in[3]
    for k in range(count):
        word_0, word_1, word_2, _ = draw_block(key_0, key_1, first + k, index, sensor, 0)
        start = due_in[row, k] + np.int64(math.floor(wander * normal(word_2) + 0.5))
        start = start if start > 0 else np.int64(0)
        measured_out[row, k] = start
        arrival_out[row, k] = start + np.int64(math.floor(center * math.exp(spread * normal(word_0)) + 0.5))
        delivered_out[row, k] = np.uint8(0) if uniform64(word_1) < loss else np.uint8(1)
    for k in range(count, measured_out.shape[1]):
        measured_out[row, k] = np.int64(-1)
        arrival_out[row, k] = np.int64(-1)
        delivered_out[row, k] = np.uint8(0)


@scalar
def _find(
    row: Any, measured_in: Any, arrival_in: Any, delivered_in: Any, count_in: Any, query_in: Any, holds: Any,
    found_out: Any,
) -> None:  # fmt: skip
    size = found_out.shape[2]
    low = np.int64(0)
    for query in range(query_in.shape[1]):
        instant = query_in[row, query]
        # Nothing arrives before it is measured: look behind the last one that has been measured, from where the query
        # before found it if queries go on in time.
        if query > 0 and instant < query_in[row, query - 1]:
            low = np.int64(0)
        high = low + 8
        if high >= count_in[row] or measured_in[row, high] > instant:
            high = min(high, count_in[row])
        else:
            high = count_in[row]
        while low < high:
            middle = (low + high) // 2
            if measured_in[row, middle] <= instant:
                low = middle + 1
            else:
                high = middle
        left = size
        k = low - 1
        while k >= 0 and left > 0:
            if arrival_in[row, k] <= instant and (delivered_in[row, k] != 0 or holds == 0):
                left -= 1
                found_out[row, query, left] = k if delivered_in[row, k] != 0 else np.int64(-1)
            k -= 1
        for rest in range(left):
            found_out[row, query, rest] = np.int64(-1)


_DRAW: Final = Kernel(_draw)
_FIND: Final = Kernel(_find)


def sample_times(
    timing: ObservationTiming,
    start_ns: ArrayLike,
    end_ns: ArrayLike,
    *,
    seed: int,
    index: ArrayLike,
    sensor: int = 0,
    threads: int | None = None,
) -> Schedule:
    """Tell which samples are due in a window, when each was measured and when it arrives.

    A sample belongs to the window [start, end) that its due instant is in, so that windows side by side share none and
    miss none; with `sampling_jitter` it may be measured just outside. Whoever observes from `start_ns` on wants a
    window that begins some latencies earlier, for what is still under way.

    Args:
        timing: The sensor's timing.
        start_ns: Start of the window [ns], a whole number or shape (R,).
        end_ns: Its end, exclusive [ns], likewise; all windows are of one length.
        seed: Seed of the draws, [0, 2^64).
        index: Global row index of each row, int64, shape (R,).
        sensor: Number of the sensor within its rig, [0, 2^16).
        threads: CPU threads; None for all.

    Returns:
        The samples, in as many places K as any window of this length may need.

    Raises:
        ValueError: If a window is empty, lengths differ, or a sample's number leaves 32 bits.

    Example:
        >>> sample_times(ObservationTiming(sampling_rate=4.0), 0, 10**9, seed=0, index=[0]).measured
        array([[        0, 250000000, 500000000, 750000000]])
    """
    rows = check_rows(index, np.asarray(index).size)
    starts, ends = _spread_instants(start_ns, "start_ns", len(rows)), _spread_instants(end_ns, "end_ns", len(rows))
    lengths = np.unique(ends - starts)
    if len(lengths) > 1 or (len(lengths) and lengths[0] <= 0):
        raise ValueError(f"end_ns must be later than start_ns, and equally so for every row, got {lengths.tolist()} ns")
    width = max(1, math.ceil(int(lengths[0]) / timing.period)) if len(lengths) else 1
    number = np.full((len(rows), width), -1, np.int64)
    due = np.full((len(rows), width), -1, np.int64)
    count = np.zeros(len(rows), np.int64)
    for start in np.unique(starts):
        first = timing.number_from(int(start))
        end = timing.number_from(int(start) + int(lengths[0]))
        if end > MAX_SAMPLES:
            raise ValueError(f"a sensor's samples end at number 2^32, this window reaches {end}; start its time anew")
        which = starts == start
        number[which, : end - first] = np.arange(first, end, dtype=np.int64)
        due[which, : end - first] = _due(timing, first, end)
        count[which] = end - first
    mean, deviation = timing.latency_law
    median = NANOSECONDS * (math.exp(mean) if deviation > 0.0 else timing.delay)
    law = np.array([median, deviation, timing.sampling_jitter * NANOSECONDS, timing.dropout])
    measured, arrival = np.empty_like(number), np.empty_like(number)
    delivered = np.empty(number.shape, np.uint8)
    _DRAW.launch(
        len(rows), due, count, number[:, 0], rows, law, *stream_key(seed, "timing"), check_sensor(sensor), measured,
        arrival, delivered, threads=threads,
    )  # fmt: skip
    return Schedule(
        timing=timing,
        number=number,
        measured=measured,
        arrival=arrival,
        delivered=delivered.view(np.bool_),
        count=count,
    )


def observe(
    schedule: Schedule,
    values: Any,
    query_ns: ArrayLike,
    *,
    missing: Literal["hold", "nan"] | None = None,
    buffer_size: int | None = None,
    threads: int | None = None,
) -> Observation:
    """Return what an observer holds of a sensor at each instant.

    That is the newest measurement which has arrived by then, at the instant itself included. A lost sample is skipped
    with "hold", so that the one before it is shown on; with "nan" NaN is shown from when it was due to arrive until the
    next one does. Before the first arrival there is nothing to show: NaN, or 0 for whole numbers, and an age of -1.

    Args:
        schedule: Samples of the sensor.
        values: What was measured, shape (R, K, ...), NumPy or torch.
        query_ns: Instants [ns], shape (Q,) or (R, Q).
        missing: "hold" or "nan"; None for the timing's.
        buffer_size: How many of the newest samples to show, oldest first; None for the timing's.
        threads: CPU threads; None for all.

    Returns:
        The values, their ages and their numbers.

    Raises:
        ValueError: If a shape is wrong, or "nan" is asked of whole numbers.

    Example:
        >>> schedule = sample_times(ObservationTiming(sampling_rate=4.0, delay=0.1), 0, 10**9, seed=0, index=[0])
        >>> observe(schedule, np.arange(4.0)[None], [0, 360_000_000]).value
        array([[nan,  1.]])
    """
    timing, shape = schedule.timing, schedule.number.shape
    how = timing.missing if missing is None else missing
    if how not in MISSING:
        raise ValueError(f"missing must be one of {', '.join(MISSING)}, got {how!r}")
    if tuple(values.shape[:2]) != shape:
        raise ValueError(f"values must have shape ({shape[0]}, {shape[1]}, ...), got {tuple(values.shape)}")
    size = timing.buffer_size if buffer_size is None else buffer_size
    if size is not None and not 1 <= size <= 1 << 16:
        raise ValueError(f"buffer_size must be in [1, 65536], got {size}")
    place = find_place(values)
    if place.kind == "cuda":
        raise ValueError("values must be NumPy's or torch's; give other arrays to torch by DLPack")
    is_real = values.is_floating_point() if place.kind == "torch" else values.dtype.kind == "f"
    if how == "nan" and not is_real:
        raise ValueError(f"missing 'nan' needs floating point values, got {values.dtype}; use 'hold', or convert them")
    query = _spread_queries(query_ns, shape[0])
    found = np.empty((*query.shape, size or 1), np.int64)
    _FIND.launch(
        query.shape[0], schedule.measured, schedule.arrival, schedule.delivered.view(np.uint8), schedule.count, query,
        int(how == "hold"), found, threads=threads,
    )  # fmt: skip
    rows = np.arange(shape[0])[:, None, None]
    none, chosen = found < 0, np.maximum(found, 0)
    age = query[..., None] - schedule.measured[rows, chosen]
    number = schedule.number[rows, chosen]
    age[none], number[none] = -1, -1
    value = _gather(values, place, rows, chosen, none, float("nan") if is_real else 0)
    if size is None:
        value, age, number = value[:, :, 0], age[..., 0], number[..., 0]
    return Observation(value=value, age=age, number=number)


def _due(timing: ObservationTiming, first: int, end: int) -> NDArray[np.int64]:
    # stamp(first + k) = whole + floor((rest + k step) / scale) in whole numbers; Python's where 64 bits are not enough.
    phase = timing.stamp(first)
    exact = Fraction(repr(float(timing.phase))) * NANOSECONDS + first * timing.period + Fraction(1, 2) - phase
    scale = math.lcm(exact.denominator, timing.period.denominator)
    rest, whole = int(exact * scale), timing.period.numerator // timing.period.denominator
    step = int((timing.period - whole) * scale)
    count = end - first
    if timing.stamp(max(end, 1) - 1) > _LAST_INSTANT:
        raise ValueError(f"instants end at 2^62 ns, sample {end - 1} is later")
    if rest + count * step < 1 << 62:
        k = np.arange(count, dtype=np.int64)
        return np.int64(phase) + k * np.int64(whole) + (np.int64(rest) + k * np.int64(step)) // np.int64(scale)
    return np.array([phase + k * whole + (rest + k * step) // scale for k in range(count)], np.int64)


def _spread_instants(value: ArrayLike, name: str, count: int) -> NDArray[np.int64]:
    instants = np.asarray(value)
    if instants.shape not in ((), (count,)) or (instants.size and instants.dtype.kind not in "iu"):
        raise ValueError(f"{name} must be whole nanoseconds, one for all or shape ({count},), got {value!r}")
    if instants.size and not (int(instants.min()) >= -_LAST_INSTANT and int(instants.max()) <= _LAST_INSTANT):
        raise ValueError(f"{name} must be within 2^62 nanoseconds, got {value!r}")
    return np.broadcast_to(instants.astype(np.int64), (count,))


def _spread_queries(query_ns: ArrayLike, count: int) -> NDArray[np.int64]:
    query = np.asarray(query_ns)
    if query.ndim == 1:
        query = np.broadcast_to(query, (count, len(query)))
    if query.ndim != 2 or query.shape[0] != count or (query.size and query.dtype.kind not in "iu"):
        raise ValueError(
            f"query_ns must be whole nanoseconds of shape (queries,) or ({count}, queries), got shape "
            f"{np.shape(query_ns)} {query.dtype}"
        )
    return np.ascontiguousarray(query, np.int64)


def _gather(values: Any, place: Any, rows: Any, chosen: Any, none: Any, blank: Any) -> Any:
    if place.kind == "torch":
        import torch

        at, which, empty = (torch.from_numpy(part).to(values.device) for part in (rows, chosen, none))
        picked = values.detach()[at, which]
        picked[empty] = blank
        return picked
    picked = values[rows, chosen]
    picked[none] = blank
    return picked
