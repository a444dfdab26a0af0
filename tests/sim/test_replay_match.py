"""Matching of recorded parameters: what means the same keeps its coordinates, all else keeps its value."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from simloom.scenes.acceptance import find_unmet
from simloom.scenes.distributions import parse_distribution
from simloom.scenes.parameter import Axis
from simloom.scenes.scenario import Scenario
from simloom.scenes.space import Parameter, ParameterSpace
from simloom.sim.sampling.replay_match import match_parameters

COUNT, VIEWS, LOOKS = 5, 2, 3
COPIES: dict[Axis, tuple[int, ...]] = {"scenario": (COUNT,), "view": (COUNT, VIEWS), "look": (COUNT, VIEWS, LOOKS)}
BASE: dict[str, Any] = {
    "a": {"uniform": [0.0, 1.0]},
    "b": {"uniform": [0.0, 2.0]},
    "c": {"uniform": [0.0, "1 + b"]},
    "sun": {"uniform": [0.0, "1 + c"]},
    "mass": {"loguniform": [0.1, 3.0]},
}
AXES: dict[str, Axis] = {"sun": "look"}
COUNTS = {"mass": 2}
COUPLED = [{"names": ["a", "b"], "rank": 0.9}]


def _space(correlated: list[Any], **changed: Any) -> ParameterSpace:
    forms = {name: form for name, form in {**BASE, **changed}.items() if form is not None}
    parameters = tuple(
        Parameter(
            name=name,
            distribution=parse_distribution(form),
            unit="1",
            meaning="test",
            varies=AXES.get(name, "scenario"),
            count=COUNTS.get(name, 1),
        )
        for name, form in forms.items()
    )
    return ParameterSpace(parameters=parameters).constrain(correlated=correlated)


def _drawn(space: ParameterSpace) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    generator = np.random.default_rng(3)
    u = {axis: generator.uniform(0.05, 0.95, (*COPIES[axis], space.sizes[axis])) for axis in COPIES}
    return u, space.evaluate(u)


def _replay(
    there: ParameterSpace, here: ParameterSpace
) -> tuple[Any, Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
    """Match, put all coordinates in their places, and return the match, the values there and those here."""
    u, values = _drawn(there)
    match = match_parameters(there, here, values.__getitem__, COPIES, source="data")
    new = {axis: np.full((*COPIES[axis], here.sizes[axis]), 0.5) for axis in COPIES}
    for parameter in here:
        at = here.slices[parameter.name]
        if parameter.name in match.kept:
            new[parameter.varies][..., at] = u[parameter.varies][..., there.slices[parameter.name]]
        elif parameter.name in match.coordinates:
            new[parameter.varies][..., at] = match.coordinates[parameter.name].reshape(*COPIES[parameter.varies], -1)
        elif parameter.name in match.alone:
            found = here.coordinates_of(values, [parameter.name])
            new[parameter.varies][..., at] = found[parameter.name]
    return match, values, here.evaluate(new)


@pytest.mark.parametrize(
    "there, here, by_value",
    [
        (_space(COUPLED), _space([]), {"a", "b"}),
        (_space([]), _space(COUPLED), {"a", "b"}),
        (_space(COUPLED), _space([{"names": ["b", "a"], "rank": 0.9}]), {"a", "b"}),
        (_space(COUPLED), _space(COUPLED, a={"uniform": [-1.0, 1.0]}), {"a", "b"}),
        (_space(COUPLED), _space(COUPLED, mass={"uniform": [0.01, 5.0]}), {"mass"}),
        (_space([]), _space([], c={"uniform": [-1.0, "2 + b"]}), {"c"}),
        (_space([], c={"uniform": [0.0, 1.0]}), _space([]), {"c"}),
        (_space(COUPLED), _space([{"names": ["a", "c", "b"], "rank": 0.5}]), {"a", "b", "c"}),
    ],
)
def test_values_are_met_whatever_they_are_tied_to(
    there: ParameterSpace, here: ParameterSpace, by_value: set[str]
) -> None:
    """Where a copula or a dependence comes, goes or changes, the values stay; all others keep their coordinates."""
    match, before, after = _replay(there, here)

    assert {*match.alone, *match.coordinates} == by_value
    assert set(match.kept) == set(here.names) - by_value
    for name, values in before.items():
        assert np.allclose(after[name], values, rtol=1e-6, atol=1e-12), name


def test_what_depends_on_another_value_here_is_found_by_its_own() -> None:
    """The same expression of a parameter that stands elsewhere now is another distribution."""
    match, before, after = _replay(_space([]), _space([], b=1.95))

    assert set(match.coordinates) == {"c"}
    assert np.allclose(after["c"], before["c"], rtol=1e-12)
    assert np.allclose(after["sun"], before["sun"], rtol=1e-12)


def test_what_cannot_be_is_answered() -> None:
    """A value that its new distribution never gives, and one that goes with a parameter of no record."""
    with pytest.raises(ValueError, match=r"data: c: .* gives no "):
        _replay(_space([], c={"uniform": [5.0, 6.0]}), _space([]))
    with pytest.raises(ValueError, match="hardly ever have; weaken their correlation"):
        _replay(_space([]), _space([{"names": ["a", "b"], "rank": 0.999}]))
    with pytest.raises(ValueError, match="a goes with b, which is not recorded there"):
        _replay(_space([], b=None, c=None, sun=None), _space(COUPLED, c=None, sun=None))


def test_a_soft_requirement_is_not_held_against_a_spared_point() -> None:
    """It is where the point is proposed anew, in its share of the scenarios; a hard one always is."""
    space = _space([]).constrain(require=[{"condition": "a > 0.99", "probability": 0.5}])
    hard = _space([]).constrain(require=["a > 0.99"])

    def scenario(index: int, spared: bool) -> Scenario:
        sizes = space.sizes
        return Scenario(
            index=index,
            seed=5,
            u_scenario=np.full(sizes["scenario"], 0.5),
            u_view=np.full((1, sizes["view"]), 0.5),
            u_look=np.full((1, 1, sizes["look"]), 0.5),
            spared=spared,
        )

    assert any(find_unmet(space, scenario(index, False)) for index in range(16))
    assert not any(find_unmet(space, scenario(index, True)) for index in range(16))
    assert all(find_unmet(hard, scenario(index, True)) for index in range(16))
