"""Philox4x32-10: random words as a function of a key and an address, with no state.

A stream is keyed by (seed, name); a draw is addressed by four 32-bit counter words:

    c0  pixel, point or item within the row
    c1  row index, low 32 bits
    c2  row index, high 32 bits (a sampler's address puts a step here)
    c3  sensor << 16 | draw block

so any pixel of any row can be drawn alone, in any order, on any device, with the same result. Words are held in uint64
with their upper half zero: Numba then multiplies them exactly, and plain Python, NumPy arrays, CPU and CUDA agree to
the bit.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, section 3; Random123.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import scalar

ROUNDS: Final = 10
"""Rounds of every draw that makes a row."""
FIXED: Final = 0xFFFFFFFF
"""Row word of what does not change from row to row, such as a sensor's fixed pattern."""

_MULTIPLIER_0: Final = np.uint64(0xD2511F53)
_MULTIPLIER_1: Final = np.uint64(0xCD9E8D57)
_WEYL_0: Final = np.uint64(0x9E3779B9)
_WEYL_1: Final = np.uint64(0xBB67AE85)
_MASK: Final = np.uint64(0xFFFFFFFF)
_SHIFT: Final = np.uint64(32)
_SENSOR_SHIFT: Final = np.uint64(16)


@scalar(forceinline=True)
def _round(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Return counter and key after one round."""
    product_0 = _MULTIPLIER_0 * c0
    product_1 = _MULTIPLIER_1 * c2
    high_0, low_0 = product_0 >> _SHIFT, product_0 & _MASK
    high_1, low_1 = product_1 >> _SHIFT, product_1 & _MASK
    return high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0, (k0 + _WEYL_0) & _MASK, (k1 + _WEYL_1) & _MASK


@scalar(forceinline=True)
def philox4x32(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any, rounds: int = ROUNDS) -> tuple[Any, Any, Any, Any]:
    """Return the four words at a counter under a key.

    Args:
        c0: Counter words, uint64 below 2^32, scalars or arrays; likewise c1, c2 and c3.
        c1: See c0.
        c2: See c0.
        c3: See c0.
        k0: Key words, uint64 below 2^32; likewise k1.
        k1: See k0.
        rounds: Number of rounds.

    Returns:
        Four words, uint64 below 2^32.
    """
    for _ in range(rounds):
        c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    return c0, c1, c2, c3


@scalar(forceinline=True)
def draw_block(k0: Any, k1: Any, item: Any, row: Any, sensor: Any, block: Any) -> tuple[Any, Any, Any, Any]:
    """Return the four words of one draw block of a row's item.

    Args:
        k0: Key words of the stream, uint64; likewise k1.
        k1: See k0.
        item: Pixel, point or time index, [0, 2^32).
        row: Global row index, [0, 2^63).
        sensor: Sensor number within the rig, [0, 2^16).
        block: Draw block within the item, [0, 2^16).

    Returns:
        Four words, uint64 below 2^32.
    """
    index = np.uint64(row)
    last = ((np.uint64(sensor) << _SENSOR_SHIFT) | np.uint64(block)) & _MASK
    # Masked, though it changes nothing: the compiler then knows that a product of 32-bit words is all it takes.
    item, k0, k1 = np.uint64(item) & _MASK, np.uint64(k0) & _MASK, np.uint64(k1) & _MASK
    # Written out: a loop here would keep the compiler from drawing for several pixels at once (8 times slower).
    c0, c1, c2, c3, k0, k1 = _round(item, index & _MASK, index >> _SHIFT, last, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    return c0, c1, c2, c3


def stream_key(seed: int, name: str) -> tuple[np.uint64, np.uint64]:
    """Return the 64-bit key of a stream as two words.

    Args:
        seed: Any whole number in [0, 2^64); 0 is a seed like any other.
        name: Name of the stream, such as "camera" or "parameter/friction".

    Returns:
        Two uint64 below 2^32, from BLAKE2b of seed and name: no two streams are related, unlike with a sum or an xor.

    Raises:
        ValueError: If the seed is out of range.
    """
    value = int(seed)
    if not 0 <= value < 1 << 64:
        raise ValueError(f"seed must be in [0, 2^64), got {seed}")
    text = value.to_bytes(8, "little") + name.encode()
    digest = hashlib.blake2b(text, digest_size=8, person=b"simloom").digest()
    return np.uint64(int.from_bytes(digest[:4], "little")), np.uint64(int.from_bytes(digest[4:], "little"))


def philox_words(seed: int, stream: str, addresses: ArrayLike, block: int = 0) -> NDArray[np.uint32]:
    """Return four random words for each address.

    Args:
        seed: Any whole number in [0, 2^64).
        stream: Name of the stream.
        addresses: Counter words c0, c1, c2, shape (n, 3), whole numbers in [0, 2^32).
        block: Counter word c3, [0, 2^32).

    Returns:
        Words, shape (n, 4).

    Raises:
        ValueError: If the seed or an address is out of range, or the shape is wrong.
    """
    k0, k1 = stream_key(seed, stream)
    given = np.asarray(addresses)
    if given.ndim != 2 or given.shape[1] != 3:
        raise ValueError(f"addresses must have shape (n, 3), got {given.shape}")
    if given.dtype.kind not in "iu" or (given.size and not (given.min() >= 0 and given.max() <= 0xFFFFFFFF)):
        raise ValueError("addresses must be whole numbers in [0, 2^32)")
    if not 0 <= block <= 0xFFFFFFFF:
        raise ValueError(f"block must be in [0, 2^32), got {block}")
    counter = given.astype(np.uint64)
    # The scalar function is array code as well: integers, elementwise.
    words = philox4x32(counter[:, 0], counter[:, 1], counter[:, 2], np.uint64(block), k0, k1)
    return np.stack(np.broadcast_arrays(*words), axis=1).astype(np.uint32)


def philox_uniforms(seed: int, stream: str, addresses: ArrayLike) -> NDArray[np.float64]:
    """Return one uniform number in the open interval (0, 1) for each address.

    Args:
        seed: Any whole number in [0, 2^64).
        stream: Name of the stream.
        addresses: Counter words c0, c1, c2, shape (n, 3), whole numbers in [0, 2^32).

    Returns:
        (k + 1/2) 2^-52 with k from 52 random bits, shape (n,).

    Raises:
        ValueError: If the seed or an address is out of range, or the shape is wrong.

    Example:
        >>> u = philox_uniforms(7, "parameter/friction", np.array([[0, 12, 0]]))
    """
    words = philox_words(seed, stream, addresses).astype(np.uint64)
    bits = ((words[:, 0] >> np.uint64(6)) << np.uint64(26)) | (words[:, 1] >> np.uint64(6))
    return np.asarray((bits.astype(np.float64) + 0.5) * 2.0**-52)
