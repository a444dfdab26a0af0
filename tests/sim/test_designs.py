"""Designs: Latin hypercubes, grids and covering designs over a space, without a scene."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simloom.scenes.distribution import Distribution
from simloom.scenes.distributions import Choice, Fixed, Integer, LogUniform, Normal, Sequence, Uniform
from simloom.scenes.scenario import Scenario
from simloom.scenes.space import Axis, Parameter, ParameterSpace
from simloom.scenes.vector_distributions import Rotation
from simloom.sim.sampling import CoveringSampler, GridSampler, LatinHypercubeSampler, RandomSampler, SobolSampler
from simloom.sim.sampling.design import Design


def _parameter(name: str, distribution: Distribution, varies: Axis = "scenario", **more: Any) -> Parameter:
    return Parameter(name=name, distribution=distribution, unit="m", meaning="test", varies=varies, **more)


SPACE = ParameterSpace(
    parameters=(
        _parameter("kind", Choice(options=("box", "ball", "rod", "cup"), weights=(0.5, 0.2, 0.3, 0.0))),
        _parameter("count", Integer(low=3, high=15)),
        _parameter("size", LogUniform(low=0.1, high=0.4), count=3),
        _parameter("height", Uniform(low=0.6, high=0.8), nominal=0.75),
        _parameter("still", Fixed(value=2.0)),
        _parameter("turn", Rotation()),
        _parameter("camera", Normal(mean=1.0, deviation=0.2), "view"),
        _parameter("sun", Uniform(low=0.0, high=1.0), "look"),
    )
)
SHARED: dict[str, Any] = {"space": SPACE, "seed": 7, "views": 2, "looks": 2}


def _points(sampler: Any, count: int) -> NDArray[np.float64]:
    found = [sampler.propose(index) for index in range(count)]
    return np.array([[*p.u_scenario, *p.u_view.ravel(), *p.u_look.ravel()] for p in found])


def _values(scenario: Scenario) -> dict[str, Any]:
    return SPACE.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)


def test_every_stratum_of_every_coordinate_of_a_latin_hypercube_holds_one_point() -> None:
    """The margins of N points are one point in each of N equal intervals, views and looks included."""
    points = _points(LatinHypercubeSampler(**SHARED, scenarios=50), 50)

    assert points.shape == (50, 1 + 1 + 3 + 1 + 3 + 2 + 4)
    assert (np.sort(np.floor(points * 50), axis=0) == np.arange(50)[:, None]).all()


def test_strength_two_stratifies_pairs_as_well() -> None:
    """With p^2 points every pair of the named coordinates has one point in each of p x p cells."""
    sampler = LatinHypercubeSampler(**SHARED, scenarios=49, strength=2, parameters=["kind", "count", "size", "height"])
    points = _points(sampler, 49)[:, :6]

    for a, b in itertools.combinations(range(6), 2):
        cells = np.floor(points[:, a] * 7) * 7 + np.floor(points[:, b] * 7)
        assert len(set(cells)) == 49


def test_designs_are_more_even_than_random_points() -> None:
    """The centred discrepancy of Sobol and Latin hypercube points lies below that of random ones, over ten seeds."""
    from scipy.stats import qmc

    space = ParameterSpace(parameters=tuple(_parameter(name, Uniform(low=0.0, high=1.0)) for name in "abcdef"))
    found: dict[str, list[float]] = {"random": [], "lhs": [], "sobol": []}
    for seed in range(10):
        shared: dict[str, Any] = {"space": space, "seed": seed, "views": 1, "looks": 1}
        for name, sampler in (
            ("random", RandomSampler(**shared)),
            ("lhs", LatinHypercubeSampler(**shared, scenarios=256)),
            ("sobol", SobolSampler(**shared, scenarios=256)),
        ):
            found[name].append(qmc.discrepancy(_points(sampler, 256), method="CD"))  # type: ignore[arg-type]

    assert max(found["lhs"]) < min(found["random"])
    assert max(found["sobol"]) < min(found["lhs"])


def test_a_design_over_some_parameters_leaves_the_others_as_the_random_sampler_draws_them() -> None:
    """What is not named keeps its own stream; or one draw for all; or the nominal value."""
    names = ["height", "camera"]
    drawn = _points(RandomSampler(**SHARED), 5)
    named = [5, 9, 10]  # of the height and both views
    others = [i for i in range(drawn.shape[1]) if i not in named]
    free = _points(LatinHypercubeSampler(**SHARED, scenarios=5, parameters=names), 5)
    same = _points(LatinHypercubeSampler(**SHARED, scenarios=5, parameters=names, rest="same"), 5)
    nominal = _points(GridSampler(**SHARED, parameters={"count": 2}, rest="nominal"), 2)

    assert (free[:, others] == drawn[:, others]).all()
    assert (free[:, named] != drawn[:, named]).all()
    assert (same[:, others] == drawn[0, others]).all()
    assert nominal[:, 5].tolist() == pytest.approx([0.75, 0.75])
    assert (nominal[:, 6:] == 0.5).all()


def test_a_grid_holds_every_combination_once_in_the_order_of_the_names() -> None:
    """The last name is the fastest; counts are middles of strata, lists are the values themselves."""
    levels = {"height": 2, "kind": "all", "count": [4, 9], "camera": [1.1]}
    sampler = GridSampler(**SHARED, parameters=levels)
    values = [_values(sampler.propose(i)) for i in range(12)]

    assert sampler.scenario_count == 2 * 3 * 2
    wanted = itertools.product([0.65, 0.75], [0, 1, 2], [4, 9])
    found = [(float(v["height"]), float(v["kind"]), float(v["count"])) for v in values]
    assert found == [pytest.approx(point) for point in wanted]
    assert all((np.abs(v["camera"] - 1.1) < 1e-12).all() and v["camera"].shape == (2,) for v in values)


def test_a_grid_moves_whole_vectors_or_single_elements() -> None:
    """A bare name sets all elements alike; name[i] sets one and leaves the others random."""
    whole = _values(GridSampler(**SHARED, parameters={"size": [0.2]}).propose(0))
    single = _values(GridSampler(**SHARED, parameters={"size[1]": [0.2]}).propose(0))

    assert whole["size"] == pytest.approx([0.2] * 3)
    assert (np.abs(single["size"] - 0.2) < 1e-12).tolist() == [False, True, False]


COVERED: dict[str, Any] = {"kind": None, "count": 3, "size[0]": 2, "height": [0.6, 0.7, 0.8], "sun": None}
EXCLUDE = [{"kind": "ball", "count": {"above": 11}}, {"kind": ["box", "rod"], "height": {"below": 0.65}}]


def _covered(sampler: CoveringSampler, index: int) -> list[int]:
    """Level numbers of a scenario, from its values alone."""
    values = _values(sampler.propose(index))
    sun = np.floor(values["sun"] * 4)
    assert (sun == sun[0, 0]).all()  # every look of a scenario stands at its level
    return [
        int(values["kind"]),
        int(np.searchsorted([6, 10], values["count"])),
        int(values["size"][0] >= 0.2),
        int(values["height"] >= 0.7),
        int(sun[0, 0]),
    ]


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_covering_designs_cover_what_may_be_and_nothing_else(strength: int) -> None:
    """Counted from the values: every combination that some allowed scenario could hold occurs, no excluded one does."""
    sampler = CoveringSampler(**SHARED, strength=strength, parameters=COVERED, exclude=EXCLUDE)
    count = sampler.scenario_count
    assert count is not None
    rows = [_covered(sampler, index) for index in range(count)]
    assert sampler.factors[1].texts == ["3 to 6", "7 to 10", "11 to 15"]

    def allowed(row: tuple[int, ...]) -> bool:
        return not (row[0] == 1 and row[1] == 2) and not (row[0] in (0, 2) and row[3] == 0)

    whole = [row for row in itertools.product(range(3), range(3), range(2), range(2), range(4)) if allowed(row)]
    for chosen in itertools.combinations(range(5), strength):
        wanted = {tuple(row[i] for i in chosen) for row in whole}
        assert {tuple(row[i] for i in chosen) for row in rows} == wanted


def test_places_within_levels_differ() -> None:
    """Scenarios of one level are spread over it, and so are the looks of one scenario."""
    sampler = CoveringSampler(**SHARED, strength=2, bins=2, parameters=["height", "sun"])
    heights = [float(_values(sampler.propose(i))["height"]) for i in range(4)]

    assert len(set(heights)) == 4
    assert len(set(_values(sampler.propose(0))["sun"].ravel().tolist())) == 4


def test_designs_do_not_depend_on_the_order_asked_and_follow_the_seed() -> None:
    """A point is a function of the seed and its number, in another object and another order as well."""
    makers: tuple[tuple[type[Design], dict[str, Any]], ...] = (
        (LatinHypercubeSampler, {"scenarios": 9}),
        (GridSampler, {"parameters": {"count": 3, "kind": "all"}}),
        (CoveringSampler, {"parameters": ["kind", "count", "height"], "bins": 3}),
    )
    for maker, more in makers:
        first, second = maker(**SHARED, **more), maker(**SHARED, **more)
        other = maker(**{**SHARED, "seed": 8}, **more)
        forward = [first.propose(i).u.tolist() for i in range(9)]
        backward = [second.propose(i).u.tolist() for i in reversed(range(9))]
        assert forward == backward[::-1]
        assert forward != [other.propose(i).u.tolist() for i in range(9)]


def test_designs_refuse_appending_and_redraws() -> None:
    """A design is what it is: another point or attempt is refused."""
    for sampler in (
        LatinHypercubeSampler(**SHARED, scenarios=5),
        GridSampler(**SHARED, parameters={"count": 5}),
        CoveringSampler(**SHARED, strength=1, parameters=["count"], bins=5),
    ):
        assert sampler.scenario_count == 5
        assert not sampler.redraws
        assert sampler.provenance["scenarios"] == 5
        with pytest.raises(ValueError, match="cannot be appended"):
            sampler.propose(5)
        with pytest.raises(ValueError, match="never redrawn"):
            sampler.propose(0, 1)


@pytest.mark.parametrize(
    "maker, given, words",
    [
        (LatinHypercubeSampler, {"scenarios": 8, "strength": 2}, "square of a prime of them, got 8; take 9"),
        (LatinHypercubeSampler, {"scenarios": 9, "strength": 2}, "at most 4 coordinates, this recipe has 15"),
        (LatinHypercubeSampler, {"scenarios": 8, "parameters": ["hight"]}, "did you mean 'height'"),
        (LatinHypercubeSampler, {"scenarios": 8, "parameters": ["still"]}, "nothing to stratify"),
        (LatinHypercubeSampler, {"scenarios": 1 << 24}, "numbers, more than"),
        (GridSampler, {"parameters": {}}, "at least one"),
        (GridSampler, {"parameters": {"kinds": 2}}, "did you mean 'kind'"),
        (GridSampler, {"parameters": {"kind": ["bax"]}}, "did you mean 'box'"),
        (GridSampler, {"parameters": {"kind": ["cup"]}}, "is no value of"),
        (GridSampler, {"parameters": {"count": [2]}}, "2 is no value of"),
        (GridSampler, {"parameters": {"count": [4.5]}}, "4.5 is no value of"),
        (GridSampler, {"parameters": {"count": 14}}, "has not 14 levels"),
        (GridSampler, {"parameters": {"count": [3, 3]}}, "stands twice"),
        (GridSampler, {"parameters": {"height": "all"}}, "only choices and whole numbers"),
        (GridSampler, {"parameters": {"height": [0.9]}}, "gives values of 0.6 to 0.8"),
        (GridSampler, {"parameters": {"height": {"a": 1}}}, "how many levels, or a list"),
        (GridSampler, {"parameters": {"height": [float("nan")]}}, "finite"),
        (GridSampler, {"parameters": {"still": 2}}, "is fixed"),
        (GridSampler, {"parameters": {"turn": 2}}, "numbers a value"),
        (GridSampler, {"parameters": {"size[3]": 2}}, "has 3 elements"),
        (GridSampler, {"parameters": {"size": 2, "size[1]": 2}}, "there twice"),
        (GridSampler, {"parameters": {"size[0]": 1000, "size[1]": 1000, "size[2]": 1000}}, "at most 16777216"),
        (CoveringSampler, {"parameters": ["kind"], "strength": 2}, "number of parameters, 1"),
        (CoveringSampler, {"parameters": {"height": [0.7, 0.6]}, "strength": 1}, "edges must ascend"),
        (CoveringSampler, {"parameters": {"height": [0.5, 0.7]}, "strength": 1}, "0.5 is no value"),
        (CoveringSampler, {"bins": 400, "parameters": ["height", "size[0]", "size[1]"]}, "more than 262144"),
        (CoveringSampler, {"strength": 1, "exclude": [{"knd": "box"}]}, "did you mean 'kind'"),
        (CoveringSampler, {"strength": 1, "exclude": [{"kind": "cup"}]}, "has no level 'cup'"),
        (CoveringSampler, {"strength": 1, "exclude": [{"height": {"over": 1}}]}, "write {above: x}"),
        (CoveringSampler, {"strength": 1, "exclude": [{"kind": ["box", "ball", "rod"]}]}, "nothing is left"),
        (CoveringSampler, {"strength": 1, "exclude": [{}]}, "at least one"),
    ],
)
def test_designs_that_cannot_be_are_answered(maker: type[Design], given: dict[str, Any], words: str) -> None:
    """What was given, what is allowed, and the nearest name."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are checked)
        maker(**SHARED, **given)

    assert words in str(caught.value)


def test_coupled_parameters_rest_at_their_nominals() -> None:
    """The copula is taken out beforehand, so that the values are the nominal ones."""
    parameters = (
        _parameter("a", Uniform(low=0.0, high=1.0), nominal=0.2),
        _parameter("b", Uniform(low=0.0, high=1.0), nominal=0.9),
        _parameter("c", Uniform(low=0.0, high=1.0)),
    )
    space = ParameterSpace(parameters=parameters).constrain(correlated=[{"names": ["a", "b"], "rank": 0.8}])
    grid = GridSampler(space=space, seed=0, views=1, looks=1, parameters={"c": 2}, rest="nominal")
    point = grid.propose(0)
    values = space.resolve(point.u_scenario, point.u_view, point.u_look)

    assert [float(values[name]) for name in "abc"] == pytest.approx([0.2, 0.9, 0.25])


def test_a_sequence_is_named_where_it_cannot_have_levels() -> None:
    """It depends on no parameter: its values are taken in turn."""
    space = ParameterSpace(parameters=(_parameter("height", Sequence(options=(0.6, 0.7, 0.8))),))
    with pytest.raises(ValueError, match="height takes its values in turn"):
        GridSampler(space=space, seed=0, views=1, looks=1, parameters={"height": [0.6]})


def test_all_values_of_a_wide_range_are_counted_before_they_are_listed() -> None:
    """Two thousand million whole numbers are refused at once."""
    space = ParameterSpace(parameters=(_parameter("code", Integer(low=0, high=2**31)),))
    with pytest.raises(ValueError, match="1 to 1024 levels, got 2147483649"):
        GridSampler(space=space, seed=0, views=1, looks=1, parameters={"code": "all"})
