"""Bootstrap over image blocks: how often each block is drawn in each resample.

Pixels of an image are not independent (neighbours share noise), and the same pixel stands in every exposure. So whole
blocks are resampled, the same ones in all exposures, and everything is estimated anew from each resample.

Source: Efron, Tibshirani, "An introduction to the bootstrap", 1993, sections 6 and 8.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.philox import philox_uniforms

RESAMPLES: Final = 400
"""Resamples: the standard deviation is then known to 3.5 %."""


def draw_block_weights(block_count: int, *, seed: int = 0, group: int = 0) -> NDArray[np.float64]:
    """Draw how often each block counts.

    Args:
        block_count: Number of blocks, at least 2.
        seed: Seed of the draws, [0, 2^64).
        group: Number of the set of blocks, where several are resampled apart, [0, 2^32).

    Returns:
        Weights, shape (1 + RESAMPLES, block_count): the first row is ones, each other row adds up to block_count.

    Example:
        >>> draw_block_weights(64).sum(axis=1)[:2]
        array([64., 64.])
    """
    count = RESAMPLES * block_count
    addresses = np.zeros((count, 3), np.int64)
    addresses[:, 0], addresses[:, 1] = np.arange(count), group
    uniforms = philox_uniforms(seed, "calibration/blocks", addresses)
    drawn = np.minimum((uniforms * block_count).astype(np.int64), block_count - 1)
    place = np.repeat(np.arange(RESAMPLES), block_count) * block_count + drawn
    weights = np.ones((1 + RESAMPLES, block_count))
    weights[1:] = np.bincount(place, minlength=count).reshape(RESAMPLES, block_count)
    return weights
