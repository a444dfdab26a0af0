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
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .encoder_profile import EncoderProfile
from .encoder_steps import GROUP, READ
from .image_rows import check_sensor
from .lanes import count_lanes
from .philox import stream_key
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first
from .series_rows import TILE, find_rate, number_rows, profiles_of, spread_units
from .tensors import Place, find_place


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
    READ.launch(
        lanes, place.borrow(position, np.float64), gear, _spread_joints(home, count, joints, "home"),
        number_rows(index, count), spread_units(unit, count), profiles.which,
        np.array([_pack(one, hertz) for one in profiles.profiles]), *stream_key(seed, "encoder"), check_sensor(sensor),
        np.int64(first), history is None, plays, *before, lanes, *outputs,
        place.allocate((lanes, GROUP, TILE), np.uint32), place.allocate((lanes, 2, GROUP, TILE), np.float64),
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
