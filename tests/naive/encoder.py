"""Joint encoders in plain Python, one reading at a time, from the definitions."""

from __future__ import annotations

import math

import numpy as np

from .draws import FIXED, normals, uniforms


def play(path: np.ndarray, width: float, start: float) -> np.ndarray:
    """Follow a path with a free play of this width, end to end."""
    follower, out = start, []
    for x in path:
        if x - follower > width / 2:
            follower = x - width / 2
        elif follower - x > width / 2:
            follower = x + width / 2
        out.append(follower)
    return np.array(out)


def specimen(profile, joints: int, *, seed: int, sensor: int, unit: int):
    """Return zero offset, amplitude and phase of each joint."""
    out = []
    for joint in range(joints):
        z = normals(seed, "encoder", unit, FIXED, sensor, joint)
        u = uniforms(seed, "encoder", unit, FIXED, sensor, joint)
        amplitude = profile.eccentricity * math.sqrt(-math.log(u[1]))
        out.append((profile.zero_offset * z[0], amplitude, 2 * math.pi * u[2]))
    return out


def read(q: np.ndarray, profile, *, rate: float, seed: int, row: int, sensor: int, unit: int, first: int = 0):
    """Read one robot from power-up.

    Args:
        q: Positions, shape (T, J).
        profile: The encoder.
        rate: Samples per second.
        seed: Seed.
        row: Global row index.
        sensor: Number of the sensor.
        unit: The specimen.
        first: Number of the first sample.

    Returns:
        Positions, velocities and counts before any wrap, shape (T, J) each.
    """
    samples, joints = q.shape
    step, gear, window = 2 * math.pi / profile.counts_per_turn, profile.gear_ratio, profile.velocity_window
    count = np.empty((samples, joints), np.int64)
    velocity = np.empty((samples, joints))
    for joint, (offset, amplitude, phase) in enumerate(specimen(profile, joints, seed=seed, sensor=sensor, unit=unit)):
        path = play(q[:, joint], profile.backlash, q[0, joint])
        filtered = 0.0
        for t in range(samples):
            shaft = gear * (path[t] + offset)
            noise = profile.noise * normals(seed, "encoder", first + t, row, sensor, joint // 4)[joint % 4]
            count[t, joint] = math.floor((shaft + amplitude * math.sin(shaft + phase) + noise) / step + 0.5)
            raw = (count[t, joint] - count[max(t - window, 0), joint]) * step / gear * rate / window
            keep = 0.0
            if profile.velocity_cutoff > 0:
                keep = math.exp(-2 * math.pi * profile.velocity_cutoff / rate)
            filtered = keep * filtered + (1 - keep) * raw
            velocity[t, joint] = filtered
    shown = count if profile.absolute else count - count[0]
    return shown * step / gear, velocity, shown
