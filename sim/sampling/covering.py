"""The covering sampler: every combination of the levels of any t parameters, in few scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...scenes.space import ParameterSpace, nearest
from .covering_array import LevelSpace, Rows, is_of_library, make_covering_array
from .design import Design, Rest, seed_words
from .factors import Factor, cut_parameter, has_levels, is_discrete, read_value
from .grid import check_distinct, place_levels
from .layout import Array, PointLayout

MAX_FACTORS = 256
"""Most factors of one array."""


class CoveringSampler(Design):
    """A t-wise covering array over parameters cut into levels, each scenario somewhere within its levels.

    Every view and look of a scenario stands at the scenario's levels, each at a place of its own within them.

    Args:
        space: The scene's parameters.
        seed: Seed of the recipe, [0, 2^64); another seed gives another array.
        views: Views per scenario.
        looks: Looks per view.
        strength: Parameters of a combination, t.
        bins: Levels of a parameter that says nothing else.
        parameters: Names, or name to bins, edges or values as `cut_parameter` takes them; None for every parameter of
            one number that a scenario has once.
        exclude: Combinations that must not occur, as `read_clause` takes them.
        rest: What the other parameters do.
        effort: Rounds of 8192 annealing steps that look for a smaller array, up to 4096 combinations.

    Raises:
        ValueError: If a name, level or combination cannot be.
        ImportError: If covertable is not installed.
    """

    def __init__(
        self,
        *,
        space: ParameterSpace,
        seed: int,
        views: int,
        looks: int,
        strength: int = 2,
        bins: int = 4,
        parameters: Sequence[str] | Mapping[str, Any] | None = None,
        exclude: Sequence[Mapping[str, Any]] = (),
        rest: Rest = "random",
        effort: int = 20,
    ) -> None:
        self.factors, self.level_space = covering_levels(space, bins=bins, parameters=parameters, exclude=exclude)
        self._strength = strength
        salt = "-".join(f"{word:08x}" for word in seed_words(seed, "sampler/covering"))
        self.rows: Rows = make_covering_array(self.level_space, strength, salt=salt, effort=effort, cache=True)
        layout = PointLayout(space=space, views=views, looks=looks)
        super().__init__(layout=layout, seed=seed, scenarios=len(self.rows), rest=rest)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Points, and the library that made them where one did."""
        from importlib.metadata import version

        if not is_of_library(self.level_space, self._strength):
            return {"scenarios": self._scenarios}
        return {"scenarios": self._scenarios, "library": f"covertable {version('covertable')}"}

    def _point(self, index: int) -> Array:
        # The places within the levels are random whatever the others do: they are what a second design would vary.
        point, drawn = self._others(index), self._drawn(index)
        for factor in self.factors:
            places = self._layout.places(factor.parameter.name, factor.element)
            point[places] = drawn[places]
        place_levels(point, self.factors, tuple(int(level) for level in self.rows[index]), self._layout)
        return point


def covering_levels(
    space: ParameterSpace,
    *,
    bins: int = 4,
    parameters: Sequence[str] | Mapping[str, Any] | None = None,
    exclude: Sequence[Mapping[str, Any]] = (),
) -> tuple[tuple[Factor, ...], LevelSpace]:
    """Cut parameters into the levels of a covering design.

    Args:
        space: The scene's parameters.
        bins: Levels of a parameter that says nothing else.
        parameters: As in `CoveringSampler`.
        exclude: Likewise.

    Returns:
        The factors, and their numbers of levels with the combinations that must not occur.

    Raises:
        ValueError: If a name, level or combination cannot be.
    """
    if parameters is None:
        parameters = [name for name in plain_parameters(space) if space[name].varies == "scenario"]
    asked = parameters if isinstance(parameters, Mapping) else dict.fromkeys(parameters)
    if len(asked) > MAX_FACTORS:
        raise ValueError(f"parameters: at most {MAX_FACTORS} of them, got {len(asked)}; name those that matter")
    try:
        factors = tuple(cut_parameter(space, name, given, bins=bins) for name, given in asked.items())
    except ValueError as error:
        raise ValueError(f"parameters: {error}") from error
    check_distinct(factors)
    clauses = tuple(read_clause(factors, given) for given in exclude)
    return factors, LevelSpace(counts=tuple(len(factor.levels) for factor in factors), forbidden=clauses)


def plain_parameters(space: ParameterSpace) -> list[str]:
    """List the parameters of one number that vary, each by its own coordinate alone."""
    return [p.name for p in space if p.count == 1 and has_levels(space, p)]


def read_clause(factors: Sequence[Factor], given: Mapping[str, Any]) -> dict[int, frozenset[int]]:
    """Read a combination that must not occur.

    Args:
        factors: Those of the design.
        given: Factor name to a value, a list of values, or `{above: x}`, `{below: x}` or both. A bin is meant if any
            value in it is, so that what is excluded never occurs.

    Returns:
        Number of the factor to numbers of its levels.

    Raises:
        ValueError: If a name or a value is none of the design's.
    """
    names = [factor.name for factor in factors]
    if not given:
        raise ValueError("exclude: a combination names at least one parameter")
    clause: dict[int, frozenset[int]] = {}
    for name, wanted in given.items():
        if name not in names:
            raise ValueError(f"exclude: {name!r} is none of the design's parameters; {nearest(name, names)}")
        factor = factors[names.index(name)]
        if isinstance(wanted, Mapping):
            levels = _levels_in_range(factor, wanted)
        else:
            values = wanted if isinstance(wanted, list | tuple) else [wanted]
            levels = frozenset().union(*(_levels_of_value(factor, value) for value in values))
        clause[names.index(name)] = levels
    return clause


def _levels_of_value(factor: Factor, given: Any) -> frozenset[int]:
    try:
        value = read_value(factor.parameter, given)
    except ValueError as error:
        raise ValueError(f"exclude: {error}") from error
    found = frozenset(i for i, level in enumerate(factor.levels) if level.low <= value <= level.high)
    if not found:
        raise ValueError(f"exclude: {factor.name} has no level {given!r}; there are {', '.join(factor.texts)}")
    return found


def _levels_in_range(factor: Factor, given: Mapping[str, Any]) -> frozenset[int]:
    if not given or not set(given) <= {"above", "below"}:
        raise ValueError(f"exclude: {factor.name}: write {{above: x}}, {{below: x}} or both, got {dict(given)}")
    try:
        above = read_value(factor.parameter, given["above"]) if "above" in given else float("-inf")
        below = read_value(factor.parameter, given["below"]) if "below" in given else float("inf")
    except ValueError as error:
        raise ValueError(f"exclude: {error}") from error
    if not above < below:
        raise ValueError(f"exclude: {factor.name}: nothing lies above {above:g} and below {below:g}")
    if is_discrete(factor.parameter.distribution):
        # Whole numbers: the least that is meant is at or under the largest of the level.
        least, most = float(int(above // 1) + 1) if above > float("-inf") else above, below
        return frozenset(
            i
            for i, level in enumerate(factor.levels)
            if max(level.low, least) <= level.high and level.low < most and max(level.low, least) < most
        )
    return frozenset(
        i
        for i, level in enumerate(factor.levels)
        if (level.high > above and level.low < below) or (level.low == level.high and above < level.low < below)
    )
