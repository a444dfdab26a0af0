"""What is asked for of a dataset: positions, row numbers, arrays by name or pattern, and where they shall go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ...scenes.spelling import nearest
from .specs import Array


def find_rows(key: int | slice | Sequence[int] | Array, rows: Array) -> Any:
    """Turn a position, a slice, a list of positions or flags into row numbers.

    Args:
        key: What was asked for.
        rows: Numbers of the rows, by position.

    Returns:
        One number, or as many as were asked for.

    Raises:
        IndexError: A position is not there, or is no whole number.
    """
    if isinstance(key, slice):
        return rows[key]
    wanted = np.asarray(key)
    if wanted.dtype.kind == "b":
        if wanted.shape != rows.shape:
            raise IndexError(f"{wanted.shape} flags for {len(rows)} rows; there must be one a row")
    elif wanted.dtype.kind not in "iu" and wanted.size:
        raise IndexError(f"a position is a whole number, a slice, or a list of them; got {key!r}")
    else:
        wanted = wanted.astype(np.int64)
    return rows[wanted]


def choose_names(known: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Choose arrays by names and patterns such as "label/*", sorted.

    Raises:
        KeyError: Nothing has that name.
        TypeError: The patterns are one text.
    """
    if isinstance(patterns, str):
        raise TypeError(f"names are a list, got the text {patterns!r}; write [{patterns!r}]")
    chosen: set[str] = set()
    for pattern in patterns:
        found = [name for name in known if name == pattern or fnmatchcase(name, pattern)]
        if not found:
            raise KeyError(f"no array {pattern!r} here; {nearest(pattern, known)}")
        chosen.update(found)
    return tuple(sorted(chosen))


def unknown_array(name: str, known: Sequence[str]) -> KeyError:
    """Make the error for an array that is not there."""
    if "*" in name:
        return KeyError(f"{name!r} is a pattern: dataset.columns([{name!r}]) gives a view of the arrays that it fits")
    return KeyError(f"no array {name!r} here; {nearest(name, known)}")


def check_numbers(rows: Sequence[int] | Array) -> Array:
    """Read row numbers; IndexError where they are something else."""
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise IndexError(f"rows are a list of whole numbers, got {rows!r}")
    return numbers.astype(np.int64)


def find_room(
    name: str, shape: tuple[np.dtype[Any], tuple[int, ...]], count: int, out: Mapping[str, Array] | None
) -> Array:
    """Find the array that rows are decoded into, or make it; ValueError where it does not fit."""
    dtype, inner = shape
    if out is None:
        return np.empty((count, *inner), dtype)
    if name not in out:
        raise ValueError(f"out holds no {name!r}; it needs shape {(count, *inner)} and dtype {dtype}")
    array = out[name]
    if array.shape != (count, *inner) or array.dtype != dtype or not array.flags.c_contiguous:
        raise ValueError(
            f"out[{name!r}] has shape {array.shape} and dtype {array.dtype}; {(count, *inner)} and {dtype}, "
            "contiguous, are needed"
        )
    return array
