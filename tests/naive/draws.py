"""Deviates of a draw block, by SciPy's quantiles."""

from __future__ import annotations

from scipy import special

from .philox import M, block


def uniforms(seed: int, stream: str, item: int, row: int, sensor: int, number: int) -> list[float]:
    """Return the block's four numbers in (0, 1)."""
    return [(word + 0.5) / 2**32 for word in block(seed, stream, item, row, sensor, number)]


def normals(seed: int, stream: str, item: int, row: int, sensor: int, number: int) -> list[float]:
    """Return the block's four standard normals."""
    return [float(special.ndtri(u)) for u in uniforms(seed, stream, item, row, sensor, number)]


FIXED = M << 32 | M
"""Row of what belongs to the specimen."""
