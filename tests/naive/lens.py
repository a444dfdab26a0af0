"""Lens maps point by point: OpenCV's formulas as printed, and their inverse by a general solver."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize
from scipy.spatial.transform import Rotation


def project(direction, lens) -> np.ndarray:
    """The distorted point of a direction; nothing is said about the model's range."""
    x, y, z = (float(value) for value in direction)
    if lens.model == "kannala_brandt":
        theta, side = math.atan2(math.hypot(x, y), z), math.hypot(x, y)
        distorted = theta + sum(k * theta ** (2 * n + 3) for n, k in enumerate(lens.coefficients))
        return np.array([x, y]) * (distorted / side if side else 0.0)
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4, tau_x, tau_y = (*lens.coefficients, *[0.0] * 14)[:14]
    x, y = x / z, y / z
    r2 = x**2 + y**2
    ratio = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    u = x * ratio + 2 * p1 * x * y + p2 * (r2 + 2 * x**2) + s1 * r2 + s2 * r2**2
    v = y * ratio + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y + s3 * r2 + s4 * r2**2
    turn = Rotation.from_euler("xy", [-tau_x, -tau_y]).as_matrix()
    flat = np.array([[turn[2, 2], 0, -turn[0, 2]], [0, turn[2, 2], -turn[1, 2]], [0, 0, 1]])
    point = flat @ turn @ [u, v, 1]
    return point[:2] / point[2]


def unproject(point, lens, start) -> np.ndarray:
    """The unit direction of a distorted point, searched from a direction near it."""
    if lens.model == "kannala_brandt":
        radius = math.hypot(*point)
        angle = math.atan2(math.hypot(*start[:2]), start[2])
        found = optimize.root_scalar(
            lambda t: t + sum(k * t ** (2 * n + 3) for n, k in enumerate(lens.coefficients)) - radius,
            x0=angle,
            x1=angle + 1e-4,
            xtol=1e-15,
        ).root
        return np.array([*(math.sin(found) * np.asarray(point) / radius), math.cos(found)])
    found = optimize.fsolve(lambda p: project((*p, 1.0), lens) - point, start[:2] / start[2], xtol=1e-14)
    return np.array([*found, 1.0]) / math.sqrt(found @ found + 1)


def pixel_rays(camera, u, v) -> np.ndarray:
    """Rays of many pixels by Picard's iteration, shape (..., 3): at depth 1 of a pinhole, unit through a lens."""
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    if camera.lens is None:
        return np.stack([x, y, np.ones_like(x)], -1)
    c = camera.lens.coefficients
    if camera.lens.model == "kannala_brandt":
        radius = np.hypot(x, y)
        theta = radius.copy()
        for _ in range(200):
            theta += radius - theta * (1 + sum(k * theta ** (2 * n + 2) for n, k in enumerate(c)))
        scale = np.sin(theta) / np.where(radius > 0, radius, 1)
        return np.stack([x * scale, y * scale, np.cos(theta)], -1)
    assert not any(c[12:]), "no tilt here"
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4, _, _ = (*c, *[0.0] * 14)[:14]
    a, b = x.copy(), y.copy()
    for _ in range(200):
        r2 = a**2 + b**2
        ratio = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
        du = a * ratio + 2 * p1 * a * b + p2 * (r2 + 2 * a**2) + s1 * r2 + s2 * r2**2
        dv = b * ratio + p1 * (r2 + 2 * b**2) + 2 * p2 * a * b + s3 * r2 + s4 * r2**2
        a, b = a + x - du, b + y - dv
    ray = np.stack([a, b, np.ones_like(a)], -1)
    return ray / np.linalg.norm(ray, axis=-1, keepdims=True)
