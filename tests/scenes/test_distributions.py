"""Distributions: inverse CDFs and densities against SciPy's, JSON forms, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simloom.scenes.distributions import parse_distribution
from simloom.scenes.vector_distributions import OnDisk, Rotation

U = (np.arange(4096) + 0.5) / 4096
ORACLES = [
    ({"uniform": [-2.0, 5.0]}, stats.uniform(-2.0, 7.0)),
    ({"loguniform": [0.2, 1.2]}, stats.loguniform(0.2, 1.2)),
    ({"normal": [3.0, 0.5]}, stats.norm(3.0, 0.5)),
    ({"truncnormal": [1.0, 2.0, 0.5, 4.0]}, stats.truncnorm(-0.25, 1.5, 1.0, 2.0)),
    ({"truncnormal": [0.0, 1.0, 5.0, 9.0]}, stats.truncnorm(5.0, 9.0, 0.0, 1.0)),
    ({"truncnormal": [0.0, 1.0, -9.0, -5.0]}, stats.truncnorm(-9.0, -5.0, 0.0, 1.0)),
]


@pytest.mark.parametrize("form, oracle", ORACLES, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_scalar_distributions_match_scipy(form, oracle):
    """Values and log densities agree with SciPy's to rounding."""
    distribution = parse_distribution(form)
    values = distribution.ppf(U)

    np.testing.assert_allclose(values, oracle.ppf(U), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(distribution.log_density(values), oracle.logpdf(values), rtol=1e-8, atol=1e-10)


def test_integers_are_equally_probable():
    """Every whole number from low to high takes the same share of u, and nothing else comes out."""
    distribution = parse_distribution({"integer": [3, 10]})
    values, counts = np.unique(distribution.ppf(U), return_counts=True)

    assert values.tolist() == [3, 4, 5, 6, 7, 8, 9, 10]
    assert (counts == 512).all()
    np.testing.assert_allclose(distribution.log_density(values), -math.log(8))
    assert distribution.log_density(2.5) == -math.inf


def test_choices_follow_their_weights():
    """An option's share of u is its weight's; one of weight 0 never comes."""
    distribution = parse_distribution({"choice": {"options": ["a", "b", "c"], "weights": [1, 0, 3]}})
    values = distribution.ppf(U)

    assert (values == 0).mean() == 0.25
    assert (values == 2).mean() == 0.75
    np.testing.assert_allclose(distribution.log_density([0, 2]), np.log([0.25, 0.75]))
    assert distribution.log_density(1) == -math.inf


def test_rotations_are_uniform():
    """Quaternions have unit length, and the rotated axis covers the sphere evenly (mean 0, mean square 1/3)."""
    grid = (np.stack(np.meshgrid(*[np.arange(16)] * 3), axis=-1).reshape(-1, 3) + 0.5) / 16
    x, y, z, w = Rotation().ppf(grid).T
    axis = np.stack([2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)])

    np.testing.assert_allclose(x * x + y * y + z * z + w * w, 1.0, rtol=1e-14)
    np.testing.assert_allclose(axis.mean(axis=1), 0.0, atol=2e-3)
    np.testing.assert_allclose((axis**2).mean(axis=1), 1 / 3, atol=2e-3)


def test_disk_is_uniform():
    """A quarter of the points lie within half the radius."""
    grid = (np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=-1).reshape(-1, 2) + 0.5) / 64
    points = OnDisk(radius=2.0).ppf(grid)

    assert (np.hypot(*points.T) < 1.0).mean() == 0.25
    np.testing.assert_allclose(OnDisk(radius=2.0).log_density(points), -math.log(4 * math.pi))


def test_an_element_does_not_depend_on_its_place():
    """A value drawn alone has the same bits as one drawn among others."""
    for form, _ in ORACLES:
        distribution = parse_distribution(form)
        together = distribution.ppf(U[:37])
        alone = [float(distribution.ppf(np.array([u]))[0]) for u in U[:37]]

        assert together.tolist() == alone


@pytest.mark.parametrize(
    "form",
    [
        *(form for form, _ in ORACLES),
        {"integer": [1, 4]},
        {"choice": {"options": ["a", 2], "weights": [0.5, 0.5]}},
        {"fixed": 3.5},
        {"so3": []},
        {"on_disk": 0.4},
        {"in_box": [[0, 0, 0], [1, 2, 3]]},
    ],
    ids=str,
)
def test_json_form_round_trips(form):
    """What a distribution writes reads as the same distribution."""
    distribution = parse_distribution(form)

    assert parse_distribution(distribution.to_json()) == distribution


@pytest.mark.parametrize(
    "form, words",
    [
        ({"unifrom": [0, 1]}, "did you mean 'uniform'"),
        ({"uniform": [1, 0]}, "low must be below high"),
        ({"uniform": [1]}, r"written {uniform: \[low, high\]}"),
        ({"uniform": [0, None]}, "finite number"),
        ({"loguniform": [0, 1]}, "above 0"),
        ({"integer": [1.5, 3]}, "whole number"),
        ({"choice": []}, "at least one option"),
        ({"choice": {"options": [1, 2], "weights": [1]}}, "as many weights"),
        ({"normal": [0, -1]}, "deviation must be above 0"),
        ("uniform", "one name with its arguments"),
    ],
    ids=str,
)
def test_errors_say_what_is_allowed(form, words):
    """A form that cannot be is refused with what was meant."""
    with pytest.raises(ValueError, match=words):
        parse_distribution(form)
