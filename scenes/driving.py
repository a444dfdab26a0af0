"""The yard: a wheeled robot that drives among walls, boxes, pillars and other things."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from .asset_scene import AssetScene
from .asset_sources import pybullet_data_folder
from .driving_layout import CLASSES, Yard, plan_yard
from .driving_snapshot import gather_instances
from .driving_space import OBJECT_COUNT, driving_space
from .instance_rows import robot_box, robot_outline
from .motion import WheelDrive
from .motion_recorder import MotionRecorder, Recording, window_steps
from .object_plan import add_plan
from .physics import Contacts, Settled, Surface
from .physics_watch import PhysicsFault, PhysicsLimits, PhysicsWatch, Support, check_recording
from .readout import empty_objects, empty_state, fill_objects, fill_state
from .rig_placement import Stance, place_cameras
from .scenario import Scenario
from .sensors import Rig
from .slot_note import note_narrowed_count
from .stage import Reason, Stage
from .stage_motion import move_cameras, move_stage
from .wheeled_robot import ROTOR, WHEEL_TORQUE, Wheels, find_wheels, fit_for_rolling, follow_commands, wheel_speeds

Array = NDArray[np.float64]
MAX_SETTLE_STEPS: Final = 960
"""Steps after which a scenario counts as not settled (4 s)."""
MAX_TILT: Final = 30.0
"""Tilt from which the robot counts as tipped over [degree]."""
MAX_PENETRATION: Final = 0.01
"""Overlap of two bodies from which the world counts as broken [m]; wheels that carry a robot sink in by some mm."""
_REST: Final = 48
"""Steps for which the braked robot sinks onto its wheels."""
_SIGHT: Final = 1.0
"""Clearance beyond which nothing is measured [m]."""
_CLEAR: Final = 0.02
_LOOK: Final = 24
"""Steps between two looks at a drive."""


class DrivingScene(AssetScene):
    """A robot on four wheels, steered by its sides, that drives over a flat yard until the row's instant.

    Args:
        slots: Object slots M, the robot's included, range [2, 256].
        rig: Sensors: a `Rig` or its JSON form; None = one camera, `head`.
        overrides: Parameter name to another distribution, as a recipe writes it.
        randomize: Groups that vary, out of `space.GROUPS`; the others stand at nominal values.
        object_folders: Folders of meshes or URDFs that take the place of PyBullet's random objects.
        robot: URDF of another robot with wheels on continuous joints, left and right; None = the Husky.
        texture_folders: Folders of images that take the place of the built-in textures.
        asset_split: train, val or test: which of the folders' assets are used; None = all.
        cache: Whether to keep prepared assets on disk.
        window: Time that is recorded, up to the row's instant [s], range [0.0084, 60].

    Raises:
        ValueError: If an option cannot be; the message says what is allowed.
        WorldError: If PyBullet is not there or the robot cannot be loaded.

    Example:
        >>> scene = DrivingScene(overrides={"object_count": {"integer": [3, 8]}})
        >>> stage = scene.stage(draw_scenario(scene.space, seed=7, index=0))
    """

    floats: ClassVar[bool] = True
    name: ClassVar[str] = "driving"
    classes: ClassVar[tuple[str, ...]] = CLASSES
    summary: ClassVar[str] = "Husky that drives through a yard with walls, boxes, pillars and 5 to 15 objects in all"

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
        window: float = 0.5,
    ) -> None:
        self._steps = window_steps(window)
        if not self._steps:
            raise ValueError("window must be in [0.0084, 60] s for a scene that drives, got 0")
        super().__init__(
            slots=slots,
            rig=rig,
            object_folders=object_folders,
            robot=robot or pybullet_data_folder() / "husky" / "husky.urdf",
            texture_folders=texture_folders,
            asset_split=asset_split,
            cache=cache,
        )
        self._base = f"{self._robot_links.name}/{self._robot_links.links[0].name}"
        self._mounts.setdefault(self._base, 0)  # odometry is held against its motion
        try:
            self._wheels = find_wheels(
                self._world, self._add_robot(np.eye(4)), ElementTree.parse(self._assets.robot_urdf).getroot()
            )
            self._joints = self._wheels.joints
            declared = driving_space(
                objects=slots - 1,
                asset_count=len(self._assets.rows_of_kind("hulls")),
                own_materials=bool(object_folders),
            )
            self._declare(declared, overrides, randomize)
            if "object_count" not in (overrides or {}):
                self._notes += note_narrowed_count(OBJECT_COUNT, slots)
        except BaseException:
            self._world.close()
            raise
        self.ground = self.robot = -1
        self.bodies: list[int] = []
        self.distractors: list[int] = []
        self.walls: list[int] = []
        self._yard: Yard | None = None
        self._staged = np.zeros((0, 4, 4))

    @property
    def drive(self) -> WheelDrive:
        """How the robot rolls."""
        sides = self._wheels.is_left
        return WheelDrive(
            base=self._base,
            left=tuple(row for row, left in enumerate(sides) if left),
            right=tuple(row for row, left in enumerate(sides) if not left),
            radius=self._wheels.radius,
            track=self._wheels.track,
        )

    @property
    def wheels(self) -> Wheels:
        """The robot's wheels."""
        return self._wheels

    def _add_robot(self, pose: Array) -> int:
        half = 0.5 * math.atan2(float(pose[1, 0]), float(pose[0, 0]))
        return self._world.add_urdf(
            self._assets.robot_urdf,
            position=pose[:3, 3].tolist(),
            quaternion=(0.0, 0.0, math.sin(half), math.cos(half)),
            fixed=False,
            own_inertia=True,
            rewrite=fit_for_rolling,
        )

    def _make(
        self,
        scenario: Scenario,
        param: Mapping[str, Array],
        first: Mapping[str, Array],
        objects: dict[str, NDArray[Any]],
        state: dict[str, NDArray[Any]],
    ) -> Stage:
        world = self._world
        yard = self._yard = plan_yard(first, self._assets.assets, self.class_names)
        watch, settled = self._build(first, yard)
        self._park(yard)
        at_start = self._clearance()
        recording = self._drive(first, yard)
        self._staged = recording.link_poses[-1]
        links, poses, motion = self._staged, list(recording.body_poses[-1]), recording.motion
        touching = world.contacts()
        touching = touching.chosen(~(touching.bodies == self.robot).all(axis=1))
        deepest = -float(touching.distance.min(initial=0.0))
        margins = {
            "clearance": self._clearance(),
            "start_clearance": at_start - _CLEAR,
            "yard_edge": 0.5 * yard.side - float(np.abs(links[0, :2, 3]).max()),
            "tilt_degrees": MAX_TILT - math.degrees(math.acos(min(max(float(links[0, 2, 2]), -1.0), 1.0))),
            "penetration": MAX_PENETRATION - deepest,
        }
        fault = watch.fault or check_recording(
            recording,
            joints=self.joints,
            support=watch.support,
            limits=watch.limits,
            time_step=world.time_step,
        )
        reason, message = self._judge(settled, margins, fault)
        self._read_objects(objects, poses, links)
        time = float(motion.time[-1]) * 1e-9
        joints, rates = motion.joint_position[-1], motion.joint_velocity[-1]
        self._read_state(state, joints, rates, touching, steps=settled.steps, time=time)
        rows = gather_instances(self._assets, yard, poses, links)
        stance = Stance(
            origin=(float(links[0, 0, 3]), float(links[0, 1, 3]), 0.0),
            heading=math.atan2(float(links[0, 1, 0]), float(links[0, 0, 0])),
            outline=robot_outline(self._assets, links),
            blocks=[
                *((wall.pose, 0.5 * wall.sides) for wall in yard.walls),
                *((pose, 0.5 * plan.extent) for plan, pose in zip((*yard.plans, *yard.clutter), poses, strict=True)),
            ],
            steps=24,
        )
        carriers = self._robot_links.carriers(self._mounts, links)
        nominal = place_cameras(self._rig, carriers, param, scenario.view_count, stance)
        return Stage(
            scenario=scenario,
            valid=reason == Reason.NONE,
            reason=reason,
            message=message,
            snapshots=rows.snapshots(param, scenario.view_count),
            carriers=rows.carriers,
            cameras=self._err(nominal, param),
            nominal_cameras=nominal,
            object=objects,
            state=state,
            param=param,
            margins=margins,
            motion=recording.of_instances(rows.poses_over),
        )

    def stage_now(self, stage: Stage) -> Stage:
        """Return the present state of the world, stepped on since a stage was made, as a stage.

        Args:
            stage: The last stage that this scene made.

        Returns:
            What all views and looks show now.
        """
        assert self._yard is not None
        world = self._world
        links = world.link_poses(self.robot)
        poses = [world.body_pose(body) for body in (*self.bodies, *self.distractors)]
        touching = world.contacts()
        touching = touching.chosen(~(touching.bodies == self.robot).all(axis=1))
        objects, state = empty_objects(self._slots), empty_state(self.contact_pad, len(self.joints))
        self._read_objects(objects, poses, links)
        joints, rates = world.joint_states(self.robot, self.joints)
        self._read_state(state, joints, rates, touching, steps=int(stage.state["settle_steps"]), time=world.time)
        return move_stage(
            stage,
            gather_instances(self._assets, self._yard, poses, links),
            object=objects,
            state=state,
            cameras=move_cameras(stage.cameras, self._rig, self._mounts, self._staged, links),
            nominal_cameras=move_cameras(stage.nominal_cameras, self._rig, self._mounts, self._staged, links),
        )

    def _read_objects(self, objects: dict[str, NDArray[Any]], poses: Sequence[Array], links: Array) -> None:
        assert self._yard is not None
        plans = self._yard.plans
        robot_class = CLASSES.index("robot")
        fill_objects(
            objects, plans, poses[: len(plans)], links[0], robot_box(self._assets, links), robot_class=robot_class
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
        fill_state(state, joints, rates, touching, steps=steps, time=time, instances=instances)

    def _build(self, first: Mapping[str, Array], yard: Yard) -> tuple[PhysicsWatch, Settled]:
        """Put up ground, walls and objects, and let the loose ones settle."""
        world = self._world
        world.reset()
        self.ground = world.add_plane(surface=Surface(friction=float(first["yard.friction"])))
        self.walls = []
        for wall in yard.walls:
            half = 0.5 * math.atan2(float(wall.pose[1, 0]), float(wall.pose[0, 0]))
            self.walls.append(
                world.add_box(
                    (0.5 * wall.sides).tolist(),
                    position=wall.pose[:3, 3].tolist(),
                    quaternion=(0.0, 0.0, math.sin(half), math.cos(half)),
                )
            )
        self.bodies = [add_plan(world, plan) for plan in yard.plans]
        self.distractors = [add_plan(world, plan) for plan in yard.clutter]
        everything = (*self.bodies, *self.distractors)
        watch = self._watch(everything, yard)
        settled = world.settle(everything, max_steps=MAX_SETTLE_STEPS, look=watch.look)
        if watch.fault is not None:
            watch.fault.raise_if_broken()
        return watch, settled

    def _watch(self, bodies: Sequence[int], yard: Yard, *, is_driven: bool = False) -> PhysicsWatch:
        return PhysicsWatch(
            world=self._world,
            bodies=bodies,
            support=Support(height=0.0),
            limits=PhysicsLimits(reach=yard.side, energy_gain=0.03),
            is_driven=is_driven,
        )

    def _park(self, yard: Yard) -> None:
        """Add the robot at its start, braked, and let it sink onto its wheels."""
        world, wheels = self._world, self._wheels
        self.robot = self._add_robot(yard.start)
        world.free_robot(self.robot)
        world.add_rotors(self.robot, wheels.joints, ROTOR)
        for body in (*self.walls, *self.bodies, *self.distractors):  # the wheels' guards meet them instead
            world.let_pass(self.robot, body, [(joint.index, -1) for joint in wheels.joints])
        world.drive_speeds(self.robot, wheels.joints, [0.0] * len(wheels.joints), WHEEL_TORQUE)
        world.step(_REST)

    def _drive(self, first: Mapping[str, Array], yard: Yard) -> Recording:
        """Drive as told, and record the last part."""
        world, wheels = self._world, self._wheels
        before = round(float(first["drive.time"]) / world.time_step)
        times = world.time_step * np.arange(1, before + self._steps + 3, dtype=np.float64)
        told_at = follow_commands(
            first["drive.speed"].reshape(-1).tolist(),
            first["drive.turn"].reshape(-1).tolist(),
            world.time_step * (before + self._steps),
            float(first["drive.acceleration"]),
            times,
        )
        commands = [(speed, turn) for speed, turn in told_at.tolist()]

        late = round(float(first["actuator.delay"]) / world.time_step)
        torque = WHEEL_TORQUE * float(first["actuator.torque"])

        told: tuple[float, float] | None = None

        def drive(step: int) -> None:
            nonlocal told
            wanted = commands[step - late] if step >= late else (0.0, 0.0)
            if wanted != told:  # motors keep what they are told
                world.drive_speeds(self.robot, wheels.joints, wheel_speeds(wheels, *wanted), torque)
                told = wanted

        watch = self._watch((self.robot, *self.bodies, *self.distractors), yard, is_driven=True)
        for step in range(before):
            drive(step)
            world.step()
            if step % _LOOK == 0 and watch.look() and watch.fault is not None:
                watch.fault.raise_if_broken()
        on_links = [name for name, row in self._mounts.items() if row > 0]
        recorder = MotionRecorder(
            world,
            self.robot,
            joints=wheels.joints,
            mounts=self._mounts,
            wrench=on_links,
            touch=list(self._mounts),
            bodies=(*self.bodies, *self.distractors),
        )
        # Both ends of the window are recorded.
        return recorder.record(self._steps + 1, lambda step: drive(before + step))

    def _clearance(self) -> float:
        """Return the robot's distance to the nearest thing that stands in the yard [m], at most 1 m."""
        wheels = [joint.index for joint in self._wheels.joints]
        nearest = _SIGHT
        for body in (*self.walls, *self.bodies, *self.distractors):
            close = self._world.closest(self.robot, body, _SIGHT)
            apart = close.distance[~np.isin(close.links[:, 0], wheels)]
            nearest = min(nearest, float(apart.min(initial=_SIGHT)))
        return nearest

    def _judge(
        self, settled: Settled, margins: Mapping[str, float], fault: PhysicsFault | None = None
    ) -> tuple[Reason, str]:
        """Return why this makes no valid stage, or that it does."""
        if fault is not None:
            return fault.reason, fault.message
        if not settled.at_rest:
            return Reason.NOT_SETTLED, f"objects still move after {settled.steps} steps"
        if margins["start_clearance"] <= 0:
            return Reason.COLLISION, "the robot touches something where it starts"
        if margins["tilt_degrees"] <= 0:
            return Reason.TIPPED_OVER, f"the robot leans by {MAX_TILT - margins['tilt_degrees']:.0f} degrees"
        if margins["yard_edge"] <= 0:
            return Reason.OUT_OF_WORKSPACE, "the robot left the yard"
        if margins["penetration"] <= 0:
            deep = 1e3 * (MAX_PENETRATION - margins["penetration"])
            return Reason.PENETRATION, f"bodies overlap by {deep:.0f} mm"
        return Reason.NONE, ""
