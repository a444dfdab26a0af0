"""The context of a scene: a place that is chosen first, and what its lights, colours and clutter are like."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from .cases_distribution import Cases
from .conditional import depend_on, only_option
from .distribution import Distribution
from .distributions import Choice, Integer, LogUniform, Uniform
from .lamp_space import SKIES
from .look_space import MATERIAL_KINDS
from .space import Parameter, ParameterSpace

CONTEXTS: Final = ("any", "kitchen", "warehouse", "bench", "street_at_night")
"""Options of `context`; in `any` all is drawn as the scene declares it, whatever goes with what."""
NAME: Final = "context"


def _sky(*names: str) -> Choice:
    return Choice(options=SKIES, weights=tuple(1.0 if name in names else 0.0 for name in SKIES))


def _sun(shines: float) -> Choice:
    return Choice(options=("shines", "none"), weights=(shines, 1.0 - shines))


def _surface(**weights: float) -> Choice:
    return Choice(options=MATERIAL_KINDS, weights=tuple(weights.get(kind, 0.0) for kind in MATERIAL_KINDS))


def _kinds(box: float, sphere: float, cylinder: float, capsule: float, random_object: float) -> Choice:
    return Choice(
        options=("random_object", "box", "sphere", "cylinder", "capsule"),
        weights=(random_object, box, sphere, cylinder, capsule),
    )


def _degrees(low: float, high: float) -> Uniform:
    return Uniform(low=math.radians(low), high=math.radians(high))


CASES: Final[Mapping[str, Mapping[str, Distribution]]] = {
    "kitchen": {
        "light.sun": _sun(0.35),
        "light.irradiance": LogUniform(low=20.0, high=150.0),
        "light.elevation": _degrees(25.0, 50.0),
        "sky.image": _sky("room"),
        "lamp_count": Integer(low=1, high=4),
        "lamp.temperature": Uniform(low=2600.0, high=4000.0),
        "weather.fog_extinction": LogUniform(low=1e-4, high=1e-2),
        "floor.material": _surface(checker=0.4, wood=0.4, texture=0.2),
        "table.material": _surface(wood=0.45, speckle=0.3, plain=0.15, texture=0.1),
        "table.color": Uniform(low=0.25, high=0.85),
        "distractor_count": Integer(low=2, high=6),
        "distractor.kind": _kinds(0.2, 0.2, 0.45, 0.05, 0.1),
        "distractor.size": Uniform(low=0.05, high=0.2),
        "distractor.place": Choice(options=("table", "floor"), weights=(0.9, 0.1)),
    },
    "warehouse": {
        "light.sun": _sun(0.1),
        "light.irradiance": LogUniform(low=10.0, high=80.0),
        "sky.image": _sky("hall"),
        "lamp_count": Integer(low=2, high=4),
        "lamp.temperature": Uniform(low=4000.0, high=6500.0),
        "lamp.elevation": _degrees(55.0, 80.0),
        "weather.fog_extinction": LogUniform(low=1e-3, high=5e-2),
        "floor.material": _surface(noise=0.6, speckle=0.3, plain=0.1),
        "floor.color": Uniform(low=0.2, high=0.45),
        "floor.pattern_color": Uniform(low=0.15, high=0.4),
        "table.material": _surface(plain=0.4, wood=0.4, noise=0.2),
        "ground.material": _surface(noise=0.6, speckle=0.3, plain=0.1),
        "ground.color": Uniform(low=0.2, high=0.45),
        "ground.pattern_color": Uniform(low=0.15, high=0.4),
        "wall.material": _surface(plain=0.5, stripes=0.3, noise=0.2),
        "distractor_count": Integer(low=1, high=6),
        "distractor.kind": _kinds(0.7, 0.0, 0.2, 0.0, 0.1),
        "distractor.size": Uniform(low=0.12, high=0.35),
        "distractor.place": Choice(options=("table", "floor"), weights=(0.3, 0.7)),
    },
    "bench": {
        "light.sun": _sun(0.15),
        "light.irradiance": LogUniform(low=15.0, high=100.0),
        "sky.image": _sky("room", "hall"),
        "lamp_count": Integer(low=1, high=3),
        "lamp.kind": Choice(options=("point", "spot"), weights=(0.3, 0.7)),
        "lamp.temperature": Uniform(low=4000.0, high=6500.0),
        "weather.fog_extinction": LogUniform(low=1e-4, high=1e-2),
        "floor.material": _surface(plain=0.4, speckle=0.4, noise=0.2),
        "table.material": _surface(plain=0.45, wood=0.35, speckle=0.2),
        "table.color": Uniform(low=0.1, high=0.7),
        "distractor_count": Integer(low=1, high=6),
        "distractor.kind": _kinds(0.3, 0.05, 0.3, 0.15, 0.2),
        "distractor.size": Uniform(low=0.03, high=0.15),
        "distractor.place": Choice(options=("table", "floor"), weights=(0.95, 0.05)),
    },
    "street_at_night": {
        "light.sun": _sun(0.0),
        "light.irradiance": LogUniform(low=1.0, high=6.0),
        "sky.image": _sky("night"),
        "lamp_count": Integer(low=1, high=3),
        "lamp.temperature": Uniform(low=1900.0, high=3200.0),
        "lamp.elevation": _degrees(45.0, 75.0),
        "weather.fog_extinction": LogUniform(low=1e-3, high=8e-2),
        "floor.material": _surface(noise=0.5, speckle=0.5),
        "floor.color": Uniform(low=0.06, high=0.2),
        "floor.pattern_color": Uniform(low=0.05, high=0.15),
        "ground.material": _surface(noise=0.5, speckle=0.5),
        "ground.color": Uniform(low=0.06, high=0.2),
        "ground.pattern_color": Uniform(low=0.05, high=0.15),
        "wall.material": _surface(texture=0.5, stripes=0.3, plain=0.2),
    },
}
"""What each place says of parameters by name; those that a scene lacks are passed over."""


def structure_space(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Put the context before parameters and let those that a place says something of depend on it.

    Args:
        parameters: A scene's parameters, none of them named `context`.

    Returns:
        The parameter `context`, then the others in their order. While the group `context` does not vary, the context is
        `any` and every parameter is distributed as before.

    Example:
        >>> ParameterSpace(parameters=tuple(structure_space(my_parameters)))
    """
    context = Parameter(
        name=NAME,
        distribution=Choice(options=CONTEXTS, weights=(0.2, 0.2, 0.2, 0.2, 0.2)),
        unit="1",
        meaning="Place that lights, surfaces and clutter are drawn for",
        group="context",
        nominal=0,
    )
    found = [context]
    for parameter in parameters:
        cases = {place: given[parameter.name] for place, given in CASES.items() if parameter.name in given}
        found.append(depend_on(parameter, NAME, cases, CONTEXTS) if cases else parameter)
    return found


def check_context(space: ParameterSpace, changed: Iterable[str]) -> None:
    """Raise where a context is asked for and nothing that varies depends on it.

    Args:
        space: A scene's parameters, before cases are settled.
        changed: Names of those that a recipe changes.

    Raises:
        ValueError: If the context is among them, may be another than `any`, and conditions nothing.
    """
    if NAME not in changed or NAME not in space.names or only_option(space[NAME].distribution) == 0:
        return
    if any(isinstance(p.distribution, Cases) and p.distribution.of == NAME for p in space):
        return
    raise ValueError(
        f"{NAME}: nothing depends on it, because no parameter that it conditions varies; name lighting, materials, "
        f"lamps or distractors under randomize, or leave {NAME!r} out"
    )
