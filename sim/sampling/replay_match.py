"""Match: which parameters of a recorded space mean the same in another, and what the others' values are there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...scenes.copula import CorrelatedGroup
from ...scenes.space import Axis, Parameter, ParameterSpace
from .factors import stands_alone
from .inverse import clip_coordinates
from .layout import Array

_FARTHEST = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """How parameters of a recorded space come back in another."""

    kept: tuple[str, ...]
    """Those that keep their coordinates."""
    alone: tuple[str, ...]
    """Those whose coordinates follow from their own values."""
    coordinates: dict[str, Array]
    """Coordinates, shape (N, copies * coordinates), of those whose follow from other parameters' values as well."""


def match_parameters(
    there: ParameterSpace,
    here: ParameterSpace,
    read: Callable[[str], Array],
    copies: Mapping[Axis, tuple[int, ...]],
    *,
    source: str,
) -> Match:
    """Match the parameters that two spaces share.

    One keeps its coordinates where its distribution, all that it depends on and its correlated group are the same. The
    others are found by value.

    Args:
        there: The space that was recorded.
        here: The other.
        read: Returns the recorded values of a parameter of both, as it varies here.
        copies: Axis to the leading shape of a value: scenarios, then views, then looks.
        source: What to call the record in messages.

    Returns:
        The match.

    Raises:
        ValueError: If a value depends on a parameter that was not recorded, or cannot be here.
    """
    group_here, group_there = _groups_of(here), _groups_of(there)
    matters = {other for parameter in here for other in parameter.distribution.names}
    values: dict[str, Array] = {}
    same: set[str] = set()
    kept: set[str] = set()
    for name in here.order:
        parameter, needed = here[name], here[name].distribution.names
        if not parameter.coordinate_count:
            if name in matters and all(other in values for other in needed):
                lead = copies[parameter.varies]
                values[name] = parameter.values(np.zeros((*lead, 0)), here.known(parameter, values, len(lead) + 1))
                if name in there.slices and _is_same(values[name], read(name)):
                    same.add(name)
            continue
        if name not in there.slices:
            continue
        same.add(name)
        if name in matters:
            values[name] = _shaped(parameter, read(name), copies, source)
        is_kept = _means_the_same(there[name], parameter) and all(other in same for other in needed)
        if is_kept and group_here.get(name) == group_there.get(name):
            kept.add(name)
    for group in group_here.values():  # a group is kept as a whole or not at all
        if not kept.issuperset(group.names):
            kept.difference_update(group.names)
    changed = [p for p in here if p.coordinate_count and p.name in there.slices and p.name not in kept]
    joint = [p for p in changed if not stands_alone(here, p)]
    for parameter in joint:
        fellows = group_here[parameter.name].names if parameter.name in group_here else ()
        for other in (*parameter.distribution.names, *fellows):
            if other not in there.slices and other not in values:
                raise ValueError(
                    f"{source}: {parameter.name} goes with {other}, which is not recorded there; leave that out of the "
                    "recipe, or replay a file of whole points u"
                )
        values[parameter.name] = _shaped(parameter, read(parameter.name), copies, source)
    try:
        found = here.coordinates_of(values, [p.name for p in joint]) if joint else {}
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    for name, u in found.items():
        # That near to 1 a double no longer tells one value from another.
        if name in group_here and not ((u > _FARTHEST) & (u < 1.0 - _FARTHEST)).all():
            raise ValueError(
                f"{source}: {name} has values that {', '.join(group_here[name].names)}, correlated as they are here, "
                "hardly ever have; weaken their correlation, or leave it out"
            )
    count = copies["scenario"][0]
    return Match(
        kept=tuple(p.name for p in here if p.name in kept),
        alone=tuple(p.name for p in changed if stands_alone(here, p)),
        coordinates={name: clip_coordinates(u).reshape(count, -1) for name, u in found.items()},
    )


def _groups_of(space: ParameterSpace) -> dict[str, CorrelatedGroup]:
    """Return the correlated group of each parameter that is in one, with those of its names that vary."""
    return {name: group for names, group in space.coupled() for name in names}


def _means_the_same(there: Parameter, here: Parameter) -> bool:
    one, other = (json.dumps(p.distribution.to_json(), sort_keys=True) for p in (there, here))
    return one == other and (there.count, there.varies) == (here.count, here.varies)


def _is_same(here: Array, there: Array) -> bool:
    return here.shape == there.shape and bool(np.allclose(here, there, rtol=1e-12, atol=0.0))


def _shaped(parameter: Parameter, values: Array, copies: Mapping[Axis, tuple[int, ...]], source: str) -> Array:
    tail = () if parameter.value_count == 1 else (parameter.value_count,)
    if values.shape != (wanted := (*copies[parameter.varies], *tail)):
        raise ValueError(f"{source}: {parameter.name} has values of shape {values.shape} there and of {wanted} here")
    return values
