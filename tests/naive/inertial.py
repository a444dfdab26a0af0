"""An inertial unit sample by sample: matrices, a filter by the matrix exponential, processes one by one."""

from __future__ import annotations

import math

import numpy as np
from scipy import linalg, special

from .philox import block

FIXED = 0xFFFFFFFFFFFFFFFF
PARTS = ("gyroscope", "accelerometer")


def normals(seed, stream, item, row, sensor, first, count):
    """Standard normals of consecutive blocks, word by word within a block: shape (count, 4)."""
    words = [block(seed, stream, item, row, sensor, first + k) for k in range(count)]
    return special.ndtri((np.array(words, float) + 0.5) / 2**32)


def processes(profile, part):
    """(correlation time, stationary deviation) of walk-like processes; the flicker's by its level at its middle."""
    low, high = getattr(profile, f"{part}_flicker_time")
    count, peak = 7, 1.892
    times = np.geomspace(low / 5 / peak, high * 5 / peak, count)
    weight = np.ones(count)
    weight[[0, -1]] = math.sqrt(1.5)
    taus = np.geomspace(low, high, 33)
    level = np.mean([sum(gauss_markov_avar(tau, t, w) for t, w in zip(times, weight, strict=True)) for tau in taus])
    b = getattr(profile, f"{part}_bias_instability")
    sigma = weight * b * math.sqrt(2 * math.log(2) / math.pi / level)
    own = (getattr(profile, f"{part}_bias_time"), getattr(profile, f"{part}_bias_deviation"))
    return [own, *zip(times, sigma, strict=True)]


def gauss_markov_avar(tau, time, sigma):
    """Allan variance of a Gauss-Markov process (IEEE 952)."""
    x = tau / time
    return 2 * sigma**2 / x * (1 - (3 - 4 * math.exp(-x) + math.exp(-2 * x)) / (2 * x))


def specimen(profile, seed, unit, sensor=0):
    """Matrices M S of gyroscopes and accelerometers, and G."""
    z = normals(seed, "imu unit", unit, FIXED, sensor, 0, 7).ravel()
    out = []
    for k, part in enumerate(PARTS):
        numbers = z[9 * k : 9 * k + 9]
        s = np.diag(1 + getattr(profile, f"{part}_scale_error") * numbers[:3])
        m = np.eye(3)
        m[~np.eye(3, dtype=bool)] = getattr(profile, f"{part}_misalignment") * numbers[3:]
        out.append(m @ s)
    return (*out, profile.gyroscope_g_sensitivity * z[18:27].reshape(3, 3))


def read(force, turn, profile, rate, seed, row, sensor=0, unit=0):
    """One row's reading and biases, each (T, 6), gyroscopes first; without counts and range."""
    dt = 1 / rate
    samples = len(force)
    gyro, accel, g = specimen(profile, seed, unit, sensor)
    felt = np.concatenate([(turn + force @ g.T) @ gyro.T, force @ accel.T], axis=1)
    start = normals(seed, "imu", 0, row, sensor, 16, 16).T.ravel()
    turn_on = np.concatenate([normals(seed, "imu", 0, row, sensor, 32 + k, 1)[0, :3] for k in range(2)])
    noise = np.array([normals(seed, "imu", t, row, sensor, 0, 16).T.ravel() for t in range(samples)])
    passed, bias, white = np.empty((samples, 6)), np.empty((samples, 6)), np.empty((samples, 6))
    for channel in range(6):
        part = PARTS[channel // 3]
        bandwidth = getattr(profile, f"{part}_bandwidth")
        w = 2 * math.pi * bandwidth
        step = linalg.expm(np.array([[0, w], [-w, -math.sqrt(2) * w]]) * dt)
        bank = processes(profile, part)
        state = np.array([sigma * start[6 * (2 + k) + channel] for k, (_, sigma) in enumerate(bank)])
        walk = 0.0
        x = np.array([felt[0, channel], 0.0])
        for t in range(samples):
            u = np.array([felt[t, channel], 0.0])
            x = u + step @ (x - u) if bandwidth else u
            passed[t, channel] = x[0]
            walk += getattr(profile, f"{part}_random_walk") * math.sqrt(dt) * noise[t, 6 + channel]
            for k, (time, sigma) in enumerate(bank):
                keep = math.exp(-dt / time)
                state[k] = keep * state[k] + sigma * math.sqrt(1 - keep**2) * noise[t, 6 * (2 + k) + channel]
            bias[t, channel] = getattr(profile, f"{part}_turn_on_bias") * turn_on[channel] + walk + state.sum()
            white[t, channel] = getattr(profile, f"{part}_noise_density") / math.sqrt(dt) * noise[t, channel]
    return passed + bias + white, bias
