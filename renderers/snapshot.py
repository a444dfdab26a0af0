"""Snapshots: all that a renderer may know of one instant of one world, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

MAX_INSTANCES = 4095
"""Instances (mesh placements) per snapshot; the visibility key keeps 12 bits for them."""


class Pattern(IntEnum):
    """Procedural albedo patterns, evaluated in the instance's own metric coordinates."""

    NONE = 0
    CHECKER = 1
    STRIPES = 2
    NOISE = 3
    WOOD = 4
    SPECKLE = 5


@dataclass(frozen=True, kw_only=True)
class Materials:
    """Material rows of a snapshot, for L looks and M materials.

    A surface's albedo is `base_color`, times the texture where there is one, or blended with
    `pattern_color` by the pattern. Colours are scene-linear sRGB primaries in [0, 1].
    """

    base_color: NDArray[np.float32]
    """Albedo (metallic: reflectance at normal incidence) [1], shape (L, M, 3), range [0, 1]."""
    roughness: NDArray[np.float32]
    """Perceptual roughness [1], shape (L, M), range [0.03, 1]; GGX alpha is its square."""
    metallic: NDArray[np.float32]
    """Metalness [1], shape (L, M), range [0, 1]."""
    texture: NDArray[np.int32]
    """Row in the mesh library's textures, shape (L, M), -1 = none."""
    texture_scale: NDArray[np.float32]
    """Repeats over the mesh's UV square; for meshes without UVs repeats per metre (box projection); shape (L, M)."""
    pattern: NDArray[np.int32]
    """A `Pattern` value, shape (L, M)."""
    pattern_color: NDArray[np.float32]
    """Second colour of the pattern [1], shape (L, M, 3), range [0, 1]."""
    pattern_scale: NDArray[np.float32]
    """Period of the pattern [m], shape (L, M), > 0."""


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """One sun and a sky per look, in physical units per sRGB-primary channel."""

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


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One instant of one world: I placed meshes, their appearance in L looks.

    Geometry is shared by all looks; `materials` and `lighting` have a leading look axis. Instances
    with one instance id (the links of a robot) must be contiguous, ids ascending, 0 (background) first.

    Raises:
        ValueError: If shapes disagree, ids are not ascending, or there are more than `MAX_INSTANCES`.
    """

    mesh: NDArray[np.int32]
    """Row in the mesh library, shape (I,)."""
    pose_world_instance: NDArray[np.float64]
    """Maps the mesh's frame to the world, rigid, shape (I, 4, 4)."""
    previous_pose: NDArray[np.float64]
    """The same one step earlier (equal where nothing moved), shape (I, 4, 4)."""
    scale: NDArray[np.float32]
    """Scale along the mesh's axes, applied before the pose [1], shape (I, 3), > 0."""
    material: NDArray[np.int32]
    """Row in `materials`, shape (I,)."""
    instance: NDArray[np.int32]
    """Instance id: object slot + 1, 0 = background; shape (I,), ascending."""
    class_id: NDArray[np.int32]
    """Class id, shape (I,), range [0, 255]."""
    part: NDArray[np.int32]
    """Link within the instance, shape (I,); 0 = base."""
    pose_instance_part: NDArray[np.float64]
    """Maps the mesh's frame to the frame of its object (for object coordinates), shape (I, 4, 4)."""
    casts_shadow: NDArray[np.uint8]
    """1 = casts a shadow, 0 = receives only (floors), shape (I,)."""
    materials: Materials
    lighting: Lighting

    def __post_init__(self) -> None:
        count = self.mesh.shape[0]
        if count > MAX_INSTANCES:
            raise ValueError(f"a snapshot holds at most {MAX_INSTANCES} instances, got {count}; merge static meshes")
        for name in ("scale", "pose_world_instance", "previous_pose", "pose_instance_part"):
            tail = (3,) if name == "scale" else (4, 4)
            if getattr(self, name).shape != (count, *tail):
                raise ValueError(f"{name} must have shape {(count, *tail)}, got {getattr(self, name).shape}")
        for name in ("material", "instance", "class_id", "part", "casts_shadow"):
            if getattr(self, name).shape != (count,):
                raise ValueError(f"{name} must have shape {(count,)}, got {getattr(self, name).shape}")
        if count and (np.diff(self.instance) < 0).any():
            raise ValueError("instance ids must be ascending; sort the instances by id, background (0) first")
        looks = self.look_count
        for table in (self.materials, self.lighting):
            for field in fields(table):
                if getattr(table, field.name).shape[0] != looks:
                    raise ValueError(
                        f"{field.name} must have {looks} looks first, got {getattr(table, field.name).shape}"
                    )
        if count and int(self.material.max()) >= self.materials.roughness.shape[1]:
            raise ValueError(
                f"material row {int(self.material.max())} does not exist; there are {self.materials.roughness.shape[1]}"
            )

    @property
    def look_count(self) -> int:
        """Appearances over the same geometry."""
        return int(self.lighting.sun_direction.shape[0])

    @property
    def instance_count(self) -> int:
        """Placed meshes."""
        return int(self.mesh.shape[0])
