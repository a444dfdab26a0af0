"""Snapshots: all that a renderer may know of one instant of one world, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lighting import Lighting
from .surfaces import UNSET, Materials, Pattern, is_unset

__all__ = ["MAX_INSTANCES", "Deformation", "Lighting", "Materials", "Pattern", "Snapshot"]

MAX_INSTANCES = 4095
"""Instances (mesh placements) per snapshot; the visibility key keeps 12 bits for them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Deformation:
    """New positions for the vertices of one placed mesh: cloth and soft bodies."""

    row: int
    """Row among the snapshot's instances; its mesh was added with `MeshLibraryBuilder.add_deformable`."""
    vertices: NDArray[np.float32]
    """Positions in the frame of `pose_world_instance`, before `scale` [m], shape (vertices of the mesh, 3)."""


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
    next_pose: NDArray[np.float64] = UNSET
    """`pose_world_instance` one step later, shape (I, 4, 4); the same as now where not given."""
    keypoint_row: NDArray[np.int32] = UNSET
    """Row among the instances that each keypoint is fixed to, shape (P,); P = 0 where not given."""
    keypoint_position: NDArray[np.float64] = UNSET
    """Keypoints in the frame of `pose_world_instance` (scale is not applied) [m], shape (P, 3)."""
    deformations: tuple[Deformation, ...] = ()
    """New shapes of deformable instances."""

    def __post_init__(self) -> None:
        count = self.mesh.shape[0]
        if count > MAX_INSTANCES:
            raise ValueError(f"a snapshot holds at most {MAX_INSTANCES} instances, got {count}; merge static meshes")
        if is_unset(self.next_pose):
            object.__setattr__(self, "next_pose", self.pose_world_instance)
        if is_unset(self.keypoint_row):
            object.__setattr__(self, "keypoint_row", np.zeros(0, np.int32))
            object.__setattr__(self, "keypoint_position", np.zeros((0, 3)))
        for name in ("scale", "pose_world_instance", "previous_pose", "next_pose", "pose_instance_part"):
            tail = (3,) if name == "scale" else (4, 4)
            if getattr(self, name).shape != (count, *tail):
                raise ValueError(f"{name} must have shape {(count, *tail)}, got {getattr(self, name).shape}")
        for name in ("material", "instance", "class_id", "part", "casts_shadow"):
            if getattr(self, name).shape != (count,):
                raise ValueError(f"{name} must have shape {(count,)}, got {getattr(self, name).shape}")
        if count and (np.diff(self.instance) < 0).any():
            raise ValueError("instance ids must be ascending; sort the instances by id, background (0) first")
        rows = self.keypoint_row
        if self.keypoint_position.shape != (len(rows), 3) or (
            len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < count
        ):
            raise ValueError(
                f"keypoints need rows in [0, {count}) and positions of shape {(len(rows), 3)}, "
                f"got {self.keypoint_position.shape}"
            )
        for deformation in self.deformations:
            if not 0 <= deformation.row < count:
                raise ValueError(f"a deformation's row must be in [0, {count}), got {deformation.row}")
        looks = self.look_count
        if self.materials.roughness.shape[0] != looks:
            raise ValueError(f"materials must have {looks} looks first, got {self.materials.roughness.shape[0]}")
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
