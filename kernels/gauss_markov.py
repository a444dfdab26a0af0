"""First-order Gauss-Markov processes: noise that forgets, stepped exactly whatever the step.

    x[k + 1] = e^(-dt/T) x[k] + sigma sqrt(1 - e^(-2 dt/T)) w[k],     w ~ N(0, 1),    x[0] ~ N(0, sigma^2)

sigma is the stationary standard deviation and T the correlation time, both of the process and not of its samples: two
steps of dt/2 have the distribution of one of dt, so that another rate changes no level. A driving noise of density q
has sigma = q sqrt(T/2); where T is infinite the process is a random walk of that density.

Source: IEEE Std 952-1997, annex B; Gelb, "Applied Optimal Estimation", 1974, section 4.5.
"""

from __future__ import annotations

import math


def gauss_markov_step(step: float, time_constant: float, sigma: float) -> tuple[float, float]:
    """Return what one step keeps of a process, and the standard deviation of what it adds.

    Args:
        step: Time between samples [s], > 0.
        time_constant: Correlation time T [s], > 0.
        sigma: Stationary standard deviation, ≥ 0.

    Example:
        >>> keep, add = gauss_markov_step(0.01, 100.0, 1e-3)
    """
    return math.exp(-step / time_constant), sigma * math.sqrt(-math.expm1(-2.0 * step / time_constant))


def random_walk_step(step: float, density: float) -> float:
    """Return the standard deviation that one step adds to a random walk.

    Args:
        step: Time between samples [s], > 0.
        density: Density K of the walk's rate [unit/s/sqrt(Hz)], ≥ 0.
    """
    return density * math.sqrt(step)


def white_noise_sample(step: float, density: float) -> float:
    """Return the standard deviation of samples of white noise, each a mean over the step before it.

    Args:
        step: Time between samples [s], > 0.
        density: Noise density N [unit/sqrt(Hz)], ≥ 0.
    """
    return density / math.sqrt(step)
