"""Distributions whose values are vectors: rotations, points on a disk and in a box."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .distribution import Array, Distribution, check_finite, check_ordered


@dataclass(frozen=True, kw_only=True)
class Rotation(Distribution):
    """Rotations, uniform over SO(3), as quaternions xyzw.

    Source: Shoemake, "Uniform random rotations", Graphics Gems III, 1992.
    """

    kind: ClassVar[str] = "so3"
    coordinate_count: ClassVar[int] = 3
    value_count: ClassVar[int] = 4

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

    def log_density(self, x: ArrayLike) -> Array:
        """Return the density over the unit 3-sphere of quaternions, whose area is 2 pi^2."""
        return np.full(np.asarray(x).shape[:-1], -math.log(2.0 * math.pi**2))

    def to_json(self) -> dict[str, Any]:
        return {self.kind: []}


@dataclass(frozen=True, kw_only=True)
class OnDisk(Distribution):
    """Points (x, y), uniform over a disk about the origin."""

    kind: ClassVar[str] = "on_disk"
    coordinate_count: ClassVar[int] = 2
    value_count: ClassVar[int] = 2
    radius: float

    def __post_init__(self) -> None:
        check_finite(self.kind, radius=self.radius)
        if self.radius <= 0:
            raise ValueError(f"{self.kind}: the radius must be above 0, got {self.radius}")

    def ppf(self, u: ArrayLike) -> Array:
        given = np.asarray(u, np.float64)
        rows = []
        for a, b in given.reshape(-1, 2).tolist():
            length, angle = self.radius * math.sqrt(a), 2.0 * math.pi * b
            rows.append((length * math.cos(angle), length * math.sin(angle)))
        return np.array(rows, np.float64).reshape(*given.shape[:-1], 2)

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
    coordinate_count: ClassVar[int] = 3
    value_count: ClassVar[int] = 3
    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def __post_init__(self) -> None:
        if np.shape(self.low) != (3,) or np.shape(self.high) != (3,):
            raise ValueError(f"{self.kind}: both corners need 3 numbers, got {self.low} and {self.high}")
        for low, high in zip(self.low, self.high, strict=True):
            check_ordered(self.kind, low, high)

    def ppf(self, u: ArrayLike) -> Array:
        low, high = np.array(self.low, np.float64), np.array(self.high, np.float64)
        return np.asarray(low + (high - low) * np.asarray(u, np.float64))

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
