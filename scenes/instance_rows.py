"""Instance rows: placed meshes as a scene collects them, with what carries each, made into snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, invert_pose, transform_points
from ..renderers.snapshot import Snapshot
from .asset_library import AssetLibrary, AssetPart
from .distractors import CLASS
from .look import SurfaceSlot, build_lighting, build_materials
from .object_plan import ObjectPlan

Array = NDArray[np.float64]


@dataclass(kw_only=True)
class InstanceRows:
    """Instances as they are collected: the surroundings first, then the robot, then the objects."""

    assets: AssetLibrary
    """The asset library."""
    classes: Sequence[str]
    """The scene's classes."""
    lit_point: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Point that lamps are placed around and spots point at [m], world."""
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
    link: list[tuple[int, int, Array]] = field(default_factory=list)
    """Of instances that a link carries: row of the instance, row of the link (0 = base), pose in the link's frame."""
    body: list[tuple[int, int]] = field(default_factory=list)
    """Of instances that a free body carries: row of the instance, number of the body."""

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
        self.class_id.append(self.classes.index(class_name))
        self.part.append(part)
        self.local.append(np.eye(4) if local is None else local)
        self.shadow.append(shadow)

    def add_slot(self, slot: SurfaceSlot) -> int:
        """Add a row of materials."""
        self.slots.append(slot)
        return len(self.slots) - 1

    def add_robot(self, links: Array) -> None:
        """Add the robot as instance 1.

        Args:
            links: Poses of its link frames, the base first, shape (1 + links, 4, 4).
        """
        known: dict[tuple[object, int], int] = {}
        base = invert_pose(links[0])
        for part in self.assets.robot_parts:
            key = (part.base_color, part.texture)
            if key not in known:
                known[key] = self.add_slot(
                    SurfaceSlot(source="robot", base_color=part.base_color, texture=part.texture)
                )
            pose = compose_pose(links[part.link + 1], part.pose_link_mesh)
            self.link.append((len(self.mesh), part.link + 1, part.pose_link_mesh))
            self.add(
                part.mesh,
                pose,
                part.scale,
                known[key],
                instance=1,
                class_name="robot",
                part=part.link + 1,
                local=compose_pose(base, pose),
            )

    def add_distractors(self, plans: Sequence[ObjectPlan], poses: Sequence[Array], first_body: int) -> None:
        """Add distractors to the background, before the robot; their bodies are numbered on from `first_body`."""
        for k, (plan, pose) in enumerate(zip(plans, poses, strict=True)):
            for part in plan.asset.parts:
                self.body.append((len(self.mesh), first_body + k))
                slot = self.add_slot(self._slot_of(plan, part, "distractor", plan.element))
                self.add(part.mesh, pose, plan.scale, slot, class_name=CLASS)

    def add_objects(self, plans: Sequence[ObjectPlan], poses: Sequence[Array]) -> None:
        """Add objects as instances from 2 on; each is a body of its own."""
        for k, (plan, pose) in enumerate(zip(plans, poses, strict=True)):
            for part in plan.asset.parts:
                self.body.append((len(self.mesh), k))
                self.add(
                    part.mesh,
                    pose,
                    plan.scale,
                    self.add_slot(self._slot_of(plan, part, "object", k)),
                    instance=k + 2,
                    class_name=self.classes[plan.class_id],
                )

    def _slot_of(self, plan: ObjectPlan, part: AssetPart, source: str, element: int) -> SurfaceSlot:
        size = float(plan.extent.max()) if self.assets.meshes.mesh_has_uv[part.mesh] else 1.0
        return SurfaceSlot(source=source, element=element, base_color=part.base_color, texture=part.texture, size=size)

    @property
    def carriers(self) -> NDArray[np.int64]:
        """Number of the free body that carries each instance, -1 = none, shape (I,)."""
        found = np.full(len(self.mesh), -1, np.int64)
        for row, body in self.body:
            found[row] = body
        return found

    def snapshots(self, param: Mapping[str, Array], views: int) -> tuple[Snapshot, ...]:
        """Make one snapshot per view; all share the arrays of geometry.

        Args:
            param: Values by name, shape (V, L[, K]).
            views: V.

        Returns:
            V snapshots with L looks each.
        """
        pose = np.array(self.pose)
        mesh, material = np.array(self.mesh, np.int32), np.array(self.material, np.int32)
        scale = np.array(self.scale).astype(np.float32)
        instance, class_id = np.array(self.instance, np.int32), np.array(self.class_id, np.int32)
        part, local, shadow = np.array(self.part, np.int32), np.array(self.local), np.array(self.shadow, np.uint8)
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
                materials=build_materials(param, view, self.slots, self.assets.surface_textures),
                lighting=build_lighting(param, view, skies=self.assets.skies, lit_point=self.lit_point),
            )
            for view in range(views)
        )

    def poses_over(self, links: Array, bodies: Array) -> Array:
        """Return where all instances were while links and bodies moved.

        Args:
            links: Poses of the robot's link frames, the base first, shape (T, 1 + links, 4, 4).
            bodies: Poses of the objects, shape (T, B, 4, 4).

        Returns:
            `pose_world_instance` of T instants, shape (T, I, 4, 4).
        """
        poses = np.tile(np.array(self.pose), (len(links), 1, 1, 1))
        for row, link, local in self.link:
            poses[:, row] = compose_pose(links[:, link], local)
        for row, body in self.body:
            poses[:, row] = bodies[:, body]
        return poses


def robot_outline(assets: AssetLibrary, links: Array) -> Array:
    """Return outermost points of all the robot's meshes, world frame [m], shape (P, 3).

    Args:
        assets: The asset library.
        links: Poses of the robot's link frames, the base first, shape (1 + links, 4, 4).
    """
    parts = assets.robot_parts
    poses = compose_pose(
        np.array([links[part.link + 1] for part in parts]), np.array([part.pose_link_mesh for part in parts])
    )
    points = np.array([part.outline * part.scale for part in parts])
    return transform_points(poses, points).reshape(-1, 3)


def robot_box(assets: AssetLibrary, links: Array) -> tuple[Array, Array]:
    """Return the corners of the robot's box in the frame of its base [m], shape (3,) each; as `robot_outline`."""
    points = transform_points(invert_pose(links[0]), robot_outline(assets, links))
    return points.min(axis=0), points.max(axis=0)


def at(x: float, y: float, z: float, turn: float = 0.0) -> Array:
    """Return the pose of a thing at a point [m], turned about z [rad]."""
    pose = np.eye(4)
    if turn != 0.0:
        pose[0, :2] = np.cos(turn), -np.sin(turn)
        pose[1, :2] = np.sin(turn), np.cos(turn)
    pose[:3, 3] = (x, y, z)
    return pose
