"""Parameter spaces: slices of u, shapes by axis, overrides, groups, densities, draws."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from simloom.kernels.philox import philox_uniforms
from simloom.scenes import Parameter, ParameterSpace, draw_scenario, parse_distribution


def make_parameter(name, form, **more):
    """Make a parameter with as little as possible."""
    return Parameter(name=name, distribution=parse_distribution(form), unit=more.pop("unit", "1"), meaning="m", **more)


@pytest.fixture
def space():
    """One parameter of each sort."""
    return ParameterSpace(
        parameters=(
            make_parameter("count", {"integer": [3, 15]}),
            make_parameter("mass", {"loguniform": [0.1, 1.0]}, unit="kg", count=4, allowed=(1e-6, 100.0)),
            make_parameter("turn", {"so3": []}, count=2),
            make_parameter("angle", {"uniform": [0.0, 1.0]}, unit="rad", varies="view", group="camera", nominal=0.25),
            make_parameter("color", {"uniform": [0.0, 1.0]}, varies="look", count=3, group="materials"),
            make_parameter("kind", {"choice": ["plain", "wood"]}, varies="look", group="materials"),
        )
    )


def test_slices_cover_u(space):
    """Parameters of one axis lie behind one another and cover it."""
    assert space.sizes == {"scenario": 1 + 4 + 6, "view": 1, "look": 4}
    assert space.size == 16
    assert space.slices["turn"] == slice(5, 11)
    assert space.slices["kind"] == slice(3, 4)


def test_shapes_follow_the_axis(space):
    """Values have the axes of what they vary with, then the elements; spread, all have views and looks."""
    scenario = draw_scenario(space, seed=1, index=0, views=3, looks=2)
    values = space.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)
    spread = space.spread(values, 3, 2)

    assert {name: value.shape for name, value in values.items()} == {
        "count": (), "mass": (4,), "turn": (8,), "angle": (3,), "color": (3, 2, 3), "kind": (3, 2),
    }  # fmt: skip
    assert all(value.shape[:2] == (3, 2) and value.dtype == np.float64 for value in spread.values())
    np.testing.assert_array_equal(spread["angle"][:, 1], values["angle"])


def test_views_looks_and_parameters_do_not_move_one_another(space):
    """More views, more looks or one more parameter leave every other draw where it was."""
    few = draw_scenario(space, seed=9, index=4, views=1, looks=1)
    many = draw_scenario(space, seed=9, index=4, views=3, looks=5)
    more = ParameterSpace(parameters=(make_parameter("first", {"uniform": [0, 1]}), *space.parameters))
    wider = draw_scenario(more, seed=9, index=4)

    np.testing.assert_array_equal(few.u_scenario, many.u_scenario)
    np.testing.assert_array_equal(few.u_view[0], many.u_view[0])
    np.testing.assert_array_equal(few.u_look[0, 0], many.u_look[0, 0])
    np.testing.assert_array_equal(wider.u_scenario[1:], few.u_scenario)
    assert many.u.shape == (3, 5, space.size)


def test_seeds_scenarios_and_attempts_differ(space):
    """Another seed, scenario or attempt gives other numbers; the same ones give the same."""
    base = draw_scenario(space, seed=0, index=0)
    others = [
        draw_scenario(space, seed=1, index=0),
        draw_scenario(space, seed=0, index=1),
        draw_scenario(space, seed=0, index=0, attempt=1),
    ]

    assert all((other.u_scenario != base.u_scenario).all() for other in others)
    np.testing.assert_array_equal(draw_scenario(space, seed=0, index=0).u, base.u)


def test_density_is_that_of_the_values(space):
    """A row's log density is the sum over its parameters and elements."""
    scenario = draw_scenario(space, seed=2, index=0, views=2, looks=2)
    values = space.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)
    masses = sum(-math.log(m) - math.log(math.log(10.0)) for m in values["mass"])
    expected = -math.log(13) + masses - 2 * math.log(2 * math.pi**2) - math.log(2)

    np.testing.assert_allclose(space.log_density(values, 2, 2), np.full((2, 2), expected), rtol=1e-12)


def test_overrides_convert_units_and_coarsen(space):
    """An override in degrees is kept in radians; a look parameter may vary by scenario; a choice keeps its indices."""
    changed = space.override(
        {"angle": {"uniform": [0, 180], "unit": "deg"}, "color": {"uniform": [0.2, 0.3], "varies": "scenario"},
         "kind": {"choice": ["wood"]}, "count": 5}
    )  # fmt: skip
    scenario = draw_scenario(changed, seed=0, index=0, views=1, looks=2)
    values = changed.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)

    np.testing.assert_allclose(changed["angle"].distribution.support, (0.0, math.pi))
    assert changed["angle"].unit == "rad"
    assert values["color"].shape == (3,)
    assert (values["kind"] == 1).all()
    assert values["count"] == 5
    assert changed.names == space.names
    assert changed.digest() != space.digest()


def test_a_group_that_is_off_stands_at_its_nominal(space):
    """Parameters of other groups take no coordinate and one value; kept ones stay random."""
    fixed = space.randomize(["materials"])
    kept = space.randomize([], keep=["color"])

    assert fixed.sizes == {"scenario": 11, "view": 0, "look": 4}
    assert fixed.resolve(np.full(11, 0.5), np.zeros((2, 0)), np.full((2, 1, 4), 0.5))["angle"].tolist() == [0.25, 0.25]
    assert kept.sizes["look"] == 3


def test_space_is_json(space):
    """The description survives JSON, and its hash is that of the description."""
    assert json.loads(json.dumps(space.to_json())) == space.to_json()
    assert len(space.digest()) == 64


@pytest.mark.parametrize(
    "overrides, words",
    [
        ({"mas": 1.0}, "did you mean 'mass'"),
        ({"mass": {"uniform": [-1, 1]}}, r"must lie in \[1e-06, 100\] kg"),
        ({"mass": {"uniform": [1, 2], "unit": "m"}}, "given in kg, g"),
        ({"count": {"uniform": [1, 2]}}, "whole number"),
        ({"kind": {"choice": ["wod"]}}, "did you mean 'wood'"),
        ({"angle": {"uniform": [0, 1], "varies": "look"}}, "only more coarsely"),
        ({"turn": 1.0}, "cannot be one number"),
    ],
    ids=str,
)
def test_override_errors_help(space, overrides, words):
    """A wrong override is answered with what is allowed."""
    with pytest.raises(ValueError, match=words):
        space.override(overrides)


def test_u_outside_the_open_interval_is_refused(space):
    """A coordinate of 0 or 1 has no value under unbounded distributions, and is refused for all."""
    with pytest.raises(ValueError, match="inside"):
        space.resolve(np.zeros(11), np.full((1, 1), 0.5), np.full((1, 1, 4), 0.5))


def test_every_coordinate_comes_from_its_parameter_s_own_stream(space):
    """A scenario's coordinates are those of the stream of each parameter's name, attempt, view and look."""
    scenario = draw_scenario(space, seed=2**64 - 1, index=2**32 - 1, attempt=3, views=2, looks=3)

    def stream(name, count, row):
        addresses = [[k, 2**32 - 1, row] for k in range(count)]
        return philox_uniforms(2**64 - 1, f"parameter/{name}/3", addresses).tolist()

    assert scenario.u_scenario.tolist() == [*stream("count", 1, 0), *stream("mass", 4, 0), *stream("turn", 6, 0)]
    for view in range(2):
        assert scenario.u_view[view].tolist() == stream("angle", 1, view << 16)
        for look in range(3):
            row = view << 16 | look
            assert scenario.u_look[view, look].tolist() == [*stream("color", 3, row), *stream("kind", 1, row)]


def test_numbers_without_a_unit_are_told_without_one():
    """What lies outside is told with the parameter's unit, and no "1" where there is none."""
    for unit, told in (("1", r"must lie in \[0, 15\], but"), ("kg", r"must lie in \[0, 15\] kg, but")):
        with pytest.raises(ValueError, match=told):
            Parameter(
                name="a", distribution=parse_distribution({"fixed": 99}), unit=unit, meaning="m", allowed=(0.0, 15.0)
            )
