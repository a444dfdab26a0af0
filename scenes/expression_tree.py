"""What an expression is made of: numbers, names, operators and a short list of functions, evaluated element by element.

Nothing here reaches Python's own names, attributes or calls: a tree holds these node types alone.
"""

# ruff: noqa: D102 (each method is documented once, at Node)

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .distribution import map_each
from .interval import TRUTH, WHOLE, Interval

Array = NDArray[np.float64]
ELEMENT: Final = "element"
"""Name that stands for an element's number within a vector parameter, from 0."""
CONSTANTS: Final = {"pi": math.pi}
"""Names of numbers."""


class Node(ABC):
    """A part of an expression."""

    @abstractmethod
    def evaluate(self, values: Mapping[str, Array]) -> Array:
        """Return the value at every element.

        Args:
            values: Name to numbers, shape (..., elements or 1), float64.

        Returns:
            Shape (..., elements or 1); what is not defined is NaN or infinite.
        """

    @abstractmethod
    def bounds(self, ranges: Mapping[str, Interval]) -> Interval:
        """Return a range that holds every value, given the ranges of the names."""

    def parts(self) -> Iterator[Node]:
        """Yield the nodes below, itself included."""
        yield self


@dataclass(frozen=True)
class Number(Node):
    """A number."""

    value: float

    def evaluate(self, values: Mapping[str, Array]) -> Array:
        return np.full(1, self.value)

    def bounds(self, ranges: Mapping[str, Interval]) -> Interval:
        return Interval(self.value, self.value)


@dataclass(frozen=True)
class Name(Node):
    """A parameter, or one number of it."""

    name: str
    index: int | None = None

    def evaluate(self, values: Mapping[str, Array]) -> Array:
        found = values[self.name]
        return found if self.index is None else found[..., self.index : self.index + 1]

    def bounds(self, ranges: Mapping[str, Interval]) -> Interval:
        return ranges[self.name]


@dataclass(frozen=True)
class Operation(Node):
    """An operator or a function with its arguments."""

    symbol: str
    arguments: tuple[Node, ...]

    def evaluate(self, values: Mapping[str, Array]) -> Array:
        given = [argument.evaluate(values) for argument in self.arguments]
        if self.symbol in _REDUCERS and len(given) == 1:
            elements = [given[0][..., k : k + 1] for k in range(given[0].shape[-1])]
            return np.asarray(functools.reduce(_REDUCERS[self.symbol], elements))
        with np.errstate(all="ignore"):
            return np.asarray(_ARRAYS[self.symbol](*given), np.float64)

    def bounds(self, ranges: Mapping[str, Interval]) -> Interval:
        given = [argument.bounds(ranges) for argument in self.arguments]
        if self.symbol in _REDUCERS and len(given) == 1:
            return given[0]
        found = _INTERVALS[self.symbol](*given)
        return WHOLE if math.isnan(found.low) or math.isnan(found.high) else found

    def parts(self) -> Iterator[Node]:
        yield self
        for argument in self.arguments:
            yield from argument.parts()


def _hypotenuse(*sides: Array) -> Array:
    wide = np.broadcast_arrays(*sides)
    rows = zip(*(side.reshape(-1).tolist() for side in wide), strict=True)
    return np.array([math.hypot(*row) for row in rows], np.float64).reshape(wide[0].shape)


def _guarded(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """Apply a scalar function of libm; where it is not defined, the value is NaN."""

    def call(value: float) -> float:
        try:
            return function(value)
        except (ValueError, OverflowError):
            return math.nan

    return functools.partial(map_each, call)


def _exponential(value: float) -> float:
    if value > 709.7827:
        return math.inf
    return 0.0 if value <= -745.2 else math.exp(value)  # of NaN it is NaN


def _logarithm(value: float) -> float:
    return -math.inf if value <= 0.0 else math.log(value)


def _where(condition: Interval, yes: Interval, no: Interval) -> Interval:
    if condition == Interval(0.0, 0.0):
        return no
    return yes if condition.low > 0.0 or condition.high < 0.0 else yes.union(no)


def _compared(function: Callable[[Array, Array], NDArray[np.bool_]]) -> Callable[[Array, Array], Array]:
    """Compare; what is compared with NaN is neither true nor false."""
    return lambda a, b: np.where(np.isnan(a) | np.isnan(b), math.nan, function(a, b))


def _both(a: Array, b: Array) -> Array:
    return np.where((a == 0.0) | (b == 0.0), 0.0, np.where(np.isnan(a) | np.isnan(b), math.nan, 1.0))


def _either(a: Array, b: Array) -> Array:
    return np.where(_is_true(a) | _is_true(b), 1.0, np.where(np.isnan(a) | np.isnan(b), math.nan, 0.0))


def _is_true(value: Array) -> NDArray[np.bool_]:
    return np.asarray((value != 0.0) & ~np.isnan(value))


def _chosen(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(np.isnan(condition), math.nan, np.where(condition != 0.0, yes, no))


def _fold(function: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    return lambda *given: functools.reduce(function, given)


_REDUCERS: Final[dict[str, Callable[[Array, Array], Array]]] = {"min": np.minimum, "max": np.maximum}

COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")
"""Operators that say true or false."""
LOGIC: Final = ("and", "or", "not")
"""Operators on true and false."""

_ARRAYS: Final[dict[str, Callable[..., Array]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "negative": lambda a: -a,
    "<": _compared(np.less),
    "<=": _compared(np.less_equal),
    ">": _compared(np.greater),
    ">=": _compared(np.greater_equal),
    "==": _compared(np.equal),
    "!=": _compared(np.not_equal),
    "and": _both,
    "or": _either,
    "not": lambda a: np.where(np.isnan(a), math.nan, a == 0.0),
    "min": _fold(np.minimum),
    "max": _fold(np.maximum),
    "abs": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "sin": _guarded(math.sin),
    "cos": _guarded(math.cos),
    "exp": _guarded(_exponential),
    "log": _guarded(_logarithm),
    "hypot": _hypotenuse,
    "where": _chosen,
}

_INTERVALS: Final[dict[str, Callable[..., Interval]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "negative": lambda a: -a,
    **dict.fromkeys((*COMPARISONS, "and", "or"), lambda a, b: TRUTH),
    "not": lambda a: TRUTH,
    "min": lambda *given: functools.reduce(Interval.least, given),
    "max": lambda *given: functools.reduce(Interval.greatest, given),
    "abs": Interval.absolute,
    "sqrt": lambda a: Interval(max(a.low, 0.0), max(a.high, 0.0)).mapped(math.sqrt),
    "floor": lambda a: a.mapped(lambda value: float(math.floor(value)) if math.isfinite(value) else value),
    "sin": Interval.sine,
    "cos": Interval.cosine,
    "exp": lambda a: a.mapped(_exponential),
    "log": lambda a: a.mapped(_logarithm),
    "hypot": lambda *sides: functools.reduce(
        lambda a, b: (a * a + b * b).mapped(math.sqrt), (side.absolute() for side in sides)
    ),
    "where": _where,
}

FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    "min": (1, 8),
    "max": (1, 8),
    "abs": (1, 1),
    "sqrt": (1, 1),
    "floor": (1, 1),
    "sin": (1, 1),
    "cos": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "hypot": (2, 8),
    "where": (3, 3),
}
"""Functions with the fewest and the most arguments; `min` and `max` of one take it over a vector's elements."""
