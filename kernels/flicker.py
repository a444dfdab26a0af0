"""Flicker noise, S(f) ~ 1/f: a bank of Gauss-Markov processes whose correlation times are spread over decades.

Processes of equal deviation, their times T_k in geometric progression of ratio r, add up to

    S(f) = B^2 / (2 pi f)  (two-sided)    with    sigma^2 = B^2 ln(r) / pi

between 1 / (2 pi T) of the slowest and of the fastest, and so to an Allan deviation of B sqrt(2 ln2 / pi) = 0.6643 B.
Of seven processes that reach from a fifth of the shortest averaging time to five times the longest, those at the ends
with 1.5 times the variance, the plateau is flat to 0.3 % over two decades. The times are in seconds: the noise does not
change with the rate at which it is sampled. Samples are values at an instant: where they come more seldom than the
fastest process forgets, its noise folds back, as it does in a real sensor that is read so.

Sources: IEEE Std 952-1997, annex C (levels); van der Ziel, Physica 16(4), 1950 (the sum of relaxations).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

PROCESSES: Final = 7
"""Gauss-Markov processes of a bank."""
_REACH: Final = 5.0
_END: Final = 1.5
_PEAK: Final = 1.892  # averaging time at which a process deviates most, in correlation times
_TRIALS: Final = 33


class Relaxation(NamedTuple):
    """One process of the bank."""

    time_constant: float
    """Correlation time [s]."""
    sigma: float
    """Stationary standard deviation."""


def gauss_markov_allan_variance(averaging_time: float, time_constant: float, sigma: float) -> float:
    """Return the Allan variance of a Gauss-Markov process.

    Args:
        averaging_time: tau [s], > 0.
        time_constant: Correlation time [s], > 0.
        sigma: Stationary standard deviation.

    Source: IEEE Std 952-1997, annex C.1.5.
    """
    x = averaging_time / time_constant
    if x < 1e-3:  # the closed form cancels; what is left out is below x^2
        return 2.0 * sigma * sigma * x * (1.0 / 3.0 - x / 4.0)
    e = math.expm1(-x)
    return 2.0 * sigma * sigma / x * (1.0 - (-2.0 * e + e * e) / (2.0 * x))


def flicker_bank(bias_instability: float, shortest: float, longest: float) -> tuple[Relaxation, ...]:
    """Return the processes that make flicker noise with a plateau between two averaging times.

    Args:
        bias_instability: B: the plateau of the Allan deviation is 0.6643 B, ≥ 0.
        shortest: Where the plateau begins [s], > 0.
        longest: Where it ends [s], at least `shortest`, and at most 1000 times that.

    Example:
        >>> len(flicker_bank(1e-5, 10.0, 1000.0))
        7
    """
    first = shortest / (_REACH * _PEAK)
    ratio = (_REACH * _REACH * longest / shortest) ** (1.0 / (PROCESSES - 1))
    times = [first * ratio**k for k in range(PROCESSES)]
    weights = [math.sqrt(_END) if k in (0, PROCESSES - 1) else 1.0 for k in range(PROCESSES)]
    level = 0.0
    for trial in range(_TRIALS):
        tau = shortest * (longest / shortest) ** (trial / (_TRIALS - 1))
        for time, weight in zip(times, weights, strict=True):
            level += gauss_markov_allan_variance(tau, time, weight) / _TRIALS
    scale = bias_instability * math.sqrt(2.0 * math.log(2.0) / math.pi / level)
    return tuple(Relaxation(time, weight * scale) for time, weight in zip(times, weights, strict=True))
