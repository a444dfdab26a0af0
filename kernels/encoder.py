"""Joint encoders: the joint's position through backlash, a gear and an eccentric shaft, rounded to counts.

    y = play(q, b/2)          the joint carries the shaft with it once the free play is taken up
    s = N (y + q0)            angle of the shaft behind a gear of ratio N; q0 is what calibration leaves of the zero
    c = round( (s + e sin(s + phi) + n) / D )        D = 2 pi / counts per turn
    position = c D / N,       velocity = (c[k] - c[k - m]) D / (N m dt), low-pass filtered

e, phi and q0 belong to the specimen and the joint, n is drawn for each reading. The velocity has a quantum of
D / (N m dt). Latency is not here: it belongs to the time stamps.

Draws, in the stream "encoder": item unit, row words fixed, block j, for the specimen's joint j; item sample number,
block j // 4, for the readings of four joints.

Source: geometry: a scale whose centre is d off the axis reads e sin(s + phi) too much, e = d / radius to first order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .encoder_profile import EncoderProfile
from .image_rows import check_sensor
from .lanes import count_lanes
from .philox import FIXED, draw_block, stream_key
from .play import follow_play
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first
from .series_rows import TILE, find_rate, number_rows, profiles_of, spread_units
from .tensors import Place, find_place
from .turns import sin_turns
from .variates import normal, normal_single, uniform64

_FIXED_ROW: Final = np.uint64(FIXED)
_TURN: Final = 2.0 * math.pi
_PER_TURN: Final = 0.5 / math.pi
_LANES: Final = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class EncoderHistory:
    """What encoders remember after a series, to go on from."""

    follower: Any
    """Where the joint has carried the shaft, in the joint's unit, shape (R, J)."""
    counts: Any
    """Last counts, whole turns included, the newest last, int64, shape (R, W, J), W the longest velocity window."""
    velocity: Any
    """Filtered velocity, shape (R, J)."""
    origin: Any
    """Count that reads as zero, int64, shape (R, J)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EncoderReading:
    """What the encoders of R robots report, and the truth they depart from."""

    position: Any
    """Joint position [rad or m], float64, shape (R, T, J)."""
    velocity: Any
    """Joint velocity from differences of the counts [rad/s or m/s], float64, shape (R, T, J)."""
    count: Any
    """Count, int64, shape (R, T, J); within one turn where the profile wraps, from power-up where it is incremental."""
    truth: Any
    """The positions it was given."""
    follower: Any
    """Joint position that has come through the free play, shape (R, T, J)."""
    zero_offset: Any
    """Error of the zero of each joint [rad or m], shape (R, J)."""
    eccentricity: Any
    """Amplitude e and phase phi of the error that repeats every turn of the shaft [rad], shape (R, J, 2)."""
    history: EncoderHistory
    """State after the last sample."""
    profiles: EncoderProfile | tuple[EncoderProfile, ...]
    """The encoder, or each row's."""


@scalar
def _draw_specimen(row: Any, unit: Any, sensor: Any, key_0: Any, key_1: Any, spread: Any, offset: Any,
                   offset_out: Any, eccentricity_out: Any) -> None:  # fmt: skip
    """Draw zero, amplitude and phase of each joint: the shaft's centre is displaced along two axes alike."""
    for joint in range(offset_out.shape[1]):
        w0, w1, w2, _ = draw_block(key_0, key_1, unit, _FIXED_ROW, sensor, joint)
        offset_out[row, joint] = offset * normal(w0)
        # The amplitude of two equal normal components: its mean square is `spread` squared.
        eccentricity_out[row, joint, 0] = spread * math.sqrt(-math.log(uniform64(w1)))
        eccentricity_out[row, joint, 1] = _TURN * uniform64(w2)


@scalar
def _draw_noise(lane: Any, index: Any, sensor: Any, item: Any, block: Any, count: Any, key_0: Any, key_1: Any,
                word_out: Any) -> None:  # fmt: skip
    for t in range(count):
        w0, w1, w2, w3 = draw_block(key_0, key_1, item + t, index, sensor, block)
        word_out[lane, 0, t] = np.uint32(w0)
        word_out[lane, 1, t] = np.uint32(w1)
        word_out[lane, 2, t] = np.uint32(w2)
        word_out[lane, 3, t] = np.uint32(w3)


@scalar
def _take_up_play(lane: Any, row: Any, joint: Any, start: Any, count: Any, half: Any, kept: Any, position_in: Any,
                  path_out: Any, follower_out: Any, work_out: Any) -> None:  # fmt: skip
    if half > 0.0:
        follower = follower_out[row, joint]
        for t in range(count):
            follower = follow_play(follower, position_in[row, start + t, joint], half)
            work_out[lane, t] = follower
        follower_out[row, joint] = follower
    else:
        for t in range(count):
            work_out[lane, t] = position_in[row, start + t, joint]
        follower_out[row, joint] = work_out[lane, count - 1]
    if kept:
        for t in range(count):
            path_out[row, start + t, joint] = work_out[lane, t]


@scalar
def _count_steps(lane: Any, word: Any, count: Any, gear: Any, offset: Any, amplitude: Any, phase: Any, noise: Any,
                 per_radian: Any, word_in: Any, work_out: Any) -> None:  # fmt: skip
    # Loops without a branch over scratch: the compiler works on several samples at once.
    phase_turns = phase * _PER_TURN
    for t in range(count):
        shaft = gear * (work_out[lane, t] + offset)
        work_out[lane, t] = shaft + amplitude * sin_turns(shaft * _PER_TURN + phase_turns)
    if noise > 0.0:
        for t in range(count):
            work_out[lane, t] += noise * np.float64(normal_single(word_in[lane, word, t]))
    for t in range(count):
        work_out[lane, t] = np.floor(work_out[lane, t] * per_radian + 0.5)


@scalar
def _difference(lane: Any, row: Any, joint: Any, start: Any, count: Any, fresh: Any, window: Any, scale: Any,
                share: Any, history_in: Any, work: Any, count_out: Any, velocity_out: Any, last_out: Any
                ) -> None:  # fmt: skip
    kept, keep = history_in.shape[1], 1.0 - share
    for t in range(count):
        count_out[row, start + t, joint] = np.int64(work[lane, t])
    early = min(max(window - start, 0), count)
    filtered = last_out[row, joint]
    for t in range(early):
        place = kept + (start + t) - window
        earlier = count_out[row, 0, joint] if fresh else history_in[row, place, joint]
        filtered = keep * filtered + share * ((work[lane, t] - np.float64(earlier)) * scale)
        velocity_out[row, start + t, joint] = filtered
    for t in range(early, count):
        earlier = count_out[row, start + t - window, joint]
        filtered = keep * filtered + share * ((work[lane, t] - np.float64(earlier)) * scale)
        velocity_out[row, start + t, joint] = filtered
    last_out[row, joint] = filtered


@scalar
def _keep_counts(row: Any, fresh: Any, history_in: Any, count: Any, history_out: Any) -> None:
    """Keep the last counts; those before power-up are the first."""
    kept = history_out.shape[1]
    for place in range(kept):
        t = count.shape[1] - kept + place
        for joint in range(count.shape[2]):
            if t >= 0:
                history_out[row, place, joint] = count[row, t, joint]
            else:
                history_out[row, place, joint] = count[row, 0, joint] if fresh else history_in[row, kept + t, joint]


@scalar
def _wrap(row: Any, turn: Any, step: Any, gear_in: Any, home_in: Any, count_out: Any, position_out: Any) -> None:
    half = turn // np.int64(2)
    for t in range(count_out.shape[1]):
        for joint in range(count_out.shape[2]):
            count = count_out[row, t, joint]
            count_out[row, t, joint] = count % turn
            near = (count + half) % turn - half
            position_out[row, t, joint] = np.float64(near) * (step / gear_in[row, joint]) + home_in[row, joint]


@scalar
def _read_row(
    lane: Any, row: Any, position_in: Any, gear_in: Any, home_in: Any, index_in: Any, unit_in: Any, which_in: Any,
    parameter_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, fresh: Any, plays: Any, follower_in: Any,
    history_in: Any, velocity_in: Any, origin_in: Any, position_out: Any, velocity_out: Any, count_out: Any,
    path_out: Any, offset_out: Any, eccentricity_out: Any, follower_out: Any, history_out: Any, last_out: Any,
    origin_out: Any, word_out: Any, work_out: Any,
) -> None:  # fmt: skip
    which = which_in[row]
    samples, joints = position_in.shape[1], position_in.shape[2]
    step, noise, share = _TURN / parameter_in[which, 0], parameter_in[which, 4], parameter_in[which, 7]
    window, absolute = np.int64(parameter_in[which, 5]), parameter_in[which, 8] > 0.0
    _draw_specimen(
        row, unit_in[row], sensor, key_0, key_1, parameter_in[which, 2], parameter_in[which, 1], offset_out,
        eccentricity_out,
    )  # fmt: skip
    for joint in range(joints):
        follower_out[row, joint] = position_in[row, 0, joint] if fresh else follower_in[row, joint]
        last_out[row, joint] = 0.0 if fresh else velocity_in[row, joint]
        origin_out[row, joint] = np.int64(0) if fresh else origin_in[row, joint]
    for start in range(0, samples, TILE):
        count = min(TILE, samples - start)
        for block in range((joints + _LANES - 1) // _LANES):
            if noise > 0.0:
                _draw_noise(lane, index_in[row], sensor, first + start, block, count, key_0, key_1, word_out)
            for word in range(min(_LANES, joints - block * _LANES)):
                joint = block * _LANES + word
                gear = gear_in[row, joint]
                scale = step / gear
                _take_up_play(
                    lane, row, joint, start, count, parameter_in[which, 3], plays, position_in, path_out, follower_out,
                    work_out,
                )  # fmt: skip
                _count_steps(
                    lane, word, count, gear, offset_out[row, joint], eccentricity_out[row, joint, 0],
                    eccentricity_out[row, joint, 1], noise, 1.0 / step, word_out, work_out,
                )  # fmt: skip
                _difference(
                    lane, row, joint, start, count, fresh, window, scale * parameter_in[which, 6] / np.float64(window),
                    share, history_in, work_out, count_out, velocity_out, last_out,
                )  # fmt: skip
                if fresh and not absolute and start == 0:
                    origin_out[row, joint] = count_out[row, 0, joint]
                origin, home = np.float64(origin_out[row, joint]), home_in[row, joint]
                for t in range(count):
                    position_out[row, start + t, joint] = (work_out[lane, t] - origin) * scale + home
    _keep_counts(row, fresh, history_in, count_out, history_out)
    if not absolute:
        for t in range(samples):
            for joint in range(joints):
                count_out[row, t, joint] -= origin_out[row, joint]
    if parameter_in[which, 9] > 0.0:
        _wrap(row, np.int64(parameter_in[which, 0]), step, gear_in, home_in, count_out, position_out)


@scalar
def _read_lane(
    lane: Any, position_in: Any, gear_in: Any, home_in: Any, index_in: Any, unit_in: Any, which_in: Any,
    parameter_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, fresh: Any, plays: Any, follower_in: Any,
    history_in: Any, velocity_in: Any, origin_in: Any, lanes: Any, position_out: Any, velocity_out: Any, count_out: Any,
    path_out: Any, offset_out: Any, eccentricity_out: Any, follower_out: Any, history_out: Any, last_out: Any,
    origin_out: Any, word_out: Any, work_out: Any,
) -> None:  # fmt: skip
    # The rows of a lane share scratch, which then stays in the nearest cache.
    rows = position_in.shape[0]
    for row in range(np.int64(lane) * rows // lanes, (np.int64(lane) + 1) * rows // lanes):
        _read_row(
            lane, row, position_in, gear_in, home_in, index_in, unit_in, which_in, parameter_in, key_0, key_1, sensor,
            first, fresh, plays, follower_in, history_in, velocity_in, origin_in, position_out, velocity_out, count_out,
            path_out, offset_out, eccentricity_out, follower_out, history_out, last_out, origin_out, word_out, work_out,
        )  # fmt: skip


_READ: Final = Kernel(_read_lane)


def apply_encoder(
    position: Any,
    profile: str | EncoderProfile | Sequence[str | EncoderProfile] = "ams_as5048",
    *,
    rate: float | None = None,
    gear_ratio: ArrayLike | None = None,
    home: ArrayLike = 0.0,
    seed: int = 0,
    index: ArrayLike | None = None,
    sensor: int = 0,
    unit: ArrayLike = 0,
    first: int = 0,
    history: EncoderHistory | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> EncoderReading:
    """Read the joints of robots with encoders.

    Args:
        position: True joint positions [rad or m], finite, shape (R, T, J): R robots, T samples, J joints. NumPy, torch,
            or any array that shows `__cuda_array_interface__`; the reading is of that kind.
        profile: Built-in name or a profile, or one of either for each robot; it serves every joint.
        rate: Samples per second [Hz]; None for the profile's, which must then be that of all.
        gear_ratio: Gear ratio of each joint instead of the profile's, shape (J,) or (R, J), > 0.
        home: Position that an incremental encoder is told at its first sample [rad or m], a number, (J,) or (R, J).
        seed: Seed of the noise and the specimens, [0, 2^64).
        index: Global row index of each robot, shape (R,); None for 0, 1, 2 ...
        sensor: Number of the sensor within its rig, [0, 2^16).
        unit: Which specimens are fitted, [0, 2^32), a number or shape (R,): another unit has other errors.
        first: Number of the first sample, which addresses the noise.
        history: State of the series that this one continues; None at power-up: the free play is centred about the
            first position, and the joints were at rest before it.
        device: "cpu" or "cuda"; tensors that are on a device are read there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Positions, velocities and counts, the truth, and the state to go on from.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> reading = apply_encoder(np.zeros((2, 50, 7)), rate=1000.0, seed=1)
        >>> reading.position.shape
        (2, 50, 7)
    """
    count, samples, joints = _check_shape(position)
    place = find_place(position, device)
    profiles = find_profile_rows(profile, count, _load)
    hertz = find_rate(rate, profiles.profiles)
    check_first(first, samples)
    window = max(one.velocity_window for one in profiles.profiles)
    gear = _spread_joints(np.array([p.gear_ratio for p in profiles.profiles])[profiles.which, None]
                          if gear_ratio is None else gear_ratio, count, joints, "gear_ratio")  # fmt: skip
    if not (gear > 0.0).all():
        raise ValueError("gear_ratio must be above 0, got a ratio that is not")
    # Without any backlash the joints' own positions are what comes through.
    plays = any(one.backlash > 0.0 for one in profiles.profiles)
    before = _borrow_history(place, history, count, window, joints)
    outputs = [
        place.allocate(shape, kind)
        for shape, kind in (
            ((count, samples, joints), np.float64), ((count, samples, joints), np.float64),
            ((count, samples, joints), np.int64), ((count if plays else 0, samples, joints), np.float64),
            ((count, joints), np.float64), ((count, joints, 2), np.float64), ((count, joints), np.float64),
            ((count, window, joints), np.int64), ((count, joints), np.float64), ((count, joints), np.int64),
        )
    ]  # fmt: skip
    lanes = count_lanes(place, count, threads)
    _READ.launch(
        lanes, place.borrow(position, np.float64), gear, _spread_joints(home, count, joints, "home"),
        number_rows(index, count), spread_units(unit, count), profiles.which,
        np.array([_pack(one, hertz) for one in profiles.profiles]), *stream_key(seed, "encoder"), check_sensor(sensor),
        np.int64(first), history is None, plays, *before, lanes, *outputs,
        place.allocate((lanes, _LANES, TILE), np.uint32), place.allocate((lanes, TILE), np.float64),
        device=place.device, threads=threads,
    )  # fmt: skip
    given = [place.give(array) for array in outputs]
    return EncoderReading(
        position=given[0],
        velocity=given[1],
        count=given[2],
        truth=position,
        follower=given[3] if plays else position,
        zero_offset=given[4],
        eccentricity=given[5],
        history=EncoderHistory(follower=given[6], counts=given[7], velocity=given[8], origin=given[9]),
        profiles=profiles_of(profiles),
    )


def _load(name: str) -> EncoderProfile:
    profile: EncoderProfile = load_sensor_profile("encoder", name)
    return profile


def _check_shape(position: Any) -> tuple[int, int, int]:
    shape = tuple(position.shape)
    if len(shape) != 3 or 0 in shape[1:]:
        raise ValueError(f"position must have shape (rows, samples, joints), at least one of each, got {shape}")
    return int(shape[0]), int(shape[1]), int(shape[2])


def _spread_joints(value: ArrayLike, count: int, joints: int, name: str) -> NDArray[np.float64]:
    values = np.asarray(value, dtype=np.float64)
    if values.shape not in ((), (joints,), (count, joints), (count, 1)) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be a number, or one for each joint ({joints},) or ({count}, {joints})")
    return np.broadcast_to(values, (count, joints)).copy()


def _pack(profile: EncoderProfile, rate: float) -> tuple[float, ...]:
    share = 1.0 if profile.velocity_cutoff == 0.0 else -math.expm1(-2.0 * math.pi * profile.velocity_cutoff / rate)
    return (
        float(profile.counts_per_turn), profile.zero_offset, profile.eccentricity, 0.5 * profile.backlash,
        profile.noise, float(profile.velocity_window), rate, share, float(profile.absolute), float(profile.wraps),
    )  # fmt: skip


def _borrow_history(
    place: Place, history: EncoderHistory | None, count: int, window: int, joints: int
) -> tuple[Any, Any, Any, Any]:
    """Return follower, counts, velocity and origin; empty ones at power-up."""
    if history is None:
        return np.empty((0, 0)), np.empty((0, window, 0), np.int64), np.empty((0, 0)), np.empty((0, 0), np.int64)
    return (
        borrow_series(place, history.follower, (count, joints), "history.follower", np.float64),
        borrow_series(place, history.counts, (count, window, joints), "history.counts", np.int64),
        borrow_series(place, history.velocity, (count, joints), "history.velocity", np.float64),
        borrow_series(place, history.origin, (count, joints), "history.origin", np.int64),
    )
