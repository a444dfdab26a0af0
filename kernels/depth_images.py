"""What a depth sensor looks at: a checked batch of ideal images, ready to launch on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .image_rows import borrow_pixels, check_rows, check_sensor, spread_centers, spread_numbers
from .profile_rows import ProfileRows
from .tensors import Place, find_place

Profile = TypeVar("Profile")

MAX_SIDE: Final = 4096
"""Largest side of an image [px]."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class DepthImages(Generic[Profile]):
    """A batch of N images of H lines of W pixels; all lines of all images follow one another."""

    place: Place
    """Where the arrays live and the results go."""
    depth: Any
    """True depth along +z [m], float32, shape (N H, W); 0, NaN or infinity where there is no surface."""
    cosine: Any
    """Cosine of incidence, float32, shape (N H, W); (0, 1) where it is not known."""
    infrared: Any
    """Infrared reflectance, float32, shape (N H, W); (0, 1) where it is not known."""
    intensity: Any
    """What the imager sees without a projector, float32, shape (N H, W); (0, 1) where it is not known."""
    fx: NDArray[np.float64]
    """Focal length along x [px], shape (N,)."""
    fy: NDArray[np.float64]
    """Focal length along y [px], shape (N,)."""
    center: NDArray[np.float64]
    """Principal point (cx, cy) [px], shape (N, 2)."""
    rows: NDArray[np.int64]
    """Global row index of each image, shape (N,)."""
    profiles: ProfileRows[Profile]
    """Which image has which profile."""
    sensor: np.uint64
    """Number of the sensor within its rig."""
    height: int
    """Lines of an image."""

    def take(self, name: Literal["cosine", "infrared", "intensity"], part: slice) -> Any:
        """Return some lines of what may not be known."""
        array = getattr(self, name)
        return array[part] if array.shape[0] else array

    @property
    def lines(self) -> tuple[int, int]:
        """Shape of everything that comes once per pixel, (N H, W)."""
        count, width = self.depth.shape
        return int(count), int(width)


def prepare_depth_images(
    depth: Any,
    profiles: ProfileRows[Profile],
    *,
    fx: ArrayLike,
    fy: ArrayLike | None,
    center: ArrayLike | None,
    index: ArrayLike,
    cosine: Any,
    infrared: Any,
    intensity: Any,
    sensor: int,
    device: str,
) -> DepthImages[Profile]:
    """Check a batch and borrow its arrays.

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.
    """
    place = find_place(depth, device)
    shape = tuple(depth.shape)
    if len(shape) != 3 or not all(1 <= side <= MAX_SIDE for side in shape[1:]):
        raise ValueError(f"depth must have shape (N, H, W) with sides in [1, {MAX_SIDE}], got {shape}")
    count, height, width = shape
    return DepthImages(
        place=place,
        depth=place.borrow(depth, np.float32).reshape(count * height, width),
        cosine=borrow_pixels(place, cosine, shape, "cosine"),
        infrared=borrow_pixels(place, infrared, shape, "infrared"),
        intensity=borrow_pixels(place, intensity, shape, "intensity"),
        fx=spread_numbers(fx, count, "fx"),
        fy=spread_numbers(fx if fy is None else fy, count, "fy"),
        center=spread_centers(center, count, height, width),
        rows=check_rows(index, count),
        profiles=profiles,
        sensor=check_sensor(sensor),
        height=height,
    )
