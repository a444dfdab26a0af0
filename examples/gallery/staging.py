"""Staging: placed meshes and their materials, collected one by one, become a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simloom.kernels.transforms import pose_from_position_quaternion
from simloom.renderers import Lighting, Materials, Snapshot

_PLAIN: dict[str, Any] = {
    "base_color": (0.5, 0.5, 0.5), "roughness": 0.5, "metallic": 0.0, "texture": -1, "texture_scale": 1.0, "pattern": 0,
    "pattern_color": (0.0, 0.0, 0.0), "pattern_scale": 0.1, "opacity": 1.0, "emission": (0.0, 0.0, 0.0),
    "metallic_roughness_texture": -1, "normal_texture": -1,
}  # fmt: skip
_WHOLE = ("texture", "pattern", "metallic_roughness_texture", "normal_texture")


class Staging:
    """Collects placed meshes; each has a material of its own.

    Example:
        >>> staging = Staging()
        >>> staging.add(builder.add_plane(), scale=(4, 4, 1), roughness=0.9)
        >>> staging.add(builder.add_sphere(), (0, 0, 0.5), instance=1, metallic=1.0)
        >>> snapshot = staging.snapshot(daylight())
    """

    def __init__(self) -> None:
        self._placed: list[tuple[int, NDArray[np.float64], NDArray[np.float32], int, int, int]] = []
        self._materials: list[dict[str, Any]] = []

    def add(
        self,
        mesh: int,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        *,
        pose: NDArray[np.float64] | None = None,
        scale: ArrayLike = 1.0,
        instance: int = 0,
        part: int = 0,
        shadow: int = 1,
        **material: Any,
    ) -> None:
        """Place a mesh; `material` names fields of `Materials`. Ids must ascend, 0 is background."""
        placed = pose_from_position_quaternion(position, (0.0, 0.0, 0.0, 1.0)) if pose is None else pose
        size = np.broadcast_to(np.asarray(scale, np.float32), (3,))
        self._placed.append((mesh, placed, size, instance, part, shadow))
        self._materials.append(_PLAIN | material)

    def snapshot(self, lighting: Lighting) -> Snapshot:
        """Make a snapshot of one look."""
        mesh, pose, scale, instance, part, shadow = zip(*self._placed, strict=True)
        rows = {
            name: np.array([[row[name] for row in self._materials]], np.int32 if name in _WHOLE else np.float32)
            for name in _PLAIN
        }
        ids = np.array(instance, np.int32)
        return Snapshot(
            mesh=np.array(mesh, np.int32),
            pose_world_instance=np.array(pose),
            previous_pose=np.array(pose),
            scale=np.array(scale, np.float32),
            material=np.arange(len(mesh), dtype=np.int32),
            instance=ids,
            class_id=np.minimum(ids, 255),
            part=np.array(part, np.int32),
            pose_instance_part=np.broadcast_to(np.eye(4), (len(mesh), 4, 4)).copy(),
            casts_shadow=np.array(shadow, np.uint8),
            materials=Materials(**rows),
            lighting=lighting,
        )


def light(
    *,
    azimuth: float = 0.8,
    elevation: float = 0.9,
    sun: Sequence[float] = (3.2, 3.0, 2.75),
    zenith: Sequence[float] = (0.22, 0.30, 0.46),
    horizon: Sequence[float] = (0.42, 0.45, 0.50),
    ground: Sequence[float] = (0.30, 0.31, 0.33),
    **more: Any,
) -> Lighting:
    """Make the lighting of one look from plain numbers [W/m^2, W/(sr m^2)]; `more` names fields of `Lighting`."""
    level = np.cos(elevation)
    values: dict[str, Any] = {
        "sun_direction": (level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)),
        "sun_irradiance": sun,
        "sky_zenith": zenith,
        "sky_horizon": horizon,
        "sky_ground": ground,
        **more,
    }
    whole = ("sky_image", "lamp_kind")
    return Lighting(**{n: np.array([value], np.int32 if n in whole else np.float32) for n, value in values.items()})
