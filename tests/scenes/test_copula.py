"""Gaussian copulas: rank correlations, marginals, inverse, density, and what cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simloom.kernels.philox import philox_uniforms
from simloom.scenes.copula import CorrelatedGroup

N = 8000
MATRIX = ((1.0, 0.6, -0.3), (0.6, 1.0, 0.2), (-0.3, 0.2, 1.0))


def draw(count):
    """Draw independent coordinates, one array per name."""
    addresses = np.zeros((N, 3), np.int64)
    addresses[:, 0] = np.arange(N)
    return [philox_uniforms(11, f"test/{k}", addresses) for k in range(count)]


@pytest.fixture(scope="module")
def group():
    """Three coupled parameters."""
    return CorrelatedGroup(names=("a", "b", "c"), correlation=MATRIX)


def test_rank_correlations_are_those_declared(group):
    """Spearman's coefficient of every pair lies within five deviations of the declared one."""
    coupled = group.couple(draw(3))

    for i in range(3):
        for k in range(i):
            found = stats.spearmanr(coupled[i], coupled[k]).statistic
            deviation = math.sqrt((1 + MATRIX[i][k] ** 2 / 2) / N) * (1 - MATRIX[i][k] ** 2)  # Bonett and Wright, 2000
            assert abs(found - MATRIX[i][k]) < 5 * deviation


def test_normal_scores_have_the_gaussian_correlation():
    """`gaussian` states the correlation of the normal scores."""
    coupled = CorrelatedGroup(names=("a", "b"), correlation=0.7, kind="gaussian").couple(draw(2))
    found = np.corrcoef(*stats.norm.ppf(coupled))[0, 1]

    assert abs(found - 0.7) < 5 * (1 - 0.7**2) / math.sqrt(N)


def test_marginals_stay_uniform_and_the_first_stays_as_it_is(group):
    """Coupling changes no marginal, and not one bit of the first name's coordinates."""
    u = draw(3)
    coupled = group.couple(u)

    assert all(stats.kstest(each, "uniform").pvalue > 1e-4 for each in coupled)
    np.testing.assert_array_equal(coupled[0], u[0])
    assert all(0.0 < each.min() and each.max() < 1.0 for each in coupled)


def test_uncoupling_gives_the_coordinates_back(group):
    """The inverse holds to rounding."""
    u = draw(3)

    for given, found in zip(u, group.uncouple(group.couple(u)), strict=True):
        np.testing.assert_allclose(found, given, rtol=1e-9, atol=1e-12)


def test_density_is_that_of_scipy(group):
    """The copula's density is the normal's over the product of its marginals."""
    coupled = [each[:200] for each in group.couple(draw(3))]
    gaussian = [[1.0 if i == k else 2 * math.sin(math.pi * r / 6) for k, r in enumerate(row)]
                for i, row in enumerate(MATRIX)]  # fmt: skip
    scores = stats.norm.ppf(np.stack(coupled, axis=1))
    expected = stats.multivariate_normal(np.zeros(3), gaussian).logpdf(scores) - stats.norm.logpdf(scores).sum(axis=1)

    np.testing.assert_allclose(group.log_density(coupled), expected, rtol=1e-9, atol=1e-9)


def test_a_part_of_a_group_is_coupled_as_in_the_whole(group):
    """The margin over one name is the group of the others."""
    part = group.among(("a", "c"))

    assert part.correlation == ((1.0, -0.3), (-0.3, 1.0))
    np.testing.assert_allclose(part.factor[1][0], 2 * math.sin(math.pi * -0.3 / 6))


def test_an_element_does_not_depend_on_its_place(group):
    """A draw coupled alone has the same bits as one coupled among others."""
    u = [each[:20] for each in draw(3)]
    together = group.couple(u)

    for i in range(20):
        alone = group.couple([each[i : i + 1] for each in u])
        assert [each[0] for each in alone] == [each[i] for each in together]


@pytest.mark.parametrize(
    "form", [{"names": ["a", "b"], "rank": 0.5}, {"names": ["a", "b"], "gaussian": [[1, 0.1], [0.1, 1]]}]
)
def test_json_form_round_trips(form):
    """What a group writes reads as the same group."""
    group = CorrelatedGroup.from_json(form)

    assert group.to_json() == form
    assert CorrelatedGroup.from_json(group.to_json()) == group


@pytest.mark.parametrize(
    "form, words",
    [
        ({"names": ["a"], "rank": 0.5}, "2 to 32 parameters"),
        ({"names": ["a", "a"], "rank": 0.5}, "each parameter once"),
        ({"names": ["a", "b"], "rank": 1.0}, "neither included"),
        ({"names": ["a", "b"], "rank": "x"}, "one number or 2 rows"),
        ({"names": ["a", "b"], "rnk": 0.5}, "is written"),
        ({"names": "ab", "rank": 0.5}, "a list of parameters"),
        ({"names": ["a", "b"], "rank": [[1, 0.5], [0.4, 1]]}, "symmetric"),
        ({"names": ["a", "b"], "rank": [[2, 0.5], [0.5, 1]]}, "with itself is 1"),
        ({"names": ["a", "b"], "rank": [[1, 0.5]]}, "2 rows of 2"),
        ({"names": ["a", "b"], "rank": [1, 0.5]}, "rows of a matrix"),
        ({"names": ["a", "b", "c"], "rank": -0.6}, "c contradicts those before it"),
    ],
    ids=str,
)
def test_errors_say_what_is_allowed(form, words):
    """A group that cannot be is refused with what was meant."""
    with pytest.raises(ValueError, match=words):
        CorrelatedGroup.from_json(form)
