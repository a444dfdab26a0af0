"""Navigation sensors as a user would write them in NumPy: all rows at once, one step after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.gnss import status_odds
from simloom.kernels.gnss_profile import GnssProfile
from simloom.kernels.markov_chain import step_two_states
from simloom.kernels.observation_timing import ObservationTiming
from simloom.kernels.odometry_profile import OdometryProfile
from simloom.kernels.optical_ranger_profile import OpticalRangerProfile
from simloom.kernels.ranger_beam import ranger_directions
from simloom.kernels.ultrasonic_profile import SPEED_AT_20, UltrasonicProfile

Array = NDArray[Any]


def receive(position: Array, velocity: Array, profile: GnssProfile, rng: np.random.Generator) -> tuple[Array, ...]:
    """Return position, velocity and status: Gauss-Markov, white noise, Markov chains of status and multipath."""
    rows, samples, _ = position.shape
    step = 1.0 / profile.update_rate
    axes = np.array([profile.horizontal_sigma, profile.horizontal_sigma, profile.vertical_sigma])
    noise = np.array([profile.horizontal_noise, profile.horizontal_noise, profile.vertical_noise])
    speed = np.array([profile.velocity_noise, profile.velocity_noise, profile.vertical_velocity_noise])
    stationary, transition = status_odds(profile, step)
    bounds, first = np.cumsum(transition, axis=1), np.cumsum(stationary)
    _, begins, stays = step_two_states(step, profile.multipath_per_hour / 3600.0, 1.0 / profile.multipath_duration)
    keep = np.exp(-step / profile.correlation_time)
    add = np.sqrt(1.0 - keep**2)
    wander = rng.standard_normal((rows, 3))
    status = (rng.random(rows)[:, None] >= first[None, :2]).sum(axis=1)
    startup = profile.startup_sigma * rng.standard_normal((rows, 3))
    shifted, offset = np.zeros(rows, bool), np.zeros((rows, 3))
    measured, moved = np.empty_like(position), np.empty_like(velocity)
    statuses = np.empty((rows, samples), np.uint8)
    for k in range(samples):
        if k:
            wander = keep * wander + add * rng.standard_normal((rows, 3))
            status = (rng.random(rows)[:, None] >= bounds[status, :2]).sum(axis=1)
            now = rng.random(rows) < np.where(shifted, stays, begins)
            fresh = now & ~shifted
            offset[fresh] = profile.multipath_sigma * rng.standard_normal((int(fresh.sum()), 3))
            shifted = now
        scale = np.where(status == 1, profile.float_scale, 1.0)[:, None]
        error = scale * (axes * wander + noise * rng.standard_normal((rows, 3)))
        error += startup * np.exp(-k * step / profile.startup_time) + offset * shifted[:, None]
        measured[:, k] = position[:, k] + error
        moved[:, k] = velocity[:, k] + speed * rng.standard_normal((rows, 3))
        measured[status == 0, k] = np.nan
        moved[status == 0, k] = np.nan
        statuses[:, k] = status
    return measured, moved, statuses


def count(twist: Array, profile: OdometryProfile, rng: np.random.Generator) -> tuple[Array, ...]:
    """Return counts, poses and covariances: slip, counts, exact arcs, linear propagation."""
    rows, samples, _ = twist.shape
    step, tick = 1.0 / profile.update_rate, 2 * np.pi / profile.ticks_per_turn
    angle, before = np.zeros((rows, 2)), np.zeros((rows, 2))
    pose, covariance = np.zeros((rows, 3)), np.zeros((rows, 3, 3))
    ticks, poses = np.empty((rows, samples, 2), np.int64), np.empty((rows, samples, 3))
    covariances = np.empty((rows, samples, 3, 3))
    side = np.array([-0.5, 0.5]) * profile.base_width
    for k in range(samples):
        way, turn = twist[:, k, 0] * step, twist[:, k, 1] * step
        ways = way[:, None] + side * turn[:, None]
        slip = np.sqrt(profile.slip_variance * np.abs(ways)) * rng.standard_normal((rows, 2))
        scrub = np.sqrt(profile.turn_variance * np.abs(turn)) * rng.standard_normal(rows)
        angle += (ways + slip + side * scrub[:, None]) / profile.wheel_radius
        counted = np.floor(angle / tick)
        left, right = profile.wheel_radius * tick * (counted - before).T
        before = counted
        ds, dth = 0.5 * (left + right), (right - left) / profile.base_width
        middle, sinc = pose[:, 2] + 0.5 * dth, np.sinc(0.5 * dth / np.pi)
        move = np.stack([ds * sinc * np.cos(middle), ds * sinc * np.sin(middle), dth], axis=1)
        f = np.tile(np.eye(3), (rows, 1, 1))
        f[:, 0, 2], f[:, 1, 2] = -move[:, 1], move[:, 0]
        g = np.zeros((rows, 3, 2))
        g[:, 0, 0], g[:, 1, 0] = sinc * np.cos(middle), sinc * np.sin(middle)
        g[:, 0, 1], g[:, 1, 1], g[:, 2, 1] = -0.5 * move[:, 1], 0.5 * move[:, 0], 1.0
        q = np.zeros((rows, 2, 2))
        var_l, var_r = profile.slip_variance * np.abs(left), profile.slip_variance * np.abs(right)
        q[:, 0, 0] = 0.25 * (var_l + var_r)
        q[:, 1, 1] = (var_l + var_r) / profile.base_width**2 + profile.turn_variance * np.abs(dth)
        covariance = f @ covariance @ f.transpose(0, 2, 1) + g @ q @ g.transpose(0, 2, 1)
        pose = pose + move
        ticks[:, k], poses[:, k], covariances[:, k] = counted, pose, covariance
    return ticks, poses, covariances


def hear(distance: Array, cosine: Array, profile: UltrasonicProfile, rng: np.random.Generator) -> Array:
    """Return ranges by sound: power of every ray, sorted, and the first sum over a pulse that is loud enough."""
    weight = ranger_directions(profile).weight
    angle = np.arccos(np.clip(cosine, 0.0, 1.0))
    lobe = np.where(angle < profile.specular_angle, np.cos(np.pi / 2 * angle / profile.specular_angle) ** 2, 0.0)
    back = profile.diffuse_share * cosine + (1 - profile.diffuse_share) * lobe
    power = weight * back / distance**2 * 10 ** (-2 * profile.absorption * distance / 10)
    out = np.zeros(len(distance), np.float32)
    threshold = profile.threshold * (1 + profile.threshold_noise * rng.standard_normal(len(distance)))
    for row in range(len(distance)):
        order = np.argsort(distance[row])
        r, total = distance[row][order], np.append(0.0, np.cumsum(power[row][order]))
        within = total[1:] - total[np.searchsorted(r, r - profile.pulse_length)]
        loud = np.sqrt(within) >= threshold[row] / np.minimum(r, profile.gain_range)
        if loud.any():
            out[row] = r[np.argmax(loud)]
    time = 2 * out / SPEED_AT_20 + profile.time_noise * rng.standard_normal(len(out))
    counted = np.round(time / profile.time_quantum) * profile.time_quantum
    return np.asarray(np.where(out > 0, counted * profile.assumed_speed / 2, 0.0).astype(np.float32))


def see(distance: Array, cosine: Array, profile: OpticalRangerProfile, rng: np.random.Generator) -> Array:
    """Return ranges by light: moments of the rays' rates, and the first moment's deviation."""
    rate = ranger_directions(profile).weight * cosine / distance**2 * profile.signal_rate
    total = rate.sum(axis=1)
    mean = (rate * distance).sum(axis=1) / total
    spread = (rate * (distance - mean[:, None]) ** 2).sum(axis=1) / total
    n, b = total * profile.timing_budget, profile.dark_rate * profile.timing_budget
    sigma = np.sqrt((profile.pulse_sigma**2 + spread) / n + profile.window**2 / 12 * b / n**2)
    counted = (rng.poisson(n + b) - b) / profile.timing_budget
    measured = np.round((mean + sigma * rng.standard_normal(len(mean))) / profile.range_quantum) * profile.range_quantum
    valid = (counted >= profile.signal_rate_min) & (sigma <= profile.sigma_max)
    return np.asarray(np.where(valid, measured, 0.0).astype(np.float32))


def observe(timing: ObservationTiming, values: Array, query: Array, rng: np.random.Generator) -> Array:
    """Return what is held at each instant: latency and loss drawn, and the newest arrival found row by row."""
    rows, samples = values.shape
    measured = np.round(np.arange(samples) * 1e9 / float(timing.sampling_rate)).astype(np.int64)
    mu, sigma = timing.latency_law
    latency = 1e9 * np.exp(mu + sigma * rng.standard_normal((rows, samples)))
    arrival = measured + latency.astype(np.int64)
    lost = rng.random((rows, samples)) < timing.dropout
    out = np.full((rows, len(query)), np.nan)
    for row in range(rows):
        kept = np.flatnonzero(~lost[row])
        order = kept[np.argsort(arrival[row, kept], kind="stable")]
        newest = np.maximum.accumulate(order)
        place = np.searchsorted(arrival[row, order], query, side="right") - 1
        seen = place >= 0
        out[row, seen] = values[row, newest[place[seen]]]
    return out
