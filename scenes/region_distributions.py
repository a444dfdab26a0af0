"""Points on the surface and in the volume of simple bodies, uniform over it: box, sphere, ball, shell."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .distribution import Array, Distribution, check_finite, check_ordered, keep_inside
from .vector_distributions import turn_share

_NEAR = 1e-9
"""Departure from a surface that rounding may make, over its size."""


class _Region(Distribution):
    """Points (x, y, z), uniform over a surface or a volume."""

    @property
    def value_count(self) -> int:
        return 3

    @abstractmethod
    def _place(self, *u: float) -> tuple[float, float, float]:
        """Map one point's coordinates to it."""

    @abstractmethod
    def _find(self, x: float, y: float, z: float) -> tuple[float, ...]:
        """Map a point to its coordinates; NaN where it is not one."""

    @property
    @abstractmethod
    def measure(self) -> float:
        """Area [m^2] or volume [m^3]."""

    def ppf(self, u: ArrayLike) -> Array:
        given = np.asarray(u, np.float64)
        rows = [self._place(*row) for row in given.reshape(-1, self.coordinate_count).tolist()]
        return np.array(rows, np.float64).reshape(*given.shape[:-1], 3)

    def coordinates(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        rows = [self._find(*row) for row in given.reshape(-1, 3).tolist()]
        return keep_inside(np.array(rows, np.float64).reshape(*given.shape[:-1], self.coordinate_count))

    def log_density(self, x: ArrayLike) -> Array:
        """Return the density over the area or the volume."""
        return np.where(np.isnan(self.coordinates(x)).any(axis=-1), -math.inf, -math.log(self.measure))


def _direction(a: float, b: float) -> tuple[float, float, float]:
    """Map two coordinates to a direction, uniform over the sphere."""
    z = 1.0 - 2.0 * a
    flat, angle = math.sqrt(max(1.0 - z * z, 0.0)), 2.0 * math.pi * b
    return flat * math.cos(angle), flat * math.sin(angle), z


def _direction_shares(x: float, y: float, z: float, length: float) -> tuple[float, float]:
    # The centre lies in no direction: any maps to it.
    return (0.5 * (1.0 - z / length), turn_share(y, x)) if length > 0 else (0.5, 0.5)


def _check_radius(kind: str, radius: object) -> None:
    check_finite(kind, radius=radius)
    if not isinstance(radius, int | float) or radius <= 0:
        raise ValueError(f"{kind}: the radius must be above 0, got {radius}")


@dataclass(frozen=True, kw_only=True)
class OnSphere(_Region):
    """Points on a sphere about the origin."""

    kind: ClassVar[str] = "on_sphere"
    radius: float

    def __post_init__(self) -> None:
        _check_radius(self.kind, self.radius)

    @property
    def coordinate_count(self) -> int:
        return 2

    @property
    def measure(self) -> float:
        return 4.0 * math.pi * self.radius**2

    def _place(self, *u: float) -> tuple[float, float, float]:
        x, y, z = _direction(*u)
        return self.radius * x, self.radius * y, self.radius * z

    def _find(self, x: float, y: float, z: float) -> tuple[float, ...]:
        length = math.hypot(x, y, z)
        if not abs(length - self.radius) <= _NEAR * self.radius:
            return math.nan, math.nan
        return _direction_shares(x, y, z, length)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: self.radius}

    @property
    def support(self) -> tuple[float, float]:
        return -self.radius, self.radius

    def scaled(self, factor: float) -> Self:
        return replace(self, radius=self.radius * factor)


@dataclass(frozen=True, kw_only=True)
class InBall(_Region):
    """Points in a ball about the origin."""

    kind: ClassVar[str] = "in_ball"
    radius: float

    def __post_init__(self) -> None:
        _check_radius(self.kind, self.radius)

    @property
    def coordinate_count(self) -> int:
        return 3

    @property
    def measure(self) -> float:
        return 4.0 / 3.0 * math.pi * self.radius**3

    def _place(self, *u: float) -> tuple[float, float, float]:
        x, y, z = _direction(u[0], u[1])
        length = self.radius * math.cbrt(u[2])
        return length * x, length * y, length * z

    def _find(self, x: float, y: float, z: float) -> tuple[float, ...]:
        length = math.hypot(x, y, z)
        return *_direction_shares(x, y, z, length), (length / self.radius) ** 3

    def to_json(self) -> dict[str, Any]:
        return {self.kind: self.radius}

    @property
    def support(self) -> tuple[float, float]:
        return -self.radius, self.radius

    def scaled(self, factor: float) -> Self:
        return replace(self, radius=self.radius * factor)


@dataclass(frozen=True, kw_only=True)
class InShell(_Region):
    """Points between two spheres about the origin."""

    kind: ClassVar[str] = "in_shell"
    inner_radius: float
    outer_radius: float

    def __post_init__(self) -> None:
        check_ordered(self.kind, self.inner_radius, self.outer_radius)
        if self.inner_radius < 0:
            raise ValueError(f"{self.kind}: the inner radius must not be negative, got {self.inner_radius}")

    @property
    def coordinate_count(self) -> int:
        return 3

    @property
    def measure(self) -> float:
        return 4.0 / 3.0 * math.pi * (self.outer_radius**3 - self.inner_radius**3)

    def _place(self, *u: float) -> tuple[float, float, float]:
        x, y, z = _direction(u[0], u[1])
        length = math.cbrt(self.inner_radius**3 + (self.outer_radius**3 - self.inner_radius**3) * u[2])
        return length * x, length * y, length * z

    def _find(self, x: float, y: float, z: float) -> tuple[float, ...]:
        length = math.hypot(x, y, z)
        share = (length**3 - self.inner_radius**3) / (self.outer_radius**3 - self.inner_radius**3)
        return *_direction_shares(x, y, z, length), share

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.inner_radius, self.outer_radius]}

    @property
    def support(self) -> tuple[float, float]:
        return -self.outer_radius, self.outer_radius

    def scaled(self, factor: float) -> Self:
        return replace(self, inner_radius=self.inner_radius * factor, outer_radius=self.outer_radius * factor)


@dataclass(frozen=True, kw_only=True)
class OnBox(_Region):
    """Points on the six faces of a box."""

    kind: ClassVar[str] = "on_box"
    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def __post_init__(self) -> None:
        if np.shape(self.low) != (3,) or np.shape(self.high) != (3,):
            raise ValueError(f"{self.kind}: both corners need 3 numbers, got {self.low} and {self.high}")
        for low, high in zip(self.low, self.high, strict=True):
            check_ordered(self.kind, low, high)

    @property
    def coordinate_count(self) -> int:
        return 3

    def _faces(self) -> list[float]:
        """Return the areas of the faces: low x, high x, low y, high y, low z, high z."""
        x, y, z = (high - low for low, high in zip(self.low, self.high, strict=True))
        return [y * z, y * z, x * z, x * z, x * y, x * y]

    @property
    def measure(self) -> float:
        return math.fsum(self._faces())

    def _place(self, *u: float) -> tuple[float, float, float]:
        left, faces = u[0] * self.measure, self._faces()
        face = 0
        while face < 5 and left >= faces[face]:
            left -= faces[face]
            face += 1
        point = list(self.low)
        axis, first, second = face // 2, (face // 2 + 1) % 3, (face // 2 + 2) % 3
        # The first coordinate only chooses the face, the other two are the place on it.
        point[first] = self.low[first] + (self.high[first] - self.low[first]) * u[1]
        point[second] = self.low[second] + (self.high[second] - self.low[second]) * u[2]
        point[axis] = self.high[axis] if face % 2 else self.low[axis]
        return point[0], point[1], point[2]

    def _find(self, x: float, y: float, z: float) -> tuple[float, ...]:
        point, faces = (x, y, z), self._faces()
        shares = [(p - low) / (high - low) for p, low, high in zip(point, self.low, self.high, strict=True)]
        away = [abs(shares[face // 2] - face % 2) for face in range(6)]
        face = away.index(min(away))
        if not (away[face] <= _NEAR and all(-_NEAR <= share <= 1.0 + _NEAR for share in shares)):
            return math.nan, math.nan, math.nan
        axis = face // 2
        middle = (math.fsum(faces[:face]) + 0.5 * faces[face]) / self.measure
        return middle, shares[(axis + 1) % 3], shares[(axis + 2) % 3]

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [list(self.low), list(self.high)]}

    @property
    def support(self) -> tuple[float, float]:
        return min(self.low), max(self.high)

    def scaled(self, factor: float) -> Self:
        a, b, c = (value * factor for value in self.low)
        d, e, f = (value * factor for value in self.high)
        return replace(self, low=(a, b, c), high=(d, e, f))
