"""A random order of n things as a function: the thing at any place, without the list.

Large orders are a Feistel network on the fewest bits that hold n, with a keyed Philox round function; a value beyond n
walks on along its cycle until it is within. Small orders are sorted random keys, any permutation as likely as another.

Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, sections 3 and 4; Salmon et al., SC11.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...kernels.philox import philox4x32, philox_words, stream_key

_TABLE_ROWS: Final = 4096
"""Up to here the order is a table: a Feistel network on few bits is not every permutation."""
_HALF_ROUNDS: Final = 8
_PHILOX_ROUNDS: Final = 7
"""The fewest that pass BigCrush, by the paper's table 2."""
_LARGEST: Final = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Permutation:
    """A permutation of 0 .. size - 1 that a seed and a name choose; memory does not grow with the size.

    Args:
        size: How many things, [1, 2^62].
        seed: Any whole number in [0, 2^64).
        stream: Name of the order; another name is an unrelated order.

    Example:
        >>> order = Permutation(size=10**9, seed=0, stream="order/0")
        >>> order.at([0, 1, 999_999_999])
    """

    size: int
    seed: int
    stream: str

    def __post_init__(self) -> None:
        if not 1 <= self.size <= _LARGEST:
            raise ValueError(f"size must be in [1, 2^62], got {self.size}")

    def at(self, places: ArrayLike) -> NDArray[np.int64]:
        """Give what stands at some places.

        Args:
            places: Whole numbers in [0, size), shape (n,).

        Returns:
            The things' numbers, shape (n,).

        Raises:
            ValueError: A place is out of range.
        """
        wanted = np.asarray(places, np.int64)
        if wanted.size and not (wanted.min() >= 0 and wanted.max() < self.size):
            raise ValueError(f"places must be in [0, {self.size}), got {wanted.min()} to {wanted.max()}")
        if self.size <= _TABLE_ROWS:
            return _sorted_table(self.size, self.seed, self.stream)[wanted]
        values = self._encipher(wanted.astype(np.uint64))
        outside = np.flatnonzero(values >= np.uint64(self.size))
        while outside.size:  # under two steps on average: the network's domain is less than twice the size
            values[outside] = self._encipher(values[outside])
            outside = outside[values[outside] >= np.uint64(self.size)]
        return values.astype(np.int64)

    def _encipher(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Apply the network once, on [0, 2^bits)."""
        bits = (self.size - 1).bit_length()
        low_bits = np.uint64(bits // 2)
        low_mask, high_mask = np.uint64((1 << (bits // 2)) - 1), np.uint64((1 << (bits - bits // 2)) - 1)
        high, low = values >> low_bits, values & low_mask
        key = stream_key(self.seed, self.stream)
        for half_round in range(0, _HALF_ROUNDS, 2):
            high = high ^ (_scramble(low, half_round, key) & high_mask)
            low = low ^ (_scramble(high, half_round + 1, key) & low_mask)
        return (high << low_bits) | low


def _scramble(half: NDArray[np.uint64], half_round: int, key: tuple[np.uint64, np.uint64]) -> Any:
    """Return the round function's 32 bits of one half of the value, of at most 31 bits."""
    zero = np.zeros_like(half)
    return philox4x32(half, np.uint64(half_round), zero, zero, *key, rounds=_PHILOX_ROUNDS)[0]


@functools.lru_cache(maxsize=16)
def _sorted_table(size: int, seed: int, stream: str) -> NDArray[np.int64]:
    places = np.zeros((size, 3), np.uint32)
    places[:, 0] = np.arange(size)
    words = philox_words(seed, stream, places).astype(np.uint64)
    table = np.argsort((words[:, 0] << np.uint64(32)) | words[:, 1], kind="stable")
    table.setflags(write=False)
    return table
