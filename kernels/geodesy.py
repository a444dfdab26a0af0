"""Latitude, longitude and height on the WGS 84 ellipsoid, from and to east, north, up about an origin.

Both ways are closed forms, without iteration; there and back is within 20 nm, 40 km about an origin.

Sources: NIMA TR8350.2, "Department of Defense World Geodetic System 1984", 3rd edition; Heikkinen,
"Geschlossene Formeln zur Berechnung raeumlicher geodaetischer Koordinaten aus rechtwinkligen Koordinaten", Zeitschrift
fuer Vermessungswesen 107, 1982; Zhu, "Conversion of Earth-centered Earth-fixed coordinates to geodetic coordinates",
IEEE Transactions on Aerospace and Electronic Systems 30(3), 1994.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .tensors import find_place

SEMI_MAJOR_AXIS: Final = 6378137.0
"""Equatorial radius of WGS 84 [m]."""
FLATTENING: Final = 1.0 / 298.257223563
"""Flattening of WGS 84."""

_A: Final = SEMI_MAJOR_AXIS
_B: Final = SEMI_MAJOR_AXIS * (1.0 - FLATTENING)
_E2: Final = FLATTENING * (2.0 - FLATTENING)
_EP2: Final = _E2 / (1.0 - _E2)


@scalar
def _centered(latitude: float, longitude: float, height: float) -> tuple[float, float, float]:
    sine = math.sin(latitude)
    normal = _A / math.sqrt(1.0 - _E2 * sine * sine)
    across = (normal + height) * math.cos(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), (normal * (1.0 - _E2) + height) * sine


@scalar
def _to_geodetic(point: Any, enu_in: Any, origin_in: Any, geodetic_out: Any) -> None:
    latitude, longitude = math.radians(origin_in[0]), math.radians(origin_in[1])
    sin_lat, cos_lat = math.sin(latitude), math.cos(latitude)
    sin_lon, cos_lon = math.sin(longitude), math.cos(longitude)
    x0, y0, z0 = _centered(latitude, longitude, origin_in[2])
    east, north, up = enu_in[point, 0], enu_in[point, 1], enu_in[point, 2]
    out = cos_lat * up - sin_lat * north
    x, y = x0 + cos_lon * out - sin_lon * east, y0 + sin_lon * out + cos_lon * east
    z = z0 + sin_lat * up + cos_lat * north
    r2 = x * x + y * y
    r = math.sqrt(r2)
    f = 54.0 * _B * _B * z * z
    g = r2 + (1.0 - _E2) * z * z - _E2 * (_A * _A - _B * _B)
    c = _E2 * _E2 * f * r2 / (g * g * g)
    s = (1.0 + c + math.sqrt(c * c + 2.0 * c)) ** (1.0 / 3.0)
    k = s + 1.0 + 1.0 / s
    p = f / (3.0 * k * k * g * g)
    q = math.sqrt(1.0 + 2.0 * _E2 * _E2 * p)
    under = 0.5 * _A * _A * (1.0 + 1.0 / q) - p * (1.0 - _E2) * z * z / (q * (1.0 + q)) - 0.5 * p * r2
    r0 = math.sqrt(under if under > 0.0 else 0.0) - p * _E2 * r / (1.0 + q)
    w = r - _E2 * r0
    u = math.sqrt(w * w + z * z)
    v = math.sqrt(w * w + (1.0 - _E2) * z * z)
    geodetic_out[point, 0] = math.degrees(math.atan2(z + _EP2 * (_B * _B * z / (_A * v)), r))
    geodetic_out[point, 1] = math.degrees(math.atan2(y, x))
    geodetic_out[point, 2] = u * (1.0 - _B * _B / (_A * v))


@scalar
def _to_enu(point: Any, geodetic_in: Any, origin_in: Any, enu_out: Any) -> None:
    latitude, longitude = math.radians(origin_in[0]), math.radians(origin_in[1])
    sin_lat, cos_lat = math.sin(latitude), math.cos(latitude)
    sin_lon, cos_lon = math.sin(longitude), math.cos(longitude)
    x0, y0, z0 = _centered(latitude, longitude, origin_in[2])
    x, y, z = _centered(math.radians(geodetic_in[point, 0]), math.radians(geodetic_in[point, 1]), geodetic_in[point, 2])
    x, y, z = x - x0, y - y0, z - z0
    out = cos_lon * x + sin_lon * y
    enu_out[point, 0] = cos_lon * y - sin_lon * x
    enu_out[point, 1] = cos_lat * z - sin_lat * out
    enu_out[point, 2] = sin_lat * z + cos_lat * out


_GEODETIC: Final = Kernel(_to_geodetic)
_ENU: Final = Kernel(_to_enu)


def geodetic_from_enu(enu: Any, origin: ArrayLike, *, device: str = "cpu", threads: int | None = None) -> Any:
    """Return latitude [deg], longitude [deg] and height [m] of points given east, north, up of an origin.

    Args:
        enu: East, north, up [m], shape (..., 3), NumPy or torch; points stay far from the Earth's centre.
        origin: Latitude [deg], longitude [deg] and ellipsoidal height [m] of the origin, shape (3,).
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Latitude in [-90, 90], longitude in [-180, 180] and ellipsoidal height, float64, shape (..., 3).

    Raises:
        ValueError: If a shape or the origin is wrong.

    Example:
        >>> geodetic_from_enu(np.zeros((1, 3)), (48.0, 11.0, 500.0)).round(9)
        array([[ 48.,  11., 500.]])
    """
    return _convert(_GEODETIC, enu, origin, "enu", device, threads)


def enu_from_geodetic(geodetic: Any, origin: ArrayLike, *, device: str = "cpu", threads: int | None = None) -> Any:
    """Return east, north, up [m] about an origin of points given latitude, longitude and height.

    Args:
        geodetic: Latitude [deg], longitude [deg], ellipsoidal height [m], shape (..., 3), NumPy or torch.
        origin: Those of the origin, shape (3,).
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        East, north, up, float64, shape (..., 3).

    Raises:
        ValueError: If a shape or the origin is wrong.

    Example:
        >>> enu_from_geodetic(np.array([[48.0, 11.0, 510.0]]), (48.0, 11.0, 500.0)).round(6)[0, 2]
        10.0
    """
    return _convert(_ENU, geodetic, origin, "geodetic", device, threads)


def _convert(kernel: Kernel, points: Any, origin: ArrayLike, name: str, device: str, threads: int | None) -> Any:
    start = np.asarray(origin, np.float64)
    if start.shape != (3,) or not np.isfinite(start).all() or abs(start[0]) > 90.0 or abs(start[1]) > 360.0:
        raise ValueError(f"origin must be latitude and longitude in degrees and a height in metres, got {origin!r}")
    shape = tuple(points.shape)
    if not shape or shape[-1] != 3:
        raise ValueError(f"{name} must have shape (..., 3), got {shape}")
    place = find_place(points, device)
    count = math.prod(shape[:-1])
    result = place.allocate((count, 3), np.float64)
    given = place.borrow(points, np.float64).reshape(count, 3)
    kernel.launch(count, given, start, result, device=place.device, threads=threads)
    return place.give(result.reshape(shape))
