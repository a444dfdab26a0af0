"""Philox4x32 in Python integers, from the paper's definition."""

from __future__ import annotations

import hashlib

M = 0xFFFFFFFF


def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int], rounds: int = 10) -> tuple[int, int, int, int]:
    """Return the four output words."""
    c, k = list(counter), list(key)
    for number in range(rounds):
        if number:
            k = [(k[0] + 0x9E3779B9) & M, (k[1] + 0xBB67AE85) & M]
        high_0, low_0 = divmod(0xD2511F53 * c[0], 1 << 32)
        high_1, low_1 = divmod(0xCD9E8D57 * c[2], 1 << 32)
        c = [high_1 ^ c[1] ^ k[0], low_1, high_0 ^ c[3] ^ k[1], low_0]
    return c[0], c[1], c[2], c[3]


def stream_key(seed: int, name: str) -> tuple[int, int]:
    """Return the key words of a stream."""
    digest = hashlib.blake2b(seed.to_bytes(8, "little") + name.encode(), digest_size=8, person=b"simloom").digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def block(seed: int, name: str, item: int, row: int, sensor: int, number: int) -> tuple[int, int, int, int]:
    """Return one draw block of a row's item."""
    return philox4x32((item, row & M, row >> 32, sensor << 16 | number), stream_key(seed, name))
