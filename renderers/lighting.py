"""Lighting: sun, sky, lamps and fog of a snapshot, one set for each look."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .surfaces import UNSET, fill_defaults, is_unset

MAX_LAMPS = 16
"""Lamps in one look."""


class Lamp(IntEnum):
    """Kinds of lamps; one with a radius is a small area light."""

    NONE = 0
    POINT = 1
    SPOT = 2


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """One sun, a sky, K lamps and a fog per look, in physical units per sRGB-primary channel.

    Raises:
        ValueError: If arrays disagree about looks or lamps, or there are more than `MAX_LAMPS` lamps.
    """

    sun_direction: NDArray[np.float32]
    """Unit vector from the scene towards the sun, world frame, shape (L, 3)."""
    sun_irradiance: NDArray[np.float32]
    """Irradiance on a surface that faces the sun [W/m^2], shape (L, 3)."""
    sky_zenith: NDArray[np.float32]
    """Radiance of the sky straight up [W/(sr m^2)], shape (L, 3)."""
    sky_horizon: NDArray[np.float32]
    """Radiance of the sky at the horizon [W/(sr m^2)], shape (L, 3)."""
    sky_ground: NDArray[np.float32]
    """Radiance from below the horizon [W/(sr m^2)], shape (L, 3)."""
    sun_radius: NDArray[np.float32] = UNSET
    """Angular radius of the sun's disc [rad], shape (L,); 0 (hard shadows) where not given; ours has 0.00465."""
    sky_image: NDArray[np.int32] = UNSET
    """Row in the mesh library's skies, which then stands for the gradient, shape (L,); -1 (none) where not given."""
    sky_scale: NDArray[np.float32] = UNSET
    """Radiance for the image's value 1 [W/(sr m^2)], shape (L, 3); 1 where not given."""
    sky_yaw: NDArray[np.float32] = UNSET
    """Turn of the image about the world's z axis [rad], shape (L,); 0 where not given."""
    fog_extinction: NDArray[np.float32] = UNSET
    """Extinction of a homogeneous fog [1/m], shape (L,); 0 where not given. One sees 3.912 / extinction far
    (Koschmieder)."""
    fog_radiance: NDArray[np.float32] = UNSET
    """Radiance of the fog itself, seen through an endless layer [W/(sr m^2)], shape (L, 3); 0 where not given."""
    lamp_kind: NDArray[np.int32] = UNSET
    """A `Lamp` value, shape (L, K); K = 0 where not given."""
    lamp_position: NDArray[np.float32] = UNSET
    """Centre of the lamp, world frame [m], shape (L, K, 3)."""
    lamp_intensity: NDArray[np.float32] = UNSET
    """Radiant intensity along its axis [W/sr], shape (L, K, 3)."""
    lamp_direction: NDArray[np.float32] = UNSET
    """Axis of a spot, from the lamp outwards, unit, shape (L, K, 3)."""
    lamp_cone: NDArray[np.float32] = UNSET
    """Half angles of a spot: full light within the first, none outside the second [rad], shape (L, K, 2), < 1.4."""
    lamp_radius: NDArray[np.float32] = UNSET
    """Radius of the lamp's ball [m], shape (L, K); 0 (hard shadows) where not given."""

    def __post_init__(self) -> None:
        looks = self.sun_direction.shape[0]
        lamps = 0 if is_unset(self.lamp_kind) else self.lamp_kind.shape[-1]
        if lamps > MAX_LAMPS:
            raise ValueError(f"a look has at most {MAX_LAMPS} lamps, got {lamps}; leave out the weakest")
        fill_defaults(
            self,
            (looks,),
            {
                "sun_radius": (np.float32, (), 0.0),
                "sky_image": (np.int32, (), -1),
                "sky_scale": (np.float32, (3,), 1.0),
                "sky_yaw": (np.float32, (), 0.0),
                "fog_extinction": (np.float32, (), 0.0),
                "fog_radiance": (np.float32, (3,), 0.0),
                "lamp_kind": (np.int32, (lamps,), 0),
                "lamp_position": (np.float32, (lamps, 3), 0.0),
                "lamp_intensity": (np.float32, (lamps, 3), 0.0),
                "lamp_direction": (np.float32, (lamps, 3), 0.0),
                "lamp_cone": (np.float32, (lamps, 2), 0.0),
                "lamp_radius": (np.float32, (lamps,), 0.0),
            },
        )
        for field in fields(self):
            shape = getattr(self, field.name).shape
            if shape[0] != looks:
                raise ValueError(f"{field.name} must have {looks} looks first, got {shape}")
        if (self.fog_extinction < 0).any() or (self.lamp_radius < 0).any() or (self.sun_radius < 0).any():
            raise ValueError("fog_extinction, lamp_radius and sun_radius must be >= 0")
        spots = self.lamp_kind == Lamp.SPOT
        cone = self.lamp_cone[spots]
        if cone.size and not (0 <= cone[:, 0].min() and (cone[:, 0] <= cone[:, 1]).all() and cone[:, 1].max() < 1.4):
            raise ValueError(f"lamp_cone of a spot must satisfy 0 <= inner <= outer < 1.4 rad, got {cone.tolist()}")
        norm = np.abs((self.lamp_direction[spots].astype(np.float64) ** 2).sum(axis=-1) - 1.0)
        if norm.size and norm.max() > 1e-3:
            raise ValueError("lamp_direction of a spot must be a unit vector; divide it by its length")
