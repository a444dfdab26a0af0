"""Tukey's lambda distribution and the powers it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from naive.camera import tukey_deviation as naive_deviation
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.philox import philox_words
from simloom.kernels.powers import exp2, log2
from simloom.kernels.tukey import tukey, tukey_deviation


@scalar
def _tukey_element(index, word_in, shape, value_out):
    value_out[index] = tukey(np.uint64(word_in[index]), shape)


@scalar
def _power_element(index, value_in, log_out, power_out):
    log_out[index] = log2(value_in[index])
    power_out[index] = exp2(log_out[index] * 3.0)


TUKEY, POWER = Kernel(_tukey_element), Kernel(_power_element)


def test_powers_are_within_their_bounds() -> None:
    """Logarithms are within 4e-8, powers within 7e-8 of themselves, from 2^-33 to 2^33."""
    value = np.concatenate([np.geomspace(2.0**-33, 2.0**33, 200_001), 1 - np.geomspace(2.0**-33, 0.5, 1001)])
    log, power = np.full(value.size, np.nan), np.full(value.size, np.nan)
    POWER.launch(value.size, value, log, power, threads=1)

    assert np.abs(log - np.log2(value)).max() < 4e-8
    assert np.abs(power / np.exp2(3.0 * log) - 1).max() < 7e-8


@pytest.mark.parametrize("shape", [-0.45, -0.2, 0.14, 0.4])
def test_quantiles_are_scipys(shape: float) -> None:
    """Over the whole range of words the quantile is SciPy's, odd about one half."""
    words = np.concatenate(
        [2 ** np.arange(32), 2**32 - 2 ** np.arange(32), np.linspace(0, 2**32 - 1, 9999).astype(int)]
    )
    words = words.astype(np.uint32)
    value = np.full(words.size, np.nan)
    TUKEY.launch(words.size, words, shape, value, threads=1)
    exact = stats.tukeylambda.ppf((words.astype(np.float64) + 0.5) / 2**32, shape)

    assert np.allclose(value / shape, exact, rtol=3e-7, atol=1e-6)


@pytest.mark.parametrize("shape", [-0.45, -0.2, 0.14, 0.4])
def test_deviation_is_that_of_what_is_drawn(shape: float) -> None:
    """It is the distribution's within the tails that words reach, and SciPy's where those beyond do not matter."""
    assert tukey_deviation(shape) / shape == pytest.approx(naive_deviation(shape), rel=1e-8)
    if shape > -0.25:
        assert abs(tukey_deviation(shape)) == pytest.approx(
            shape and abs(shape) * stats.tukeylambda(shape).std(), rel=1e-5
        )


def test_drawn_moments_are_scipys() -> None:
    """A million draws have SciPy's variance and kurtosis."""
    shape, count = 0.1, 1_000_000
    items = np.arange(count // 4)
    words = philox_words(0, "tukey", np.stack([items, items * 0, items * 0], axis=1)).ravel()
    value = np.full(count, np.nan)
    TUKEY.launch(count, words, shape, value, threads=1)
    value /= shape
    variance, excess = (float(m) for m in stats.tukeylambda.stats(shape, moments="vk"))
    scaled = value / np.sqrt(variance)

    assert scaled.var() == pytest.approx(1.0, abs=5 * np.sqrt((2 + excess) / count))
    assert (scaled**4).mean() == pytest.approx(3 + excess, abs=5 * (scaled**4).std() / np.sqrt(count))
