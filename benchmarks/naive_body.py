"""Encoders, force/torque sensors and tactile pads as a user would write them in NumPy, with our profiles' numbers.

What depends on the sample before runs step by step, vectorised over robots; all else runs over whole arrays. Noise is
drawn in order, not by address.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def read_encoders(position: Array, profile: Any, rate: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Read joints: backlash, zero, eccentricity, noise, counts, velocity by difference and low-pass filter.

    Args:
        position: Joint positions [rad], shape (R, T, J).
        profile: Our encoder profile.
        rate: Samples per second.
        rng: Source of the noise.

    Returns:
        Positions and velocities, shape (R, T, J) each.
    """
    rows, samples, joints = position.shape
    half, gear, step, window = profile.backlash / 2, profile.gear_ratio, profile.step, profile.velocity_window
    path = position
    if half > 0:
        path = np.empty_like(position)
        follower = position[:, 0].copy()
        for t in range(samples):
            follower = np.clip(follower, position[:, t] - half, position[:, t] + half)
            path[:, t] = follower
    shape = (rows, 1, joints)
    amplitude = profile.eccentricity * np.sqrt(-np.log(1.0 - rng.random(shape)))
    phase = 2 * math.pi * rng.random(shape)
    shaft = gear * (path + profile.zero_offset * rng.standard_normal(shape))
    shaft += amplitude * np.sin(shaft + phase)
    if profile.noise > 0:
        shaft += profile.noise * rng.standard_normal(shaft.shape)
    count = np.floor(shaft / step + 0.5)
    earlier = np.concatenate([count[:, :1].repeat(window, axis=1), count[:, :-window]], axis=1)
    raw = (count - earlier) * (step * rate / (gear * window))
    velocity = raw
    if profile.velocity_cutoff > 0:
        share = -math.expm1(-2 * math.pi * profile.velocity_cutoff / rate)
        velocity = np.empty_like(raw)
        filtered = np.zeros((rows, joints))
        for t in range(samples):
            filtered += share * (raw[:, t] - filtered)
            velocity[:, t] = filtered
    if not profile.absolute:
        count -= count[:, :1]
    return count * (step / gear), velocity


def read_wrenches(
    wrench: Array, profile: Any, rate: float, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """Read wrenches: hysteresis, crosstalk, noise, low-pass filter, offset, drift, steps and overload.

    Args:
        wrench: Loads [N, Nm], shape (R, T, 6).
        profile: Our force/torque profile.
        rate: Samples per second.
        rng: Source of the noise.

    Returns:
        Readings and overloads, shape (R, T, 6) each.
    """
    rows, samples, _ = wrench.shape
    span, step, density, bias, drift = (
        np.array([getattr(profile, f"{kind}_{name}") for kind in ("force", "torque") for _ in range(3)])
        for name in ("range", "step", "noise", "bias", "drift")
    )
    matrix = profile.crosstalk * rng.standard_normal((rows, 6, 6)) * span[:, None] / span
    matrix[:, np.arange(6), np.arange(6)] = 1 + profile.gain_error * rng.standard_normal((rows, 6))
    radius = np.multiply.outer(span, np.array(profile.hysteresis_thresholds))
    weight = np.array(profile.hysteresis_weights)
    plays = np.zeros((rows, 6, len(weight)))
    held = np.empty_like(wrench)
    for t in range(samples):
        load = wrench[:, t, :, None]
        plays = np.clip(plays, load - radius, load + radius)
        held[:, t] = ((load - plays) * weight).sum(axis=2)
    load = np.einsum("rij,rtj->rti", matrix, wrench - held)
    load += density * math.sqrt(rate) * rng.standard_normal(load.shape)
    share = -math.expm1(-2 * math.pi * profile.bandwidth / rate)
    keep = math.exp(-1 / (rate * profile.drift_time))
    add = drift * math.sqrt(1 - keep**2)
    walk = rng.standard_normal(load.shape)
    filtered, slow = load[:, 0].copy(), drift * walk[:, 0]
    out = np.empty_like(load)
    for t in range(samples):
        filtered += share * (load[:, t] - filtered)
        slow = keep * slow + add * walk[:, t]
        out[:, t] = filtered + slow
    out += (bias * rng.standard_normal((rows, 6)))[:, None]
    out = step * np.floor(out / step + 0.5)
    return np.clip(out, -span, span), np.abs(out) >= span


def read_pads(contacts: Array, profile: Any, rate: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Read tactile pads: spread, gain, saturation, creep, noise, threshold and steps.

    Args:
        contacts: Contacts, shape (R, T, C, 4).
        profile: Our tactile profile.
        rate: Samples per second.
        rng: Source of the noise.

    Returns:
        Readings and true forces, shape (R, T, rows, columns) each.
    """
    from scipy import special

    rows, samples = contacts.shape[:2]
    shares = []
    on_pad = (contacts[..., 3] > 0) & (contacts[..., 2] > 0)
    for axis, count in ((1, profile.row_count), (0, profile.column_count)):
        edges = (np.arange(count + 1) - count / 2) * profile.pitch
        cdf = special.erf((edges - contacts[..., axis, None]) / (profile.spread * math.sqrt(2)))
        on_pad &= np.abs(contacts[..., axis]) <= edges[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares.append(np.diff(cdf) / (cdf[..., -1:] - cdf[..., :1]))
    force = np.where(on_pad, contacts[..., 2], 0.0)
    shares = [np.where(on_pad[..., None], share, 0.0) for share in shares]
    truth = np.einsum("rtc,rtci,rtcj->rtij", force, *shares)
    gain = 1 + profile.gain_error * rng.standard_normal((rows, 1, *truth.shape[2:]))
    load = gain * truth
    load /= 1 + load / profile.saturation
    keep = math.exp(-1 / (rate * profile.creep_time))
    late = np.empty_like(load)
    crept = np.zeros((rows, *truth.shape[2:]))
    for t in range(samples):
        crept = keep * crept + (1 - keep) * load[:, t]
        late[:, t] = crept
    shown = load + profile.creep_share * (late - load) + profile.noise * rng.standard_normal(load.shape)
    rounded = np.clip(profile.step * np.floor(shown / profile.step + 0.5), 0.0, profile.saturation)
    return np.where(shown >= profile.threshold, rounded, 0.0), truth
