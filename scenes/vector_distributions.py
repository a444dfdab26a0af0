"""Distributions whose values are vectors: rotations, permutations, points on a disk and in a box, fixed vectors."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .distribution import Array, Distribution, check_finite, check_ordered, keep_inside


def turn_share(sine: float, cosine: float) -> float:
    """Return a direction's share of a whole turn, in [0, 1)."""
    share = math.atan2(sine, cosine) / (2.0 * math.pi)
    return share if share >= 0.0 else share + 1.0


@dataclass(frozen=True, kw_only=True)
class Rotation(Distribution):
    """Rotations, uniform over SO(3), as quaternions xyzw.

    Source: Shoemake, "Uniform random rotations", Graphics Gems III, 1992.
    """

    kind: ClassVar[str] = "so3"

    @property
    def coordinate_count(self) -> int:
        return 3

    @property
    def value_count(self) -> int:
        return 4

    def ppf(self, u: ArrayLike) -> Array:
        given = np.asarray(u, np.float64)
        rows = []
        for a, b, c in given.reshape(-1, 3).tolist():
            inner, outer = math.sqrt(1.0 - a), math.sqrt(a)
            first, second = 2.0 * math.pi * b, 2.0 * math.pi * c
            rows.append(
                (inner * math.sin(first), inner * math.cos(first), outer * math.sin(second), outer * math.cos(second))
            )
        return np.array(rows, np.float64).reshape(*given.shape[:-1], 4)

    def coordinates(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        rows = []
        for x, y, z, w in given.reshape(-1, 4).tolist():
            outer = (z * z + w * w) / (x * x + y * y + z * z + w * w) if abs(x) + abs(y) + abs(z) + abs(w) else math.nan
            rows.append((outer, turn_share(x, y), turn_share(z, w)))
        return keep_inside(np.array(rows, np.float64).reshape(*given.shape[:-1], 3))

    def log_density(self, x: ArrayLike) -> Array:
        """Return the density over the unit 3-sphere of quaternions, whose area is 2 pi^2."""
        return np.full(np.asarray(x).shape[:-1], -math.log(2.0 * math.pi**2))

    def to_json(self) -> dict[str, Any]:
        return {self.kind: []}


@dataclass(frozen=True, kw_only=True)
class OnDisk(Distribution):
    """Points (x, y), uniform over a disk about the origin."""

    kind: ClassVar[str] = "on_disk"
    radius: float

    def __post_init__(self) -> None:
        check_finite(self.kind, radius=self.radius)
        if self.radius <= 0:
            raise ValueError(f"{self.kind}: the radius must be above 0, got {self.radius}")

    @property
    def coordinate_count(self) -> int:
        return 2

    @property
    def value_count(self) -> int:
        return 2

    def ppf(self, u: ArrayLike) -> Array:
        given = np.asarray(u, np.float64)
        rows = []
        for a, b in given.reshape(-1, 2).tolist():
            length, angle = self.radius * math.sqrt(a), 2.0 * math.pi * b
            rows.append((length * math.cos(angle), length * math.sin(angle)))
        return np.array(rows, np.float64).reshape(*given.shape[:-1], 2)

    def coordinates(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        rows = [((a * a + b * b) / self.radius**2, turn_share(b, a)) for a, b in given.reshape(-1, 2).tolist()]
        return keep_inside(np.array(rows, np.float64).reshape(*given.shape[:-1], 2))

    def log_density(self, x: ArrayLike) -> Array:
        p = np.asarray(x, np.float64)
        inside = p[..., 0] ** 2 + p[..., 1] ** 2 <= self.radius**2 * (1.0 + 1e-12)
        return np.where(inside, -math.log(math.pi * self.radius**2), -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: self.radius}

    @property
    def support(self) -> tuple[float, float]:
        return -self.radius, self.radius

    def scaled(self, factor: float) -> Self:
        return replace(self, radius=self.radius * factor)


@dataclass(frozen=True, kw_only=True)
class InBox(Distribution):
    """Points (x, y, z), uniform in a box."""

    kind: ClassVar[str] = "in_box"
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

    @property
    def value_count(self) -> int:
        return 3

    def ppf(self, u: ArrayLike) -> Array:
        low, high = np.array(self.low, np.float64), np.array(self.high, np.float64)
        return np.asarray(low + (high - low) * np.asarray(u, np.float64))

    def coordinates(self, x: ArrayLike) -> Array:
        low, high = np.array(self.low, np.float64), np.array(self.high, np.float64)
        return keep_inside((np.asarray(x, np.float64) - low) / (high - low))

    def log_density(self, x: ArrayLike) -> Array:
        p = np.asarray(x, np.float64)
        inside = ((p >= self.low) & (p <= self.high)).all(axis=-1)
        return np.where(
            inside, -math.fsum(math.log(b - a) for a, b in zip(self.low, self.high, strict=True)), -math.inf
        )

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [list(self.low), list(self.high)]}

    @property
    def support(self) -> tuple[float, float]:
        return min(self.low), max(self.high)

    def scaled(self, factor: float) -> Self:
        a, b, c = (value * factor for value in self.low)
        d, e, f = (value * factor for value in self.high)
        return replace(self, low=(a, b, c), high=(d, e, f))


@dataclass(frozen=True, kw_only=True)
class Permutation(Distribution):
    """Orders of n things, all equally probable; number k of a value is the thing in place k, from 0."""

    kind: ClassVar[str] = "permutation"
    size: int

    def __post_init__(self) -> None:
        given: object = self.size  # from a file: the annotation is a wish
        if isinstance(given, bool) or not isinstance(given, int) or not 2 <= given <= 1024:
            raise ValueError(f"{self.kind}: the number of things must be a whole number in [2, 1024], got {given!r}")

    @property
    def coordinate_count(self) -> int:
        return self.size

    @property
    def value_count(self) -> int:
        return self.size

    @property
    def continuous(self) -> bool:
        return False

    def ppf(self, u: ArrayLike) -> Array:
        return np.argsort(np.asarray(u, np.float64), axis=-1, kind="stable").astype(np.float64)

    def _orders(self, x: ArrayLike) -> tuple[Array, Array]:
        """Return the values and whether each is an order."""
        given = np.asarray(x, np.float64)
        return given, (np.sort(given, axis=-1) == np.arange(self.size)).all(axis=-1)

    def coordinates(self, x: ArrayLike) -> Array:
        given, good = self._orders(x)
        place = np.argsort(given, axis=-1, kind="stable")
        return np.where(good[..., None], (place + 0.5) / self.size, math.nan)

    def log_density(self, x: ArrayLike) -> Array:
        _, good = self._orders(x)
        return np.where(good, -math.lgamma(self.size + 1), -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: self.size}

    @property
    def support(self) -> tuple[float, float]:
        return 0, self.size - 1


@dataclass(frozen=True, kw_only=True)
class FixedVector(Distribution):
    """One vector, which takes no coordinate."""

    kind: ClassVar[str] = "fixed"
    value: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.value) < 2:
            raise ValueError(f"{self.kind}: a vector has 2 numbers or more, got {list(self.value)}")
        for number in self.value:
            check_finite(self.kind, value=number)

    @property
    def coordinate_count(self) -> int:
        return 0

    @property
    def value_count(self) -> int:
        return len(self.value)

    @property
    def continuous(self) -> bool:
        return False

    def ppf(self, u: ArrayLike) -> Array:
        lead = np.asarray(u).shape[:-1]
        return np.broadcast_to(np.array(self.value, np.float64), (*lead, len(self.value))).copy()

    def coordinates(self, x: ArrayLike) -> Array:
        return np.zeros((*np.asarray(x).shape[:-1], 0))

    def log_density(self, x: ArrayLike) -> Array:
        return np.where((np.asarray(x, np.float64) == self.value).all(axis=-1), 0.0, -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: list(self.value)}

    @property
    def support(self) -> tuple[float, float]:
        return min(self.value), max(self.value)

    def scaled(self, factor: float) -> Self:
        return replace(self, value=tuple(number * factor for number in self.value))
