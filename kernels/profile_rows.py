"""Which image has which profile: one for all, or another draw for every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np
from numpy.typing import NDArray

Profile = TypeVar("Profile")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ProfileRows(Generic[Profile]):
    """The distinct profiles of a batch, and which of them each image has."""

    profiles: tuple[Profile, ...]
    """Distinct profiles, in the order of their first image."""
    which: NDArray[np.int64]
    """Place in `profiles` of each image's, shape (N,)."""


def find_profile_rows(
    profile: str | Profile | Sequence[str | Profile], count: int, load: Callable[[str], Profile]
) -> ProfileRows[Profile]:
    """Tell the distinct profiles of a batch.

    Args:
        profile: A name, a profile, or one of either for each image.
        count: Number of images N.
        load: Loads a built-in profile by its name.

    Returns:
        The profiles and which image has which.

    Raises:
        ValueError: If there is not one for each image, or a name is unknown.
    """
    if isinstance(profile, str) or not isinstance(profile, Sequence):
        one: Profile = load(profile) if isinstance(profile, str) else profile
        return ProfileRows(profiles=(one,), which=np.zeros(count, np.int64))
    if len(profile) != count:
        raise ValueError(f"profile must be one for all or one for each of the {count} images, got {len(profile)}")
    places: dict[Profile, int] = {}
    which = np.empty(count, np.int64)
    for image, given in enumerate(profile):
        found: Profile = load(given) if isinstance(given, str) else given
        which[image] = places.setdefault(found, len(places))
    return ProfileRows(profiles=tuple(places), which=which)
