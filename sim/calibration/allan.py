"""Allan deviation: how much means over a time tau differ from one to the next, with overlapping means.

    sigma^2(tau) = < (x[k + 2m] - 2 x[k + m] + x[k])^2 > / (2 tau^2),     x the readings' integral, tau = m / rate

For white noise N, flicker B and random walk K the variance is N^2 / tau + (2 ln2 / pi) B^2 + K^2 tau / 3. The estimates
at different tau are correlated; second differences of a Gaussian x have the covariance

    cov(sigma_1^2, sigma_2^2) = 2 sum_l n(l) R_12(l)^2 / (n_1 n_2) / (4 tau_1^2 tau_2^2)

with n(l) the pairs that lie l samples apart and R_12 a sum of nine values of the generalized covariance of x:
-N^2 |t| / 2, B^2 t^2 ln|t| / 2pi and K^2 |t|^3 / 12.

Sources: IEEE Std 952-1997, annex C; Riley, "Handbook of frequency stability analysis", NIST SP 1065, 2008; Greenhall,
"Recipes for degrees of freedom of frequency stability estimators", IEEE Trans. Instrum. Meas. 40(6), 1991 (generalized
covariances).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

PLATEAU: Final = math.sqrt(2.0 * math.log(2.0) / math.pi)
"""Allan deviation of flicker noise over its B: 0.6643."""
_FINE: Final = 8  # lags per shorter averaging time
_FAR: Final = 4  # correlations end so many times both averaging times away
_APART: Final = 128  # averaging times that differ more are taken as independent


def octave_factors(samples: int, least: int = 1) -> NDArray[np.int64]:
    """Return numbers of samples to average over, doubling, up to a ninth of a series.

    Args:
        samples: Length of the series.
        least: The first number.

    Example:
        >>> octave_factors(100).tolist()
        [1, 2, 4, 8]
    """
    count = max(0, math.floor(math.log2(max(samples, 1) / 9.0 / least)) + 1) if samples >= 9 * least else 0
    return np.int64(least) << np.arange(count)


def overlapping_allan_deviation(values: ArrayLike, rate: float, factors: Sequence[int] | NDArray[np.int64]) -> Array:
    """Return the overlapping Allan deviation of some series.

    Args:
        values: Readings, such as turn rates, shape (T,) or (T, C).
        rate: Readings per second [Hz].
        factors: Numbers m of readings to average over, each at most T / 2.

    Returns:
        Deviations at m / rate seconds, in the readings' unit, shape (F,) or (F, C).

    Raises:
        ValueError: If a factor is too large or below 1.

    Source: NIST SP 1065, equation 11.

    Example:
        >>> overlapping_allan_deviation([1.0, 2.0, 1.0, 2.0], 1.0, [1]).round(4).tolist()
        [0.7071]
    """
    given = np.asarray(values, np.float64)
    columns = given[:, None] if given.ndim == 1 else given
    samples = len(columns)
    if not all(1 <= int(m) <= samples // 2 for m in factors):
        raise ValueError(f"factors must be in [1, {samples // 2}], half of the samples, got {list(factors)}")
    out = np.empty((len(factors), columns.shape[1]))
    for c in range(columns.shape[1]):
        # Without the mean, which changes nothing, the integral stays small and exact.
        x = np.concatenate([[0.0], np.cumsum(columns[:, c] - columns[:, c].mean())])
        for k, m in enumerate(map(int, factors)):
            d = x[2 * m :] - 2.0 * x[m:-m] + x[: -2 * m]
            out[k, c] = math.sqrt(float(np.mean(d * d)) / 2.0) / m
    return out[:, 0] if given.ndim == 1 else out


def allan_terms(tau: ArrayLike) -> Array:
    """Return the variance at each averaging time [s] per N^2, B^2 and K^2, shape (F, 3)."""
    times = np.asarray(tau, np.float64)
    return np.stack([1.0 / times, np.full_like(times, PLATEAU**2), times / 3.0], axis=1)


def _white(t: Array) -> Array:
    return -0.5 * np.abs(t)


def _flicker(t: Array) -> Array:
    return t * t * np.log(np.maximum(np.abs(t), 1e-300)) / (2.0 * math.pi)


def _walk(t: Array) -> Array:
    return np.abs(t) ** 3 / 12.0


class AllanCovariance:
    """The covariance of Allan variances of one series, for any levels of white noise, flicker and random walk.

    Example:
        >>> covariance = AllanCovariance(1000, 10.0, [1, 2, 4]).at([1e-4, 0.0, 0.0])
        >>> covariance.shape
        (3, 3)
    """

    def __init__(self, samples: int, rate: float, factors: Sequence[int] | NDArray[np.int64]) -> None:
        self._shape = len(factors)
        self._pairs: list[tuple[int, int, Array, Array]] = []
        for i, short in enumerate(map(int, factors)):
            for j, long in enumerate(map(int, factors)):
                if short <= long <= _APART * short:
                    self._pairs.append((i, j, *_lag_terms(samples, rate, short, long)))

    def at(self, squares: ArrayLike) -> Array:
        """Return the covariance at given N^2, B^2 and K^2, shape (F, F)."""
        levels = np.asarray(squares, np.float64)
        out = np.zeros((self._shape, self._shape))
        for i, j, terms, weight in self._pairs:
            r = levels[0] * terms[0] + levels[1] * terms[1] + levels[2] * terms[2]
            out[i, j] = out[j, i] = float(np.sum(weight * r * r))
        return out


def _lag_terms(samples: int, rate: float, short: int, long: int) -> tuple[Array, Array]:
    """Return the three terms of R_12 at some lags, shape (3, L), and each lag's weight."""
    count_1, count_2 = samples + 1 - 2 * short, samples + 1 - 2 * long
    step = max(1, short // _FINE)
    reach = min(_FAR * (short + long), samples)
    lag = np.arange(-(reach // step), reach // step + 1) * step - (long - short)
    pairs = np.maximum(0, np.minimum(count_1, count_2 - lag) - np.maximum(0, -lag))
    unit = float(long)  # of time, so that powers of lags lose no digits
    terms = np.zeros((3, len(lag)))
    for a, weight_a in ((0, 1.0), (1, -2.0), (2, 1.0)):
        for b, weight_b in ((0, 1.0), (1, -2.0), (2, 1.0)):
            t = (lag + b * long - a * short) / unit
            for k, law in enumerate((_white, _flicker, _walk)):
                terms[k] += weight_a * weight_b * law(t)
    scale = unit / rate
    terms *= np.array([scale, scale**2, scale**3])[:, None]
    tau = short * long / rate**2
    weight = 2.0 * step * pairs / (float(count_1) * float(count_2)) / (4.0 * tau * tau)
    return terms, weight.astype(np.float64)
