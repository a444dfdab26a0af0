"""Continuous distributions of one number."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .distribution import (
    Array,
    Distribution,
    check_finite,
    check_ordered,
    density_inside,
    keep_inside,
    map_each,
    normal_cdf,
)


@dataclass(frozen=True, kw_only=True)
class Uniform(Distribution):
    """Uniform between two bounds."""

    kind: ClassVar[str] = "uniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        check_ordered(self.kind, self.low, self.high)

    def ppf(self, u: ArrayLike) -> Array:
        return np.asarray(self.low + (self.high - self.low) * np.asarray(u, np.float64))

    def coordinates(self, x: ArrayLike) -> Array:
        return keep_inside((np.asarray(x, np.float64) - self.low) / (self.high - self.low))

    def log_density(self, x: ArrayLike) -> Array:
        return density_inside(x, self.low, self.high, -math.log(self.high - self.low))

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.low, self.high]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def scaled(self, factor: float) -> Self:
        return replace(self, low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, kw_only=True)
class LogUniform(Distribution):
    """Uniform in the logarithm between two positive bounds."""

    kind: ClassVar[str] = "loguniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        check_ordered(self.kind, self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"{self.kind}: both bounds must be above 0, got [{self.low}, {self.high}]; use uniform")

    def ppf(self, u: ArrayLike) -> Array:
        start, span = math.log(self.low), math.log(self.high) - math.log(self.low)
        return map_each(lambda value: min(max(math.exp(start + span * value), self.low), self.high), u)

    def coordinates(self, x: ArrayLike) -> Array:
        start, span = math.log(self.low), math.log(self.high) - math.log(self.low)
        return keep_inside(map_each(lambda value: (math.log(value) - start) / span if value > 0 else math.nan, x))

    def log_density(self, x: ArrayLike) -> Array:
        norm = math.log(math.log(self.high) - math.log(self.low))
        return map_each(lambda v: -math.log(v) - norm if self.low <= v <= self.high else -math.inf, x)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.low, self.high]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def scaled(self, factor: float) -> Self:
        return replace(self, low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, kw_only=True)
class Normal(Distribution):
    """Normal with mean and standard deviation."""

    kind: ClassVar[str] = "normal"
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        check_finite(self.kind, mean=self.mean, deviation=self.deviation)
        if self.deviation <= 0:
            raise ValueError(f"{self.kind}: the standard deviation must be above 0, got {self.deviation}")

    def ppf(self, u: ArrayLike) -> Array:
        inverse = NormalDist().inv_cdf  # Wichura's AS241
        return map_each(lambda value: self.mean + self.deviation * inverse(value), u)

    def coordinates(self, x: ArrayLike) -> Array:
        return keep_inside(map_each(lambda value: normal_cdf((value - self.mean) / self.deviation), x))

    def log_density(self, x: ArrayLike) -> Array:
        z = (np.asarray(x, np.float64) - self.mean) / self.deviation
        return np.asarray(-0.5 * z * z - (math.log(self.deviation) + 0.5 * math.log(2.0 * math.pi)))

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.mean, self.deviation]}

    def scaled(self, factor: float) -> Self:
        return replace(self, mean=self.mean * factor, deviation=self.deviation * factor)


@dataclass(frozen=True, kw_only=True)
class TruncatedNormal(Distribution):
    """Normal with mean and standard deviation of the parent, kept between two bounds."""

    kind: ClassVar[str] = "truncnormal"
    mean: float
    deviation: float
    low: float
    high: float

    def __post_init__(self) -> None:
        check_finite(self.kind, mean=self.mean, deviation=self.deviation)
        check_ordered(self.kind, self.low, self.high)
        if self.deviation <= 0:
            raise ValueError(f"{self.kind}: the standard deviation must be above 0, got {self.deviation}")
        if self._mass()[2] < 1e-300:
            raise ValueError(f"{self.kind}: the bounds [{self.low}, {self.high}] lie too far out; use uniform")

    def _mass(self) -> tuple[float, float, float, bool]:
        """Return the lower tail at both bounds, their difference, and whether the axis was mirrored for accuracy."""
        a, b = (self.low - self.mean) / self.deviation, (self.high - self.mean) / self.deviation
        mirrored = a > 0
        if mirrored:
            a, b = -b, -a
        tail_a, tail_b = 0.5 * math.erfc(-a / math.sqrt(2.0)), 0.5 * math.erfc(-b / math.sqrt(2.0))
        return tail_a, tail_b, tail_b - tail_a, mirrored

    def ppf(self, u: ArrayLike) -> Array:
        start, _, mass, mirrored = self._mass()
        inverse = NormalDist().inv_cdf

        def value(v: float) -> float:
            z = -inverse(start + mass * (1.0 - v)) if mirrored else inverse(start + mass * v)
            return min(max(self.mean + self.deviation * z, self.low), self.high)

        return map_each(value, u)

    def coordinates(self, x: ArrayLike) -> Array:
        start, _, mass, mirrored = self._mass()

        def share(value: float) -> float:
            if not self.low <= value <= self.high:
                return math.nan
            z = (value - self.mean) / self.deviation
            return 1.0 - (normal_cdf(-z) - start) / mass if mirrored else (normal_cdf(z) - start) / mass

        return keep_inside(map_each(share, x))

    def log_density(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        z = (given - self.mean) / self.deviation
        norm = math.log(self.deviation) + 0.5 * math.log(2.0 * math.pi) + math.log(self._mass()[2])
        return np.where((given >= self.low) & (given <= self.high), -0.5 * z * z - norm, -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.mean, self.deviation, self.low, self.high]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def scaled(self, factor: float) -> Self:
        return replace(
            self,
            mean=self.mean * factor,
            deviation=self.deviation * factor,
            low=self.low * factor,
            high=self.high * factor,
        )


@dataclass(frozen=True, kw_only=True)
class Beta(Distribution):
    """Beta with shapes a and b, stretched from [0, 1] to two bounds."""

    kind: ClassVar[str] = "beta"
    a: float
    b: float
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        check_finite(self.kind, a=self.a, b=self.b)
        check_ordered(self.kind, self.low, self.high)
        if not (0.01 <= self.a <= 1e6 and 0.01 <= self.b <= 1e6):
            raise ValueError(f"{self.kind}: both shapes must be in [0.01, 1e6], got {self.a} and {self.b}")

    def ppf(self, u: ArrayLike) -> Array:
        from scipy.special import betaincinv

        share = betaincinv(self.a, self.b, np.asarray(u, np.float64))
        return np.asarray(np.clip(self.low + (self.high - self.low) * share, self.low, self.high))

    def coordinates(self, x: ArrayLike) -> Array:
        from scipy.special import betainc

        share = (np.asarray(x, np.float64) - self.low) / (self.high - self.low)
        inside = (share >= 0.0) & (share <= 1.0)
        return keep_inside(np.where(inside, betainc(self.a, self.b, np.clip(share, 0.0, 1.0)), math.nan))

    def log_density(self, x: ArrayLike) -> Array:
        span = self.high - self.low
        norm = math.lgamma(self.a + self.b) - math.lgamma(self.a) - math.lgamma(self.b) - math.log(span)

        def density(value: float) -> float:
            share = (value - self.low) / span
            if not 0.0 <= share <= 1.0:
                return -math.inf
            return norm + _power(share, self.a - 1.0) + _power(1.0 - share, self.b - 1.0)

        return map_each(density, x)

    def to_json(self) -> dict[str, Any]:
        ends = [] if (self.low, self.high) == (0.0, 1.0) else [self.low, self.high]
        return {self.kind: [self.a, self.b, *ends]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def scaled(self, factor: float) -> Self:
        return replace(self, low=self.low * factor, high=self.high * factor)


def _power(base: float, exponent: float) -> float:
    """Return the logarithm of a power of a number in [0, 1]."""
    if exponent == 0.0:
        return 0.0
    return exponent * math.log(base) if base > 0.0 else -math.copysign(math.inf, exponent)
