"""Distributions by what comes out: Kolmogorov-Smirnov against SciPy's, inverses, JSON forms, bodies evenly covered."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simloom.kernels.philox import philox_uniforms
from simloom.scenes.distributions import parse_distribution

N = 4000


def draw(count, name, draws=N):
    """Draw independent coordinates."""
    addresses = np.zeros((draws * count, 3), np.int64)
    addresses[:, 0] = np.arange(draws * count)
    return philox_uniforms(5, f"test/{name}", addresses).reshape(draws, count)


SCALAR = [
    ({"uniform": [-2.0, 5.0]}, stats.uniform(-2.0, 7.0)),
    ({"loguniform": [0.2, 1.2]}, stats.loguniform(0.2, 1.2)),
    ({"normal": [3.0, 0.5]}, stats.norm(3.0, 0.5)),
    ({"truncnormal": [1.0, 2.0, 0.5, 4.0]}, stats.truncnorm(-0.25, 1.5, 1.0, 2.0)),
    ({"beta": [2.0, 3.5]}, stats.beta(2.0, 3.5)),
    ({"beta": [0.5, 0.5, -1.0, 3.0]}, stats.beta(0.5, 0.5, -1.0, 4.0)),
    ({"add": {"uniform": [-1.0, 2.0]}, "nominal": 0.5}, stats.uniform(-0.5, 3.0)),
    ({"scale": {"loguniform": [0.5, 2.0]}, "nominal": 3.0}, stats.loguniform(1.5, 6.0)),
    ({"scale": {"normal": [1.0, 0.1]}, "nominal": -2.0}, stats.norm(-2.0, 0.2)),
]
DISCRETE = [
    ({"integer": [3, 9]}, range(3, 10), [1 / 7] * 7),
    ({"choice": {"options": ["a", "b", "c"], "weights": [1, 2, 5]}}, range(3), [0.125, 0.25, 0.625]),
    ({"sequence": [4.0, 2.0, 4.0, 1.0]}, [1.0, 2.0, 4.0], [0.25, 0.25, 0.5]),
    ({"add": {"integer": [-1, 1]}, "nominal": 5.0}, range(4, 7), [1 / 3] * 3),
]
VECTOR = [
    {"so3": []},
    {"on_disk": 0.4},
    {"on_sphere": 1.5},
    {"on_box": [[0, 0, 0], [1, 2, 3]]},
    {"in_box": [[0, 0, 0], [1, 2, 3]]},
    {"in_ball": 0.7},
    {"in_shell": [0.5, 2.0]},
]


@pytest.mark.parametrize("form, oracle", SCALAR, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_marginals_are_those_declared(form, oracle):
    """The draws pass Kolmogorov-Smirnov against SciPy's distribution, whose density and CDF are ours to rounding."""
    distribution = parse_distribution(form)
    u = draw(1, str(form))[:, 0]
    values = distribution.ppf(u)

    assert stats.kstest(values, oracle.cdf).pvalue > 1e-4
    np.testing.assert_allclose(distribution.log_density(values), oracle.logpdf(values), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(distribution.coordinates(values), u, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form, values, probabilities", DISCRETE, ids=lambda value: str(value)[:40])
def test_probabilities_are_those_declared(form, values, probabilities):
    """Counts pass a chi-square test, and a value's coordinate gives the value."""
    distribution = parse_distribution(form)
    drawn = distribution.ppf(draw(1, str(form))[:, 0])
    counts = [(drawn == value).sum() for value in values]

    assert sum(counts) == N
    assert stats.chisquare(counts, np.array(probabilities) * N).pvalue > 1e-4
    np.testing.assert_allclose(distribution.log_density(list(values)), np.log(probabilities))
    np.testing.assert_array_equal(distribution.ppf(distribution.coordinates(drawn)), drawn)
    assert np.isnan(distribution.coordinates([0.123])).all()
    assert distribution.log_density(0.123) == -math.inf


@pytest.mark.parametrize("form", VECTOR, ids=str)
def test_vectors_come_back_from_their_coordinates(form):
    """Coordinates found for values give the values again, and JSON gives the distribution."""
    distribution = parse_distribution(form)
    values = distribution.ppf(draw(distribution.coordinate_count, str(form), 500))
    found = distribution.coordinates(values)

    assert found.shape == (500, distribution.coordinate_count)
    np.testing.assert_allclose(distribution.ppf(found), values, rtol=1e-9, atol=1e-10)
    assert np.isfinite(distribution.log_density(values)).all()
    assert parse_distribution(distribution.to_json()) == distribution


BODIES = [
    ("on_sphere", {"on_sphere": 1.5}, lambda r: r == pytest.approx(1.5), 4 * math.pi * 2.25),
    ("in_ball", {"in_ball": 1.5}, lambda r: r < 1.5, 4 / 3 * math.pi * 1.5**3),
    ("in_shell", {"in_shell": [1.0, 1.5]}, lambda r: 1.0 < r < 1.5, 4 / 3 * math.pi * (1.5**3 - 1.0)),
]


@pytest.mark.parametrize("name, form, inside, measure", BODIES, ids=[body[0] for body in BODIES])
def test_round_bodies_are_evenly_covered(name, form, inside, measure):
    """Directions and radii have the distributions of a uniform point, and nothing lies elsewhere."""
    distribution = parse_distribution(form)
    points = distribution.ppf(draw(distribution.coordinate_count, name))
    radii = np.sqrt((points**2).sum(axis=1))
    ends = {"on_sphere": None, "in_ball": (0.0, 1.5), "in_shell": (1.0, 1.5)}[name]

    assert all(inside(radius) for radius in radii)
    for axis in range(3):  # Archimedes: a sphere's coordinate is uniform
        assert stats.kstest(points[:, axis] / radii, stats.uniform(-1.0, 2.0).cdf).pvalue > 1e-4
    azimuth = np.arctan2(points[:, 1], points[:, 0])
    assert stats.kstest(azimuth, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 1e-4
    if ends is not None:
        low, high = ends
        assert stats.kstest((radii**3 - low**3) / (high**3 - low**3), "uniform").pvalue > 1e-4
    np.testing.assert_allclose(distribution.log_density(points), -math.log(measure))
    assert distribution.log_density([9.0, 0.0, 0.0]) == -math.inf


def test_a_box_s_faces_are_evenly_covered():
    """Faces get their share of the points, and each is covered evenly in both directions."""
    low, high = np.array([0.0, -1.0, 2.0]), np.array([1.0, 1.0, 5.0])
    distribution = parse_distribution({"on_box": [low.tolist(), high.tolist()]})
    points = distribution.ppf(draw(3, "on_box"))
    side = high - low
    areas = [side[1] * side[2]] * 2 + [side[0] * side[2]] * 2 + [side[0] * side[1]] * 2
    on = np.stack([points[:, face // 2] == (high if face % 2 else low)[face // 2] for face in range(6)], axis=1)

    assert (on.sum(axis=1) == 1).all()
    assert stats.chisquare(on.sum(axis=0), np.array(areas) / sum(areas) * N).pvalue > 1e-4
    for face in range(6):
        for axis in {0, 1, 2} - {face // 2}:
            share = (points[on[:, face], axis] - low[axis]) / side[axis]
            assert stats.kstest(share, "uniform").pvalue > 1e-4
    np.testing.assert_allclose(distribution.log_density(points), -math.log(sum(areas)))
    assert distribution.log_density([0.5, 0.0, 3.0]) == -math.inf


def test_permutations_are_equally_probable():
    """Each of the 24 orders of four things comes as often, and an order gives its coordinates."""
    distribution = parse_distribution({"permutation": 4})
    values = distribution.ppf(draw(4, "permutation"))
    orders, counts = np.unique(values, axis=0, return_counts=True)

    assert len(orders) == 24
    assert stats.chisquare(counts).pvalue > 1e-4
    np.testing.assert_allclose(distribution.log_density(values), -math.log(24))
    np.testing.assert_array_equal(distribution.ppf(distribution.coordinates(values)), values)
    assert np.isnan(distribution.coordinates([0, 0, 1, 2])).all()


def test_rotations_cover_their_sphere():
    """Each number of a random quaternion has the marginal of the 3-sphere, a beta distribution."""
    values = parse_distribution({"so3": []}).ppf(draw(3, "so3"))

    for number in values.T:
        assert stats.kstest((number + 1) / 2, stats.beta(1.5, 1.5).cdf).pvalue > 1e-4


def test_values_outside_have_no_coordinates():
    """What a distribution cannot give has no coordinate, instead of a wrong one."""
    for form, value in (({"uniform": [0, 1]}, 1.5), ({"loguniform": [1, 2]}, -1.0), ({"beta": [2, 2]}, 1.2),
                        ({"truncnormal": [0, 1, 0, 1]}, 2.0), ({"choice": ["a"]}, 1.0)):  # fmt: skip
        assert np.isnan(parse_distribution(form).coordinates(value)), form
    for form, value in (({"in_ball": 1.0}, [2.0, 0, 0]), ({"on_sphere": 1.0}, [0.5, 0, 0]), ({"on_disk": 1.0}, [2, 0])):
        assert np.isnan(parse_distribution(form).coordinates(value)).any(), form


@pytest.mark.parametrize(
    "form, words",
    [
        ({"beta": [0, 1]}, "shapes must be in"),
        ({"beta": [1]}, r"written {beta: \[a, b\]"),
        ({"permutation": 1}, "whole number in"),
        ({"permutation": 2.5}, "whole number in"),
        ({"sequence": []}, "1 to 65536 values"),
        ({"sequence": ["a"]}, "values are numbers"),
        ({"in_shell": [2, 1]}, "low must be below high"),
        ({"in_shell": [-1, 1]}, "inner radius must not be negative"),
        ({"on_sphere": 0}, "radius must be above 0"),
        ({"on_box": [[0, 0], [1, 1]]}, "both corners need 3 numbers"),
        ({"fixed": []}, "2 numbers or more"),
        ({"add": 3}, "nominal: number"),
        ({"scale": {"uniform": [0, 1]}, "nominal": 0}, "use add"),
        ({"scale": {"so3": []}, "nominal": 1}, "continuous distribution of one number"),
        ({"uniform": [0, "sqr(x)"]}, "did you mean 'sqrt'"),
        ({"uniform": ["x"]}, r"written {uniform: \[low, high\]}"),
        ({"in_box": [[0, "x"], [1, 2]]}, r"written {in_box"),
        ({"cases": {"of": "x"}}, "written {cases"),
        ({"cases": {"of": "x", "distributions": [{"so3": []}, {"fixed": 1}]}}, "as many coordinates"),
    ],
    ids=str,
)
def test_errors_say_what_is_allowed(form, words):
    """A form that cannot be is refused with what was meant."""
    with pytest.raises(ValueError, match=words):
        parse_distribution(form)
