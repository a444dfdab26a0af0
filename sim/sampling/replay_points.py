"""Replayed points: coordinates of u, made of whole points or of named values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...scenes.space import Parameter, nearest
from .design import MAX_SCENARIOS
from .factors import read_value, stands_alone
from .inverse import find_coordinates
from .layout import Array, PointLayout

MAX_NUMBERS = 1 << 27
"""Most coordinates of a replay, which are kept at once (1 GiB)."""

_ELEMENT = re.compile(r"(?P<name>.+)\[(?P<element>\d+)\]")


@dataclass(frozen=True, kw_only=True, eq=False)
class ReplayPoints:
    """What is replayed of N scenarios."""

    places: NDArray[np.int64]
    """Which coordinates of a point are given, shape (D,)."""
    u: Array
    """Their values, shape (N, D), range (0, 1)."""
    attempt: NDArray[np.int64]
    """At which attempt each was drawn, shape (N,)."""
    weight: Array
    """Importance weight of each, shape (N,)."""
    spared: NDArray[np.bool_]
    """Whether soft requirements are left out of account, shape (N,)."""
    has_gaps: bool = False
    """Whether their numbers were others there, so that noise is another."""

    @property
    def count(self) -> int:
        """Scenarios."""
        return len(self.u)


def whole_points(u: Array, layout: PointLayout, *, source: str) -> ReplayPoints:
    """Take points as they are.

    Args:
        u: Shape (N, dimensions), range (0, 1).
        layout: Where the coordinates stand.
        source: What to call it in messages.

    Raises:
        ValueError: If the shape or the range is wrong.
    """
    given = np.asarray(u, np.float64)
    if given.ndim != 2 or given.shape[1] != layout.dimensions:
        sizes = layout.space.sizes
        raise ValueError(
            f"{source}: u must have {layout.dimensions} coordinates a scenario ({sizes['scenario']} of the scenario, "
            f"{layout.views} views x {sizes['view']}, {layout.views * layout.looks} looks x {sizes['look']}), "
            f"got shape {given.shape}"
        )
    if not ((given > 0.0) & (given < 1.0)).all():
        line = int(np.flatnonzero(~((given > 0.0) & (given < 1.0)).all(axis=1))[0])
        raise ValueError(f"{source}, scenario {line}: u must lie inside (0, 1)")
    return _points(np.arange(layout.dimensions), given, source=source)


def value_points(columns: Mapping[str, Any], layout: PointLayout, *, source: str) -> ReplayPoints:
    """Find the points that named values come from.

    Args:
        columns: Parameter name, or `name[element]`, to N values; with further axes for views and looks in an array.
            A choice's value is an option, or its index where the name begins with `param/`, as in a dataset.
        layout: Where the coordinates stand.
        source: What to call it in messages.

    Raises:
        ValueError: If a name is unknown, a value cannot be, or a distribution has no inverse.
    """
    space = layout.space
    places: list[NDArray[np.int64]] = []
    found: list[Array] = []
    taken: dict[int, str] = {}
    for column, values in columns.items():
        name = column.removeprefix("param/")
        match = None if name in space.slices else _ELEMENT.fullmatch(name)
        bare, element = (match["name"], int(match["element"])) if match else (name, None)
        if bare not in space.slices:
            raise ValueError(f"{source}: unknown parameter {bare!r}; {nearest(bare, space.names)}")
        parameter = space[bare]
        if element is not None and element >= parameter.count:
            raise ValueError(f"{source}: {bare} has {parameter.count} elements, counted from 0; there is no {column}")
        if not stands_alone(space, parameter):
            raise ValueError(f"{source}: {bare} depends on other parameters: leave it out, or give whole points u")
        numbers = _numbers(parameter, values, indices=column.startswith("param/"), source=f"{source}: {column}")
        at = layout.places(bare, element)
        try:
            u = _coordinates(parameter, element, numbers, layout)
        except ValueError as error:
            raise ValueError(f"{source}: {column}: {error}") from error
        for place in at.reshape(-1).tolist():
            if place in taken:
                raise ValueError(f"{source}: {column} and {taken[place]} give the same value")
            taken[place] = column
        places.append(at.reshape(-1))
        found.append(u)
    lengths = {len(u) for u in found}
    if len(lengths) != 1:
        raise ValueError(f"{source}: every column must hold as many scenarios, got {sorted(lengths) or 'no columns'}")
    return _points(np.concatenate(places), np.concatenate(found, axis=1), source=source)


def _points(places: NDArray[np.int64], u: Array, *, source: str) -> ReplayPoints:
    count = len(u)
    if not 1 <= count <= MAX_SCENARIOS:
        raise ValueError(f"{source}: a replay has 1 to {MAX_SCENARIOS} scenarios, got {count}")
    if u.size > MAX_NUMBERS:
        raise ValueError(f"{source}: {u.size} coordinates are more than {MAX_NUMBERS}; replay in parts")
    return ReplayPoints(
        places=places, u=u, attempt=np.zeros(count, np.int64), weight=np.ones(count), spared=np.ones(count, np.bool_)
    )


def _numbers(parameter: Parameter, values: Any, *, indices: bool, source: str) -> Array:
    """Read a column's values as finite numbers, shape (N, ...)."""
    array = np.asarray(values)
    read: Callable[[Any], float] = float if indices else lambda item: _read_number(parameter, item)
    if array.dtype.kind not in "fiu" or (not indices and parameter.distribution.kind == "choice"):
        if array.dtype.kind not in "fiubUO":
            raise ValueError(f"{source}: holds {array.dtype}, not numbers")
        flat: Sequence[Any] = array.reshape(-1).tolist()
        try:
            array = np.array([read(item) for item in flat], np.float64).reshape(array.shape)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{source}: {error}") from error
    numbers = array.astype(np.float64)
    if numbers.ndim == 0 or not np.isfinite(numbers).all():
        raise ValueError(f"{source}: values must be a list of finite numbers")
    return numbers


def _read_number(parameter: Parameter, item: Any) -> float:
    if isinstance(item, str) and parameter.distribution.kind != "choice":
        try:
            return read_value(parameter, float(item))
        except ValueError:
            pass  # said in the parameter's words
    return read_value(parameter, item)


def _coordinates(parameter: Parameter, element: int | None, numbers: Array, layout: PointLayout) -> Array:
    """Return the coordinates of values for all copies and elements, shape (N, copies * coordinates)."""
    distribution = parameter.distribution
    inner = distribution.value_count
    elements = 1 if element is not None else parameter.count
    tail = (elements, inner) if elements * inner > 1 else (1, 1)
    lead = numbers.shape if tail == (1, 1) else numbers.shape[:-1]
    if tail != (1, 1) and (numbers.ndim < 2 or numbers.shape[-1] != elements * inner):
        raise ValueError(
            f"has {elements * inner} numbers a value: give them along the last axis, or as columns "
            f"{parameter.name}[0], ..., got shape {numbers.shape}"
        )
    copies = {"scenario": (), "view": (layout.views,), "look": (layout.views, layout.looks)}[parameter.varies]
    extra = lead[1:]
    if extra != copies[: len(extra)]:
        raise ValueError(f"must have one value a scenario, or as well for {copies} views and looks, got shape {lead}")
    values = numbers.reshape(*lead, *(1,) * (len(copies) - len(extra)), *tail)
    if distribution.coordinate_count == 0:
        if not (np.abs(values - distribution.ppf(np.zeros((1, 1)))) <= 1e-9 * (1.0 + np.abs(values))).all():
            raise ValueError(f"is fixed at {distribution.to_json()} and cannot be replayed with another value")
        return np.zeros((len(numbers), 0))
    u = find_coordinates(distribution, values if inner > 1 else values[..., 0])
    u = u.reshape(*values.shape[:-2], elements * distribution.coordinate_count)
    spread = np.broadcast_to(u, (len(numbers), *copies, u.shape[-1]))
    return np.ascontiguousarray(spread).reshape(len(numbers), -1)
