"""Checks of time series: arrays of shape (R, T, ...), R robots or rows of T samples."""

from __future__ import annotations

import math
from typing import Any

from .tensors import Place

MAX_SAMPLES = 1 << 32
"""Samples of a series that can be addressed."""


def check_series(value: Any, name: str, *channels: int) -> tuple[int, int]:
    """Return rows R and samples T of a series of shape (R, T, *channels).

    Raises:
        ValueError: If it has another shape.
    """
    shape = tuple(value.shape)
    if len(shape) != 2 + len(channels) or shape[2:] != channels:
        wanted = ", ".join(("rows", "samples", *(str(count) for count in channels)))
        raise ValueError(f"{name} must have shape ({wanted}), got {shape}")
    return int(shape[0]), int(shape[1])


def check_rate(rate: float) -> float:
    """Return a sampling rate [Hz].

    Raises:
        ValueError: If it is not a positive finite number.
    """
    if isinstance(rate, bool) or not (math.isfinite(rate) and rate > 0.0):
        raise ValueError(f"rate must be a positive number of samples per second, got {rate!r}")
    return float(rate)


def check_first(first: int, samples: int) -> int:
    """Return the number of a series' first sample.

    Raises:
        ValueError: If it is negative, or the series runs over the last number that can be addressed.
    """
    if not 0 <= first <= MAX_SAMPLES - samples:
        raise ValueError(f"first must be in [0, 2^32 - samples], got {first}")
    return int(first)


def borrow_series(place: Place, value: Any, shape: tuple[int, ...], name: str, dtype: Any) -> Any:
    """Return what a launch takes of a series.

    Raises:
        ValueError: If it has another shape.
    """
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(value.shape)}")
    return place.borrow(value, dtype)
