"""Random words: known answers, addressing, and equality of every build."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from naive import philox as naive
from naive.twin import run_simulated
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.philox import draw_block, philox4x32, philox_uniforms, philox_words, stream_key

PI = ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0))
ZERO = ((0,) * 4, (0,) * 2)
ONES = ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2)
# Random123, tests/kat_vectors (BSD-3).
KNOWN = [
    (7, ZERO, "5f6fb709 0d893f64 4f121f81 4f730a48"),
    (7, ONES, "5207ddc2 45165e59 4d8ee751 8c52f662"),
    (7, PI, "4dfccaba 190a87f0 c47362ba b6b5242a"),
    (10, ZERO, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (10, ONES, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (10, PI, "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@scalar
def _words_element(index, counter_in, key_in, rounds, words_out):
    c = counter_in[index]
    w = philox4x32(c[0], c[1], c[2], c[3], key_in[index, 0], key_in[index, 1], rounds)
    for k in range(4):
        words_out[index, k] = w[k]


@scalar
def _block_element(index, row_in, key_0, key_1, words_out):
    w = draw_block(key_0, key_1, index, row_in[index], 3, 5)
    for k in range(4):
        words_out[index, k] = w[k]


@pytest.mark.parametrize("rounds, case, expected", KNOWN)
def test_known_answers_in_python_and_compiled(rounds, case, expected) -> None:
    """The words of Random123 come out, in the oracle, in plain Python and compiled."""
    counter, key = case
    answer = [int(word, 16) for word in expected.split()]
    compiled = np.full((1, 4), 0xDEAD, np.uint64)
    counters, keys = np.array([counter], np.uint64), np.array([key], np.uint64)
    Kernel(_words_element).launch(1, counters, keys, rounds, compiled)

    assert list(naive.philox4x32(counter, key, rounds)) == answer
    assert [int(w) for w in philox4x32(*counters[0], *keys[0], rounds)] == answer
    assert compiled[0].tolist() == answer


def test_blocks_are_equal_in_every_build(tmp_path: Path) -> None:
    """Oracle, compiled CPU and simulated CUDA give the same words, beyond 2^32 rows too."""
    rows = np.array([0, 1, 2**31, 2**32 - 1, 2**32, 2**40 + 7, 2**62])
    key = stream_key(0, "camera")
    words = np.zeros((len(rows), 4), np.uint64)
    Kernel(_block_element).launch(len(rows), rows, *key, words)
    code = """
from simloom.kernels.philox import draw_block, stream_key
from simloom.kernels.device import Kernel, scalar
@scalar
def element(index, row_in, key_0, key_1, words_out):
    w = draw_block(key_0, key_1, index, row_in[index], 3, 5)
    for k in range(4):
        words_out[index, k] = w[k]
words = np.zeros((len(rows), 4), np.uint64)
Kernel(element).launch(len(rows), rows, *stream_key(0, "camera"), words, device="cuda")
out = {"words": words}
"""
    simulated = run_simulated(code, tmp_path, rows=rows)["words"]

    assert words.tolist() == [list(naive.block(0, "camera", i, int(r), 3, 5)) for i, r in enumerate(rows)]
    assert np.array_equal(simulated, words)


def test_streams_differ_by_seed_and_name() -> None:
    """Seed 0 is a seed like any other, and no two streams share a key."""
    keys = {stream_key(seed, name) for seed in (0, 1, 2**64 - 1) for name in ("", "a", "b", "ab")}

    assert len(keys) == 12
    assert stream_key(0, "a") == naive.stream_key(0, "a")


def test_uniforms_are_uniform_and_open() -> None:
    """Uniforms pass a Kolmogorov-Smirnov test, and the extreme words stay within (0, 1)."""
    addresses = np.stack([np.arange(200_000), np.full(200_000, 5), np.zeros(200_000, int)], axis=1)
    u = philox_uniforms(0, "test", addresses)

    assert stats.kstest(u, "uniform").pvalue > 1e-4
    assert 0.0 < (0 + 0.5) * 2.0**-52 < (2.0**52 - 1 + 0.5) * 2.0**-52 < 1.0
    assert np.array_equal(philox_uniforms(0, "test", addresses[::-7]), u[::-7])


def test_words_follow_the_oracle() -> None:
    """Array code gives the oracle's words."""
    found = philox_words(3, "x", [[1, 2, 3], [2**32 - 1, 0, 9]], block=4)

    key = naive.stream_key(3, "x")
    assert found.tolist() == [list(naive.philox4x32((*a, 4), key)) for a in ((1, 2, 3), (2**32 - 1, 0, 9))]


@pytest.mark.parametrize("bad", [[[0, 1]], [[0, 1, -1]], [[0, 1, 2**32]], [[0.5, 1, 2]]])
def test_bad_addresses_are_refused(bad) -> None:
    """Addresses of a wrong shape or range get an error."""
    with pytest.raises(ValueError, match="addresses must"):
        philox_words(0, "x", bad)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_bad_seeds_are_refused(seed) -> None:
    """A seed outside 64 bits gets an error."""
    with pytest.raises(ValueError, match="seed must be"):
        stream_key(seed, "x")
