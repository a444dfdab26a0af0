"""Variates: against SciPy's quantiles and by chi-square against the exact distributions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from naive.camera import poisson as naive_poisson
from naive.twin import run_simulated
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.philox import philox_words
from simloom.kernels.variates import (
    normal,
    normal_quantile,
    normal_single,
    poisson,
    poisson_single,
    uniform32,
    uniform64,
    uniform64_pair,
)


@scalar
def _normal_element(index, word_in, value_out):
    value_out[index] = normal(np.uint64(word_in[index]))


@scalar
def _poisson_element(index, word_in, mean, value_out):
    value_out[index] = poisson(mean, np.uint64(word_in[index]))


@scalar
def _single_element(index, word_in, mean_in, normal_out, count_out):
    normal_out[index] = normal_single(word_in[index])
    count_out[index] = poisson_single(mean_in[index], word_in[index])


NORMAL, POISSON, SINGLE = Kernel(_normal_element), Kernel(_poisson_element), Kernel(_single_element)


def _words(count: int, stream: str) -> np.ndarray:
    items = np.arange(count // 4)
    return philox_words(0, stream, np.stack([items, items * 0, items * 0], axis=1)).ravel()


def test_uniforms_stay_open_at_the_ends() -> None:
    """The smallest and the largest word give numbers strictly between 0 and 1, in float32 too."""
    low, high = np.uint64(0), np.uint64(0xFFFFFFFF)

    for value in (uniform32(low), uniform64(low), uniform64_pair(low, low)):
        assert value > 0
    for value in (uniform32(high), uniform64(high), uniform64_pair(high, high)):
        assert value < 1
    assert uniform32(high).dtype == np.float32


def test_normal_quantile_is_exact() -> None:
    """AS 241 agrees with SciPy to 1e-14."""
    p = np.concatenate([np.geomspace(1e-300, 0.5, 2000), 1 - np.geomspace(1e-15, 0.5, 2000)])

    assert np.allclose([normal_quantile(float(x)) for x in p], special.ndtri(p), rtol=2e-14, atol=1e-15)


def test_normal_table_is_within_its_bound() -> None:
    """The table is within 5e-7 of the quantile in every octave, and odd about one half."""
    ends = np.arange(3000)
    octaves = np.concatenate([2**k + np.linspace(0, 2**k - 1, 999).astype(np.int64) for k in range(10, 31)])
    lower = np.concatenate([ends, octaves])
    words = np.concatenate([lower, 2**32 - 1 - lower]).astype(np.uint32)
    value = np.full(len(words), np.nan)
    NORMAL.launch(len(words), words, value)

    assert np.abs(value - special.ndtri((words + 0.5) / 2**32)).max() < 5e-7
    assert np.array_equal(value[: len(lower)], -value[len(lower) :])


def test_normal_distribution() -> None:
    """A million normals pass a Kolmogorov-Smirnov test."""
    words = _words(1_000_000, "normal")
    value = np.full(len(words), np.nan)
    NORMAL.launch(len(words), words, value)

    assert stats.kstest(value, "norm").pvalue > 1e-4


@pytest.mark.parametrize("mean", [0.1, 1.0, 5.0, 9.9, 10.0, 30.0, 100.0, 1e3, 1e4])
def test_poisson_distribution(mean: float) -> None:
    """A million counts pass a chi-square test against the exact probabilities, with the 24 bits the camera gives."""
    words = _words(1_000_000, f"poisson/{mean}") & np.uint32(0xFFFFFF00) | np.uint32(0x80)
    value = np.full(len(words), np.nan)
    POISSON.launch(len(words), words, mean, value)
    n = len(value)
    low, high = stats.poisson.ppf([1e-5, 1 - 1e-5], mean).astype(int)
    cells = np.arange(low, high + 1)
    expected = np.diff(np.concatenate([[0.0], stats.poisson.cdf(cells[:-1], mean), [1.0]])) * n
    observed = np.bincount(np.clip(value, low, high).astype(int) - low, minlength=len(cells))

    assert stats.chisquare(observed, expected).pvalue > 1e-4
    assert abs(value.var() / mean - 1) < 5 * np.sqrt((2 + 1 / mean) / n)


def test_poisson_follows_the_oracle() -> None:
    """Counts equal those of exact quantiles but where a table's error crosses a whole number."""
    words = _words(400, "oracle")
    for mean in (0.0, -1.0, 0.3, 9.999, 10.0, 57.3, 2e4):
        value = np.full(len(words), np.nan)
        POISSON.launch(len(words), words, mean, value)
        expected = np.array([naive_poisson(mean, (int(w) + 0.5) / 2**32) for w in words])

        assert np.abs(value - expected).max() <= 1
        assert (value != expected).mean() <= 0.005


def test_single_precision_is_within_its_bound() -> None:
    """In float32 a normal is within 1e-6 of the quantile, odd about one half, up to the ends of every octave."""
    ends = np.arange(3000)
    octaves = np.concatenate([2**k + np.linspace(0, 2**k - 1, 999).astype(np.int64) for k in range(10, 31)])
    lower = np.concatenate([ends, octaves, 2**31 - 1 - ends])
    words = np.concatenate([lower, 2**32 - 1 - lower]).astype(np.uint32)
    value, count = np.full(len(words), np.nan, np.float32), np.full(len(words), np.nan, np.float32)
    SINGLE.launch(len(words), words, np.full(len(words), 57.3, np.float32), value, count)
    half = len(lower)

    assert np.abs(value[:half] - special.ndtri((lower + 0.5) / 2**32)).max() < 1e-6
    assert np.array_equal(value[half:], -value[:half])


@pytest.mark.parametrize("mean", [10.0, 57.3, 3000.0, 5e4])
def test_single_precision_counts_follow_the_expansion(mean: float) -> None:
    """In float32 counts are the oracle's but for one in the share that rounding 3e-7 of the mean moves."""
    words = _words(8000, "single")
    mean = float(np.float32(mean))
    value, count = np.full(len(words), np.nan, np.float32), np.full(len(words), np.nan, np.float32)
    SINGLE.launch(len(words), words, np.full(len(words), mean, np.float32), value, count)
    expected = np.array([naive_poisson(mean, (int(w) + 0.5) / 2**32) for w in words])

    assert np.abs(count - expected).max() <= 1
    assert (count != expected).mean() <= 0.002 + 3e-7 * mean


def test_single_precision_counts_end_at_their_bounds() -> None:
    """No mean gives a count below 0 or above 2^24, and one below 10 counts as 10."""
    words = np.array([0, 2**31, 2**32 - 1, 2**31, 77], np.uint32)
    means = np.array([10.0, 1e12, 1e12, 3.0, 10.0], np.float32)
    value, count = np.full(5, np.nan, np.float32), np.full(5, np.nan, np.float32)
    SINGLE.launch(5, words, means, value, count)

    assert count.tolist() == [0.0, 2.0**24, 2.0**24, 10.0, float(poisson(10.0, np.uint64(77)))]


def test_simulated_cuda_gives_the_same_counts(tmp_path: Path) -> None:
    """Counts of the CUDA source equal the CPU's; normals agree to 1e-12."""
    words = _words(200, "twin")
    code = """
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.variates import normal, normal_single, poisson, poisson_single
@scalar
def element(index, word_in, value_out):
    w = np.uint64(word_in[index])
    value_out[index, 3] = normal_single(word_in[index])
    value_out[index, 4] = poisson_single(np.float32(400.0), word_in[index])
    value_out[index, 0] = normal(w)
    value_out[index, 1] = poisson(4.0, w)
    value_out[index, 2] = poisson(400.0, w)
value = np.full((len(words), 5), np.nan)
Kernel(element).launch(len(words), words, value, device="cuda")
out = {"value": value}
"""
    simulated = run_simulated(code, tmp_path, words=words)["value"]
    single = [np.full(len(words), np.nan, np.float32) for _ in range(2)]
    SINGLE.launch(len(words), words, np.full(len(words), 400.0, np.float32), *single)
    columns = [np.full(len(words), np.nan) for _ in range(3)]
    NORMAL.launch(len(words), words, columns[0])
    POISSON.launch(len(words), words, 4.0, columns[1])
    POISSON.launch(len(words), words, 400.0, columns[2])
    value = np.stack(columns, axis=1)

    assert np.allclose(simulated[:, 0], value[:, 0], rtol=0, atol=1e-12)
    assert np.array_equal(simulated[:, 1:3], value[:, 1:])
    assert np.array_equal(simulated[:, 3:], np.stack(single, axis=1))
