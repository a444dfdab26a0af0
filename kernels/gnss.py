"""Satellite positioning: fixes of position and velocity in east, north, up.

    position = truth + e(t) + s(t) (sigma x(t) + noise w) + m(t)

- x(t): a Gauss-Markov process of unit deviation for each axis, stepped exactly (`gauss_markov`);
- e(t): the error at power-up, falling as e^(-t / startup_time);
- s(t): 1, or `float_scale` while an "rtk" receiver has not fixed its whole numbers;
- m(t): a shift by multipath, drawn when it begins and constant until it ends.

Sight of the sky, the whole numbers and multipath are Markov chains in continuous time, stepped exactly
(`markov_chain`): another rate changes no share and no duration. What begins and ends between two samples is not seen.

Draws, in the stream "gnss", item = sample: block 0 the steps of x and the status, 1 the white noise and multipath, 2
the velocity's noise, 5 a shift that begins; of item 0 and once per row: 3 the first x and status, 4 the error at
power-up and the first multipath.

Differs from a real receiver: no satellite is modelled, so that errors do not depend on where they stand, axes are
independent, and the receiver's filter adds no delay of its own (latency is `GnssProfile.timing`'s).

Sources: Kaplan, Hegarty, "Understanding GPS/GNSS", 3rd edition 2017, chapters 10 and 11; Gelb, "Applied Optimal
Estimation", 1974, section 4.5 (Gauss-Markov); Norris, "Markov Chains", 1997, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .gauss_markov import gauss_markov_step
from .gnss_profile import GnssProfile
from .image_rows import check_rows, check_sensor
from .markov_chain import step_two_states, transition_matrix
from .philox import draw_block, stream_key
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first, check_rate, check_series
from .tensors import find_place
from .variates import normal, uniform64

NO_FIX: Final = 0
FIX: Final = 1
RTK_FLOAT: Final = 2
RTK_FIXED: Final = 3

_STATES: Final = 8


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class GnssHistory:
    """What a later piece of a series needs of an earlier one."""

    state: Any
    """Wandering error in deviations (3), status, multipath, shift [m] (3) of each row, shape (R, 8)."""
    next: int
    """Number of the sample that follows."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class GnssReading:
    """Fixes of R rows at T instants, with the errors that they carry."""

    position: Any
    """East, north, up [m], float64, shape (R, T, 3); NaN without a fix."""
    velocity: Any
    """East, north, up [m/s], float64, shape (R, T, 3); NaN without a fix."""
    status: Any
    """Status of each fix, a place in `GNSS_STATUS_NAMES`, uint8, shape (R, T)."""
    deviation: Any
    """Standard deviation that the receiver states for each axis [m], shape (R, T, 3): it knows of no multipath."""
    error: Any
    """Error of position, truth taken off [m], shape (R, T, 3); where there is no fix too."""
    multipath: Any
    """Whether multipath shifts the position, uint8, shape (R, T)."""
    history: GnssHistory
    """What the next piece of the series goes on from."""


@scalar(forceinline=True)
def _pick_status(word: Any, none: Any, unfixed: Any) -> Any:
    u = uniform64(word)
    return np.int64(0) if u < none else (np.int64(1) if u < none + unfixed else np.int64(2))


@scalar
def _walk(
    row: Any, position_in: Any, velocity_in: Any, row_in: Any, which_in: Any, parameter_in: Any, key_0: Any, key_1: Any,
    sensor: Any, first: Any, begins: Any, step: Any, state_in: Any, position_out: Any, velocity_out: Any,
    status_out: Any, deviation_out: Any, error_out: Any, multipath_out: Any, state_out: Any,
) -> None:  # fmt: skip
    index, which = row_in[row], which_in[row]
    b0, b1, b2, bm = draw_block(key_0, key_1, 0, index, sensor, 4)
    startup = parameter_in[which, 7]
    bias_e, bias_n, bias_u = startup * normal(b0), startup * normal(b1), startup * normal(b2)
    if begins != 0:
        s0, s1, s2, s3 = draw_block(key_0, key_1, 0, index, sensor, 3)
        x_e, x_n, x_u = normal(s0), normal(s1), normal(s2)
        status = _pick_status(s3, parameter_in[which, 15], parameter_in[which, 16])
        shifted = np.int64(1) if uniform64(bm) < parameter_in[which, 12] else np.int64(0)
        m0, m1, m2, _ = draw_block(key_0, key_1, first, index, sensor, 5)
        size = parameter_in[which, 11]
        m_e, m_n, m_u = size * normal(m0), size * normal(m1), size * normal(m2)
    else:
        x_e, x_n, x_u = state_in[row, 0], state_in[row, 1], state_in[row, 2]
        status, shifted = np.int64(state_in[row, 3]), np.int64(state_in[row, 4])
        m_e, m_n, m_u = state_in[row, 5], state_in[row, 6], state_in[row, 7]
    keep, add = parameter_in[which, 2], parameter_in[which, 3]
    for k in range(position_in.shape[1]):
        number = first + k
        n0, n1, n2, n3 = draw_block(key_0, key_1, number, index, sensor, 1)
        if begins == 0 or k > 0:
            g0, g1, g2, g3 = draw_block(key_0, key_1, number, index, sensor, 0)
            x_e, x_n, x_u = keep * x_e + add * normal(g0), keep * x_n + add * normal(g1), keep * x_u + add * normal(g2)
            status = _pick_status(
                g3, parameter_in[which, 18 + 3 * status], parameter_in[which, np.int64(19) + 3 * status]
            )
            odds = parameter_in[which, 14] if shifted != 0 else parameter_in[which, 13]
            stays = uniform64(n3) < odds
            if stays and shifted == 0:
                m0, m1, m2, _ = draw_block(key_0, key_1, number, index, sensor, 5)
                size = parameter_in[which, 11]
                m_e, m_n, m_u = size * normal(m0), size * normal(m1), size * normal(m2)
            shifted = np.int64(1) if stays else np.int64(0)
        scale = parameter_in[which, 10] if status == 1 else 1.0
        falls = math.exp(-(np.float64(number) * step) / parameter_in[which, 8]) if startup > 0.0 else 0.0
        across, up = parameter_in[which, 0], parameter_in[which, 1]
        noise, noise_up = parameter_in[which, 4], parameter_in[which, 5]
        here = np.float64(shifted)
        e_e = scale * (across * x_e + noise * normal(n0)) + falls * bias_e + here * m_e
        e_n = scale * (across * x_n + noise * normal(n1)) + falls * bias_n + here * m_n
        e_u = scale * (up * x_u + noise_up * normal(n2)) + falls * bias_u + here * m_u
        error_out[row, k, 0], error_out[row, k, 1], error_out[row, k, 2] = e_e, e_n, e_u
        rest = falls * startup
        flat = math.sqrt(scale * scale * (across * across + noise * noise) + rest * rest)
        tall = math.sqrt(scale * scale * (up * up + noise_up * noise_up) + rest * rest)
        deviation_out[row, k, 0], deviation_out[row, k, 1], deviation_out[row, k, 2] = flat, flat, tall
        multipath_out[row, k] = np.uint8(shifted)
        if status == 0:
            status_out[row, k] = np.uint8(NO_FIX)
            for axis in range(3):
                position_out[row, k, axis] = math.nan
                velocity_out[row, k, axis] = math.nan
        else:
            v0, v1, v2, _ = draw_block(key_0, key_1, number, index, sensor, 2)
            found = np.uint8(RTK_FLOAT) if status == 1 else np.uint8(RTK_FIXED)
            status_out[row, k] = found if parameter_in[which, 17] > 0.0 else np.uint8(FIX)
            position_out[row, k, 0] = position_in[row, k, 0] + e_e
            position_out[row, k, 1] = position_in[row, k, 1] + e_n
            position_out[row, k, 2] = position_in[row, k, 2] + e_u
            velocity_out[row, k, 0] = velocity_in[row, k, 0] + parameter_in[which, 6] * normal(v0)
            velocity_out[row, k, 1] = velocity_in[row, k, 1] + parameter_in[which, 6] * normal(v1)
            velocity_out[row, k, 2] = velocity_in[row, k, 2] + parameter_in[which, 9] * normal(v2)
    state_out[row, 0], state_out[row, 1], state_out[row, 2] = x_e, x_n, x_u
    state_out[row, 3], state_out[row, 4] = np.float64(status), np.float64(shifted)
    state_out[row, 5], state_out[row, 6], state_out[row, 7] = m_e, m_n, m_u


_WALK: Final = Kernel(_walk)


def apply_gnss(
    position: Any,
    velocity: Any,
    profile: str | GnssProfile | Sequence[str | GnssProfile] = "ublox_m8",
    *,
    rate: float | None = None,
    seed: int,
    index: ArrayLike,
    sensor: int = 0,
    first: int = 0,
    history: GnssHistory | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> GnssReading:
    """Measure position and velocity with a satellite positioning receiver.

    Args:
        position: True position of the antenna, east, north, up [m], shape (R, T, 3), NumPy or torch.
        velocity: True velocity, likewise [m/s].
        profile: Built-in name or a profile, or one of either for each row.
        rate: Samples per second [Hz]; None for the profile's `update_rate`.
        seed: Seed of the errors, [0, 2^64).
        index: Global row index of each row, int64, shape (R,).
        sensor: Number of the sensor within its rig, [0, 2^16).
        first: Number of the first sample since power-up.
        history: `history` of the piece before; None at the start of a series.
        device: "cpu" or "cuda"; tensors that are on a device are measured there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Fixes, their status, and the errors they carry.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> reading = apply_gnss(np.zeros((1, 600, 3)), np.zeros((1, 600, 3)), seed=1, index=[0])
        >>> reading.position.shape
        (1, 600, 3)
    """
    rows, samples = check_series(position, "position", 3)
    profiles = find_profile_rows(profile, rows, lambda name: load_sensor_profile("gnss", name))
    for one in profiles.profiles:
        if not isinstance(one, GnssProfile):
            raise ValueError(f"profile must be a GnssProfile or a name of one, got {type(one).__name__}")
    rates = {one.update_rate for one in profiles.profiles}
    if rate is None and len(rates) > 1:
        raise ValueError(f"the profiles have rates of their own, {sorted(rates)} Hz; give rate")
    step = 1.0 / check_rate(rates.pop() if rate is None and rates else (1.0 if rate is None else rate))
    start = check_first(first, samples)
    if history is not None and start != history.next:
        raise ValueError(f"first must be {history.next}, where the history ends, got {first}")
    place = find_place(position, device)
    shape = (rows, samples)
    before = np.zeros((rows, _STATES)) if history is None else history.state
    position_read, velocity_read = (place.allocate((*shape, 3), np.float64) for _ in range(2))
    deviation, error = (place.allocate((*shape, 3), np.float64) for _ in range(2))
    status, multipath = (place.allocate(shape, np.uint8) for _ in range(2))
    state = place.allocate((rows, _STATES), np.float64)
    _WALK.launch(
        rows,
        borrow_series(place, position, (*shape, 3), "position", np.float64),
        borrow_series(place, velocity, (*shape, 3), "velocity", np.float64),
        check_rows(index, rows),
        profiles.which,
        np.array([_pack(one, step) for one in profiles.profiles]),
        *stream_key(seed, "gnss"),
        check_sensor(sensor),
        start,
        int(history is None),
        step,
        borrow_series(place, before, (rows, _STATES), "history", np.float64),
        position_read,
        velocity_read,
        status,
        deviation,
        error,
        multipath,
        state,
        device=place.device,
        threads=threads,
    )
    return GnssReading(
        position=place.give(position_read),
        velocity=place.give(velocity_read),
        status=place.give(status),
        deviation=place.give(deviation),
        error=place.give(error),
        multipath=place.give(multipath),
        history=GnssHistory(state=place.give(state), next=start + samples),
    )


def _pack(profile: GnssProfile, step: float) -> list[float]:
    # Places 0 to 17 by name, then the 3 x 3 odds of status: none, floating, fixed.
    keep, add = gauss_markov_step(step, profile.correlation_time, 1.0)
    stationary, transition = status_odds(profile, step)
    shift = step_two_states(step, profile.multipath_per_hour / 3600.0, 1.0 / profile.multipath_duration)
    return [
        profile.horizontal_sigma, profile.vertical_sigma, keep, add,
        profile.horizontal_noise, profile.vertical_noise, profile.velocity_noise,
        profile.startup_sigma, profile.startup_time, profile.vertical_velocity_noise,
        profile.float_scale if profile.mode == "rtk" else 1.0,
        profile.multipath_sigma, *shift,
        stationary[0], stationary[1], float(profile.mode == "rtk"),
        *(odds for line in transition for odds in line),
    ]  # fmt: skip


def status_odds(profile: GnssProfile, step: float) -> tuple[list[float], list[list[float]]]:
    """Return the stationary odds of no fix, floating and fixed, and those a step after each of them.

    Args:
        profile: The receiver.
        step: Time between samples [s], > 0.
    """
    lost, seen = profile.outages_per_hour / 3600.0, 1.0 / profile.outage_duration
    sight = seen / (lost + seen)
    if profile.mode == "single":
        generator = [[-seen, 0.0, seen], [lost, -lost, 0.0], [lost, 0.0, -lost]]
        return [1.0 - sight, 0.0, sight], transition_matrix(generator, step)
    slip, fixes = profile.slips_per_hour / 3600.0, 1.0 / profile.float_duration
    floating = sight * (slip + lost) / (fixes + slip + lost)
    generator = [[-seen, seen, 0.0], [lost, -lost - fixes, fixes], [lost, slip, -lost - slip]]
    return [1.0 - sight, floating, sight - floating], transition_matrix(generator, step)
