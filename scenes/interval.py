"""Interval arithmetic: what a formula can reach when its arguments keep to ranges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

_FAR: Final = 1e4
"""Arguments of sines beyond which nothing is said of their values."""
_SLACK: Final = 1e-11


@dataclass(frozen=True)
class Interval:
    """All numbers from low to high, either of which may be infinite.

    Example:
        >>> Interval(1.0, 2.0) * Interval(-1.0, 3.0)
        Interval(low=-2.0, high=6.0)
    """

    low: float
    high: float

    @classmethod
    def hull(cls, *ends: float) -> Self:
        """Return the smallest interval that holds all these numbers."""
        return cls(min(ends), max(ends))

    @property
    def is_one(self) -> bool:
        """Whether it holds a single number."""
        return self.low == self.high

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def __mul__(self, other: Interval) -> Interval:
        return Interval.hull(*(_times(a, b) for a in (self.low, self.high) for b in (other.low, other.high)))

    def __truediv__(self, other: Interval) -> Interval:
        if other.low <= 0.0 <= other.high:
            return WHOLE
        return self * Interval.hull(1.0 / other.low, 1.0 / other.high)

    def mapped(self, function: Callable[[float], float]) -> Interval:
        """Return what a rising function makes of it."""
        return Interval(_apply(function, self.low), _apply(function, self.high))

    def absolute(self) -> Interval:
        """Return what the absolute value makes of it."""
        inner = 0.0 if self.low <= 0.0 <= self.high else min(abs(self.low), abs(self.high))
        return Interval(inner, max(abs(self.low), abs(self.high)))

    def cosine(self) -> Interval:
        """Return what the cosine makes of it."""
        wide = not self.high - self.low < 2.0 * math.pi
        if wide or max(abs(self.low), abs(self.high)) > _FAR:  # far out, turns cannot be told from rounding
            return Interval(-1.0, 1.0)
        first, last = math.floor(self.low / math.pi), math.floor(self.high / math.pi)
        # Between the ends it turns at every multiple of pi: 1 at the even, -1 at the odd ones.
        turns = [1.0 if k % 2 == 0 else -1.0 for k in range(first + 1, last + 1)]
        found = Interval.hull(math.cos(self.low), math.cos(self.high), *turns)
        # A turn just at an end may be lost to rounding.
        return Interval(max(found.low - _SLACK, -1.0), min(found.high + _SLACK, 1.0))

    def sine(self) -> Interval:
        """Return what the sine makes of it."""
        return (self - Interval(0.5 * math.pi, 0.5 * math.pi)).cosine()

    def union(self, other: Interval) -> Interval:
        """Return the smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def least(self, other: Interval) -> Interval:
        """Return what the smaller of two numbers can be."""
        return Interval(min(self.low, other.low), min(self.high, other.high))

    def greatest(self, other: Interval) -> Interval:
        """Return what the larger of two numbers can be."""
        return Interval(max(self.low, other.low), max(self.high, other.high))


WHOLE = Interval(-math.inf, math.inf)
"""All numbers."""
TRUTH = Interval(0.0, 1.0)
"""False or true."""


def _times(a: float, b: float) -> float:
    # Arguments are finite, however large: nothing times infinitely many is nothing.
    return 0.0 if a == 0.0 or b == 0.0 else a * b


def _apply(function: Callable[[float], float], value: float) -> float:
    if value == math.inf:
        return math.inf
    try:
        return function(value)
    except OverflowError:
        return math.inf
    except ValueError:  # the root or logarithm of a negative number
        return -math.inf
