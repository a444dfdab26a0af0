"""Spaces with expressions, cases, sequences, copulas and requirements: values, inverses, densities, acceptance."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from simloom.scenes import Parameter, ParameterSpace, draw_scenario, parse_distribution
from simloom.scenes.acceptance import check_possible, estimate_acceptance, find_unmet
from simloom.scenes.conditional import depend_on
from simloom.scenes.copula import CorrelatedGroup
from simloom.scenes.requirement import Requirement


def make(name, form, **more):
    """Make a parameter with as little as possible."""
    return Parameter(name=name, distribution=parse_distribution(form), unit=more.pop("unit", "1"), meaning="m", **more)


def resolve(space, index=0, views=1, looks=1, seed=3):
    """Draw a scenario and resolve it."""
    scenario = draw_scenario(space, seed=seed, index=index, views=views, looks=looks)
    return scenario, space.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)


PARAMETERS = (
    make("size", {"uniform": [0.1, "height * 0.5"]}, count=3, allowed=(0.05, 1.0)),
    make("height", {"uniform": [0.6, 0.9]}),
    make("top", {"expression": "height + max(size)"}),
    make("mass", {"loguniform": [0.1, 1.0]}, count=3),
    make("friction", {"loguniform": [0.3, 1.2]}, count=3),
    make("turn", {"in_ball": "height"}),
    make("angle", {"normal": ["turn[0]", 0.1]}, varies="view"),
    make("share", {"beta": [2, "1 + height"]}, varies="look"),
    make("kind", {"choice": {"options": ["a", "b"], "weights": ["height", "1 - height"]}}),
    make("steps", {"integer": [1, "10 * height"]}),
)


@pytest.fixture
def space():
    """Parameters that follow from one another, two of them coupled."""
    group = CorrelatedGroup(names=("mass", "friction"), correlation=0.8)
    return ParameterSpace(parameters=PARAMETERS, correlated=(group,))


def test_values_follow_from_others(space):
    """Each distribution has the arguments that the other values give it, in whatever order they are declared."""
    for index in range(50):
        scenario, values = resolve(space, index, views=2, looks=2)
        u = scenario.u_scenario[:3]
        np.testing.assert_allclose(values["size"], 0.1 + (0.5 * values["height"] - 0.1) * u, rtol=1e-14)
        assert values["top"] == values["height"] + values["size"].max()
        assert np.hypot.reduce(values["turn"]) < values["height"]
        expected = stats.norm.ppf(scenario.u_view[:, 0], values["turn"][0], 0.1)
        np.testing.assert_allclose(values["angle"], expected, rtol=1e-9, atol=1e-12)
        assert 1 <= values["steps"] <= 10 * values["height"]
    assert space.order.index("height") < space.order.index("size") < space.order.index("top")
    assert space.names == tuple(parameter.name for parameter in PARAMETERS)


def test_density_is_the_product_of_the_conditional_ones(space):
    """Log densities add up over the parameters, each given those before it, and the copula."""
    _, values = resolve(space, 1)
    height = float(values["height"])
    masses, frictions = values["mass"], values["friction"]
    expected = -3 * math.log(0.5 * height - 0.1) - math.log(0.3) - math.log(4 / 3 * math.pi * height**3)
    expected += stats.loguniform(0.1, 1.0).logpdf(masses).sum() + stats.loguniform(0.3, 1.2).logpdf(frictions).sum()
    expected += stats.norm(values["turn"][0], 0.1).logpdf(values["angle"][0])
    expected += stats.beta(2, 1 + height).logpdf(values["share"][0, 0])
    expected += math.log(height if values["kind"] == 0 else 1 - height) - math.log(math.floor(10 * height))
    r = 2 * math.sin(math.pi * 0.8 / 6)
    scores = stats.norm.ppf([stats.loguniform(0.1, 1.0).cdf(masses), stats.loguniform(0.3, 1.2).cdf(frictions)])
    joint = stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).logpdf(scores.T)
    expected += (joint - stats.norm.logpdf(scores).sum(axis=0)).sum()

    np.testing.assert_allclose(space.log_density(values, 1, 1), [[expected]], rtol=1e-9)


def test_values_come_back_from_their_coordinates(space):
    """Coordinates found for values give the same values, copula and conditions included."""
    for index in range(10):
        _, values = resolve(space, index, views=2, looks=3)
        u = space.coordinates(values)
        again = space.resolve(u["scenario"], u["view"], u["look"])

        for name in space.names:
            np.testing.assert_allclose(again[name], values[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_values_that_cannot_be_have_no_coordinates(space):
    """A value that its distribution cannot give under the others is refused by name."""
    _, values = resolve(space)

    with pytest.raises(ValueError, match=r"size: .* gives no 0\.9"):
        space.coordinates(values | {"size": np.array([0.9, 0.2, 0.2])})
    with pytest.raises(ValueError, match="no values for top"):
        space.coordinates({name: value for name, value in values.items() if name != "top"})


def test_copula_couples_elements_and_keeps_marginals(space):
    """Element k of one parameter goes with element k of the other alone, and both keep their distributions."""
    drawn = [resolve(space, index)[1] for index in range(1500)]
    mass, friction = (np.array([values[name] for values in drawn]) for name in ("mass", "friction"))

    for i in range(3):
        assert stats.kstest(mass[:, i], stats.loguniform(0.1, 1.0).cdf).pvalue > 1e-4
        assert stats.kstest(friction[:, i], stats.loguniform(0.3, 1.2).cdf).pvalue > 1e-4
        for k in range(3):
            declared = 0.8 if i == k else 0.0
            found = stats.spearmanr(mass[:, i], friction[:, k]).statistic
            assert abs(found - declared) < 5 * math.sqrt((1 + declared**2 / 2) / 1500) * (1 - declared**2)


def test_a_part_is_evaluated_as_in_the_whole(space):
    """Evaluating some parameters alone gives the bits that they have among all."""
    scenario, values = resolve(space, 4)
    part = space.evaluate({"scenario": scenario.u_scenario, "view": scenario.u_view, "look": scenario.u_look}, ["top"])

    assert set(part) == {"height", "size", "top"}
    assert all((part[name] == values[name]).all() for name in part)


def test_a_draw_in_a_batch_has_the_bits_of_one_alone(space):
    """Coordinates of many draws at once give the values that each gives alone."""
    scenarios = [resolve(space, index)[0] for index in range(8)]
    lead = {"scenario": np.stack([s.u_scenario for s in scenarios]), "view": np.stack([s.u_view[0] for s in scenarios]),
            "look": np.stack([s.u_look[0, 0] for s in scenarios])}  # fmt: skip
    batch = space.evaluate(lead)

    for index in range(8):
        _, values = resolve(space, index)
        assert all((batch[name][index] == values[name].reshape(batch[name][index].shape)).all() for name in batch)


def test_adding_parameters_groups_and_requirements_moves_no_other(space):
    """The random sampler's draws of the others keep their bits, but for what is coupled."""
    _, before = resolve(space, 7)
    more = ParameterSpace(
        parameters=(make("new", {"normal": ["height", 1]}), *PARAMETERS), correlated=space.correlated
    ).constrain(require=["new > 0"])
    _, after = resolve(more, 7)
    _, free = resolve(ParameterSpace(parameters=PARAMETERS), 7)

    assert all((after[name] == before[name]).all() for name in before)
    assert [name for name in before if not (free[name] == before[name]).all()] == ["friction"]


def test_the_same_space_has_the_same_bytes_in_another_process(space, tmp_path):
    """A space read from JSON in another process gives the same values to the bit."""
    import json

    (tmp_path / "space.json").write_text(json.dumps(space.to_json()))
    code = """
import hashlib, json, sys
from simloom.scenes import ParameterSpace, draw_scenario
space = ParameterSpace.from_json(json.load(open(sys.argv[1])))
total = hashlib.sha256()
for index in range(20):
    s = draw_scenario(space, seed=3, index=index, views=2, looks=2)
    for name, value in space.resolve(s.u_scenario, s.u_view, s.u_look).items():
        total.update(name.encode() + value.tobytes())
print(total.hexdigest(), space.digest())
"""
    run = [sys.executable, "-c", code, str(tmp_path / "space.json")]
    first, second = (subprocess.run(run, capture_output=True, text=True, check=True).stdout for _ in range(2))
    import hashlib

    total = hashlib.sha256()
    for index in range(20):
        for name, value in resolve(space, index, views=2, looks=2)[1].items():
            total.update(name.encode() + value.tobytes())

    assert first == second == f"{total.hexdigest()} {space.digest()}\n"


def test_json_round_trips(space):
    """A space with all that it may hold reads as the same space, with the same digest."""
    whole = ParameterSpace(
        parameters=(*space.parameters, make("offset", {"add": {"uniform": [0, 1]}, "nominal": 2.0}, nominal=2.0)),
        correlated=space.correlated,
        requirements=(Requirement(condition="height > 0.7", probability=0.5),),
    )

    assert ParameterSpace.from_json(whole.to_json()) == whole
    assert ParameterSpace.from_json(whole.to_json()).digest() == whole.digest()
    assert whole.digest() != space.digest()


def test_a_space_can_be_pickled(space):
    """A copy by pickle, as processes send it, is the same space."""
    import pickle

    assert pickle.loads(pickle.dumps(space)) == space


def test_a_vector_may_follow_from_its_elements_places():
    """`element` counts from 0, beside no parameter at all."""
    space = ParameterSpace(
        parameters=(make("x", {"expression": "0.1 * element"}, count=3), make("c", {"uniform": ["0", "1 + 1"]}))
    )
    _, values = resolve(space)

    np.testing.assert_allclose(values["x"], [0.0, 0.1, 0.2], rtol=1e-15)
    assert 0.0 < values["c"] < 2.0
    assert np.isfinite(space.log_density(values, 1, 1)).all()


def test_sequences_are_taken_in_turn():
    """Scenario, view and look count on through the values; an element is one further; more looks move nothing."""
    space = ParameterSpace(
        parameters=(make("s", {"sequence": [5, 6, 7]}, count=2), make("v", {"sequence": [0, 1]}, varies="view"),
                    make("l", {"sequence": [0, 1, 2]}, varies="look"))
    )  # fmt: skip

    assert [resolve(space, index)[1]["s"].tolist() for index in range(4)] == [[5, 6], [6, 7], [7, 5], [5, 6]]
    _, values = resolve(space, 1, views=2, looks=3)
    assert values["v"].tolist() == [1, 0]
    assert values["l"].tolist() == [[1, 2, 0], [2, 0, 1]]
    assert resolve(space, 1, views=2, looks=1)[1]["l"].tolist() == [[1], [2]]


def test_cases_follow_a_choice():
    """Each option has its distribution, for values, density and coordinates; those not named share the declared one."""
    options = ("kitchen", "warehouse", "street")
    lamps = depend_on(
        make("lamps", {"integer": [0, 4]}), "context", {"street": parse_distribution({"integer": [7, 9]})}, options
    )
    space = ParameterSpace(parameters=(lamps, make("context", {"choice": list(options)})))
    seen = {0: set(), 1: set(), 2: set()}
    for index in range(200):
        _, values = resolve(space, index)
        seen[int(values["context"])].add(int(values["lamps"]))
        expected = -math.log(3) - math.log(3 if values["context"] == 2 else 5)
        np.testing.assert_allclose(space.log_density(values, 1, 1), [[expected]])
        u = space.coordinates(values)
        assert space.resolve(u["scenario"], u["view"], u["look"])["lamps"] == values["lamps"]

    assert seen == {0: {0, 1, 2, 3, 4}, 1: {0, 1, 2, 3, 4}, 2: {7, 8, 9}}
    assert ParameterSpace.from_json(space.to_json()) == space
    with pytest.raises(ValueError, match="did you mean 'street'"):
        depend_on(lamps, "context", {"stret": lamps.distribution}, options)


def test_relative_overrides_act_on_the_nominal():
    """`add` and `scale` are about the nominal, or the median where none is declared; units convert the addend."""
    space = ParameterSpace(
        parameters=(make("angle", {"uniform": [0, 1]}, unit="rad", nominal=0.25), make("mass", {"uniform": [1, 3]}),
                    make("count", {"integer": [0, 8]}))
    )  # fmt: skip
    changed = space.override(
        {
            "angle": {"add": {"uniform": [-90, 90]}, "unit": "deg"},
            "mass": {"scale": 1.5},
            "count": {"add": {"integer": [-1, 1]}},
        }
    )

    np.testing.assert_allclose(changed["angle"].distribution.support, (0.25 - math.pi / 2, 0.25 + math.pi / 2))
    assert changed["mass"].distribution.support == (3.0, 3.0)
    assert changed["count"].distribution.to_json() == {"integer": [3, 5]}


def test_whole_numbers_and_choices_take_expressions_and_sequences():
    """An expression for a whole number is rounded; a sequence of a choice's words stands for its options."""
    space = ParameterSpace(
        parameters=(make("n", {"integer": [0, 9]}, allowed=(0, 9)), make("x", {"uniform": [0, 9]}),
                    make("kind", {"choice": ["box", "ball", "can"]}))
    ).override({"n": {"expression": "x"}, "kind": {"sequence": ["can", "box"]}})  # fmt: skip

    for index in range(20):
        _, values = resolve(space, index)
        assert values["n"] == math.floor(values["x"] + 0.5)
        assert values["kind"] == (2, 0)[index % 2]


def test_a_hard_requirement_is_one_that_every_scenario_meets_or_says():
    """What is not met is named; estimate and count of the accepted draws agree within five deviations."""
    space = ParameterSpace(parameters=PARAMETERS).constrain(require=["height > 0.7", "size < 0.35"])
    found = [find_unmet(space, resolve(space, index)[0]) for index in range(1000)]
    accepted = sum(not text for text in found)
    acceptance = estimate_acceptance(space, seed=1)

    for index in range(100):
        _, values = resolve(space, index)
        assert (found[index] == "") == bool(values["height"] > 0.7 and (values["size"] < 0.35).all())
    assert {"", "not met: height > 0.7", "not met: size < 0.35"} == set(found)
    band = 5 * math.hypot(acceptance.deviation, math.sqrt(acceptance.fraction * (1 - acceptance.fraction) / 1000))
    assert abs(acceptance.fraction - accepted / 1000) < band
    assert dict(acceptance.met)["height > 0.7"] == pytest.approx(acceptance.draws * 2 / 3, abs=5 * 31)


def test_a_soft_requirement_holds_with_its_probability():
    """Drawn again until accepted, the condition holds in p + (1 - p) q of the scenarios, within five deviations."""
    requirement = Requirement(condition="x > 0.8", probability=0.7)
    space = ParameterSpace(parameters=(make("x", {"uniform": [0, 1]}),), requirements=(requirement,))
    held, count = 0, 2000
    for index in range(count):
        attempt = 0
        while find_unmet(space, scenario := draw_scenario(space, seed=0, index=index, attempt=attempt)):
            attempt += 1
        held += bool(scenario.u_scenario[0] > 0.8)
    expected = 0.7 + 0.3 * 0.2

    assert abs(held / count - expected) < 5 * math.sqrt(expected * (1 - expected) / count)


def test_a_requirement_on_looks_must_hold_for_each():
    """A condition over what varies by look refuses a scenario one of whose looks does not meet it."""
    space = ParameterSpace(
        parameters=(make("x", {"uniform": [0, 1]}, varies="look"),), requirements=(Requirement(condition="x > 0.3"),)
    )
    acceptance = estimate_acceptance(space, seed=0, views=2, looks=2)

    assert abs(acceptance.fraction - 0.7**4) < 5 * acceptance.deviation
    for index in range(20):
        scenario, values = resolve(space, index, views=2, looks=2)
        assert (find_unmet(space, scenario) == "") == bool((values["x"] > 0.3).all())


def test_arguments_that_cannot_be_give_no_value_and_say_so():
    """Where a condition of the arguments fails, there is no value and no acceptance; probes name it before."""
    space = ParameterSpace(parameters=(make("a", {"uniform": [0, 1]}), make("b", {"uniform": ["a", 0.9]})))
    found = {find_unmet(space, resolve(space, index)[0])[:19] for index in range(60)}

    assert found == {"", "b has no value here"}
    assert 0.85 < estimate_acceptance(space, seed=0).fraction < 0.95
    with pytest.raises(ValueError, match=r"b: .*cannot be where a = 0\.9.*min and max"):
        check_possible(space)
    check_possible(ParameterSpace(parameters=(space["a"], make("b", {"uniform": ["min(a, 0.8)", 0.9]}))))


@pytest.mark.parametrize(
    "parameters, words",
    [
        ([make("a", {"uniform": [0, "b"]})], "a depends on an unknown parameter 'b'"),
        ([make("high", {"uniform": [0, "hihg"]}), make("b", 1)], "unknown parameter 'hihg'; did you mean 'high'"),
        ([make("a", {"expression": "b"}), make("b", {"expression": "a"})], "a -> b -> a is a circle"),
        ([make("a", {"expression": "a + 1"})], "a -> a is a circle"),
        ([make("a", {"expression": "b"}), make("b", 1, varies="look")], "cannot depend on b, which varies by look"),
        ([make("a", {"expression": "b"}), make("b", 1, count=3)], "a has 1 elements, 'b' has 3"),
        ([make("a", {"expression": "b"}), make("b", {"so3": []})], r"vector of 4 numbers; write b\[0\]"),
        ([make("a", {"expression": "b[4]"}), make("b", {"so3": []})], r"write \[0\] to \[3\]"),
        ([make("a", {"expression": "b + c"}, count=2), make("b", 1, count=2), make("c", 1, count=3)],
         "2 and 3 elements"),
        ([make("m", {"uniform": ["b - 0.5", 2]}, allowed=(1e-6, 9)), make("b", {"uniform": [0, 1]})],
         r"m must lie in \[1e-06, 9\].*reaches \[-0.5, 2\]; keep it in by min and max"),
        ([make("m", {"expression": "1 / b"}, allowed=(0, 9)), make("b", {"uniform": [-1, 1]})],
         r"reaches \[-inf, inf\]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_dependency_errors_help(parameters, words):
    """A space whose parameters cannot be evaluated, or may leave their range, is refused at declaration."""
    with pytest.raises(ValueError, match=words):
        ParameterSpace(parameters=tuple(parameters))


@pytest.mark.parametrize(
    "constraints, words",
    [
        ({"require": ["heigth > 1"]}, "unknown parameter 'heigth'; did you mean 'height'"),
        ({"require": ["height + 1"]}, "a requirement compares"),
        ({"require": ["1 > 0"]}, "about parameters"),
        ({"require": ["turn > 0"]}, "vector of 3 numbers"),
        ({"require": [{"condition": "height > 0", "probability": 0}]}, r"probability must be in \(0, 1\]"),
        ({"require": [{"condtion": "height > 0"}]}, "a requirement is a condition"),
        ({"correlated": [{"names": ["mass", "frction"], "rank": 0.5}]}, "did you mean 'friction'"),
        ({"correlated": [{"names": ["mass", "height"], "rank": 0.5}]}, "they must agree"),
        ({"correlated": [{"names": ["height", "kind"], "rank": 0.5}]}, "kind is conditional; what can be coupled"),
        ({"correlated": [{"names": ["mass", "friction"], "rank": 0.5}, {"names": ["mass", "size"], "rank": 0.1}]},
         "mass stands in two groups"),
    ],
    ids=str,
)  # fmt: skip
def test_constraint_errors_help(constraints, words):
    """A group or a requirement that cannot be is answered with what was meant."""
    with pytest.raises(ValueError, match=words):
        ParameterSpace(parameters=PARAMETERS).constrain(**constraints)


def test_a_group_that_is_off_leaves_its_partners_free():
    """A parameter at its nominal correlates with nothing; the others of its correlated group go on."""
    group = CorrelatedGroup(names=("a", "b", "c"), correlation=0.5)
    space = ParameterSpace(
        parameters=(make("a", {"uniform": [0, 1]}, group="camera"), make("b", {"uniform": [0, 1]}),
                    make("c", {"uniform": [0, 1]})), correlated=(group,)
    ).randomize([])  # fmt: skip
    drawn = [resolve(space, index)[1] for index in range(400)]

    assert {float(values["a"]) for values in drawn} == {0.5}
    found = stats.spearmanr([v["b"] for v in drawn], [v["c"] for v in drawn]).statistic
    assert abs(found - 0.5) < 5 * math.sqrt(1.125 / 400) * 0.75
