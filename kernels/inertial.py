"""An inertial measurement unit: what gyroscopes and accelerometers read of a motion.

    y = sat(quant(M S (w + G f) + b_0 + b(t) + n))        gyroscopes; accelerometers read f, without G

f specific force and w turn rate in the axes of the unit, M misalignment, S scale, G g-sensitivity, b_0 the bias of this
power-up, b(t) random walk, Gauss-Markov process and flicker, n white noise. What is left of the motion after M S passes
a second-order low-pass. Processes and filter are stepped exactly: another rate samples the same noise.

Samples are means over the interval before their instant, as a unit gives them that low-passes at half its rate; white
noise is then N / sqrt(dt) a sample, independent from one to the next. Who takes every n-th sample, instead of means of
n, keeps that deviation, and so has n times the noise power at low frequencies. The filter's bandwidth does not shape
the noise: its density reaches to half the rate.

Draws, in the stream "imu": blocks 0 to 15 of item `first` + t, word j of block k for process 16 j + k
(`inertial_parameters` numbers them). What is drawn at power-up stands in `inertial_power_up`.

Differs from a real unit: the biases do not depend on temperature, the response is linear, saturation leaves no trace in
later samples, vibration shifts no bias.

Sources: IEEE Std 952-1997, annex B and C; Kalibr, "IMU noise model" (discrete noise); Woodman, "An introduction to
inertial navigation", UCAM-CL-TR-696, 2007.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .image_rows import check_rows, check_sensor
from .inertial_parameters import (
    ADD,
    CHANNELS,
    HISTORY,
    KEEP,
    LANES,
    PART,
    PART_NUMBERS,
    STATES,
    pack_inertial,
)  # fmt: skip
from .inertial_power_up import ACCELEROMETER, G_SENSITIVITY, GYROSCOPE, POWER_UP, SPECIMEN, TURN_ON
from .inertial_profile import InertialProfile
from .philox import draw_block, stream_key
from .profile_rows import ProfileRows, find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first, check_rate, check_series
from .series_rows import spread_units
from .tensors import find_place
from .variates import normal_single

_BLOCKS: Final = LANES // 4
# Working space of a row: a constant apart, which tells the compiler that the parts do not overlap.
_STATE: Final = 2 * LANES
_TRUE: Final = 3 * LANES
_WORK: Final = 3 * LANES + 2 * CHANNELS


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class InertialReading:
    """What a unit reads, and the truth it departs from: R rows of T samples, float64."""

    specific_force: Any
    """Specific force as read [m/s^2], shape (R, T, 3)."""
    angular_rate: Any
    """Turn rate as read [rad/s], shape (R, T, 3)."""
    accelerometer_bias: Any
    """Bias of each sample, that of the power-up included [m/s^2], shape (R, T, 3)."""
    gyroscope_bias: Any
    """Bias of each sample, that of the power-up included [rad/s], shape (R, T, 3)."""
    accelerometer_saturated: Any
    """Where the end of the range was reached, bool, shape (R, T, 3)."""
    gyroscope_saturated: Any
    """Where the end of the range was reached, bool, shape (R, T, 3)."""
    accelerometer_matrix: Any
    """Scale and misalignment M S, shape (R, 3, 3)."""
    gyroscope_matrix: Any
    """Scale and misalignment M S, shape (R, 3, 3)."""
    g_sensitivity: Any
    """G, what the gyroscopes read of specific force [rad/s per m/s^2], shape (R, 3, 3)."""
    history: Any
    """State after the last sample, for the next call's `history`, shape (R, 72)."""


@scalar(forceinline=True)
def _convert(value: Any, resolution: Any, limit: Any) -> Any:
    """Return a value in whole counts and within the range."""
    if resolution > 0.0:
        value = resolution * math.floor(value / resolution + 0.5)
    value = limit if value > limit else value  # what is not a number stays so
    return -limit if value < -limit else value


@scalar
def _read_row(
    row: Any, force_in: Any, rate_in: Any, row_in: Any, which_in: Any, parameter_in: Any, specimen_in: Any,
    history_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, word_out: Any, noise_out: Any, work_out: Any,
    force_out: Any, rate_out: Any, force_bias_out: Any, rate_bias_out: Any, force_full_out: Any, rate_full_out: Any,
    state_out: Any,
) -> None:  # fmt: skip
    which, index = which_in[row], row_in[row]
    for s in range(LANES):
        work_out[row, KEEP + s] = parameter_in[which, KEEP + s]
        work_out[row, ADD + s] = parameter_in[which, ADD + s]
        work_out[row, _STATE + s] = history_in[row, s] if s < STATES else 0.0
    for s in range(2 * CHANNELS):
        work_out[row, _TRUE + s] = history_in[row, STATES + s]
    for t in range(force_in.shape[1]):
        item = np.uint64(first + t)
        for k in range(_BLOCKS):
            w0, w1, w2, w3 = draw_block(key_0, key_1, item, index, sensor, k)
            word_out[row, k] = np.uint32(w0)
            word_out[row, _BLOCKS + k] = np.uint32(w1)
            word_out[row, 2 * _BLOCKS + k] = np.uint32(w2)
            word_out[row, 3 * _BLOCKS + k] = np.uint32(w3)
        for s in range(LANES):
            noise_out[row, s] = normal_single(word_out[row, s])
        for s in range(LANES):
            kept = work_out[row, KEEP + s] * work_out[row, _STATE + s]
            work_out[row, _STATE + s] = kept + work_out[row, ADD + s] * np.float64(noise_out[row, s])
        f0, f1, f2 = force_in[row, t, 0], force_in[row, t, 1], force_in[row, t, 2]
        g = G_SENSITIVITY
        r0 = rate_in[row, t, 0] + (
            specimen_in[row, g] * f0 + specimen_in[row, g + 1] * f1 + specimen_in[row, g + 2] * f2
        )
        r1 = rate_in[row, t, 1] + (
            specimen_in[row, g + 3] * f0 + specimen_in[row, g + 4] * f1 + specimen_in[row, g + 5] * f2
        )
        r2 = rate_in[row, t, 2] + (
            specimen_in[row, g + 6] * f0 + specimen_in[row, g + 7] * f1 + specimen_in[row, g + 8] * f2
        )
        for part in range(2):
            x0, x1, x2 = (r0, r1, r2) if part == 0 else (f0, f1, f2)
            matrix = GYROSCOPE if part == 0 else ACCELEROMETER
            place = PART + part * PART_NUMBERS
            p00, p01 = parameter_in[which, place], parameter_in[which, place + 1]
            p10, p11 = parameter_in[which, place + 2], parameter_in[which, place + 3]
            resolution, limit = parameter_in[which, place + 4], parameter_in[which, place + 5]
            for i in range(3):
                channel = 3 * part + i
                u = specimen_in[row, matrix + 3 * i] * x0 + specimen_in[row, matrix + 3 * i + 1] * x1
                u += specimen_in[row, matrix + 3 * i + 2] * x2
                x, slope = work_out[row, _TRUE + channel] - u, work_out[row, _TRUE + CHANNELS + channel]
                passed = u + (p00 * x + p01 * slope)
                work_out[row, _TRUE + channel] = passed
                work_out[row, _TRUE + CHANNELS + channel] = p10 * x + p11 * slope
                bias = specimen_in[row, TURN_ON + channel]
                for p in range(1, STATES // CHANNELS):
                    bias += work_out[row, _STATE + CHANNELS * p + channel]
                value = _convert(passed + bias + work_out[row, _STATE + channel], resolution, limit)
                full = value >= limit or value <= -limit
                if part == 0:
                    rate_out[row, t, i] = value
                    rate_bias_out[row, t, i] = bias
                    rate_full_out[row, t, i] = full
                else:
                    force_out[row, t, i] = value
                    force_bias_out[row, t, i] = bias
                    force_full_out[row, t, i] = full
    for s in range(STATES):
        state_out[row, s] = work_out[row, _STATE + s]
    for s in range(2 * CHANNELS):
        state_out[row, STATES + s] = work_out[row, _TRUE + s]


_READ: Final = Kernel(_read_row)


def apply_imu(
    specific_force: Any,
    angular_rate: Any,
    profile: str | InertialProfile | Sequence[str | InertialProfile] = "bosch_bmi088",
    *,
    rate: float | None = None,
    seed: int = 0,
    index: ArrayLike | None = None,
    sensor: int = 0,
    unit: ArrayLike = 0,
    first: int = 0,
    history: Any = None,
    device: str = "cpu",
    threads: int | None = None,
) -> InertialReading:
    """Read the motions of some robots with an inertial unit on each.

    Args:
        specific_force: True specific force in the unit's axes [m/s^2], shape (R, T, 3): at rest it is -g, upwards.
            `inertial_motion` makes it from poses and twists. NumPy, torch or an array on CUDA; the reading is of that
            kind.
        angular_rate: True turn rate in the unit's axes [rad/s], shape (R, T, 3).
        profile: Built-in name or a profile, or one of either for each row.
        rate: Samples per second [Hz]; None for the profile's.
        seed: Seed of the noise and of the specimens, [0, 2^64).
        index: Number of each row, int64, shape (R,): it addresses noise and turn-on bias; None for 0, 1, ...
        sensor: Number of the unit within its rig, [0, 2^16); units of one rig need different ones.
        unit: Which specimen of its make each row has, [0, 2^32), a number or shape (R,): another has other scales,
            misalignments and g-sensitivity.
        first: Number of the first sample, from 0: a series cut into pieces goes on counting.
        history: `history` of the reading that ended where this one begins, shape (R, 72); None at power-up.
        device: "cpu" or "cuda"; tensors that are on a device are read there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        The reading, its biases and matrices, and the history to go on from.

    Raises:
        ValueError: If a shape, a profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Source: IEEE Std 952-1997, annex B and C; Kalibr, "IMU noise model".

    Example:
        >>> still = np.zeros((2, 400, 3))
        >>> reading = apply_imu(still + [0.0, 0.0, 9.81], still, "bosch_bmi088", seed=1)
        >>> reading.angular_rate.shape
        (2, 400, 3)
    """
    count, samples = check_series(specific_force, "specific_force", 3)
    if samples < 1:
        raise ValueError("specific_force must have at least one sample, got shape " + str(tuple(specific_force.shape)))
    place = find_place(specific_force, device)
    shape = (count, samples, 3)
    force = borrow_series(place, specific_force, shape, "specific_force", np.float64)
    turn = borrow_series(place, angular_rate, shape, "angular_rate", np.float64)
    profiles = find_profile_rows(profile, count, _load)
    parameters = _pack(profiles, rate)
    rows = check_rows(np.arange(count) if index is None else index, count)
    units, rig_number = spread_units(unit, count), check_sensor(sensor)
    start = check_first(first, samples)
    key, unit_key = stream_key(seed, "imu"), stream_key(seed, "imu unit")
    specimen = place.allocate((count, SPECIMEN), np.float64)
    state = place.allocate((count, HISTORY), np.float64)
    POWER_UP.launch(
        count, force, turn, rows, units, profiles.which, parameters, *unit_key, *key, rig_number, specimen, state,
        device=place.device, threads=threads,
    )  # fmt: skip
    if history is not None:
        state = borrow_series(place, history, (count, HISTORY), "history", np.float64)
    words, noise = place.allocate((count, LANES), np.uint32), place.allocate((count, LANES), np.float32)
    work, after = place.allocate((count, _WORK), np.float64), place.allocate((count, HISTORY), np.float64)
    read = [place.allocate(shape, np.float64) for _ in range(4)]
    full = [place.allocate(shape, np.bool_) for _ in range(2)]
    _READ.launch(
        count, force, turn, rows, profiles.which, parameters, specimen, state, *key, rig_number, start, words, noise,
        work, *read, *full, after, device=place.device, threads=threads,
    )  # fmt: skip
    matrices = [specimen[:, k : k + 9].reshape(count, 3, 3) for k in (ACCELEROMETER, GYROSCOPE, G_SENSITIVITY)]
    return InertialReading(
        specific_force=place.give(read[0]),
        angular_rate=place.give(read[1]),
        accelerometer_bias=place.give(read[2]),
        gyroscope_bias=place.give(read[3]),
        accelerometer_saturated=place.give(full[0]),
        gyroscope_saturated=place.give(full[1]),
        accelerometer_matrix=place.give(matrices[0]),
        gyroscope_matrix=place.give(matrices[1]),
        g_sensitivity=place.give(matrices[2]),
        history=place.give(after),
    )


def _load(name: str) -> InertialProfile:
    profile: InertialProfile = load_sensor_profile("imu", name)
    return profile


def _pack(profiles: ProfileRows[InertialProfile], rate: float | None) -> NDArray[np.float64]:
    for profile in profiles.profiles:
        if not isinstance(profile, InertialProfile):
            raise ValueError(f"profile must be an InertialProfile or the name of one, got {type(profile).__name__}")
    rates = {profile.rate for profile in profiles.profiles} if rate is None else {check_rate(rate)}
    if len(rates) > 1:
        raise ValueError(f"the rows' profiles have rates {sorted(rates)} Hz; give the rate of these samples")
    (one,) = rates or {1.0}
    return np.array([pack_inertial(profile, one) for profile in profiles.profiles])
