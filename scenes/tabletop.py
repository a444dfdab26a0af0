"""The tabletop: a robot arm at a table, objects dropped before it and settled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.snapshot import Snapshot
from ..renderers.view import Camera
from .asset_scene import AssetScene
from .contact_check import TOLERANCE
from .hanging import add_rack, plan_rack
from .instance_rows import at, robot_box, robot_outline
from .motion_recorder import Recording, window_steps
from .object_plan import ObjectPlan, add_plan, body_depth
from .physics import Contacts, Settled, Surface
from .physics_watch import PhysicsFault, PhysicsWatch, Support, check_recording
from .readout import empty_objects, empty_state, fill_objects, fill_state
from .rig_placement import Stance, place_cameras
from .scenario import Scenario
from .sensors import Rig
from .slot_note import note_narrowed_count
from .stage import Reason, Stage
from .stage_motion import move_cameras, move_stage, report_links
from .strings import add_strings, find_slack, string_contacts
from .tabletop_arm import Actuators, TabletopArm
from .tabletop_layout import CLASSES, TABLE_BACK, is_hanging, plan_clutter, plan_objects
from .tabletop_snapshot import gather_instances
from .tabletop_space import OBJECT_COUNT, check_window, tabletop_space

Array = NDArray[np.float64]
MAX_SETTLE_STEPS: Final = 960
"""Steps after which a scenario counts as not settled (4 s)."""


class TabletopScene(AssetScene):
    """A robot arm at a table's edge and up to 15 objects, dropped before it and settled.

    Args:
        slots: Object slots M, the robot's included, range [2, 256].
        rig: Sensors: a `Rig` or its JSON form; None = one camera, `head`.
        overrides: Parameter name to another distribution, as a recipe writes it.
        randomize: Groups that vary, out of `space.GROUPS`; the others stand at nominal values.
        object_folders: Folders of meshes or URDFs that take the place of PyBullet's random objects.
        robot: URDF of another arm; None = the Franka Panda.
        texture_folders: Folders of images that take the place of the built-in textures.
        asset_split: train, val or test: which of the folders' assets are used; None = all.
        cache: Whether to keep prepared assets on disk.
        window: Time for which the arm moves and is recorded, up to the row's instant [s], range [0, 60]; 0: it stands.

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
        asset_split: str | None = None,
        cache: bool = True,
        window: float = 0.0,
    ) -> None:
        self._steps = window_steps(window)
        super().__init__(
            slots=slots,
            rig=rig,
            object_folders=object_folders,
            robot=robot,
            texture_folders=texture_folders,
            asset_split=asset_split,
            cache=cache,
        )
        try:
            self._arm = TabletopArm(self._world, self._assets.robot_urdf)
            self._joints = self._arm.joints
            check_window(overrides or (), moves=self._steps > 0)
            declared = tabletop_space(
                objects=slots - 1,
                asset_count=len(self._assets.rows_of_kind("hulls")),
                joints=self.joints,
                own_materials=bool(object_folders),
                moves=self._steps > 0,
            )
            self._declare(declared, overrides, randomize)
            if "object_count" not in (overrides or {}):
                self._notes += note_narrowed_count(OBJECT_COUNT, slots)
        except BaseException:
            self._world.close()
            raise
        self.floor = self.table = -1
        self.bodies: list[int] = []
        self.distractors: list[int] = []
        self.rack: list[int] = []
        self._plans: tuple[ObjectPlan, ...] = ()
        self._staged = np.zeros((0, 4, 4))
        self._clutter: tuple[ObjectPlan, ...] = ()

    @property
    def robot(self) -> int:
        """The robot in the world, -1 before the first stage."""
        return self._arm.body

    @property
    def joint_offsets(self) -> Array:
        """Joints' true positions less those that are commanded and reported [rad or m], shape (J,)."""
        return self._arm.offsets

    def observe(self, stage: Stage) -> tuple[Snapshot, dict[str, tuple[Camera, ...]]]:
        """Return the present state of the world, stepped on since a stage was made, as its first view shows it.

        Args:
            stage: The last stage that this scene made.

        Returns:
            A snapshot and, by name, the cameras, one view each.
        """
        top = float(stage.param["table.height"][0, 0])
        links = self._world.link_poses(self.robot)
        poses = [self._world.body_pose(body) for body in (*self.bodies, *self.distractors)]
        rows = gather_instances(self._assets, stage.param, self._plans, poses, links, self._clutter)
        cameras = self._place_cameras(stage.param, 1, top, links, poses[len(self.bodies) :])
        return rows.snapshots(stage.param, 1)[0], self._err(cameras, stage.param)

    def _make(
        self,
        scenario: Scenario,
        param: Mapping[str, Array],
        first: Mapping[str, Array],
        objects: dict[str, NDArray[Any]],
        state: dict[str, NDArray[Any]],
    ) -> Stage:
        world, top = self._world, float(first["table.height"])
        plans = plan_objects(first, self._assets.assets, int(first["object_count"]), self.class_names)
        self._clutter = plan_clutter(first, self._assets.assets, plans)
        settled = self._drop(first, plans)
        if self._watch.fault is not None:
            self._watch.fault.raise_if_broken()
        self._plans = tuple(plans)
        everything = (*self.bodies, *self.distractors)
        poses = [world.body_pose(body) for body in everything]
        touching = world.contacts()
        margins = self._measure(plans, poses, top, first, touching)
        reason, message = self._judge(settled, margins, self._watch.fault)
        strings = add_strings(world, plans, poses[: len(plans)]) if self.rack else []
        joints, clearance = self._arm.pose(first, top, self.table, everything, (*self.rack, *strings))
        for string in strings:  # they give way
            world.let_pass(self.robot, string, [(link, -1) for link in range(-1, len(self.links) - 1)])
            for body in everything:
                world.let_pass(body, string, [(-1, -1)])
        margins["robot_clearance"] = clearance
        if clearance <= 0 and reason == Reason.NONE:
            reason, message = Reason.BUILD_FAILED, "the robot touches something even in its ready pose"
        links, rates, time = world.link_poses(self.robot), np.zeros_like(joints), settled.steps * world.time_step
        recording: Recording | None = None
        if self._steps and reason == Reason.NONE:
            speed, motors = float(first["motion.speed"]), Actuators.read(first)
            recording = self._arm.move(joints, speed, self._steps, self._mounts, motors)
            links, poses, touching = recording.link_poses[-1], list(recording.body_poses[-1]), world.contacts()
            touching = touching.chosen(~(touching.bodies == self.robot).all(axis=1))
            joints, rates = recording.motion.joint_position[-1], recording.motion.joint_velocity[-1]
            time = float(recording.motion.time[-1]) * 1e-9
            # What was struck may hang in the air.
            margins |= self._measure(plans, poses, top, first, touching) | {"floating": margins["floating"]}
            reason, message = self._judge(
                settled,
                margins,
                check_recording(
                    recording,
                    joints=self.joints,
                    watched=len(plans),
                    support=self._watch.support,
                    limits=self._watch.limits,
                    time_step=world.time_step,
                ),
            )
        if self.rack:
            touching = string_contacts(
                plans, poses[: len(plans)], self.bodies, self.rack[0], world.gravity_vector, touching
            )
        self._staged = links
        self._read_objects(objects, poses, links)
        self._read_state(state, joints, rates, touching, steps=settled.steps, time=time)
        rows = gather_instances(self._assets, param, plans, poses, links, self._clutter)
        clutter = poses[len(plans) :]
        cameras = self._place_cameras(param, scenario.view_count, top, links, clutter)
        nominal = cameras
        if self._arm.offsets.any():  # the robot's own cameras are believed to be where its joints say
            reported = self._arm.reported_links(joints)
            nominal = self._place_cameras(param, scenario.view_count, top, links, clutter, reported)
        return Stage(
            scenario=scenario,
            valid=reason == Reason.NONE,
            reason=reason,
            message=message,
            snapshots=rows.snapshots(param, scenario.view_count),
            carriers=rows.carriers,
            cameras=self._err(cameras, param),
            nominal_cameras=nominal,
            object=objects,
            state=state,
            param=param,
            margins=margins,
            motion=None if recording is None else recording.of_instances(rows.poses_over),
        )

    def stage_now(self, stage: Stage) -> Stage:
        """Return the present state of the world, stepped on since a stage was made, as a stage.

        Args:
            stage: The last stage that this scene made.

        Returns:
            What all views and looks show now.
        """
        world, robot = self._world, self.robot
        links = world.link_poses(robot)
        poses = [world.body_pose(body) for body in (*self.bodies, *self.distractors)]
        touching = world.contacts()
        touching = touching.chosen(~(touching.bodies == robot).all(axis=1))
        if self.rack:
            touching = string_contacts(
                self._plans, poses[: len(self._plans)], self.bodies, self.rack[0], world.gravity_vector, touching
            )
        objects, state = empty_objects(self._slots), empty_state(self.contact_pad, len(self.joints))
        self._read_objects(objects, poses, links)
        joints, rates = world.joint_states(robot, self.joints)
        self._read_state(state, joints, rates, touching, steps=int(stage.state["settle_steps"]), time=world.time)
        cameras = move_cameras(stage.cameras, self._rig, self._mounts, self._staged, links)
        nominal = move_cameras(stage.nominal_cameras, self._rig, self._mounts, self._staged, links)
        if self._arm.offsets.any():
            tree = world.link_tree(robot)
            off = {joint.index + 1: float(by) for joint, by in zip(self.joints, self._arm.offsets, strict=True)}
            begun, now = report_links(tree, self._staged, off), report_links(tree, links, off)
            nominal = move_cameras(stage.nominal_cameras, self._rig, self._mounts, begun, now)
        return move_stage(
            stage,
            gather_instances(self._assets, stage.param, self._plans, poses, links, self._clutter),
            object=objects,
            state=state,
            cameras=cameras,
            nominal_cameras=nominal,
        )

    def _read_objects(self, objects: dict[str, NDArray[Any]], poses: Sequence[Array], links: Array) -> None:
        fill_objects(
            objects,
            self._plans,
            poses[: len(self._plans)],
            links[0],
            robot_box(self._assets, links),
            robot_class=CLASSES.index("robot"),
        )

    def _read_state(
        self,
        state: dict[str, NDArray[Any]],
        joints: Array,
        rates: Array,
        touching: Contacts,
        *,
        steps: int,
        time: float,
    ) -> None:
        instances = {self.robot: 1} | {body: slot + 2 for slot, body in enumerate(self.bodies)}
        fill_state(
            state,
            joints,
            rates,
            touching,
            steps=steps,
            time=time,
            instances=instances,
            offsets=self._arm.offsets,
        )

    def _drop(self, first: Mapping[str, Array], plans: Sequence[ObjectPlan]) -> Settled:
        world = self._world
        world.reset()
        if float(first.get("gravity.tilt", np.zeros(()))) != 0.0:
            world.tilt_gravity(float(first["gravity.tilt"]), float(first["gravity.direction"]))
        depth, width = float(first["table.depth"]), float(first["table.width"])
        top, thick = float(first["table.height"]), float(first["table.thickness"])
        self.floor = world.add_box((10.0, 10.0, 0.5), position=(0.0, 0.0, -0.5), surface=Surface(friction=0.8))
        self.table = world.add_box(
            (0.5 * depth, 0.5 * width, 0.5 * thick),
            position=(TABLE_BACK + 0.5 * depth, 0.0, top - 0.5 * thick),
            surface=Surface(friction=float(first["table.friction"]), restitution=0.5),
        )
        self.bodies = [add_plan(world, plan) for plan in plans]
        self.rack = add_rack(world, plan_rack(first), plans, self.bodies) if is_hanging(first) else []
        self.distractors = [add_plan(world, plan) for plan in self._clutter]
        self._watch = PhysicsWatch(
            world=world,
            bodies=self.bodies,
            support=Support(height=top, x=(TABLE_BACK, TABLE_BACK + depth), y=(-0.5 * width, 0.5 * width)),
        )
        return world.settle([*self.bodies, *self.distractors], max_steps=MAX_SETTLE_STEPS, look=self._watch.look)

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
        for body, plan, pose in zip(self.bodies, plans, poses[: len(plans)], strict=True):
            x, y, z = (float(value) for value in pose[:3, 3])
            gap = z - body_depth(plan.asset, plan.scale, pose) - top
            edge = min(edge, TABLE_BACK + depth - x, x - TABLE_BACK, 0.5 * width - abs(y), z - top)
            deepest = max(deepest, -gap)
            mine = (touching.bodies == body).any(axis=1)
            # What is drawn may stand off the collision shape, so only the table's gap is measured on the drawing.
            if plan.hold is not None:
                floating = max(floating, abs(find_slack(plan.hold, pose)))
            elif (touching.bodies[mine] == self.table).any():
                floating = max(floating, gap)
            elif mine.any():
                floating = max(floating, float(touching.distance[mine].min()))
            else:
                floating = max(floating, max(gap, TOLERANCE))
        return {"table_edge": edge, "penetration": TOLERANCE - deepest, "floating": TOLERANCE - floating}

    def _judge(self, settled: Settled, margins: Mapping[str, float], fault: PhysicsFault | None) -> tuple[Reason, str]:
        """Return why the objects make no valid stage, or that they do."""
        if fault is not None:
            return fault.reason, fault.message
        if margins["table_edge"] <= 0:
            return Reason.FELL_OFF, "an object left the table"
        if not settled.at_rest:
            return Reason.NOT_SETTLED, f"objects still move after {settled.steps} steps"
        if margins["penetration"] <= 0:
            deep = 1e3 * (TOLERANCE - margins["penetration"])
            return Reason.PENETRATION, f"bodies overlap by {deep:.1f} mm after settling"
        if margins["floating"] <= 0:
            return Reason.NOT_SETTLED, "an object hangs in the air, touching nothing"
        return Reason.NONE, ""

    def _place_cameras(
        self,
        param: Mapping[str, Array],
        views: int,
        top: float,
        links: Array,
        clutter: Sequence[Array] = (),
        reported: Array | None = None,
    ) -> dict[str, tuple[Camera, ...]]:
        """Place the rig clear of the links; what the arm carries stands where those links are, or are reported."""
        carriers = self._robot_links.carriers(self._mounts, links if reported is None else reported)
        blocks = [(pose, 0.5 * plan.extent) for plan, pose in zip(self._clutter, clutter, strict=True)]
        first = {name: value[0, 0] for name, value in param.items()}
        if is_hanging(first):
            blocks += [(at(*middle.tolist()), half) for middle, half in plan_rack(first).beams]
        stance = Stance(origin=(0.0, 0.0, top), outline=robot_outline(self._assets, links), blocks=blocks)
        return place_cameras(self._rig, carriers, param, views, stance)
