"""How values that recipes give for parameters are taken, and how mistakes are answered."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.scenes import Parameter, ParameterSpace, draw_scenario, parse_distribution


def make(name, form, **more):
    """Make a parameter with as little as possible."""
    return Parameter(name=name, distribution=parse_distribution(form), unit=more.pop("unit", "1"), meaning="m", **more)


def resolve(space, index=0, views=1, looks=1, seed=3):
    """Draw a scenario and resolve it."""
    scenario = draw_scenario(space, seed=seed, index=index, views=views, looks=looks)
    return scenario, space.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)


def test_conditions_make_whole_numbers_of_any_form():
    """What is written for a whole number is rounded as a whole, not its last term."""
    space = ParameterSpace(parameters=(make("height", {"uniform": [0.6, 0.9]}), make("count", {"integer": [0, 5]})))
    for text, expected in (("height > 0.5", 1), ("height > 0.5 and height < 0.55", 0), ("2.4 * 1", 2)):
        changed = space.override({"count": {"expression": text}})
        assert resolve(changed)[1]["count"] == expected


@pytest.mark.parametrize(
    "name, given, message",
    [
        ("height", {"choice": [0.3, 0.6]}, "height is a number and no choice"),
        ("height", {"choice": {"options": ["a", "b"], "weights": ["count", 1]}}, "height is a number and no choice"),
        ("count", {"choice": [1, 2]}, "count is a number and no choice"),
        ("kind", {"choice": {"options": ["a", "b", "b"], "weights": [1, 50, 1]}}, "each option stands once"),
        ("kind", {"choice": {"options": ["a", "b", "b"], "weights": ["count", 50, 1]}}, "each option stands once"),
        ("kind", {"choice": {"options": ["a", "b"], "weights": [1e308, 1e308]}}, "nor huge"),
        ("height", {"uniform": [-1e308, 1.5e308]}, "too wide"),
        ("height", {"add": {"expression": "count"}}, "write the whole value as"),
        ("height", {"cases": {"of": "count - 1", "distributions": [1, 2]}}, "name of a choice"),
        ("height", {"cases": {"of": "pi", "distributions": [1, 2]}}, "name of a choice"),
        ("height", {"cases": {"of": "share", "distributions": [1, 2]}}, "depend on a choice or a whole number"),
    ],
)
def test_mistakes_of_choices_are_answered(name, given, message):
    """Options of a number, doubled options, weights beyond sums and cases of no choice."""
    space = ParameterSpace(
        parameters=(make("height", {"uniform": [0.6, 0.9]}), make("count", {"integer": [0, 1]}),
                    make("kind", {"choice": ["a", "b"]}), make("share", {"uniform": [0, 1]}))
    )  # fmt: skip
    with pytest.raises(ValueError, match=message):
        space.override({name: given})


def test_a_number_among_the_options_is_chosen():
    """A choice between numbers takes one of them as it takes a word."""
    space = ParameterSpace(parameters=(make("metallic", {"choice": [0, 1]}),))

    assert resolve(space.override({"metallic": 1}))[1]["metallic"] == 1


def test_the_centre_of_a_ball_has_coordinates():
    """Every direction leads there; its coordinates map to it again."""
    space = ParameterSpace(parameters=(make("offset", {"in_ball": 2.0}),))
    u = space.coordinates({"offset": np.zeros(3)})

    np.testing.assert_allclose(space.resolve(u["scenario"], u["view"], u["look"])["offset"], 0.0, atol=1e-4)
