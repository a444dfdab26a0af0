"""The tabletop: a robot arm at a table, objects dropped before it and settled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.mesh_library import MeshLibrary
from ..renderers.snapshot import Snapshot
from ..renderers.urdf import UrdfLink, load_urdf_links
from ..renderers.view import Camera
from .asset_library import AssetLibrary
from .assets import load_asset_library
from .contact_check import TOLERANCE
from .physics import Contacts, Joint, Settled, Surface, WorldError
from .scenario import Scenario
from .scene import Scene
from .sensor_parameters import override_space
from .sensors import Rig
from .space import ParameterSpace, nearest
from .stage import Reason, Stage
from .tabletop_cameras import place_cameras
from .tabletop_layout import CLASSES, ObjectPlan, add_asset, body_depth, plan_objects
from .tabletop_readout import empty_objects, empty_state, fill_objects, fill_state
from .tabletop_robot import MIMIC, ready_positions
from .tabletop_snapshot import SnapshotMaker
from .tabletop_space import tabletop_space
from .world import World

Array = NDArray[np.float64]
MAX_SETTLE_STEPS: Final = 960
"""Steps after which a scenario counts as not settled (4 s)."""
TABLE_BACK: Final = -0.25
"""Rear edge of the table, behind the robot's base [m]."""
_CLEARANCE: Final = 0.005
_BLENDS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


class TabletopScene(Scene):
    """A robot arm at a table's edge and up to 15 objects, dropped before it and settled.

    Args:
        slots: Object slots M, the robot's included, range [2, 256].
        rig: Sensors: a `Rig` or its JSON form; None = one camera, `head`.
        overrides: Parameter name to another distribution, as a recipe writes it.
        randomize: Groups that vary (materials, lighting, camera, dynamics); the others stand at nominal values.
        object_folders: Folders of meshes or URDFs that take the place of PyBullet's random objects.
        robot: URDF of another arm; None = the Franka Panda.
        texture_folders: Folders of images that take the place of the built-in textures.
        cache: Whether to keep prepared assets on disk.

    Raises:
        ValueError: If an option cannot be; the message says what is allowed.
        WorldError: If PyBullet is not there or the robot cannot be loaded.

    Example:
        >>> scene = TabletopScene(overrides={"object_count": {"integer": [3, 8]}})
        >>> stage = scene.stage(draw_scenario(scene.space, seed=7, index=0))
    """

    name: ClassVar[str] = "tabletop"
    classes: ClassVar[tuple[str, ...]] = CLASSES
    summary: ClassVar[str] = "Franka Panda at a table, 3 to 15 objects dropped before it and settled"

    def __init__(
        self,
        *,
        slots: int = 16,
        rig: Rig | Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        randomize: Sequence[str] = ("materials", "lighting", "camera", "dynamics"),
        object_folders: Sequence[str] = (),
        robot: str | None = None,
        texture_folders: Sequence[str] = (),
        cache: bool = True,
    ) -> None:
        if not 2 <= slots <= 256:
            raise ValueError(f"slots must be in [2, 256], got {slots}; one is the robot's")
        self._slots = slots
        self._rig = rig if isinstance(rig, Rig) else Rig() if rig is None else Rig.from_json(rig)
        self._assets = load_asset_library(
            object_folders=object_folders, robot=robot, texture_folders=texture_folders, cache=cache
        )
        self._links = load_urdf_links(self._assets.robot_urdf)
        self._robot_name = Path(self._assets.robot_urdf).stem
        self._check_mounts()
        self._world = World()
        try:
            probe = self._world.add_urdf(self._assets.robot_urdf)
            self._joints = self._world.joints(probe)
            self._ready = ready_positions(self._joints)
            self._excused = self._overlapping_links(probe)
            declared = tabletop_space(
                objects=slots - 1,
                asset_count=len(self._assets.rows_of_kind("hulls")),
                joints=self._joints,
                own_materials=bool(object_folders),
            )
            changed = dict(overrides or {})
            self._space = override_space(declared, self._rig, changed).randomize(randomize, keep=changed)
        except BaseException:
            self._world.close()
            raise
        self._maker = SnapshotMaker(self._assets, TABLE_BACK)
        self.floor = self.table = self.robot = -1
        self.bodies: list[int] = []
        self._plans: tuple[ObjectPlan, ...] = ()

    def _check_mounts(self) -> None:
        names = [link.name for link in self._links]
        for mount in self._rig.mounts:
            if mount.mount == "world":
                continue
            robot, _, link = mount.mount.partition("/")
            if robot != self._robot_name:
                raise ValueError(f"sensor {mount.name!r}: there is no robot {robot!r}; it is {self._robot_name!r}")
            if self._link_row(link) is None:
                raise ValueError(f"sensor {mount.name!r}: {robot} has no link {link!r}; {nearest(link, names)}")

    def _link_row(self, name: str) -> int | None:
        """Find a link by its name, with or without the robot's name before it."""
        for row, link in enumerate(self._links):
            if link.name in (name, f"{self._robot_name}_{name}"):
                return row
        return None

    @property
    def space(self) -> ParameterSpace:
        """What is randomized and how, overrides included."""
        return self._space

    @property
    def slots(self) -> int:
        """Object slots M: the robot's, then the objects'."""
        return self._slots

    @property
    def slot_names(self) -> tuple[str, ...]:
        """What each slot holds."""
        return (self._robot_name, *(f"object{k}" for k in range(self._slots - 1)))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the joints in `state/joint_position`."""
        return tuple(joint.name for joint in self._joints)

    @property
    def contact_pad(self) -> int:
        """Contacts that a row has room for."""
        return 8 * self._slots

    @property
    def rig(self) -> Rig:
        """The sensors."""
        return self._rig

    @property
    def library(self) -> MeshLibrary:
        """Meshes and textures that its snapshots refer to."""
        return self._assets.meshes

    @property
    def assets(self) -> AssetLibrary:
        """The asset library."""
        return self._assets

    @property
    def asset_digests(self) -> Mapping[str, str]:
        """SHA-256 of every asset file that the scene may use."""
        return MappingProxyType(dict(self._assets.digests))

    @property
    def world(self) -> World:
        """The physics world, as the last stage left it; the environment steps it on."""
        return self._world

    @property
    def joints(self) -> tuple[Joint, ...]:
        """The robot's movable joints."""
        return self._joints

    @property
    def links(self) -> tuple[UrdfLink, ...]:
        """The robot's links, the base first."""
        return self._links

    def observe(self, stage: Stage) -> tuple[Snapshot, dict[str, tuple[Camera, ...]]]:
        """Return the present state of the world, stepped on since a stage was made, as its first view shows it.

        Args:
            stage: The last stage that this scene made.

        Returns:
            A snapshot and, by name, the cameras, one view each.
        """
        top = float(stage.param["table.height"][0, 0])
        links = self._world.link_poses(self.robot)
        poses = [self._world.body_pose(body) for body in self.bodies]
        snapshot = self._maker.make(stage.param, 1, top, self._plans, poses, links)[0]
        return snapshot, self._place_cameras(stage.param, 1, top, links)

    def close(self) -> None:
        """Give back the physics client and temporary files."""
        self._world.close()

    def stage(self, scenario: Scenario, space: ParameterSpace | None = None) -> Stage:
        """Make one world: build, drop, settle, pose the robot, check, read out.

        Args:
            scenario: A point of the space for V views and L looks.
            space: A space with the same parameters to take it from; None = the scene's own.

        Returns:
            The settled world; one that fails comes back invalid with its reason.

        Raises:
            ValueError: If the scenario does not belong to the space.
        """
        chosen = self._space if space is None else space
        values = chosen.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)
        param = chosen.spread(values, scenario.view_count, scenario.look_count)
        first = {name: value[0, 0] for name, value in param.items()}
        state = empty_state(self.contact_pad, len(self._joints))
        objects = empty_objects(self._slots)
        try:
            plans = plan_objects(first, self._assets.assets, int(first["object_count"]))
            return self._make(scenario, param, first, plans, objects, state)
        except WorldError as error:
            return Stage(
                scenario=scenario,
                valid=False,
                reason=Reason.BUILD_FAILED,
                message=str(error),
                snapshots=(),
                cameras={},
                object=objects,
                state=state,
                param=param,
            )

    def _make(
        self,
        scenario: Scenario,
        param: Mapping[str, Array],
        first: Mapping[str, Array],
        plans: Sequence[ObjectPlan],
        objects: dict[str, NDArray[Any]],
        state: dict[str, NDArray[Any]],
    ) -> Stage:
        world, top = self._world, float(first["table.height"])
        self.bodies, settled = self._drop(first, plans)
        self._plans = tuple(plans)
        poses = [world.body_pose(body) for body in self.bodies]
        touching = world.contacts()
        margins = self._measure(plans, poses, top, first, touching)
        reason, message = self._judge(settled, margins)
        self.robot, joints, clearance = self._pose_robot(first, top)
        margins["robot_clearance"] = clearance
        if clearance <= 0 and reason == Reason.NONE:
            reason, message = Reason.BUILD_FAILED, "the robot touches something even in its ready pose"
        links = world.link_poses(self.robot)
        fill_objects(objects, plans, poses, links[0], self._maker.robot_box(links))
        fill_state(state, joints, touching, settled, world.time_step, self.bodies)
        snapshots = self._maker.make(param, scenario.view_count, top, plans, poses, links)
        return Stage(
            scenario=scenario,
            valid=reason == Reason.NONE,
            reason=reason,
            message=message,
            snapshots=snapshots,
            cameras=self._place_cameras(param, scenario.view_count, top, links),
            object=objects,
            state=state,
            param=param,
            margins=margins,
        )

    def _drop(self, first: Mapping[str, Array], plans: Sequence[ObjectPlan]) -> tuple[list[int], Settled]:
        world = self._world
        world.reset()
        depth, width = float(first["table.depth"]), float(first["table.width"])
        top, thick = float(first["table.height"]), float(first["table.thickness"])
        self.floor = world.add_box((10.0, 10.0, 0.5), position=(0.0, 0.0, -0.5), surface=Surface(friction=0.8))
        self.table = world.add_box(
            (0.5 * depth, 0.5 * width, 0.5 * thick),
            position=(TABLE_BACK + 0.5 * depth, 0.0, top - 0.5 * thick),
            surface=Surface(friction=float(first["table.friction"]), restitution=0.5),
        )
        bodies = [
            add_asset(
                world,
                plan.asset,
                plan.scale,
                position=plan.position.tolist(),
                quaternion=plan.quaternion.tolist(),
                mass=plan.mass,
                surface=plan.surface,
            )
            for plan in plans
        ]
        return bodies, world.settle(bodies, max_steps=MAX_SETTLE_STEPS)

    def _measure(
        self,
        plans: Sequence[ObjectPlan],
        poses: Sequence[Array],
        top: float,
        first: Mapping[str, Array],
        touching: Contacts,
    ) -> dict[str, float]:
        """Return the continuous margins of the settled objects [m]; <= 0 is the event."""
        edge, floating = math.inf, 0.0
        depth, width = float(first["table.depth"]), float(first["table.width"])
        deepest = -min((float(value) for value in touching.distance), default=0.0)
        for body, plan, pose in zip(self.bodies, plans, poses, strict=True):
            x, y, z = (float(value) for value in pose[:3, 3])
            gap = z - body_depth(plan.asset, plan.scale, pose) - top
            edge = min(edge, TABLE_BACK + depth - x, x - TABLE_BACK, 0.5 * width - abs(y), z - top)
            deepest = max(deepest, -gap)
            mine = (touching.bodies == body).any(axis=1)
            # What is drawn may stand off the collision shape, so only the table's gap is measured on the drawing.
            if (touching.bodies[mine] == self.table).any():
                floating = max(floating, gap)
            elif mine.any():
                floating = max(floating, float(touching.distance[mine].min()))
            else:
                floating = max(floating, max(gap, TOLERANCE))
        return {"table_edge": edge, "penetration": TOLERANCE - deepest, "floating": TOLERANCE - floating}

    def _judge(self, settled: Settled, margins: Mapping[str, float]) -> tuple[Reason, str]:
        """Return why the objects make no valid stage, or that they do."""
        if margins["table_edge"] <= 0:
            return Reason.OUT_OF_WORKSPACE, "an object left the table"
        if not settled.at_rest:
            return Reason.NOT_SETTLED, f"objects still move after {settled.steps} steps"
        if margins["penetration"] <= 0:
            deep = 1e3 * (TOLERANCE - margins["penetration"])
            return Reason.PENETRATION, f"bodies overlap by {deep:.1f} mm after settling"
        if margins["floating"] <= 0:
            return Reason.NOT_SETTLED, "an object hangs in the air, touching nothing"
        return Reason.NONE, ""

    # ---- the robot --------------------------------------------------------------------------------------------------

    def _overlapping_links(self, robot: int) -> frozenset[tuple[int, int]]:
        """Return the pairs of links whose hulls overlap in the ready pose: neighbours, which never count as contact."""
        self._world.place_joints(robot, self._joints, self._ready)
        self._world.detect_contacts()
        touching = self._world.contacts()
        pairs = {(int(a), int(b)) for a, b in touching.links[touching.distance < _CLEARANCE]}
        return frozenset(pairs | {(b, a) for a, b in pairs})

    def _pose_robot(self, first: Mapping[str, Array], top: float) -> tuple[int, Array, float]:
        """Add the robot in the pose asked for, or as near to it on the way to ready as is clear of everything."""
        world = self._world
        robot = world.add_urdf(self._assets.robot_urdf, position=(0.0, 0.0, top))
        asked = np.array([float(first[f"robot.{MIMIC.get(j.name, j.name)}"]) for j in self._joints])
        ready = np.array(self._ready)
        clearance = 0.0
        positions = asked
        for blend in _BLENDS:
            positions = (1.0 - blend) * asked + blend * ready
            world.place_joints(robot, self._joints, positions.tolist())
            clearance = self._clearance(robot)
            if clearance > 0:
                break
        return robot, positions, clearance

    def _clearance(self, robot: int) -> float:
        """Return the robot's distance to everything but its own stand [m], less what must be kept, at most 5 cm."""
        world, limit = self._world, 0.05
        nearest_gap = limit
        world.detect_contacts()
        found = world.contacts()
        own = (found.bodies == robot).all(axis=1)
        for (a, b), distance in zip(found.links[own].tolist(), found.distance[own].tolist(), strict=True):
            if (a, b) not in self._excused:
                nearest_gap = min(nearest_gap, float(distance))
        for body in (self.table, *self.bodies):
            close = world.closest(robot, body, limit)
            for link, distance in zip(close.links[:, 0].tolist(), close.distance.tolist(), strict=True):
                if body != self.table or link > 0:  # the base and the first link stand over the table
                    nearest_gap = min(nearest_gap, float(distance))
        return nearest_gap - _CLEARANCE

    def _place_cameras(
        self, param: Mapping[str, Array], views: int, top: float, links: Array
    ) -> dict[str, tuple[Camera, ...]]:
        carriers = {}
        for mount in self._rig.mounts:
            row = self._link_row(mount.mount.partition("/")[2])
            if row is not None:
                carriers[mount.mount] = links[row]
        return place_cameras(self._rig, carriers, param, views, top, self._maker.robot_outline(links))
