"""Lens maps as scalar functions: where a ray meets the distorted image plane, and which ray a distorted point saw.

They read a lens from a row of the table that `lens.pack_lenses` makes, and are defined on the model's monotonic range,
where a point has one ray; outside they say so.

Source: Brown, "Decentering distortion of lenses", Photogrammetric Engineering 32(3), 1966, with the rational, thin
    prism and tilt terms of OpenCV's calib3d; Kannala and Brandt, "A generic camera model and calibration method for
    conventional, wide-angle, and fish-eye lenses", IEEE TPAMI 28(8), 2006, eq. 6, scaled as in OpenCV's fisheye.
"""

from __future__ import annotations

import math
from typing import Any, Final

from .device import scalar

FIELD_COUNT: Final = 35
"""Columns of a packed lens: model (0 Brown-Conrady, 1 Kannala-Brandt), 14 coefficients, largest radius or angle, tilt
and its inverse (3x3 homographies), 1 where terms beside the radial ones are present."""
LIMIT: Final = 15
TILT: Final = 16
UNTILT: Final = 25
SIDEWAYS: Final = 34
_ITERATIONS = 80


@scalar
def grow_radius(r: float, lens: int, lens_in: Any) -> tuple[float, float]:
    """Return the distorted radius of a radius (Brown-Conrady) or an angle (Kannala-Brandt), and its slope."""
    k1, k2 = lens_in[lens, 1], lens_in[lens, 2]
    s = r * r
    if lens_in[lens, 0] != 0.0:
        k3, k4 = lens_in[lens, 3], lens_in[lens, 4]
        value = r * (1.0 + s * (k1 + s * (k2 + s * (k3 + s * k4))))
        return value, 1.0 + s * (3.0 * k1 + s * (5.0 * k2 + s * (7.0 * k3 + s * (9.0 * k4))))
    k3, k4, k5, k6 = lens_in[lens, 5], lens_in[lens, 6], lens_in[lens, 7], lens_in[lens, 8]
    above, below = 1.0 + s * (k1 + s * (k2 + s * k3)), 1.0 + s * (k4 + s * (k5 + s * k6))
    d_above, d_below = k1 + s * (2.0 * k2 + s * (3.0 * k3)), k4 + s * (2.0 * k5 + s * (3.0 * k6))
    ratio = above / below
    return r * ratio, ratio + 2.0 * s * (d_above - ratio * d_below) / below


@scalar
def _shrink(target: float, lens: int, lens_in: Any) -> tuple[float, bool]:
    """Return the radius or angle that `grow_radius` takes to a target, by Newton's steps kept within a bracket."""
    low, high = 0.0, lens_in[lens, LIMIT]
    end, _ = grow_radius(high, lens, lens_in)
    if not target <= end:
        return high, False
    r = min(target, 0.5 * high)
    for _ in range(_ITERATIONS):
        value, slope = grow_radius(r, lens, lens_in)
        if value < target:
            low = r
        else:
            high = r
        following = r - (value - target) / slope if slope > 0.0 else -1.0
        if not low <= following <= high:
            following = 0.5 * (low + high)
        step = abs(following - r)
        r = following
        if step <= 1e-15 * r:
            break
    return r, True


@scalar
def _bend(x: float, y: float, lens: int, lens_in: Any) -> tuple[float, float, float, float, float, float]:
    """Return Brown-Conrady's point of (x, y) before the tilt, and its Jacobian (by rows)."""
    p1, p2 = lens_in[lens, 3], lens_in[lens, 4]
    s1, s2, s3, s4 = lens_in[lens, 9], lens_in[lens, 10], lens_in[lens, 11], lens_in[lens, 12]
    s = x * x + y * y
    r = math.sqrt(s)
    value, slope = grow_radius(r, lens, lens_in)
    ratio = value / r if r > 0.0 else 1.0
    # d(ratio)/ds, from the slope of r · ratio.
    change = (slope - ratio) / (2.0 * s) if s > 1e-12 else lens_in[lens, 1] - lens_in[lens, 6]
    u = x * ratio + 2.0 * p1 * x * y + p2 * (s + 2.0 * x * x) + s * (s1 + s * s2)
    v = y * ratio + p1 * (s + 2.0 * y * y) + 2.0 * p2 * x * y + s * (s3 + s * s4)
    along_u, along_v = s1 + 2.0 * s * s2, s3 + 2.0 * s * s4
    ux = ratio + 2.0 * x * x * change + 2.0 * p1 * y + 6.0 * p2 * x + 2.0 * x * along_u
    uy = 2.0 * x * y * change + 2.0 * p1 * x + 2.0 * p2 * y + 2.0 * y * along_u
    vx = 2.0 * x * y * change + 2.0 * p1 * x + 2.0 * p2 * y + 2.0 * x * along_v
    vy = ratio + 2.0 * y * y * change + 6.0 * p1 * y + 2.0 * p2 * x + 2.0 * y * along_v
    return u, v, ux, uy, vx, vy


@scalar
def _turn(u: float, v: float, first: int, lens: int, lens_in: Any) -> tuple[float, float]:
    """Apply a homography of the table, from column `first` on."""
    w = lens_in[lens, first + 6] * u + lens_in[lens, first + 7] * v + lens_in[lens, first + 8]
    x = lens_in[lens, first] * u + lens_in[lens, first + 1] * v + lens_in[lens, first + 2]
    y = lens_in[lens, first + 3] * u + lens_in[lens, first + 4] * v + lens_in[lens, first + 5]
    return x / w, y / w


@scalar
def project_ray(x: float, y: float, z: float, lens: int, lens_in: Any) -> tuple[float, float, bool]:
    """Map a direction in the camera's frame to the distorted image plane.

    Args:
        x: Component to the right, any length of the whole.
        y: Component downwards.
        z: Component forwards.
        lens: Row of the table.
        lens_in: Table of `pack_lenses`.

    Returns:
        The point on the normalised image plane, and whether the direction is in the model's range.
    """
    if lens_in[lens, 0] != 0.0:
        side = math.sqrt(x * x + y * y)
        angle = math.atan2(side, z)
        distorted, _ = grow_radius(angle, lens, lens_in)
        scale = distorted / side if side > 0.0 else 0.0
        return x * scale, y * scale, angle <= lens_in[lens, LIMIT] and (side > 0.0 or z > 0.0)
    if not z > 0.0:
        return 0.0, 0.0, False
    a, b = x / z, y / z
    u, v, ux, uy, vx, vy = _bend(a, b, lens, lens_in)
    valid = a * a + b * b <= lens_in[lens, LIMIT] * lens_in[lens, LIMIT] and ux * vy - uy * vx > 0.0
    u, v = _turn(u, v, TILT, lens, lens_in)
    return u, v, valid


@scalar
def _straighten(u: float, v: float, x: float, y: float, lens: int, lens_in: Any) -> tuple[float, float, bool]:
    """Refine (x, y) until Brown-Conrady takes it to (u, v): Newton steps, halved until they come nearer."""
    f, g, ux, uy, vx, vy = _bend(x, y, lens, lens_in)
    f, g = f - u, g - v
    error = f * f + g * g
    size = 1.0 + u * u + v * v
    for _ in range(_ITERATIONS):
        determinant = ux * vy - uy * vx
        if error <= 1e-32 * size or determinant == 0.0:
            break
        dx, dy = (vy * f - uy * g) / determinant, (ux * g - vx * f) / determinant
        part, nearer = 1.0, False
        for _ in range(30):
            f1, g1, ux1, uy1, vx1, vy1 = _bend(x - part * dx, y - part * dy, lens, lens_in)
            f1, g1 = f1 - u, g1 - v
            if f1 * f1 + g1 * g1 < error:
                nearer = True
                break
            part *= 0.5
        if not nearer:
            break
        x, y = x - part * dx, y - part * dy
        f, g, ux, uy, vx, vy = f1, g1, ux1, uy1, vx1, vy1
        error = f * f + g * g
    limit = lens_in[lens, LIMIT]
    valid = error <= 1e-22 * size and ux * vy - uy * vx > 0.0 and x * x + y * y <= limit * limit
    return x, y, valid


@scalar
def unproject_point(u: float, v: float, lens: int, lens_in: Any) -> tuple[float, float, float, bool]:
    """Map a point of the distorted image plane to the direction it was seen along.

    Args:
        u: Normalised coordinate to the right, (column - cx) / fx.
        v: Normalised coordinate downwards, (row - cy) / fy.
        lens: Row of the table.
        lens_in: Table of `pack_lenses`.

    Returns:
        The unit direction in the camera's frame, and whether there is one: a point outside the model's range has none,
        and is given (0, 0, 1).
    """
    if lens_in[lens, 0] != 0.0:
        distorted = math.sqrt(u * u + v * v)
        angle, valid = _shrink(distorted, lens, lens_in)
        if not valid:
            return 0.0, 0.0, 1.0, False
        scale = math.sin(angle) / distorted if distorted > 0.0 else 0.0
        return u * scale, v * scale, math.cos(angle), True
    u, v = _turn(u, v, UNTILT, lens, lens_in)
    distorted = math.sqrt(u * u + v * v)
    r, valid = _shrink(distorted, lens, lens_in)
    scale = r / distorted if distorted > 0.0 else 0.0
    x, y = u * scale, v * scale
    if lens_in[lens, SIDEWAYS] != 0.0:
        if not valid:
            x, y = 0.9 * x, 0.9 * y
        x, y, valid = _straighten(u, v, x, y, lens, lens_in)
    if not valid:
        return 0.0, 0.0, 1.0, False
    inverse = 1.0 / math.sqrt(x * x + y * y + 1.0)
    return x * inverse, y * inverse, inverse, True
