"""Bit words: runs of samples as the bits of a word."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import scalar

U1 = np.uint64(1)


@scalar(forceinline=True)
def count_bits(word: Any) -> int:
    """Count the bits of a 64-bit word (Warren 2013, "Hacker's Delight", 5-1)."""
    word = word - ((word >> U1) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    word = word + (word >> np.uint64(8))
    word = word + (word >> np.uint64(16))
    return int((word + (word >> np.uint64(32))) & np.uint64(0x7F))


@scalar
def find_ends(word: Any) -> tuple[int, int]:
    """Return the places of the lowest and the highest bit of a word that is not 0."""
    lowest, highest = 0, 63
    while (word >> np.uint64(lowest)) & U1 == np.uint64(0):
        lowest += 1
    while (word >> np.uint64(highest)) & U1 == np.uint64(0):
        highest -= 1
    return lowest, highest
