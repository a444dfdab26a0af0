"""What renderers see of the tabletop: instances, their poses and materials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, invert_pose, transform_points
from ..renderers.snapshot import Snapshot
from .asset_library import AssetLibrary
from .tabletop_layout import CLASSES, ObjectPlan
from .tabletop_look import SurfaceSlot, build_lighting, build_materials

Array = NDArray[np.float64]
FLOOR_SIDE = 12.0
"""Side of the floor that is drawn [m]."""
_LEG = 0.05


@dataclass(kw_only=True)
class _Rows:
    """Instances as they are collected."""

    mesh: list[int] = field(default_factory=list)
    pose: list[Array] = field(default_factory=list)
    scale: list[Array] = field(default_factory=list)
    material: list[int] = field(default_factory=list)
    instance: list[int] = field(default_factory=list)
    class_id: list[int] = field(default_factory=list)
    part: list[int] = field(default_factory=list)
    local: list[Array] = field(default_factory=list)
    shadow: list[int] = field(default_factory=list)
    slots: list[SurfaceSlot] = field(default_factory=list)

    def add(
        self,
        mesh: int,
        pose: Array,
        scale: Array,
        material: int,
        *,
        instance: int = 0,
        class_name: str,
        part: int = 0,
        local: Array | None = None,
        shadow: int = 1,
    ) -> None:
        """Add one placed mesh."""
        self.mesh.append(mesh)
        self.pose.append(pose)
        self.scale.append(scale)
        self.material.append(material)
        self.instance.append(instance)
        self.class_id.append(CLASSES.index(class_name))
        self.part.append(part)
        self.local.append(np.eye(4) if local is None else local)
        self.shadow.append(shadow)

    def add_slot(self, slot: SurfaceSlot) -> int:
        """Add a row of materials."""
        self.slots.append(slot)
        return len(self.slots) - 1


def _at(x: float, y: float, z: float) -> Array:
    pose = np.eye(4)
    pose[:3, 3] = (x, y, z)
    return pose


class SnapshotMaker:
    """Makes snapshots of the tabletop.

    Args:
        assets: The asset library.
        table_back: Rear edge of the table [m].
    """

    def __init__(self, assets: AssetLibrary, table_back: float) -> None:
        self._assets = assets
        self._back = table_back

    def robot_outline(self, links: Array) -> Array:
        """Return outermost points of all the robot's meshes, world frame [m], shape (P, 3)."""
        parts = self._assets.robot_parts
        poses = compose_pose(
            np.array([links[part.link + 1] for part in parts]), np.array([part.pose_link_mesh for part in parts])
        )
        points = np.array([part.outline * part.scale for part in parts])
        return transform_points(poses, points).reshape(-1, 3)

    def robot_box(self, links: Array) -> tuple[Array, Array]:
        """Return the corners of the robot's box in the frame of its base [m], shape (3,) each."""
        points = transform_points(invert_pose(links[0]), self.robot_outline(links))
        return points.min(axis=0), points.max(axis=0)

    def make(
        self,
        param: Mapping[str, Array],
        views: int,
        top: float,
        plans: Sequence[ObjectPlan],
        poses: Sequence[Array],
        links: Array,
    ) -> tuple[Snapshot, ...]:
        """Make one snapshot per view; all share the arrays of geometry.

        Args:
            param: Values by name, shape (V, L[, K]).
            views: V.
            top: Height of the table's top [m].
            plans: The objects.
            poses: Their poses, shape (4, 4) each.
            links: Poses of the robot's links, the base first, shape (1 + links, 4, 4).

        Returns:
            V snapshots with L looks each.
        """
        rows = _Rows()
        self._add_surroundings(rows, param, top)
        self._add_robot(rows, links)
        self._add_objects(rows, plans, poses)
        pose = np.array(rows.pose)
        mesh, material = np.array(rows.mesh, np.int32), np.array(rows.material, np.int32)
        scale = np.array(rows.scale).astype(np.float32)
        instance, class_id = np.array(rows.instance, np.int32), np.array(rows.class_id, np.int32)
        part, local, shadow = np.array(rows.part, np.int32), np.array(rows.local), np.array(rows.shadow, np.uint8)
        return tuple(
            Snapshot(
                mesh=mesh,
                pose_world_instance=pose,
                previous_pose=pose,
                scale=scale,
                material=material,
                instance=instance,
                class_id=class_id,
                part=part,
                pose_instance_part=local,
                casts_shadow=shadow,
                materials=build_materials(param, view, rows.slots, self._assets.surface_textures),
                lighting=build_lighting(param, view),
            )
            for view in range(views)
        )

    def _add_surroundings(self, rows: _Rows, param: Mapping[str, Array], top: float) -> None:
        value = {name: float(given[0, 0]) for name, given in param.items() if name in _TABLE}
        depth, width, thick = value["table.depth"], value["table.width"], value["table.thickness"]
        floor = rows.add_slot(SurfaceSlot(source="floor", size=FLOOR_SIDE))
        wood = rows.add_slot(SurfaceSlot(source="table", size=max(depth, width)))
        plane, box = self._assets.mesh_row("plane"), self._assets.mesh_row("box")
        side = np.array([FLOOR_SIDE, FLOOR_SIDE, 1.0])
        rows.add(plane, np.eye(4), side, floor, class_name="floor", shadow=0)
        middle = self._back + 0.5 * depth
        rows.add(box, _at(middle, 0.0, top - 0.5 * thick), np.array([depth, width, thick]), wood, class_name="table")
        tall = top - thick
        for x in (self._back + _LEG, self._back + depth - _LEG):
            for y in (-0.5 * width + _LEG, 0.5 * width - _LEG):
                rows.add(box, _at(x, y, 0.5 * tall), np.array([_LEG, _LEG, tall]), wood, class_name="table")

    def _add_robot(self, rows: _Rows, links: Array) -> None:
        known: dict[tuple[object, int], int] = {}
        base = invert_pose(links[0])
        for part in self._assets.robot_parts:
            key = (part.base_color, part.texture)
            if key not in known:
                known[key] = rows.add_slot(
                    SurfaceSlot(source="robot", base_color=part.base_color, texture=part.texture)
                )
            pose = compose_pose(links[part.link + 1], part.pose_link_mesh)
            rows.add(
                part.mesh,
                pose,
                part.scale,
                known[key],
                instance=1,
                class_name="robot",
                part=part.link + 1,
                local=compose_pose(base, pose),
            )

    def _add_objects(self, rows: _Rows, plans: Sequence[ObjectPlan], poses: Sequence[Array]) -> None:
        has_uv = self._assets.meshes.mesh_has_uv
        for k, (plan, pose) in enumerate(zip(plans, poses, strict=True)):
            for part in plan.asset.parts:
                size = float(plan.extent.max()) if has_uv[part.mesh] else 1.0
                slot = SurfaceSlot(
                    source="object", element=k, base_color=part.base_color, texture=part.texture, size=size
                )
                rows.add(
                    part.mesh,
                    pose,
                    plan.scale,
                    rows.add_slot(slot),
                    instance=k + 2,
                    class_name=CLASSES[plan.class_id],
                )


_TABLE = ("table.depth", "table.width", "table.thickness")
