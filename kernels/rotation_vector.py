"""Turns by a rotation vector: its direction is the axis, its length the angle."""

from __future__ import annotations

import math
from typing import Any

from .device import scalar


@scalar
def turn_vector(x: Any, y: Any, z: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any, Any]:
    """Return a vector turned by a rotation vector.

    Args:
        x: The rotation vector [rad], likewise y and z.
        y: See x.
        z: See x.
        a: The vector, likewise b and c.
        b: See a.
        c: See a.

    Source: Rodrigues, Journal de Mathématiques 5, 1840.
    """
    square = x * x + y * y + z * z
    angle = math.sqrt(square)
    if angle < 1e-4:  # what is left out is below the last bit
        sine, versine = 1.0 - square / 6.0, 0.5 - square / 24.0
    else:
        sine = math.sin(angle) / angle
        half = math.sin(0.5 * angle) / angle
        versine = 2.0 * half * half
    u, v, w = y * c - z * b, z * a - x * c, x * b - y * a
    p = a + sine * u + versine * (y * w - z * v)
    q = b + sine * v + versine * (z * u - x * w)
    r = c + sine * w + versine * (x * v - y * u)
    return p, q, r


@scalar
def vector_to_quaternion(x: Any, y: Any, z: Any) -> tuple[Any, Any, Any, Any]:
    """Return the unit quaternion, xyzw, of a rotation vector [rad]."""
    square = x * x + y * y + z * z
    angle = math.sqrt(square)
    sine = 0.5 - square / 48.0 if angle < 1e-4 else math.sin(0.5 * angle) / angle
    return sine * x, sine * y, sine * z, math.cos(0.5 * angle)
