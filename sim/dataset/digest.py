"""Digests of decoded rows: what a dataset *is*, whatever codec, sharding, host or time wrote it.

- A *row digest* is the SHA-256 of "simloom row 1", the schema digest and one part per array, in the order of the sorted
  names: the row's bytes (C order, little endian) where they are at most 4096, else their SHA-256.
- The *schema digest* is the SHA-256 of the JSON list of [name, dtype, shape of one row].
- The digest of a shard is the SHA-256 of "simloom rows 1" and its row digests in index order; the *root digest* is the
  same over every row of the dataset.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np

from .specs import Array

_PART_LIMIT = 4096
_SAMPLED_WORDS = 61


def schema_of(arrays: Mapping[str, Array]) -> list[list[object]]:
    """List name, dtype and shape of one row for every array, sorted by name."""
    return [[name, arrays[name].dtype.str, list(arrays[name].shape[1:])] for name in sorted(arrays)]


def schema_digest(arrays: Mapping[str, Array]) -> str:
    """Hash what the rows consist of, without their values.

    Args:
        arrays: arrays by name, rows leading.

    Returns:
        64 hexadecimal digits.
    """
    text = json.dumps(schema_of(arrays), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def byte_rows(array: Array) -> Array:
    """View an array as (rows, bytes per row) of uint8, C order, without a copy where it is contiguous already."""
    contiguous = np.ascontiguousarray(array)
    return contiguous.reshape(len(contiguous), -1).view(np.uint8)


def repeated_rows(array: Array) -> list[bool]:
    """Tell which rows are byte for byte equal to the row before them.

    Several looks of one view share their labels; such rows are hashed and compressed once.

    Args:
        array: rows leading.

    Returns:
        One flag per row; the first is False.
    """
    words = byte_rows(array)
    if words.shape[1] % 8 == 0:
        words = words.view(np.uint64)
    # A few words spread over the row settle nearly every pair that differs, at next to no cost.
    sampled = words[:, :: max(1, words.shape[1] // _SAMPLED_WORDS)]
    candidates = np.nonzero((sampled[1:] == sampled[:-1]).all(axis=1))[0] + 1
    repeats = [False] * len(words)
    for row in candidates.tolist():
        repeats[row] = bool(np.array_equal(words[row], words[row - 1]))
    return repeats


def row_digests(
    arrays: Mapping[str, Array], *, repeats: Mapping[str, list[bool]] | None = None, executor: Executor | None = None
) -> list[str]:
    """Hash every row of a set of arrays.

    Args:
        arrays: arrays by name, rows leading, little endian.
        repeats: what `repeated_rows` said of the big arrays, where it is known; saves hashing them again.
        executor: threads to hash in; by default a few of its own.

    Returns:
        One digest per row, 64 hexadecimal digits each.

    Raises:
        ValueError: the arrays do not have one number of rows.

    Example:
        >>> len(row_digests({"sample/index": np.arange(2)})[0])
        64
    """
    if len({len(array) for array in arrays.values()}) != 1:
        given = {name: array.shape for name, array in arrays.items()}
        raise ValueError(f"arrays must have one number of rows; given {given}")
    if executor is None:
        with ThreadPoolExecutor() as pool:
            return row_digests(arrays, repeats=repeats, executor=pool)
    rows = {name: byte_rows(arrays[name]) for name in sorted(arrays)}
    jobs = {
        name: executor.submit(_hash_rows, row, (repeats or {}).get(name))
        for name, row in rows.items()
        if row.shape[1] > _PART_LIMIT
    }
    parts = [jobs[name].result() if name in jobs else row for name, row in rows.items()]
    table = np.concatenate(parts, axis=1)
    prefix = hashlib.sha256(b"simloom row 1" + bytes.fromhex(schema_digest(arrays)))
    digests = []
    for row in table:
        state = prefix.copy()
        state.update(row)
        digests.append(state.hexdigest())
    return digests


def _hash_rows(rows: Array, repeats: list[bool] | None) -> Array:
    digests = np.empty((len(rows), 32), np.uint8)
    for index, row in enumerate(rows):
        if repeats is not None and repeats[index]:
            digests[index] = digests[index - 1]
        else:
            digests[index] = np.frombuffer(hashlib.sha256(row).digest(), np.uint8)
    return digests


def combine_digests(digests: Iterable[str]) -> str:
    """Combine row digests, in index order, to the digest of a shard or of a whole dataset.

    Args:
        digests: row digests, 64 hexadecimal digits each.

    Returns:
        64 hexadecimal digits.
    """
    state = hashlib.sha256(b"simloom rows 1")
    for digest in digests:
        state.update(bytes.fromhex(digest))
    return state.hexdigest()
