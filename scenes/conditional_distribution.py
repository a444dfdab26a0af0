"""Distributions whose arguments, or whose value, are expressions of other parameters."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from .distribution import Array, Distribution
from .expression import Expression
from .interval import Interval

_UNKNOWN: Final = "its value depends on other parameters; it is known once they are given"


class Dependent(Distribution):
    """What depends on other parameters: it must be `given` them before it maps anything."""

    @property
    @abstractmethod
    def expressions(self) -> tuple[Expression, ...]:
        """Expressions that it holds."""

    @property
    def is_dependent(self) -> bool:
        return True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for expression in self.expressions for name in expression.names))

    def ppf(self, u: ArrayLike) -> Array:
        raise ValueError(_UNKNOWN)

    def coordinates(self, x: ArrayLike) -> Array:
        raise ValueError(_UNKNOWN)

    def log_density(self, x: ArrayLike) -> Array:
        raise ValueError(_UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Derived(Dependent):
    """A value that follows from other parameters; it takes no coordinate."""

    kind: ClassVar[str] = "expression"
    expression: Expression

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return (self.expression,)

    @property
    def coordinate_count(self) -> int:
        return 0

    @property
    def continuous(self) -> bool:
        return False

    def given(self, values: Mapping[str, Array], count: int) -> Distribution:
        return _Known(values=self.expression.evaluate(values, count), count=count)

    def reach(self, ranges: Mapping[str, Interval], count: int) -> tuple[float, float]:
        found = self.expression.bounds(ranges, count)
        return found.low, found.high

    def to_json(self) -> dict[str, Any]:
        return {self.kind: self.expression.text}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Known(Distribution):
    """Computed values, one for each element."""

    kind: ClassVar[str] = "expression"
    values: Array
    count: int

    @property
    def coordinate_count(self) -> int:
        return 0

    def ppf(self, u: ArrayLike) -> Array:
        return np.broadcast_to(self.values, np.asarray(u).shape[:-1]).copy()

    def coordinates(self, x: ArrayLike) -> Array:
        return np.zeros((*np.asarray(x).shape, 0))

    def log_density(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        # What was stored may have been rounded on its way.
        near = np.abs(given - self.values) <= 1e-9 * np.maximum(np.abs(self.values), 1e-9)
        return np.where(near, 0.0, -math.inf)

    def to_json(self) -> dict[str, Any]:
        raise ValueError("a computed value has no JSON form; write the expression's")


@dataclass(frozen=True, kw_only=True)
class Conditional(Dependent):
    """A distribution some of whose arguments are expressions; where they cannot be, its values are NaN."""

    kind: ClassVar[str] = "conditional"
    name: str
    """Name of the distribution in its JSON form."""
    arguments: Any
    """Its arguments, as nested tuples and pairs of a name and a value, expressions in their places."""
    make: Callable[[str, Any], Distribution] = field(compare=False, repr=False)
    """Makes the distribution of a name and plain arguments."""
    sizes: tuple[int, int]
    """Coordinates and numbers of one value."""
    bounds: Callable[[tuple[Interval, ...]], tuple[float, float]] = field(compare=False, repr=False)
    """Bounds of its values, given the ranges of its numbers in order."""

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(leaf for leaf in _leaves(self.arguments) if isinstance(leaf, Expression))

    @property
    def coordinate_count(self) -> int:
        return self.sizes[0]

    @property
    def value_count(self) -> int:
        return self.sizes[1]

    @property
    def continuous(self) -> bool:
        return self.name not in ("integer", "choice")

    def given(self, values: Mapping[str, Array], count: int) -> Distribution:
        found = [expression.evaluate(values, count) for expression in self.expressions]
        return Elementwise(template=self, values=tuple(found), filled=self._filled)

    def reach(self, ranges: Mapping[str, Interval], count: int) -> tuple[float, float]:
        numbers = [
            leaf.bounds(ranges, count) if isinstance(leaf, Expression) else Interval(leaf, leaf)
            for leaf in _leaves(self.arguments)
            if isinstance(leaf, Expression | int | float)
        ]
        return self.bounds(tuple(numbers))

    def _filled(self, numbers: tuple[float, ...]) -> Distribution | None:
        """Return the distribution with these numbers for its expressions, None where it cannot be."""
        if not all(math.isfinite(number) for number in numbers):
            return None
        if self.name == "integer":  # whole numbers between two bounds
            low, high = _fill(self.arguments, iter(numbers))
            numbers, arguments = (), [math.ceil(low), math.floor(high)]
        else:
            arguments = _fill(self.arguments, iter(numbers))
        try:
            return self.make(self.name, arguments)
        except ValueError:
            return None

    def to_json(self) -> dict[str, Any]:
        return {self.name: _written(self.arguments)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Elementwise(Distribution):
    """A distribution of its own for each element, all of as many coordinates."""

    kind: ClassVar[str] = "conditional"
    template: Distribution
    """What they all are one of."""
    values: tuple[Array, ...]
    """Numbers that each follows from, shape (..., elements or 1)."""
    filled: Callable[[tuple[float, ...]], Distribution | None]
    """Makes one of its numbers; None where it cannot be."""

    @property
    def coordinate_count(self) -> int:
        return self.template.coordinate_count

    @property
    def value_count(self) -> int:
        return self.template.value_count

    def _each(
        self, x: ArrayLike, sizes: tuple[int, int], call: Callable[[Distribution, Array], Array], impossible: float
    ) -> Array:
        """Apply a distribution's method element by element, from `sizes[0]` numbers to `sizes[1]`."""
        given = np.asarray(x, np.float64)
        lead = given.shape if sizes[0] == 1 else given.shape[:-1]
        # Without a coordinate an axis of one stands for it.
        rows = given.reshape(-1, *(() if sizes[0] == 1 else (max(sizes[0], 1),)))
        spread = [np.broadcast_to(value, lead).reshape(-1).tolist() for value in self.values]
        tail = () if sizes[1] == 1 else (sizes[1],)
        out = np.full((rows.shape[0], *tail), impossible)
        made: dict[tuple[float, ...], Distribution | None] = {}
        for i, numbers in enumerate(zip(*spread, strict=True)):
            if numbers not in made:
                made[numbers] = self.filled(numbers)
            if (distribution := made[numbers]) is not None:
                out[i] = call(distribution, rows[i : i + 1])[0]
        return out.reshape(*lead, *tail)

    def ppf(self, u: ArrayLike) -> Array:
        return self._each(u, (self.coordinate_count, self.value_count), lambda one, row: one.ppf(row), math.nan)

    def coordinates(self, x: ArrayLike) -> Array:
        if self.coordinate_count == 0:
            return np.zeros((*np.asarray(x).shape[: -1 if self.value_count > 1 else None], 0))
        sizes = (self.value_count, self.coordinate_count)
        return self._each(x, sizes, lambda one, row: one.coordinates(row), math.nan)

    def log_density(self, x: ArrayLike) -> Array:
        return self._each(x, (self.value_count, 1), lambda one, row: one.log_density(row), -math.inf)

    def to_json(self) -> dict[str, Any]:
        return self.template.to_json()


def freeze_arguments(arguments: Any) -> Any:
    """Return JSON arguments as nested tuples, texts among them as expressions.

    Raises:
        ExpressionError: If a text is no expression.
    """
    if isinstance(arguments, str):
        return Expression(arguments)
    if isinstance(arguments, list | tuple):
        return tuple(freeze_arguments(item) for item in arguments)
    return arguments


def _leaves(arguments: Any) -> Iterator[Any]:
    if isinstance(arguments, tuple):
        for item in arguments:
            yield from _leaves(item)
    elif isinstance(arguments, Words):
        yield from _leaves(arguments.weights)
    else:
        yield arguments


@dataclass(frozen=True)
class Words:
    """A choice's options, which are no expressions, with their weights."""

    options: tuple[Any, ...]
    weights: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len({(type(option), option) for option in self.options}) < len(self.options):
            raise ValueError(f"choice: each option stands once, with its weight, got {list(self.options)}")


def _fill(arguments: Any, numbers: Iterator[float]) -> Any:
    """Return plain arguments with numbers in the places of the expressions, in their order."""
    if isinstance(arguments, tuple):
        return [_fill(item, numbers) for item in arguments]
    if isinstance(arguments, Words):
        return {"options": list(arguments.options), "weights": _fill(arguments.weights, numbers)}
    return next(numbers) if isinstance(arguments, Expression) else arguments


def _written(arguments: Any) -> Any:
    if isinstance(arguments, tuple):
        return [_written(item) for item in arguments]
    if isinstance(arguments, Words):
        return {"options": list(arguments.options), "weights": _written(arguments.weights)}
    return arguments.text if isinstance(arguments, Expression) else arguments
