"""Wheel odometry of one row, one step after the other, with matrices."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from simloom.kernels.odometry_profile import OdometryProfile
from simloom.kernels.philox import philox_words
from simloom.kernels.variates import normal_quantile

FIXED = 0xFFFFFFFF


def draw(seed: int, item: int, row: tuple[int, int], sensor: int, block: int) -> list[float]:
    """Return the four uniforms of a block of the stream "odometry"."""
    words = philox_words(seed, "odometry", np.array([[item, *row]]), sensor << 16 | block)[0]
    return [(float(word) + 0.5) / 2.0**32 for word in words]


def integrate_arc(pose: np.ndarray, way: float, turn: float) -> np.ndarray:
    """Return the pose after an arc, by the circle's own centre."""
    x, y, th = pose
    if abs(turn) < 1e-9:
        return np.array([x + way * math.cos(th + turn / 2), y + way * math.sin(th + turn / 2), th + turn])
    r = way / turn
    return np.array(
        [x + r * (math.sin(th + turn) - math.sin(th)), y - r * (math.cos(th + turn) - math.cos(th)), th + turn]
    )


def count(
    twist: np.ndarray, profile: OdometryProfile, rate: float, seed: int, row: int, sensor: int, unit: int
) -> SimpleNamespace:
    """Return counts, poses, true poses and covariances of one row, shape (T, ...)."""
    e, d, eb, _ = (normal_quantile(u) for u in draw(seed, unit, (FIXED, FIXED), sensor, 0))
    address = (row & FIXED, row >> 32)
    size, half = profile.radius_sigma * e, 0.5 * profile.difference_sigma * d
    radius = profile.wheel_radius * np.array([1 + size - half, 1 + size + half])
    base = profile.base_width * (1 + profile.base_sigma * eb)
    tick = 2 * math.pi / profile.ticks_per_turn
    phase = np.array(draw(seed, 0, address, sensor, 1)[:2])
    angle = np.zeros(2)
    ticks = np.floor(angle / tick + phase)
    pose, true, covariance = np.zeros(3), np.zeros(3), np.zeros((3, 3))
    out = SimpleNamespace(ticks=[], pose=[], true_pose=[], covariance=[])
    for k in range(len(twist)):
        way, turn = (twist[k] / rate) if k else np.zeros(2)
        true = integrate_arc(true, way, turn)
        ways = way + 0.5 * base * turn * np.array([-1, 1])
        w = np.array([normal_quantile(u) for u in draw(seed, k, address, sensor, 0)])
        scrub = 0.5 * base * math.sqrt(profile.turn_variance * abs(turn)) * w[2] * np.array([-1, 1])
        angle = angle + (ways + np.sqrt(profile.slip_variance * np.abs(ways)) * w[:2] + scrub) / radius
        before, ticks = ticks, np.floor(angle / tick + phase)
        ds_l, ds_r = profile.wheel_radius * tick * (ticks - before)

        def arc(motion: np.ndarray, start: np.ndarray = pose) -> np.ndarray:
            return integrate_arc(start, 0.5 * (motion[0] + motion[1]), (motion[1] - motion[0]) / profile.base_width)

        ways = np.array([ds_l, ds_r])
        h = 1e-6
        by_way = np.stack([(arc(ways + h * u) - arc(ways - h * u)) / (2 * h) for u in np.eye(2)], axis=1)
        by_pose = np.stack([(arc(ways, pose + h * u) - arc(ways, pose - h * u)) / (2 * h) for u in np.eye(3)], axis=1)
        by_turn = np.zeros(3)
        turned = 0.5 * profile.base_width * h * np.array([-1, 1])
        by_turn = (arc(ways + turned) - arc(ways - turned)) / (2 * h)
        covariance = by_pose @ covariance @ by_pose.T
        covariance += by_way @ np.diag(profile.slip_variance * np.abs(ways)) @ by_way.T
        covariance += profile.turn_variance * abs((ds_r - ds_l) / profile.base_width) * np.outer(by_turn, by_turn)
        pose = arc(ways)
        for name, value in (("ticks", ticks), ("pose", pose), ("true_pose", true), ("covariance", covariance)):
            getattr(out, name).append(value)
    return SimpleNamespace(**{name: np.array(value) for name, value in vars(out).items()}, radius=radius, base=base)
