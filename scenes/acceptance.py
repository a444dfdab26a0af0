"""Which draws a space accepts: requirements that are not met, distributions that cannot be, and how often."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.philox import philox_uniforms
from .cases_distribution import Cases
from .parameter import AXES, Axis
from .scenario import Scenario
from .space import ParameterSpace

Array = NDArray[np.float64]
DRAWS: Final = 4096
"""Draws of an estimate."""
MAX_DRAWS: Final = 2000
"""How often a scenario is drawn in all, those draws counted that do not meet what is required."""
_PROBES: Final = 256
_MOST_ROWS: Final = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """How often a scenario's first draw meets the requirements, estimated from independent draws.

    Example:
        >>> estimate_acceptance(space, seed=0).fraction
        0.62
    """

    draws: int
    """Draws that were tried."""
    accepted: int
    """Draws that met what was enforced on them."""
    met: tuple[tuple[str, int], ...]
    """Condition and draws that met it, whether it was enforced or not."""

    @property
    def fraction(self) -> float:
        """Accepted share of the draws."""
        return self.accepted / self.draws

    @property
    def deviation(self) -> float:
        """Standard deviation of the fraction."""
        return math.sqrt(self.fraction * (1.0 - self.fraction) / self.draws)

    def describe(self) -> str:
        """Say how often each condition was met."""
        held = [f"{condition!r} held in {count}" for condition, count in self.met]
        return ", ".join([f"of {self.draws} draws {self.accepted} met all", *held])

    def to_json(self) -> dict[str, Any]:
        """Return a description of JSON types."""
        return {
            "draws": self.draws,
            "accepted": self.accepted,
            "fraction": self.fraction,
            "met": {condition: count / self.draws for condition, count in self.met},
        }


def find_unmet(space: ParameterSpace, scenario: Scenario) -> str:
    """Say what of a space's requirements a scenario does not meet.

    Args:
        space: The space.
        scenario: A point of it.

    Returns:
        Why it is not accepted, for people; empty where it is.
    """
    return _find_unmet(space, scenario)[0]


def redraw_helps(space: ParameterSpace, scenario: Scenario) -> bool:
    """Tell whether another draw may meet what a scenario does not: not where all that matters is taken in turn.

    Args:
        space: The space.
        scenario: A point of it that `find_unmet` refuses.

    Returns:
        Whether a parameter that matters is drawn.
    """
    needed = space.needed(_find_unmet(space, scenario)[1])
    return any(space[name].coordinate_count and not space[name].distribution.in_turn for name in needed)


def _find_unmet(space: ParameterSpace, scenario: Scenario) -> tuple[str, tuple[str, ...]]:
    """Return why a scenario is not accepted, and the parameters that it is for."""
    if not needs_checking(space):
        return "", ()
    u: dict[Axis, Array] = {"scenario": scenario.u_scenario, "view": scenario.u_view, "look": scenario.u_look}
    values = space.evaluate(u, _checked(space))
    for name in _dependent(space):
        if not np.isfinite(values[name]).all():
            return f"{name} has no value here: {json.dumps(space[name].distribution.to_json())}", (name,)
    met = space.requirements_met(values)
    for requirement in space.requirements:
        held = met[requirement.condition].all()
        if scenario.spared and not requirement.is_hard:
            continue
        if not held and requirement.is_enforced(scenario.seed, scenario.index):
            return f"not met: {requirement.condition}", requirement.expression.names
    return "", ()


def needs_checking(space: ParameterSpace) -> bool:
    """Tell whether a space may refuse a draw."""
    return bool(space.requirements) or bool(_dependent(space))


def _dependent(space: ParameterSpace) -> list[str]:
    # Cases are each possible as declared, and their choice has no more options than there are cases.
    return [p.name for p in space if p.distribution.is_dependent and not isinstance(p.distribution, Cases)]


def _checked(space: ParameterSpace) -> list[str]:
    named = [name for requirement in space.requirements for name in requirement.expression.names]
    return [*dict.fromkeys([*_dependent(space), *named])]


def _draw(
    space: ParameterSpace, names: Iterable[str], seed: int, lead: dict[Axis, tuple[int, ...]]
) -> dict[Axis, Array]:
    """Draw the coordinates of some parameters, 0.5 for all others."""
    u = {axis: np.full((*lead[axis], space.sizes[axis]), 0.5) for axis in AXES}
    for name in names:
        parameter = space[name]
        if parameter.coordinate_count:
            shape = (*lead[parameter.varies], parameter.coordinate_count)
            addresses = np.zeros((math.prod(shape), 3), np.int64)
            addresses[:, 0] = np.arange(math.prod(shape))
            drawn = philox_uniforms(seed, f"acceptance/{name}", addresses)
            u[parameter.varies][..., space.slices[name]] = drawn.reshape(shape)
    return u


def estimate_acceptance(
    space: ParameterSpace, *, seed: int, views: int = 1, looks: int = 1, draws: int = DRAWS
) -> Acceptance:
    """Estimate how often the random sampler's draw is accepted, before physics has its say.

    Args:
        space: The space.
        seed: Seed of the campaign, range [0, 2^64).
        views: Rig placements per scenario.
        looks: Appearances per view.
        draws: Draws to try; fewer where views and looks make each of them large.

    Returns:
        The estimate: a pure function of the arguments.

    Example:
        >>> acceptance = estimate_acceptance(space, seed=7)
    """
    checked = _checked(space)
    finest = max((AXES.index(space[name].varies) for name in checked), default=0)
    views, looks = views if finest > 0 else 1, looks if finest > 1 else 1
    draws = max(min(draws, _MOST_ROWS // (views * looks)), 64)
    u = _draw(
        space,
        space.needed(checked),
        seed,
        {"scenario": (draws,), "view": (draws, views), "look": (draws, views, looks)},
    )
    values = space.evaluate(u, checked)
    accepted = np.ones(draws, bool)
    for name in _dependent(space):
        accepted &= np.isfinite(values[name]).reshape(draws, -1).all(axis=1)
    met = {name: truth.reshape(draws, -1).all(axis=1) for name, truth in space.requirements_met(values).items()}
    for requirement in space.requirements:
        enforced = np.array([requirement.is_enforced(seed, index) for index in range(draws)])
        accepted &= met[requirement.condition] | ~enforced
    return Acceptance(
        draws=draws, accepted=int(accepted.sum()), met=tuple((name, int(truth.sum())) for name, truth in met.items())
    )


def check_possible(space: ParameterSpace) -> None:
    """Raise unless every distribution whose arguments are expressions can be, wherever it was tried.

    Args:
        space: The space.

    Raises:
        ValueError: If one cannot; the message says with what values.
    """
    dependent = _dependent(space)
    if not dependent:
        return
    u = _draw(space, space.needed(dependent), 0, dict.fromkeys(AXES, (_PROBES,)))
    values = space.evaluate(u, dependent)
    for name in dependent:
        bad = ~np.isfinite(values[name]).reshape(_PROBES, -1).all(axis=1)
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            names = space[name].distribution.names
            where = ", ".join(f"{other} = {_brief(values[other][first])}" for other in names) or "it is declared"
            raise ValueError(
                f"{name}: {json.dumps(space[name].distribution.to_json())} cannot be where {where}; keep its arguments "
                "in order, by min and max"
            )


def _brief(values: Array) -> str:
    numbers = np.asarray(values).reshape(-1).tolist()
    return ", ".join(f"{number:.4g}" for number in numbers[:4]) + (", ..." if len(numbers) > 4 else "")
