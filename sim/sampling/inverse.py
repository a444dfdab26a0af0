"""Inverse: from the values of parameters back to the coordinates of u that give them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...scenes.distribution import Distribution
from ...scenes.distributions import Choice, Integer

Array = NDArray[np.float64]

_STEPS = 80
_LEAST = 2.0**-60
_MOST = 1.0 - 2.0**-53
_TOLERANCE = 1e-9  # of a value, relative: what a number written with ten digits is off by


def find_interval(distribution: Distribution, values: ArrayLike) -> tuple[Array, Array]:
    """Find the coordinates that a distribution of one number maps to each value.

    Bisection needs no formula, only that the inverse CDF does not fall, and it finds the very double.

    Args:
        distribution: One coordinate, one number a value.
        values: Values, shape (...).

    Returns:
        The least coordinate whose value is at least the given one, and the least whose value is above it, in (0, 1),
        each of shape (...). The second is 1 where nothing lies above.

    Raises:
        ValueError: If a value is one that the distribution never gives.

    Example:
        >>> low, high = find_interval(Integer(low=0, high=3), [2])
        >>> float(low[0]), float(high[0])
        (0.5, 0.75)
    """
    wanted = np.asarray(values, np.float64)
    if not np.isfinite(wanted).all():
        raise ValueError("values must be finite numbers")
    span = np.abs(wanted) * _TOLERANCE + 1e-300
    low = _bisect(distribution, wanted, above=False)
    reached = distribution.ppf(np.minimum(low, _MOST))
    # A value at the upper end of the support is reached in the limit alone.
    off = np.abs(reached - wanted) > np.maximum(span, _grain(distribution))
    if off.any():
        raise _refusal(distribution, float(wanted[off].flat[0]))
    return np.minimum(low, _MOST), np.maximum(_bisect(distribution, wanted, above=True), low)


def _refusal(distribution: Distribution, value: float) -> ValueError:
    first, last = (float(distribution.ppf(np.array(u))) for u in (_LEAST, _MOST))
    return ValueError(
        f"{value:.9g} is no value of {distribution.to_json()}, which gives values of {first:.6g} to {last:.6g}"
    )


def _grain(distribution: Distribution) -> float:
    low, high = distribution.support
    return 0.0 if isinstance(distribution, Integer | Choice) or not np.isfinite(high - low) else 1e-12 * (high - low)


def _bisect(distribution: Distribution, wanted: Array, *, above: bool) -> Array:
    low, high = np.zeros(wanted.shape), np.ones(wanted.shape)
    for _ in range(_STEPS):
        middle = np.clip(0.5 * (low + high), _LEAST, _MOST)
        reached = distribution.ppf(middle)
        enough = reached > wanted if above else reached >= wanted
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return np.asarray(np.clip(high, _LEAST, 1.0))


def find_coordinates(distribution: Distribution, values: ArrayLike) -> Array:
    """Find coordinates that give values.

    Args:
        distribution: Whose values they are.
        values: Shape (...), or (..., value_count) where a value has several numbers.

    Returns:
        Coordinates in (0, 1), shape (...) or (..., coordinate_count); the middle where many give the same value.

    Raises:
        ValueError: If a value is one that the distribution never gives, or if the distribution has no inverse.

    Example:
        >>> find_coordinates(Uniform(low=0.0, high=2.0), [0.5]).tolist()
        [0.25]
    """
    given = np.asarray(values, np.float64)
    own = getattr(distribution, "coordinates", None)  # where a distribution knows its own inverse
    if own is not None:
        found = np.asarray(own(given), np.float64)
        if not np.isfinite(found).all():
            if distribution.value_count == 1:
                raise _refusal(distribution, float(given[~np.isfinite(found)].flat[0]))
            raise ValueError(f"some values are none of {distribution.to_json()}")
        return clip_coordinates(found)
    if distribution.coordinate_count == 1 and distribution.value_count == 1:
        low, high = find_interval(distribution, given)
        many = high - low > 2.0**-40
        return np.where(many, 0.5 * (low + high), low)
    raise ValueError(f"{distribution.kind} has no inverse: give u instead of its values")


def clip_coordinates(u: Array) -> Array:
    """Move coordinates into (0, 1): the ends of a support lie at 0 and 1."""
    return np.clip(u, _LEAST, _MOST)
