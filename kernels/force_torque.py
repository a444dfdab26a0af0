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
from .philox import FIXED, draw_block, stream_key
from .play import follow_play
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first, check_series
from .series_rows import find_rate, number_rows, profiles_of, spread_units
from .tensors import Place, find_place
from .variates import normal

_FIXED_ROW: Final = np.uint64(FIXED)
_AXES: Final = 6
_FORCES: Final = 3
_LANES: Final = 4
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
def _hold_back(row: Any, which: Any, load: Any, axis: Any, span: Any, play_in: Any, plays_out: Any) -> Any:
    """Return a load as the strained body shows it, its play operators moved on."""
    shown = load
    for k in range(PLAYS):
        follower = follow_play(plays_out[row, axis, k], load, play_in[which, k, 0] * span)
        plays_out[row, axis, k] = follower
        shown -= play_in[which, k, 1] * (load - follower)
    return shown


@scalar
def _read_sample(
    row: Any, t: Any, settled: Any, which: Any, index: Any, sensor: Any, item: Any, key_0: Any, key_1: Any, warm: Any,
    wrench_in: Any, axis_in: Any, play_in: Any, parameter_in: Any, matrix: Any, warmth: Any, bias: Any,
    reading_out: Any, overload_out: Any, offset_out: Any, plays_out: Any, filtered_out: Any, drift_out: Any,
) -> None:  # fmt: skip
    share, keep = parameter_in[which, 2], parameter_in[which, 3]
    words = (
        draw_block(key_0, key_1, item, index, sensor, 0)
        + draw_block(key_0, key_1, item, index, sensor, 1)
        + draw_block(key_0, key_1, item, index, sensor, 2)
    )
    for i in range(_AXES):
        offset_out[row, t, i] = _hold_back(
            row, which, wrench_in[row, t, i], i, axis_in[which, i, 0], play_in, plays_out
        )
    for i in range(_AXES):
        load = 0.0
        for j in range(_AXES):
            load += matrix[row, i, j] * offset_out[row, t, j]
        white, walk = axis_in[which, i, 2] * normal(words[i]), normal(words[i + _AXES])
        if settled:
            filtered_out[row, i] += share * (load + white - filtered_out[row, i])
            drift_out[row, i] = keep * drift_out[row, i] + axis_in[which, i, 6] * walk
        else:
            # At power-up both have long run: the noise behind the filter has its own deviation at once.
            filtered_out[row, i] = load + white * math.sqrt(share / (2.0 - share))
            drift_out[row, i] = axis_in[which, i, 4] * walk
    for i in range(_AXES):
        offset = bias[row, i] + warmth[row, i] * warm + drift_out[row, i]
        step, most = axis_in[which, i, 1], axis_in[which, i, 0]
        reading = step * math.floor((filtered_out[row, i] + offset) / step + 0.5)
        offset_out[row, t, i] = offset
        overload_out[row, t, i] = np.uint8(1) if reading >= most or reading <= -most else np.uint8(0)
        reading = reading if reading < most else most
        reading_out[row, t, i] = reading if reading > -most else -most


@scalar
def _read_row(
    row: Any, wrench_in: Any, temperature_in: Any, warms: Any, index_in: Any, unit_in: Any, which_in: Any,
    axis_in: Any, play_in: Any, parameter_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, fresh: Any,
    plays_in: Any, filtered_in: Any, drift_in: Any, reading_out: Any, overload_out: Any, offset_out: Any,
    matrix_out: Any, warmth_out: Any, bias_out: Any, plays_out: Any, filtered_out: Any, drift_out: Any,
) -> None:  # fmt: skip
    which, index = which_in[row], index_in[row]
    _draw_specimen(
        row, index, unit_in[row], sensor, key_0, key_1, parameter_in[which, 0], parameter_in[which, 1], axis_in, which,
        matrix_out, warmth_out, bias_out,
    )  # fmt: skip
    for i in range(_AXES):
        filtered_out[row, i] = 0.0 if fresh else filtered_in[row, i]
        drift_out[row, i] = 0.0 if fresh else drift_in[row, i]
        for k in range(PLAYS):
            plays_out[row, i, k] = 0.0 if fresh else plays_in[row, i, k]
    for t in range(wrench_in.shape[1]):
        warm = temperature_in[row, t] - parameter_in[which, 4] if warms else 0.0
        _read_sample(
            row, t, t > 0 or not fresh, which, index, sensor, first + t, key_0, key_1, warm, wrench_in, axis_in,
            play_in, parameter_in, matrix_out, warmth_out, bias_out, reading_out, overload_out, offset_out, plays_out,
            filtered_out, drift_out,
        )  # fmt: skip


_READ: Final = Kernel(_read_row)


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
    _READ.launch(
        count, place.borrow(wrench, np.float64), warmth, warms, number_rows(index, count), spread_units(unit, count),
        profiles.which, axes, plays, parameters, *stream_key(seed, "force_torque"), check_sensor(sensor),
        np.int64(first), history is None, *_borrow_history(place, history, count), *outputs, device=place.device,
        threads=threads,
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
