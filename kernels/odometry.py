"""Wheel odometry: encoder counts, and the pose that follows from them when nothing else is known.

The body moves by ds and turns by dth in a step. With the true base b and the true radii r of this specimen, whose
wheels slip:

    wheel      dphi = (ds -+ b dth / 2 + slip) / r,        slip ~ N(0, k |wheel's way|) and +-b/2 N(0, k_turn |dth|)
    counts     floor(phi / tick + phase)
    odometry   ds', dth' by the nominal radius R and base B;  the pose goes on along an arc, exactly:
               (x, y) += ds' sinc(dth'/2) (cos, sin)(th + dth'/2),   th += dth'

Radii are R (1 + e -+ d / 2) and the base is B (1 + e_b), with errors that belong to the specimen (`unit`). The
covariance is that of the slip, propagated linearly through the arcs; of the specimen's errors odometry knows nothing.

Draws, in the stream "odometry": item = sample, block 0, words: slip of the left and of the right wheel, scrubbing; row
fixed and item = `unit`, block 0, the errors e, d, e_b; item 0, block 1, the encoders' phases at power-up.

Differs from a real drive: slip is independent from step to step and does not depend on acceleration; unevenness of the
floor and the wheels' give are in no term of their own; a car's steering angle is not read.

Sources: Borenstein, Feng, "Measurement and correction of systematic odometry errors in mobile robots", IEEE
Transactions on Robotics and Automation 12(6), 1996; Chong, Kleeman, "Accurate odometry and error modelling for a mobile
robot", ICRA 1997; Siegwart, Nourbakhsh, "Introduction to autonomous mobile robots", 2004, section 5.2.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .image_rows import check_rows, check_sensor
from .odometry_profile import OdometryProfile
from .philox import FIXED, draw_block, stream_key
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first, check_rate, check_series
from .tensors import find_place
from .variates import normal, uniform64

_FIXED_ROW: Final = np.uint64(FIXED << 32 | FIXED)
_SMALL: Final = 1e-4
_UNITS: Final = 1 << 31

# Places of a row's state: pose, true pose, covariance (xx, xy, xt, yy, yt, tt), wheel angles, what was given last.
_POSE, _TRUE, _COVARIANCE, _ANGLE, _GIVEN, _STATES = 0, 3, 6, 12, 14, 16


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class OdometryHistory:
    """What a later piece of a series needs of an earlier one."""

    state: Any
    """Poses, covariance and wheels of each row, shape (R, 16)."""
    next: int
    """Number of the sample that follows."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class OdometryReading:
    """Odometry of R rows at T instants; poses start at zero with the series."""

    ticks: Any
    """Counts of the left and right encoder since power-up, int64, shape (R, T, 2)."""
    pose: Any
    """x, y [m] and heading [rad, not wrapped], float64, shape (R, T, 3)."""
    twist: Any
    """Forward speed [m/s] and yaw rate [rad/s] over the step before, from counts, float64, shape (R, T, 2)."""
    covariance: Any
    """Covariance of the pose by slip [m, m, rad], float64, shape (R, T, 3, 3)."""
    true_pose: Any
    """The pose that the true motion leads to, float64, shape (R, T, 3)."""
    radius: Any
    """True radii of the left and right wheel [m], float64, shape (R, 2)."""
    base: Any
    """True base width [m], float64, shape (R,)."""
    history: OdometryHistory
    """What the next piece of the series goes on from."""


@scalar(forceinline=True)
def _sinc(a: Any) -> tuple[Any, Any]:
    """Return sin(a)/a and its derivative."""
    if abs(a) < _SMALL:
        return 1.0 - a * a / 6.0, -a / 3.0
    value = math.sin(a) / a
    return value, (math.cos(a) - value) / a


@scalar
def _drive(
    row: Any, motion_in: Any, row_in: Any, unit_in: Any, which_in: Any, parameter_in: Any, key_0: Any, key_1: Any,
    sensor: Any, first: Any, begins: Any, gives_angles: Any, step: Any, state_in: Any, ticks_out: Any, pose_out: Any,
    twist_out: Any, covariance_out: Any, true_out: Any, radius_out: Any, base_out: Any, state_out: Any,
) -> None:  # fmt: skip
    index, which = row_in[row], which_in[row]
    wheel, width, tick = parameter_in[which, 0], parameter_in[which, 1], parameter_in[which, 2]
    slips, scrubs = parameter_in[which, 6], parameter_in[which, 7]
    u0, u1, u2, _ = draw_block(key_0, key_1, unit_in[row], _FIXED_ROW, sensor, 0)
    size, half = parameter_in[which, 3] * normal(u0), 0.5 * parameter_in[which, 4] * normal(u1)
    left, right = wheel * (1.0 + size - half), wheel * (1.0 + size + half)
    base = width * (1.0 + parameter_in[which, 5] * normal(u2))
    radius_out[row, 0], radius_out[row, 1], base_out[row] = left, right, base
    p0, p1, _, _ = draw_block(key_0, key_1, 0, index, sensor, 1)
    phase_l, phase_r = uniform64(p0), uniform64(p1)

    x, y, th = state_in[row, 0], state_in[row, 1], state_in[row, 2]
    true_x, true_y, true_th = state_in[row, 3], state_in[row, 4], state_in[row, 5]
    xx, xy, xt = state_in[row, 6], state_in[row, 7], state_in[row, 8]
    yy, yt, tt = state_in[row, 9], state_in[row, 10], state_in[row, 11]
    phi_l, phi_r = state_in[row, 12], state_in[row, 13]
    given_0, given_1 = state_in[row, 14], state_in[row, 15]
    count_l, count_r = np.int64(math.floor(phi_l / tick + phase_l)), np.int64(math.floor(phi_r / tick + phase_r))
    for k in range(motion_in.shape[1]):
        a, b = motion_in[row, k, 0], motion_in[row, k, 1]
        way, turn = 0.0, 0.0
        if begins == 0 or k > 0:
            if gives_angles != 0:
                # The given angles are those of nominal wheels: they tell how the body moves.
                way = 0.5 * wheel * ((a - given_0) + (b - given_1))
                turn = wheel * ((b - given_1) - (a - given_0)) / width
            else:
                way, turn = a * step, b * step
        given_0, given_1 = a, b
        true_sinc, _ = _sinc(0.5 * turn)
        true_x += way * true_sinc * math.cos(true_th + 0.5 * turn)
        true_y += way * true_sinc * math.sin(true_th + 0.5 * turn)
        true_th += turn
        way_l, way_r = way - 0.5 * base * turn, way + 0.5 * base * turn
        w0, w1, w2, _ = draw_block(key_0, key_1, first + k, index, sensor, 0)
        scrub = 0.5 * base * math.sqrt(scrubs * abs(turn)) * normal(w2)
        phi_l += (way_l + math.sqrt(slips * abs(way_l)) * normal(w0) - scrub) / left
        phi_r += (way_r + math.sqrt(slips * abs(way_r)) * normal(w1) + scrub) / right
        was_l, was_r = count_l, count_r
        count_l, count_r = np.int64(math.floor(phi_l / tick + phase_l)), np.int64(math.floor(phi_r / tick + phase_r))
        ds_l, ds_r = wheel * tick * np.float64(count_l - was_l), wheel * tick * np.float64(count_r - was_r)
        ds, dth = 0.5 * (ds_l + ds_r), (ds_r - ds_l) / width
        sinc, slope = _sinc(0.5 * dth)
        cosine, sine = math.cos(th + 0.5 * dth), math.sin(th + 0.5 * dth)
        dx, dy = ds * sinc * cosine, ds * sinc * sine
        # Turning the heading turns the whole step: F = [1 0 -dy; 0 1 dx; 0 0 1].
        xx += dy * dy * tt - 2.0 * dy * xt
        xy += dx * xt - dy * yt - dx * dy * tt
        yy += dx * dx * tt + 2.0 * dx * yt
        xt -= dy * tt
        yt += dx * tt
        # And the step's own error, by way and by turn.
        var_l, var_r = slips * abs(ds_l), slips * abs(ds_r)
        var_way = 0.25 * (var_l + var_r)
        var_turn = (var_l + var_r) / (width * width) + scrubs * abs(dth)
        both = 0.5 * (var_r - var_l) / width
        x_way, y_way = sinc * cosine, sinc * sine
        x_turn, y_turn = 0.5 * ds * (slope * cosine - sinc * sine), 0.5 * ds * (slope * sine + sinc * cosine)
        xx += x_way * x_way * var_way + 2.0 * x_way * x_turn * both + x_turn * x_turn * var_turn
        xy += x_way * y_way * var_way + (x_way * y_turn + x_turn * y_way) * both + x_turn * y_turn * var_turn
        yy += y_way * y_way * var_way + 2.0 * y_way * y_turn * both + y_turn * y_turn * var_turn
        xt += x_way * both + x_turn * var_turn
        yt += y_way * both + y_turn * var_turn
        tt += var_turn
        x, y, th = x + dx, y + dy, th + dth
        ticks_out[row, k, 0], ticks_out[row, k, 1] = count_l, count_r
        pose_out[row, k, 0], pose_out[row, k, 1], pose_out[row, k, 2] = x, y, th
        true_out[row, k, 0], true_out[row, k, 1], true_out[row, k, 2] = true_x, true_y, true_th
        twist_out[row, k, 0], twist_out[row, k, 1] = ds / step, dth / step
        covariance_out[row, k, 0, 0], covariance_out[row, k, 1, 1], covariance_out[row, k, 2, 2] = xx, yy, tt
        covariance_out[row, k, 0, 1], covariance_out[row, k, 1, 0] = xy, xy
        covariance_out[row, k, 0, 2], covariance_out[row, k, 2, 0] = xt, xt
        covariance_out[row, k, 1, 2], covariance_out[row, k, 2, 1] = yt, yt
    state_out[row, 0], state_out[row, 1], state_out[row, 2] = x, y, th
    state_out[row, 3], state_out[row, 4], state_out[row, 5] = true_x, true_y, true_th
    state_out[row, 6], state_out[row, 7], state_out[row, 8] = xx, xy, xt
    state_out[row, 9], state_out[row, 10], state_out[row, 11] = yy, yt, tt
    state_out[row, 12], state_out[row, 13] = phi_l, phi_r
    state_out[row, 14], state_out[row, 15] = given_0, given_1


_DRIVE: Final = Kernel(_drive)


def apply_odometry(
    motion: Any,
    profile: str | OdometryProfile | Sequence[str | OdometryProfile] = "turtlebot3_burger",
    *,
    given: Literal["twist", "wheel_angle"] = "twist",
    rate: float | None = None,
    seed: int,
    index: ArrayLike,
    sensor: int = 0,
    unit: ArrayLike = 0,
    first: int = 0,
    history: OdometryHistory | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> OdometryReading:
    """Measure the way of a wheeled robot with its encoders.

    Args:
        motion: Forward speed [m/s] and yaw rate [rad/s], each the mean over the step that ends with the sample; or
            angles of the left and right wheel [rad] of nominal radius and base. Shape (R, T, 2), NumPy or torch. The
            series begins at rest at its first sample, whose twist is not used.
        profile: Built-in name or a profile, or one of either for each row.
        given: Which of them `motion` holds.
        rate: Samples per second [Hz]; None for the profile's `update_rate`.
        seed: Seed of the errors, [0, 2^64).
        index: Global row index of each row, int64, shape (R,).
        sensor: Number of the sensor within its rig, [0, 2^16).
        unit: Which specimen of the drive it is, [0, 2^31), a number or shape (R,).
        first: Number of the first sample since power-up.
        history: `history` of the piece before; None at the start of a series.
        device: "cpu" or "cuda"; tensors that are on a device are measured there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Counts, pose, twist, covariance, and the true pose.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> straight = np.broadcast_to([0.2, 0.0], (1, 300, 2))
        >>> apply_odometry(straight, seed=1, index=[0]).true_pose[0, -1].round(6)
        array([2.99, 0.  , 0.  ])
    """
    rows, samples = check_series(motion, "motion", 2)
    if given not in ("twist", "wheel_angle"):
        raise ValueError(f"given must be 'twist' or 'wheel_angle', got {given!r}")
    profiles = find_profile_rows(profile, rows, lambda name: load_sensor_profile("odometry", name))
    for one in profiles.profiles:
        if not isinstance(one, OdometryProfile):
            raise ValueError(f"profile must be an OdometryProfile or a name of one, got {type(one).__name__}")
    rates = {one.update_rate for one in profiles.profiles}
    if rate is None and len(rates) > 1:
        raise ValueError(f"the profiles have rates of their own, {sorted(rates)} Hz; give rate")
    step = 1.0 / check_rate(rates.pop() if rate is None and rates else (1.0 if rate is None else rate))
    units = np.asarray(unit)
    if units.shape not in ((), (rows,)) or units.dtype.kind not in "iu" or not (
        units.size == 0 or (int(units.min()) >= 0 and int(units.max()) < _UNITS)
    ):  # fmt: skip
        raise ValueError(f"unit must be a whole number in [0, 2^31), or one for each of the {rows} rows, got {unit!r}")
    start = check_first(first, samples)
    if history is not None and start != history.next:
        raise ValueError(f"first must be {history.next}, where the history ends, got {first}")
    place, shape = find_place(motion, device), (rows, samples)
    before = np.zeros((rows, _STATES)) if history is None else history.state
    ticks = place.allocate((*shape, 2), np.int64)
    pose, true_pose = (place.allocate((*shape, 3), np.float64) for _ in range(2))
    twist, covariance = place.allocate((*shape, 2), np.float64), place.allocate((*shape, 3, 3), np.float64)
    radius, base = place.allocate((rows, 2), np.float64), place.allocate((rows,), np.float64)
    state = place.allocate((rows, _STATES), np.float64)
    _DRIVE.launch(
        rows,
        borrow_series(place, motion, (*shape, 2), "motion", np.float64),
        check_rows(index, rows),
        np.broadcast_to(units.astype(np.int64), (rows,)),
        profiles.which,
        np.array([_pack(one) for one in profiles.profiles]),
        *stream_key(seed, "odometry"),
        check_sensor(sensor),
        start,
        int(history is None),
        int(given == "wheel_angle"),
        step,
        borrow_series(place, before, (rows, _STATES), "history", np.float64),
        ticks,
        pose,
        twist,
        covariance,
        true_pose,
        radius,
        base,
        state,
        device=place.device,
        threads=threads,
    )
    return OdometryReading(
        ticks=place.give(ticks),
        pose=place.give(pose),
        twist=place.give(twist),
        covariance=place.give(covariance),
        true_pose=place.give(true_pose),
        radius=place.give(radius),
        base=place.give(base),
        history=OdometryHistory(state=place.give(state), next=start + samples),
    )


def _pack(profile: OdometryProfile) -> list[float]:
    return [
        profile.wheel_radius, profile.base_width, 2.0 * math.pi / profile.ticks_per_turn, profile.radius_sigma,
        profile.difference_sigma, profile.base_sigma, profile.slip_variance, profile.turn_variance,
    ]  # fmt: skip
