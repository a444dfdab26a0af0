"""Factors: parameters cut into levels, which grids and covering arrays combine and coverage reports count."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...scenes.distribution import Distribution
from ...scenes.distributions import Choice, Integer
from ...scenes.space import Parameter, ParameterSpace, nearest
from .inverse import find_coordinates, find_interval

Array = NDArray[np.float64]

MAX_LEVELS = 1024
"""Most levels of a factor."""

_ELEMENT = re.compile(r"(?P<name>.+)\[(?P<element>\d+)\]")


@dataclass(frozen=True, kw_only=True)
class Level:
    """A range of a parameter's values, or one value."""

    text: str
    """For people: "box", "3", "3 to 5", "0.6 to 0.7"."""
    u_low: float
    """Least coordinate of the level, in (0, 1)."""
    u_high: float
    """Coordinate at which the next level begins; the same where the level is one point."""
    low: float
    """Least value; a choice's is its index."""
    high: float
    """Largest value."""

    def place(self, r: Array) -> Array:
        """Spread numbers of (0, 1) over the level's coordinates."""
        if self.u_high <= self.u_low:
            return np.full(np.shape(r), self.u_low)
        inside = self.u_low + (self.u_high - self.u_low) * r
        return np.minimum(np.maximum(inside, self.u_low), np.nextafter(self.u_high, 0.0))


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A parameter of one number, or an element of a vector parameter, with its levels in order.

    A bare name of a vector parameter is all its elements at once: they share the level.
    """

    name: str
    """Name as given: `friction`, or `object.size[2]`."""
    parameter: Parameter
    """The parameter."""
    element: int | None
    """Element of a vector parameter; None for all."""
    levels: tuple[Level, ...]
    """In ascending order, or as given."""

    @property
    def texts(self) -> list[str]:
        """The levels in words, with the unit where there is one."""
        return [level.text for level in self.levels]

    def find_cells(self, values: Array) -> NDArray[np.int64]:
        """Find the level of each value.

        Args:
            values: Shape (N,).

        Returns:
            Number of the level, shape (N,); -1 where there is none.
        """
        cells = np.full(len(values), -1, np.int64)
        if is_discrete(self.parameter.distribution) or any(level.low == level.high for level in self.levels):
            for number, level in enumerate(self.levels):
                slack = 1e-9 * max(abs(level.low), abs(level.high))
                cells[(values >= level.low - slack) & (values <= level.high + slack)] = number
            return cells
        # Ranges touch: a value on the edge belongs to the upper one, the largest to the last.
        edges = np.array([level.low for level in self.levels])
        found = np.searchsorted(edges, values, side="right") - 1
        last = self.levels[-1].high
        return np.where(values <= last, np.minimum(found, len(self.levels) - 1), -1).astype(np.int64)


def is_discrete(distribution: Distribution) -> bool:
    """Tell whether a distribution gives whole numbers or options."""
    return isinstance(distribution, Integer | Choice)


def has_levels(space: ParameterSpace, parameter: Parameter) -> bool:
    """Tell whether a parameter of one number varies by its own coordinate alone, so that levels of it are levels of u.

    One whose distribution depends on other parameters, or that is coupled to others, has none of its own.
    """
    distribution = parameter.distribution
    own = (distribution.value_count, distribution.coordinate_count) == (1, 1)
    return (
        own
        and (is_discrete(distribution) or bool(getattr(distribution, "continuous", True)))
        and stands_alone(space, parameter)
    )


def stands_alone(space: ParameterSpace, parameter: Parameter) -> bool:
    """Tell whether a parameter's values follow from its own coordinates alone."""
    groups = getattr(space, "correlated", ())
    coupled = any(parameter.name in group.names for group in groups)
    return not coupled and not getattr(parameter.distribution, "names", ())


def find_parameter(space: ParameterSpace, name: str) -> tuple[Parameter, int | None]:
    """Find what a factor's name means.

    Args:
        space: The scene's parameters.
        name: `friction`, or `object.size[2]` for one element.

    Returns:
        The parameter, and the element or None.

    Raises:
        ValueError: If there is none, or it cannot be cut into levels.
    """
    match = None if name in space.slices else _ELEMENT.fullmatch(name)
    bare = match["name"] if match else name
    if bare not in space.slices:
        raise ValueError(f"unknown parameter {bare!r}; {nearest(bare, space.names)}")
    parameter = space[bare]
    element = int(match["element"]) if match else None
    if element is not None and element >= parameter.count:
        raise ValueError(f"{bare} has {parameter.count} elements, counted from 0; there is no {name}")
    if parameter.distribution.value_count > 1 or parameter.distribution.coordinate_count > 1:
        raise ValueError(f"{bare} has {parameter.distribution.value_count} numbers a value and no levels; leave it out")
    if parameter.distribution.coordinate_count == 0:
        raise ValueError(f"{bare} is fixed and has no levels; leave it out, or give it a distribution")
    if parameter.distribution.in_turn:
        raise ValueError(f"{bare} takes its values in turn and has no levels; leave it out, or give it a distribution")
    if not has_levels(space, parameter):
        if not getattr(parameter.distribution, "names", ()) and not stands_alone(space, parameter):
            raise ValueError(f"{bare} is correlated with other parameters and has no levels of its own; leave it out")
        raise ValueError(f"{bare} depends on other parameters and has no levels of its own; leave it out")
    return parameter, element


def bin_parameter(space: ParameterSpace, name: str, bins: int) -> Factor:
    """Cut a parameter into bins.

    Args:
        space: The scene's parameters.
        name: As in `find_parameter`.
        bins: Most levels: whole numbers are grouped where there are more of them. Choices keep all their options, and
            continuous parameters have so many levels of equal probability.

    Returns:
        The factor.

    Raises:
        ValueError: If there is no such parameter or it has no levels.

    Example:
        >>> bin_parameter(scene.space, "object_count", 4).texts
        ['3 to 5', '6 to 8', '9 to 11', '12 to 15']
    """
    _check_level_count(name, bins)
    parameter, element = find_parameter(space, name)
    distribution = parameter.distribution
    if isinstance(distribution, Choice):
        levels = [_value_level(parameter, float(index)) for index in _options(distribution)]
    elif isinstance(distribution, Integer):
        count = distribution.high - distribution.low + 1
        cuts = [distribution.low + count * i // min(bins, count) for i in range(min(bins, count) + 1)]
        levels = [_range_of_integers(parameter, low, high - 1) for low, high in itertools.pairwise(cuts)]
    else:
        edges = [i / bins for i in range(bins + 1)]
        levels = [_range_of_u(parameter, low, high) for low, high in itertools.pairwise(edges)]
    return Factor(name=name, parameter=parameter, element=element, levels=tuple(levels))


def level_parameter(space: ParameterSpace, name: str, given: Any) -> Factor:
    """Give a parameter levels that are single values, as a grid has them.

    Args:
        space: The scene's parameters.
        name: As in `find_parameter`.
        given: Values in the parameter's unit, or options of a choice; or how many: the middles of so many strata of
            equal probability; or "all" options of a choice or of whole numbers.

    Returns:
        The factor, its levels as given or ascending.

    Raises:
        ValueError: If there is no such parameter, or a level that it cannot have.

    Example:
        >>> level_parameter(scene.space, "object_count", [3, 8]).texts
        ['3', '8']
    """
    parameter, element = find_parameter(space, name)
    distribution = parameter.distribution
    if given == "all":
        if not is_discrete(distribution):
            raise ValueError(f"{name}: only choices and whole numbers have 'all' levels; give a count or values")
        given = _options(distribution)
        _check_level_count(name, len(given))
        values = [float(value) for value in given]
    elif isinstance(given, int) and not isinstance(given, bool):
        _check_level_count(name, given)
        middles = (np.arange(given) + 0.5) / given
        values = [float(value) for value in distribution.ppf(middles)]
        if not is_discrete(distribution):
            levels = tuple(_point(parameter, value, float(u)) for value, u in zip(values, middles, strict=True))
            return Factor(name=name, parameter=parameter, element=element, levels=levels)
        if len(set(values)) < len(values):
            raise ValueError(f"{name}: has not {given} levels of equal probability; write 'all', or give the values")
    elif isinstance(given, Sequence) and not isinstance(given, str) and given:
        values = [read_value(parameter, item) for item in given]
        if len(set(values)) < len(values):
            raise ValueError(f"{name}: a value stands twice in {list(given)}")
    else:
        raise ValueError(f"{name}: give how many levels, or a list of values, or 'all', got {given!r}")
    _check_level_count(name, len(values))
    levels = tuple(_value_level(parameter, value) for value in values)
    return Factor(name=name, parameter=parameter, element=element, levels=levels)


def cut_parameter(space: ParameterSpace, name: str, given: Any, *, bins: int) -> Factor:
    """Cut a parameter as a covering design says.

    Args:
        space: The scene's parameters.
        name: As in `find_parameter`.
        given: Number of bins, or None for `bins`; a list: the edges of the bins of a continuous parameter, ascending,
            or the values of a choice or of whole numbers.
        bins: What None means.

    Returns:
        The factor.

    Raises:
        ValueError: If it cannot be.
    """
    if given is None or (isinstance(given, int) and not isinstance(given, bool)):
        return bin_parameter(space, name, bins if given is None else given)
    parameter, element = find_parameter(space, name)
    if is_discrete(parameter.distribution) or given == "all":
        return level_parameter(space, name, given)
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) < 2:
        raise ValueError(f"{name}: give how many bins, or at least two edges, got {given!r}")
    edges = [read_value(parameter, item) for item in given]
    if sorted(set(edges)) != edges:
        raise ValueError(f"{name}: edges must ascend, got {list(given)}")
    _check_level_count(name, len(edges) - 1)
    at = [float(u) for u in find_coordinates(parameter.distribution, edges)]
    levels = [
        Level(text=_range_text(parameter, low, high), u_low=u_low, u_high=u_high, low=low, high=high)
        for (low, high), (u_low, u_high) in zip(itertools.pairwise(edges), itertools.pairwise(at), strict=True)
    ]
    return Factor(name=name, parameter=parameter, element=element, levels=tuple(levels))


def read_value(parameter: Parameter, given: Any) -> float:
    """Read a value as a person writes it: a number in the parameter's unit, or an option of a choice.

    Raises:
        ValueError: If it is none.
    """
    distribution = parameter.distribution
    if isinstance(distribution, Choice):
        for index, option in enumerate(distribution.options):
            # Of a file every option is text; True is no 1.
            if (option == given and isinstance(option, bool) == isinstance(given, bool)) or str(option) == given:
                return float(index)
        options = [str(option) for option in distribution.options]
        raise ValueError(f"{parameter.name} has no option {given!r}; {nearest(str(given), options)}")
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError(f"{parameter.name}: values must be finite numbers, got {given!r}")
    return float(given)


def _check_level_count(name: str, count: int) -> None:
    if not 1 <= count <= MAX_LEVELS:
        raise ValueError(f"{name}: a parameter has 1 to {MAX_LEVELS} levels, got {count}")


def _options(distribution: Distribution) -> Sequence[int]:
    if isinstance(distribution, Integer):
        return range(distribution.low, distribution.high + 1)
    assert isinstance(distribution, Choice)
    weights = distribution.weights or (1.0,) * len(distribution.options)
    return [index for index, weight in enumerate(weights) if weight > 0]


def _value_level(parameter: Parameter, value: float) -> Level:
    if not is_discrete(parameter.distribution):
        try:
            return _point(parameter, value, float(find_coordinates(parameter.distribution, value)))
        except ValueError as error:
            raise ValueError(f"{parameter.name}: {error}") from error
    try:
        low, high = find_interval(parameter.distribution, value)
    except ValueError as error:
        raise ValueError(f"{parameter.name}: {error}") from error
    text = value_text(parameter, value)
    middle = 0.5 * (float(low) + float(high))  # safe from rounding, and all of the interval is the same value
    return Level(text=text, u_low=middle, u_high=middle, low=value, high=value)


def _range_of_integers(parameter: Parameter, low: int, high: int) -> Level:
    if low == high:
        return _value_level(parameter, float(low))
    starts, ends = find_interval(parameter.distribution, [low, high])
    text = f"{low} to {high}"
    return Level(text=text, u_low=float(starts[0]), u_high=float(ends[1]), low=float(low), high=float(high))


def _range_of_u(parameter: Parameter, low: float, high: float) -> Level:
    support = parameter.distribution.support
    ends = [float(parameter.distribution.ppf(np.array(u))) if 0.0 < u < 1.0 else support[int(u)] for u in (low, high)]
    text = _range_text(parameter, *ends)
    return Level(text=text, u_low=max(low, 2.0**-60), u_high=min(high, 1.0), low=ends[0], high=ends[1])


def _point(parameter: Parameter, value: float, u: float) -> Level:
    return Level(text=value_text(parameter, value), u_low=u, u_high=u, low=value, high=value)


def value_text(parameter: Parameter, value: float) -> str:
    """Write a value for people: an option of a choice, or a number with its unit."""
    distribution = parameter.distribution
    if isinstance(distribution, Choice):
        return str(distribution.options[int(value)])
    unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    return f"{value:.4g}{unit}"


def _range_text(parameter: Parameter, low: float, high: float) -> str:
    unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    if math.isinf(low):
        return f"below {high:.4g}{unit}"
    if math.isinf(high):
        return f"above {low:.4g}{unit}"
    return f"{low:.4g} to {high:.4g}{unit}"
