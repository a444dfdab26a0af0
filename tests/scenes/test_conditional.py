"""Parameters that depend on a choice: densities, neutral values, overrides, JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from simloom.scenes import ParameterSpace, draw_scenario
from simloom.scenes.cases_distribution import Cases
from simloom.scenes.conditional import depend_on, settle_cases
from simloom.scenes.context import CASES, CONTEXTS, check_context, structure_space
from simloom.scenes.distributions import Choice, Fixed, Uniform
from simloom.scenes.lamp_space import lamp_parameters
from simloom.scenes.space import Parameter

OPTIONS = ("any", "dim")


def _place(**more):
    return Parameter(name="place", distribution=Choice(options=OPTIONS), unit="1", meaning="", group="context", **more)


def _plain():
    return Parameter(name="light", distribution=Uniform(low=0.0, high=8.0), unit="1", meaning="", varies="look")


def _light():
    return depend_on(_plain(), "place", {"dim": Uniform(low=0.0, high=2.0)}, OPTIONS)


def _resolve(space, u_place, u_light):
    return space.resolve(np.array([u_place]), np.zeros((2, 0)), np.full((2, 3, 1), u_light))


def test_the_choice_picks_the_distribution():
    """The same coordinate means another value, with its own density, in another place."""
    space = ParameterSpace(parameters=(_place(), _light()))
    bright, dim = _resolve(space, 0.25, 0.5), _resolve(space, 0.75, 0.5)

    assert bright["light"].shape == (2, 3)
    assert (bright["light"] == 4.0).all()
    assert (dim["light"] == 1.0).all()
    np.testing.assert_allclose(space.log_density(bright, 2, 3), math.log(0.5 / 8.0))
    np.testing.assert_allclose(space.log_density(dim, 2, 3), math.log(0.5 / 2.0))


def test_values_are_distributed_as_their_case_says():
    """Over 4000 scenarios each case's mean is within five standard errors of its own."""
    space = ParameterSpace(parameters=(_place(), _light()))
    rows = []
    for index in range(4000):
        s = draw_scenario(space, seed=3, index=index)
        rows.append([float(v.reshape(-1)[0]) for v in space.resolve(s.u_scenario, s.u_view, s.u_look).values()])
    drawn = np.array(rows)
    for option, high in ((0, 8.0), (1, 2.0)):
        mine = drawn[drawn[:, 0] == option, 1]
        assert abs(mine.mean() - 0.5 * high) < 5 * high / math.sqrt(12 * len(mine))
        assert mine.max() <= high


def test_a_still_choice_leaves_the_first_case():
    """While the context's group stands still, the parameter is drawn as if there were none."""
    space = ParameterSpace(parameters=(_place(nominal=0), _light())).randomize(["objects"])
    values = space.resolve(np.zeros(0), np.zeros((1, 0)), np.full((1, 1, 1), 0.25))

    assert space["place"].distribution == Fixed(value=0)
    assert values["light"] == 2.0


def test_an_override_takes_the_place_of_all_cases():
    """A recipe's distribution holds in every context; a change of axis alone keeps the cases."""
    space = ParameterSpace(parameters=(_place(), _light()))
    plain = space.override({"light": {"uniform": [5, 6]}})["light"]
    coarse = space.override({"light": {"varies": "view"}})["light"]

    assert plain.distribution == Uniform(low=5, high=6)
    assert isinstance(coarse.distribution, Cases)
    assert coarse.varies == "view"


def test_a_choice_takes_back_one_of_its_options_by_name():
    """An override of a choice that has cases is held against its options, as that of any choice."""
    options = ("shines", "none")
    sun = Parameter(name="sun", distribution=Choice(options=options), unit="1", meaning="")
    dark = depend_on(sun, "place", {"dim": Choice(options=options, weights=(0.0, 1.0))}, OPTIONS)
    space = ParameterSpace(parameters=(_place(), dark))

    assert space.override({"sun": "none"})["sun"].distribution == Choice(options=options, weights=(0.0, 1.0))
    with pytest.raises(ValueError, match="no option 'shine'"):
        space.override({"sun": "shine"})


def test_cases_of_a_still_choice_are_settled():
    """Where the choice takes one option, its case stands alone and takes the same values; else nothing changes."""
    space = ParameterSpace(parameters=(_place(nominal=0), _light()))
    still, dim = settle_cases(space.randomize(["objects"])), space.override({"place": "dim"})

    assert still["light"] == _plain()
    assert settle_cases(dim)["light"].distribution == Uniform(low=0.0, high=2.0)
    assert _resolve(settle_cases(dim), 0.3, 0.4)["light"].tolist() == _resolve(dim, 0.3, 0.4)["light"].tolist()
    assert settle_cases(space) == space


def test_the_description_names_the_cases():
    """JSON holds the condition and all cases, and the digest depends on them."""
    space = ParameterSpace(parameters=(_place(), _light()))
    other = ParameterSpace(parameters=(_place(), _plain()))
    entry = json.loads(json.dumps(space.to_json()))["parameters"][1]["distribution"]["cases"]

    assert entry["of"] == "place"
    assert entry["distributions"][1] == {"uniform": [0.0, 2.0]}
    assert space.digest() != other.digest()


@pytest.mark.parametrize(
    "make, words",
    [
        (
            lambda: depend_on(_plain(), "place", {"dark": Uniform(low=0, high=1)}, OPTIONS),
            "no option 'dark'",
        ),
        (lambda: depend_on(_plain(), "place", {"dim": Fixed(value=0)}, OPTIONS), "as many coordinates"),
    ],
    ids=["option", "coordinates"],
)
def test_mistakes_are_answered(make, words):
    """A case that cannot be is one sentence."""
    with pytest.raises(ValueError, match=words):
        make()


def test_contexts_condition_the_lamps():
    """Every place's cases are declared of known options, and the street at night has no sun."""
    lamps = lamp_parameters(distance=(1, 2), elevation=(20, 80), intensity=(1, 9), haze=(1e-3, 0.1))
    space = ParameterSpace(parameters=tuple(structure_space(lamps)))
    night = space.override({"context": "street_at_night"})
    sun = []
    for index in range(40):
        s = draw_scenario(night, seed=1, index=index)
        sun.append(float(night.resolve(s.u_scenario, s.u_view, s.u_look)["light.sun"][0, 0]))

    assert set(CASES) == set(CONTEXTS[1:])
    assert isinstance(space["lamp_count"].distribution, Cases)
    assert sun == [1.0] * 40


def test_a_context_that_conditions_nothing_is_refused():
    """Where every group that it conditions stands still, asking for a kitchen would change nothing."""
    lamps = lamp_parameters(distance=(1, 2), elevation=(20, 80), intensity=(1, 9), haze=(1e-3, 0.1))
    space = ParameterSpace(parameters=tuple(structure_space(lamps)))
    kitchen, anywhere = space.override({"context": "kitchen"}), space.override({"context": "any"})
    check_context(kitchen.randomize(["lamps"], keep=["context"]), ["context"])
    check_context(anywhere.randomize([], keep=["context"]), ["context"])
    check_context(space.randomize([]), [])

    with pytest.raises(ValueError, match="context: nothing depends on it"):
        check_context(kitchen.randomize([], keep=["context"]), ["context"])
