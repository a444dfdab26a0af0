"""Gauss-Markov steps: closed forms, and independence of the step."""

import math

import pytest

from simloom.kernels.gauss_markov import gauss_markov_step, random_walk_step, white_noise_sample


@pytest.mark.parametrize("step", [1e-6, 0.01, 3.0, 1e4])
def test_a_step_keeps_the_stationary_deviation(step: float) -> None:
    """What is kept and what is added make up the process' own variance, however long the step."""
    keep, add = gauss_markov_step(step, 100.0, 0.3)

    assert (keep * 0.3) ** 2 + add**2 == pytest.approx(0.09, rel=1e-12)


def test_two_half_steps_are_one_step() -> None:
    """Halving the step changes neither what is kept nor the variance that is added."""
    keep, add = gauss_markov_step(0.5, 2.0, 1.7)
    half_keep, half_add = gauss_markov_step(0.25, 2.0, 1.7)

    assert half_keep**2 == pytest.approx(keep, rel=1e-14)
    assert (half_keep * half_add) ** 2 + half_add**2 == pytest.approx(add**2, rel=1e-13)


def test_a_long_memory_is_a_random_walk() -> None:
    """With sigma = q sqrt(T/2) and T without bound, a step adds what a walk of density q does."""
    q, time_constant = 2e-3, 1e9

    _, add = gauss_markov_step(0.01, time_constant, q * math.sqrt(time_constant / 2))

    assert add == pytest.approx(random_walk_step(0.01, q), rel=1e-9)


def test_white_noise_keeps_its_density() -> None:
    """The mean over n samples deviates as one sample of an n times longer step."""
    assert white_noise_sample(0.01, 0.2) / math.sqrt(25) == pytest.approx(white_noise_sample(0.25, 0.2), rel=1e-12)
