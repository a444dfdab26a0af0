"""What rangers look at: bundles of sub-rays, checked and laid out for a launch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .image_rows import check_rows, check_sensor
from .profile_rows import ProfileRows
from .ranger_beam import RangerProfile, ranger_directions
from .series import MAX_SAMPLES
from .tensors import Place, find_place

Kind = TypeVar("Kind", bound=RangerProfile)

_UNITS = 1 << 31


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class RangerBundle(Generic[Kind]):
    """N bundles of S sub-rays."""

    place: Place
    """Whose arrays these are."""
    profiles: ProfileRows[Kind]
    """The rangers."""
    weight: NDArray[np.float64]
    """Weight of each sub-ray for each distinct profile, shape (P, S)."""
    range: Any
    """Distance along each sub-ray [m], float32, shape (N, S)."""
    cosine: Any
    """Cosine of incidence, float32, shape (N, S), or (0, 1) for 1 everywhere."""
    reflectance: Any
    """Reflectance, float32, shape (N, S), or (0, 1) for 1 everywhere."""
    rows: NDArray[np.int64]
    """Global row index, shape (N,)."""
    number: NDArray[np.int64]
    """Number of the sample, shape (N,)."""
    unit: NDArray[np.int64]
    """Specimen, shape (N,)."""
    sensor: np.uint64
    """Number of the sensor within its rig."""


def prepare_rangers(
    range: Any,
    profiles: ProfileRows[Any],
    *,
    cosine: Any,
    reflectance: Any,
    index: ArrayLike,
    number: ArrayLike,
    unit: ArrayLike,
    sensor: int,
    device: str,
) -> RangerBundle[Any]:
    """Check what rangers look at; the arguments are those of `apply_ranger`.

    Raises:
        ValueError: If a shape or a value is wrong.
    """
    shape = tuple(range.shape)
    counts = {one.ray_count for one in profiles.profiles}
    if len(shape) != 2 or counts - {shape[1]}:
        wanted = ", ".join(str(count) for count in sorted(counts))
        raise ValueError(f"range must have shape (measurements, sub-rays) with {wanted} sub-rays, got {shape}")
    place = find_place(range, device)

    def borrow(value: Any, name: str) -> Any:
        if value is None:
            return np.empty((0, 1), np.float32)
        if tuple(value.shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, got {tuple(value.shape)}")
        return place.borrow(value, np.float32)

    return RangerBundle(
        place=place,
        profiles=profiles,
        weight=np.array([ranger_directions(one).weight for one in profiles.profiles]),
        range=place.borrow(range, np.float32),
        cosine=borrow(cosine, "cosine"),
        reflectance=borrow(reflectance, "reflectance"),
        rows=check_rows(index, shape[0]),
        number=_spread_whole(number, shape[0], "number", MAX_SAMPLES),
        unit=_spread_whole(unit, shape[0], "unit", _UNITS),
        sensor=check_sensor(sensor),
    )


def _spread_whole(value: ArrayLike, count: int, name: str, end: int) -> NDArray[np.int64]:
    given = np.asarray(value)
    inside = given.size == 0 or (given.dtype.kind in "iu" and int(given.min()) >= 0 and int(given.max()) < end)
    if given.shape not in ((), (count,)) or not inside:
        raise ValueError(f"{name} must be a whole number in [0, {end}), or {count} of them, got {value!r}")
    return np.broadcast_to(given.astype(np.int64), (count,))
