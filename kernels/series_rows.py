"""What each row of a time series is: its number, its sensor's specimen and profile, and the rate of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .image_rows import check_rows
from .profile_rows import ProfileRows
from .series import check_rate

Profile = TypeVar("Profile")

TILE: Final = 128
"""Samples that a kernel works on at a time, so that its scratch stays in the nearest cache."""

_MOST = 1 << 32


def spread_units(unit: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return the number of each row's specimen.

    Raises:
        ValueError: If it is not one whole number in [0, 2^32), or one for each row.
    """
    value = np.asarray(unit)
    if (
        value.shape not in ((), (count,))
        or value.dtype.kind not in "iu"
        or (value.size and not (int(value.min()) >= 0 and int(value.max()) < _MOST))
    ):
        raise ValueError(f"unit must be a whole number in [0, 2^32) or {count} of them, got {unit!r}")
    return np.broadcast_to(value.astype(np.int64), (count,)).copy()


def number_rows(index: ArrayLike | None, count: int) -> NDArray[np.int64]:
    """Return the global row indices, counted from 0 where none are given.

    Raises:
        ValueError: If they are not `count` whole numbers from 0.
    """
    return np.arange(count, dtype=np.int64) if index is None else check_rows(index, count)


def find_rate(rate: float | None, profiles: Sequence[Any]) -> float:
    """Return the rate of the samples [Hz], the profiles' own where none is given.

    Raises:
        ValueError: If it is not a positive number, or the profiles have different ones.
    """
    if rate is not None:
        return check_rate(rate)
    rates = sorted({float(profile.rate) for profile in profiles})
    if len(rates) != 1:
        raise ValueError(f"rate must be given where the profiles have different ones, got {rates}")
    return rates[0]


def profiles_of(profiles: ProfileRows[Profile]) -> Profile | tuple[Profile, ...]:
    """Return the profile of all rows, or each row's."""
    if len(profiles.profiles) == 1:
        return profiles.profiles[0]
    return tuple(profiles.profiles[place] for place in profiles.which.tolist())
