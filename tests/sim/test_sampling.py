"""Samplers: pure functions of (seed, scenario, attempt), independent by parameter."""

import numpy as np
import pytest

from simloom.scenes.distributions import Uniform
from simloom.scenes.space import Axis, Parameter, ParameterSpace
from simloom.sim.sampling import RandomSampler, SobolSampler


def _space(*names: str) -> ParameterSpace:
    def parameter(name: str, varies: Axis, count: int = 1) -> Parameter:
        uniform = Uniform(low=0.0, high=1.0)
        return Parameter(name=name, distribution=uniform, unit="1", meaning="test", varies=varies, count=count)

    once = [parameter(name, "scenario") for name in names]
    return ParameterSpace(parameters=(*once, parameter("camera", "view", 2), parameter("sun", "look")))


def _random(*names: str, views: int = 1, looks: int = 1, seed: int = 3) -> RandomSampler:
    return RandomSampler(space=_space(*names), seed=seed, views=views, looks=looks)


def test_adding_a_parameter_does_not_move_the_others() -> None:
    """A stream belongs to its parameter's name, not to its place."""
    few = _random("a", "b", views=2, looks=3).propose(5)
    more = _random("new", "b", "a", views=2, looks=3).propose(5)

    assert few.u_scenario.tolist() == more.u_scenario[[2, 1]].tolist()
    assert few.u_view.tolist() == more.u_view.tolist()
    assert few.u_look.tolist() == more.u_look.tolist()


def test_more_views_and_looks_keep_the_first_ones() -> None:
    """A view or a look is addressed by its number, whatever their count."""
    few = RandomSampler(space=_space("a"), seed=3, views=2, looks=1).propose(5)
    more = RandomSampler(space=_space("a"), seed=3, views=4, looks=3).propose(5)

    assert few.u_view.tolist() == more.u_view[:2].tolist()
    assert few.u_look.tolist() == more.u_look[:2, :1].tolist()


def test_every_address_draws_another_number() -> None:
    """Seeds, scenarios, attempts, views, looks and coordinates never share a draw."""
    drawn = []
    for seed in (0, 1):
        sampler = RandomSampler(space=_space("a", "b"), seed=seed, views=3, looks=2)
        for scenario in (0, 1, 2**32 - 1):
            for attempt in (0, 1):
                point = sampler.propose(scenario, attempt)
                drawn += [*point.u_scenario, *point.u_view.ravel(), *point.u_look.ravel()]

    assert len(set(drawn)) == len(drawn)
    assert 0 < min(drawn) < max(drawn) < 1


def test_random_coordinates_are_uniform() -> None:
    """Mean and variance over scenarios are those of U(0, 1), within five deviations."""
    sampler = RandomSampler(space=_space("a"), seed=0, views=1, looks=1)
    drawn = np.array([sampler.propose(scenario).u_scenario[0] for scenario in range(4000)])

    assert abs(drawn.mean() - 0.5) < 5 / np.sqrt(12 * 4000)
    assert abs(drawn.var() - 1 / 12) < 5 / np.sqrt(180 * 4000)


def test_random_refuses_addresses_out_of_range() -> None:
    """A scenario or an attempt that has no counter is refused."""
    sampler = RandomSampler(space=_space("a"), seed=0, views=1, looks=1)

    with pytest.raises(ValueError, match="index"):
        sampler.propose(2**32)
    with pytest.raises(ValueError, match="attempt"):
        sampler.propose(0, 2000)


def test_sobol_is_a_net_in_every_coordinate() -> None:
    """Each of N intervals of a coordinate holds one of the N points."""
    sampler = SobolSampler(space=_space("a", "b"), seed=0, views=2, looks=2, scenarios=512)
    points = [sampler.propose(scenario) for scenario in range(512)]
    table = np.array([[*point.u_scenario, *point.u_view.ravel(), *point.u_look.ravel()] for point in points])

    assert table.shape == (512, 2 + 4 + 4)
    assert all(len(set(column)) == 512 for column in np.floor(table * 512).T.tolist())


def test_sobol_points_do_not_depend_on_the_order_asked() -> None:
    """A point is a function of its number alone; the seed moves it."""
    sampler = SobolSampler(space=_space("a"), seed=0, views=1, looks=1, scenarios=1024)
    last = sampler.propose(1000).u_scenario.tolist()
    sampler.propose(1)
    other = SobolSampler(space=_space("a"), seed=1, views=1, looks=1, scenarios=1024)

    assert sampler.propose(1000).u_scenario.tolist() == last
    assert other.propose(1000).u_scenario.tolist() != last


def test_sobol_refuses_appending_redraws_and_too_many_coordinates() -> None:
    """A design is what it is."""
    sampler = SobolSampler(space=_space("a"), seed=0, views=1, looks=1, scenarios=4)

    with pytest.raises(ValueError, match="cannot be appended"):
        sampler.propose(4)
    with pytest.raises(ValueError, match="never redrawn"):
        sampler.propose(0, 1)
    with pytest.raises(ValueError, match="power of two"):
        SobolSampler(space=_space("a"), seed=0, views=1, looks=1, scenarios=3)
    with pytest.raises(ValueError, match="at most 21201"):
        SobolSampler(space=_space("a"), seed=0, views=1000, looks=30, scenarios=4)
