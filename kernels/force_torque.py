"""Six-axis force/torque sensors: crosstalk, hysteresis, noise, drift, warmth, steps and overload.

    u = F + h(F)                            h(F) = - sum over k of w_k (F - play(F, r_k)), on each axis
    x' = (C u + n - x) 2 pi f               low-pass filter, stepped exactly for what stands still over a step
    y = clip( step round( (x + b + k (T - T0) + d) / step ) )

C, the matrix of gains and crosstalk, and k belong to the specimen; b, the offset, is drawn at power-up; d, the drift,
is a Gauss-Markov process; n is white. Each play holds a share w_k of the load back until the load has moved by r_k: the
loop between rising and falling load is at the widest sum of 2 w_k r_k, and small cycles on top of a load make small
loops of their own, which close (Prandtl-Ishlinskii). The hysteresis starts from a sensor that was never loaded.

Draws, in the stream "force_torque": item unit, row words fixed, blocks 0..8, for C, blocks 9, 10 for k; item 0, blocks
16, 17 for b; item sample number, blocks 0..2 for n and d.

Sources: Visintin, "Differential Models of Hysteresis", 1994, chapter III; `gauss_markov.py`; a strain-gauge sensor's
calibration is a 6 x 6 matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .force_torque_profile import PLAYS, ForceTorqueProfile
from .gauss_markov import gauss_markov_step, white_noise_sample
from .image_rows import check_sensor
from .lanes import count_lanes
from .philox import FIXED, draw_block, stream_key
from .play import follow_play
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first, check_series
from .series_rows import TILE, find_rate, number_rows, profiles_of, spread_units
from .tensors import Place, find_place
from .variates import normal, normal_single

_FIXED_ROW: Final = np.uint64(FIXED << 32 | FIXED)
_AXES: Final = 6
_FORCES: Final = 3
_LANES: Final = 4
_BLOCKS: Final = 3
_WARMTH_BLOCK: Final = 9
_BIAS_BLOCK: Final = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class ForceTorqueHistory:
    """What force/torque sensors remember after a series, to go on from."""

    plays: Any
    """Where the play operators stand [N or Nm], shape (R, 6, 4)."""
    filtered: Any
    """Output of the low-pass filter, shape (R, 6)."""
    drift: Any
    """Drift, shape (R, 6)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ForceTorqueReading:
    """What the force/torque sensors of R robots report, and the truth they depart from."""

    wrench: Any
    """Forces [N] and torques [Nm] along the sensor's axes, float64, shape (R, T, 6)."""
    overload: Any
    """1 where an axis is at the end of its range, uint8, shape (R, T, 6)."""
    truth: Any
    """The wrenches it was given."""
    offset: Any
    """Sum of power-up offset, drift and warmth, shape (R, T, 6); `wrench` less this has its zero at no load."""
    matrix: Any
    """Gains and crosstalk C of each specimen [unit of the row per unit of the column], shape (R, 6, 6)."""
    history: ForceTorqueHistory
    """State after the last sample."""
    profiles: ForceTorqueProfile | tuple[ForceTorqueProfile, ...]
    """The sensor, or each row's."""


@scalar
def _draw_specimen(row: Any, index: Any, unit: Any, sensor: Any, key_0: Any, key_1: Any, gain: Any, crosstalk: Any,
                   axis_in: Any, which: Any, matrix_out: Any, warmth_out: Any, bias_out: Any) -> None:  # fmt: skip
    for i in range(_AXES):
        for j in range(_AXES):
            words = draw_block(key_0, key_1, unit, _FIXED_ROW, sensor, (i * _AXES + j) // _LANES)
            deviate = normal(words[(i * _AXES + j) % _LANES])
            if i == j:
                matrix_out[row, i, j] = 1.0 + gain * deviate
            else:
                matrix_out[row, i, j] = crosstalk * deviate * (axis_in[which, i, 0] / axis_in[which, j, 0])
        words = draw_block(key_0, key_1, unit, _FIXED_ROW, sensor, _WARMTH_BLOCK + i // _LANES)
        warmth_out[row, i] = axis_in[which, i, 5] * normal(words[i % _LANES])
        words = draw_block(key_0, key_1, 0, index, sensor, _BIAS_BLOCK + i // _LANES)
        bias_out[row, i] = axis_in[which, i, 3] * normal(words[i % _LANES])


@scalar
def _draw_noise(lane: Any, index: Any, sensor: Any, item: Any, count: Any, key_0: Any, key_1: Any,
                word_out: Any) -> None:  # fmt: skip
    for block in range(_BLOCKS):
        for t in range(count):
            w0, w1, w2, w3 = draw_block(key_0, key_1, item + t, index, sensor, block)
            word_out[lane, _LANES * block, t] = np.uint32(w0)
            word_out[lane, _LANES * block + 1, t] = np.uint32(w1)
            word_out[lane, _LANES * block + 2, t] = np.uint32(w2)
            word_out[lane, _LANES * block + 3, t] = np.uint32(w3)


@scalar
def _hold_back(lane: Any, row: Any, axis: Any, start: Any, count: Any, which: Any, span: Any, wrench_in: Any,
               play_in: Any, plays_out: Any, shown_out: Any) -> None:  # fmt: skip
    """Turn the loads on an axis into those that the strained body shows, and move its play operators on."""
    y0, y1, y2, y3 = plays_out[row, axis, 0], plays_out[row, axis, 1], plays_out[row, axis, 2], plays_out[row, axis, 3]
    r0, r1 = play_in[which, 0, 0] * span, play_in[which, 1, 0] * span
    r2, r3 = play_in[which, 2, 0] * span, play_in[which, 3, 0] * span
    k0, k1, k2, k3 = play_in[which, 0, 1], play_in[which, 1, 1], play_in[which, 2, 1], play_in[which, 3, 1]
    for t in range(count):
        load = wrench_in[row, start + t, axis]
        y0, y1 = follow_play(y0, load, r0), follow_play(y1, load, r1)
        y2, y3 = follow_play(y2, load, r2), follow_play(y3, load, r3)
        held = (k0 * (load - y0) + k1 * (load - y1)) + (k2 * (load - y2) + k3 * (load - y3))
        shown_out[lane, axis, t] = load - held
    plays_out[row, axis, 0], plays_out[row, axis, 1], plays_out[row, axis, 2], plays_out[row, axis, 3] = y0, y1, y2, y3


@scalar
def _mix(lane: Any, row: Any, i: Any, count: Any, matrix: Any, white: Any, word: Any, shown: Any,
         work_out: Any) -> None:  # fmt: skip
    c0, c1, c2 = matrix[row, i, 0], matrix[row, i, 1], matrix[row, i, 2]
    c3, c4, c5 = matrix[row, i, 3], matrix[row, i, 4], matrix[row, i, 5]
    for t in range(count):
        load = c0 * shown[lane, 0, t] + c1 * shown[lane, 1, t] + c2 * shown[lane, 2, t]
        load += c3 * shown[lane, 3, t] + c4 * shown[lane, 4, t] + c5 * shown[lane, 5, t]
        work_out[lane, 0, t] = load + white * np.float64(normal_single(word[lane, i, t]))
    for t in range(count):
        work_out[lane, 1, t] = np.float64(normal_single(word[lane, i + _AXES, t]))


@scalar
def _run(lane: Any, row: Any, i: Any, count: Any, begins: Any, share: Any, keep: Any, noise: Any, drift: Any, add: Any,
         filtered_out: Any, drift_out: Any, work_out: Any) -> None:  # fmt: skip
    """Step the filter and the drift; at power-up both have long run, and the noise its deviation behind the filter."""
    x, d, rest = filtered_out[row, i], drift_out[row, i], 1.0 - share
    if begins:
        x = work_out[lane, 0, 0] + (math.sqrt(share / (2.0 - share)) - 1.0) * noise
        d = drift * work_out[lane, 1, 0]
        work_out[lane, 0, 0], work_out[lane, 1, 0] = x, d
    for t in range(1 if begins else 0, count):
        x = rest * x + share * work_out[lane, 0, t]
        d = keep * d + add * work_out[lane, 1, t]
        work_out[lane, 0, t], work_out[lane, 1, t] = x, d
    filtered_out[row, i], drift_out[row, i] = x, d


@scalar
def _report(lane: Any, row: Any, i: Any, start: Any, count: Any, bias: Any, warmth: Any, reference: Any, warms: Any,
            temperature_in: Any, step: Any, most: Any, work: Any, reading_out: Any, overload_out: Any,
            offset_out: Any) -> None:  # fmt: skip
    per_step = 1.0 / step
    for t in range(count):
        warm = temperature_in[row, start + t] - reference if warms else 0.0
        offset = bias + warmth * warm + work[lane, 1, t]
        reading = step * np.floor((work[lane, 0, t] + offset) * per_step + 0.5)
        offset_out[row, start + t, i] = offset
        overload_out[row, start + t, i] = np.uint8(1) if reading >= most or reading <= -most else np.uint8(0)
        reading = reading if reading < most else most
        reading_out[row, start + t, i] = reading if reading > -most else -most


@scalar
def _read_row(
    lane: Any, row: Any, wrench_in: Any, temperature_in: Any, warms: Any, index_in: Any, unit_in: Any, which_in: Any,
    axis_in: Any, play_in: Any, parameter_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, fresh: Any,
    plays_in: Any, filtered_in: Any, drift_in: Any, reading_out: Any, overload_out: Any, offset_out: Any,
    matrix_out: Any, warmth_out: Any, bias_out: Any, plays_out: Any, filtered_out: Any, drift_out: Any, word_out: Any,
    shown_out: Any, work_out: Any,
) -> None:  # fmt: skip
    which, index, samples = which_in[row], index_in[row], wrench_in.shape[1]
    _draw_specimen(
        row, index, unit_in[row], sensor, key_0, key_1, parameter_in[which, 0], parameter_in[which, 1], axis_in, which,
        matrix_out, warmth_out, bias_out,
    )  # fmt: skip
    for i in range(_AXES):
        filtered_out[row, i] = 0.0 if fresh else filtered_in[row, i]
        drift_out[row, i] = 0.0 if fresh else drift_in[row, i]
        for k in range(PLAYS):
            plays_out[row, i, k] = 0.0 if fresh else plays_in[row, i, k]
    for start in range(0, samples, TILE):
        count = min(TILE, samples - start)
        begins = fresh and start == 0
        _draw_noise(lane, index, sensor, first + start, count, key_0, key_1, word_out)
        for i in range(_AXES):
            _hold_back(
                lane, row, i, start, count, which, axis_in[which, i, 0], wrench_in, play_in, plays_out, shown_out
            )
        for i in range(_AXES):
            white = axis_in[which, i, 2]
            _mix(lane, row, i, count, matrix_out, white, word_out, shown_out, work_out)
            noise = white * np.float64(normal_single(word_out[lane, i, 0]))
            _run(
                lane, row, i, count, begins, parameter_in[which, 2], parameter_in[which, 3], noise,
                axis_in[which, i, 4], axis_in[which, i, 6], filtered_out, drift_out, work_out,
            )  # fmt: skip
            _report(
                lane, row, i, start, count, bias_out[row, i], warmth_out[row, i], parameter_in[which, 4], warms,
                temperature_in, axis_in[which, i, 1], axis_in[which, i, 0], work_out, reading_out, overload_out,
                offset_out,
            )  # fmt: skip


@scalar
def _read_lane(
    lane: Any, wrench_in: Any, temperature_in: Any, warms: Any, index_in: Any, unit_in: Any, which_in: Any,
    axis_in: Any, play_in: Any, parameter_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, fresh: Any,
    plays_in: Any, filtered_in: Any, drift_in: Any, lanes: Any, reading_out: Any, overload_out: Any, offset_out: Any,
    matrix_out: Any, warmth_out: Any, bias_out: Any, plays_out: Any, filtered_out: Any, drift_out: Any, word_out: Any,
    shown_out: Any, work_out: Any,
) -> None:  # fmt: skip
    # The rows of a lane share scratch, which then stays in the nearest cache.
    rows = wrench_in.shape[0]
    for row in range(np.int64(lane) * rows // lanes, (np.int64(lane) + 1) * rows // lanes):
        _read_row(
            lane, row, wrench_in, temperature_in, warms, index_in, unit_in, which_in, axis_in, play_in, parameter_in,
            key_0, key_1, sensor, first, fresh, plays_in, filtered_in, drift_in, reading_out, overload_out, offset_out,
            matrix_out, warmth_out, bias_out, plays_out, filtered_out, drift_out, word_out, shown_out, work_out,
        )  # fmt: skip


_READ: Final = Kernel(_read_lane)


def apply_force_torque(
    wrench: Any,
    profile: str | ForceTorqueProfile | Sequence[str | ForceTorqueProfile] = "robotiq_ft300s",
    *,
    temperature: Any = None,
    rate: float | None = None,
    seed: int = 0,
    index: ArrayLike | None = None,
    sensor: int = 0,
    unit: ArrayLike = 0,
    first: int = 0,
    history: ForceTorqueHistory | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> ForceTorqueReading:
    """Read wrenches with force/torque sensors.

    Args:
        wrench: True forces [N] and torques [Nm] on the sensor along its axes, finite, shape (R, T, 6): R robots,
            T samples. It holds the weight and the inertia of what hangs on the sensor, see `tool_wrench`. NumPy, torch,
            or any array that shows `__cuda_array_interface__`; the reading is of that kind.
        profile: Built-in name or a profile, or one of either for each robot.
        temperature: Temperature of the sensor [degC], shape (R, T); None for the profiles' reference temperature.
        rate: Samples per second [Hz]; None for the profile's, which must then be that of all.
        seed: Seed of noise, offsets and specimens, [0, 2^64).
        index: Global row index of each robot, shape (R,); None for 0, 1, 2 ...
        sensor: Number of the sensor within its rig, [0, 2^16).
        unit: Which specimens are fitted, [0, 2^32), a number or shape (R,).
        first: Number of the first sample, which addresses the noise.
        history: State of the series that this one continues; None at power-up.
        device: "cpu" or "cuda"; tensors that are on a device are read there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Wrenches, which axes are overloaded, the truth, and the state to go on from.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> reading = apply_force_torque(np.zeros((2, 50, 6)), seed=1)
        >>> reading.wrench.shape
        (2, 50, 6)
    """
    count, samples = check_series(wrench, "wrench", _AXES)
    if samples == 0:
        raise ValueError("wrench must have at least one sample, got none")
    place = find_place(wrench, device)
    profiles = find_profile_rows(profile, count, _load)
    hertz = find_rate(rate, profiles.profiles)
    check_first(first, samples)
    warms = temperature is not None
    warmth = borrow_series(place, temperature, (count, samples), "temperature", np.float64) if warms else _NOTHING
    axes, plays, parameters = (
        np.array(table) for table in zip(*(_pack(one, hertz) for one in profiles.profiles), strict=True)
    )
    shapes: tuple[tuple[tuple[int, ...], Any], ...] = (
        ((count, samples, _AXES), np.float64), ((count, samples, _AXES), np.uint8),
        ((count, samples, _AXES), np.float64), ((count, _AXES, _AXES), np.float64), ((count, _AXES), np.float64),
        ((count, _AXES), np.float64), ((count, _AXES, PLAYS), np.float64), ((count, _AXES), np.float64),
        ((count, _AXES), np.float64),
    )  # fmt: skip
    outputs = [place.allocate(shape, kind) for shape, kind in shapes]
    lanes = count_lanes(place, count, threads)
    _READ.launch(
        lanes, place.borrow(wrench, np.float64), warmth, warms, number_rows(index, count), spread_units(unit, count),
        profiles.which, axes, plays, parameters, *stream_key(seed, "force_torque"), check_sensor(sensor),
        np.int64(first), history is None, *_borrow_history(place, history, count), lanes, *outputs,
        place.allocate((lanes, _BLOCKS * _LANES, TILE), np.uint32), place.allocate((lanes, _AXES, TILE), np.float64),
        place.allocate((lanes, 2, TILE), np.float64), device=place.device, threads=threads,
    )  # fmt: skip
    given = [place.give(array) for array in outputs]
    return ForceTorqueReading(
        wrench=given[0],
        overload=given[1],
        truth=wrench,
        offset=given[2],
        matrix=given[3],
        history=ForceTorqueHistory(plays=given[6], filtered=given[7], drift=given[8]),
        profiles=profiles_of(profiles),
    )


_NOTHING: Final = np.empty((0, 0))


def _load(name: str) -> ForceTorqueProfile:
    profile: ForceTorqueProfile = load_sensor_profile("force_torque", name)
    return profile


def _pack(profile: ForceTorqueProfile, rate: float) -> tuple[Any, Any, Any]:
    """Return tables of the axes (6, 7), the plays (4, 2) and the rest (5,)."""
    step = 1.0 / rate
    axes = []
    for kind in ("force",) * _FORCES + ("torque",) * _FORCES:
        value = {name: getattr(profile, f"{kind}_{name}") for name in
                 ("range", "step", "noise", "bias", "drift", "temperature")}  # fmt: skip
        keep, add = gauss_markov_step(step, profile.drift_time, value["drift"])
        axes.append((
            value["range"], value["step"], white_noise_sample(step, value["noise"]), value["bias"], value["drift"],
            value["temperature"], add,
        ))  # fmt: skip
    share = 1.0 if profile.bandwidth == 0.0 else -math.expm1(-2.0 * math.pi * profile.bandwidth * step)
    plays = list(zip(profile.hysteresis_thresholds, profile.hysteresis_weights, strict=True))
    return axes, plays, (profile.gain_error, profile.crosstalk, share, keep, profile.reference_temperature)


def _borrow_history(place: Place, history: ForceTorqueHistory | None, count: int) -> tuple[Any, Any, Any]:
    """Return plays, filtered and drift; empty ones at power-up."""
    if history is None:
        return np.empty((0, 0, 0)), _NOTHING, _NOTHING
    return (
        borrow_series(place, history.plays, (count, _AXES, PLAYS), "history.plays", np.float64),
        borrow_series(place, history.filtered, (count, _AXES), "history.filtered", np.float64),
        borrow_series(place, history.drift, (count, _AXES), "history.drift", np.float64),
    )
