"""Built scenes: scenes of one's own, of which only what is special about them need be written."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from .asset_scene import AssetScene
from .instance_rows import robot_box, robot_outline
from .joint_targets import check_targets
from .look_space import lighting_parameters, robot_look_parameters, surface_parameters
from .motion_recorder import MotionRecorder, Recording, window_steps
from .named_values import NamedValues
from .physics import Settled
from .physics_watch import PhysicsFault, PhysicsWatch, Support, check_recording
from .readout import fill_objects, fill_state
from .rig_placement import Stance, place_cameras
from .rig_space import rig_parameters
from .robot_frames import weigh_frames
from .scenario import Scenario
from .scene_builder import SceneBuilder
from .scene_code import SceneCode
from .sensors import Rig
from .space import Parameter, ParameterSpace
from .stage import Reason, Stage

Array = NDArray[np.float64]
_MAX_SETTLE_STEPS: Final = 960
_HOLD: Final = 24
"""Steps for which the robot holds its start before it is recorded: motors take up its weight."""
_MATERIAL: Final = ".material"


class BuiltScene(AssetScene):
    """A scene that says what it varies (`parameters`) and puts it up (`build`); the rest is done for it.

    Objects settle, the robot moves as `move_joints` says for the recorded window, physics is watched, and light,
    materials, the rig's placement, labels and truth are those of every scene.

    Args:
        slots: Object slots M, the robot's included, range [2, 256].
        rig: Sensors: a `Rig` or its JSON form; None = one camera, `head`.
        overrides: Parameter name to another distribution, as a recipe writes it.
        randomize: Groups that vary (materials, lighting, camera, dynamics); the others stand at nominal values.
        object_folders: Folders of meshes or URDFs of which objects can be added, beside box, sphere and cylinder.
        robot: URDF of the robot; None = the class's own `robot_file`, or the Franka Panda.
        texture_folders: Folders of images that take the place of the built-in textures.
        asset_split: train, val or test: which of the folders' assets are used; None = all.
        cache: Whether to keep prepared assets on disk.
        window: Time for which the robot moves and is recorded, up to the row's instant [s], range [0, 60].

    Raises:
        ValueError: If an option cannot be; the message says what is allowed.
        SceneCodeError: If the scene's own methods raise an error; its file and line are named.
        WorldError: If PyBullet is not there or the robot cannot be loaded.
    """

    surfaces: ClassVar[tuple[str, ...]] = ("ground",)
    """Classes of scenery; each has a material of its own, the parameters `<class>.*`."""
    robot_file: ClassVar[str | None] = None
    """URDF of the robot where a recipe names none."""
    random_objects: ClassVar[bool] = False
    """Whether PyBullet's thousand random objects can be added; preparing them takes some ten seconds, once."""
    camera_distance: ClassVar[tuple[float, float]] = (1.0, 3.0)
    """Distance of cameras that the world carries from the point they look at [m]."""
    support: ClassVar[Support] = Support(height=0.0)
    """What bodies that are in order stand on or over."""
    max_penetration: ClassVar[float] = 0.005
    """Overlap of two bodies from which the world counts as broken [m]."""

    def __init__(
        self,
        *,
        slots: int = 16,
        rig: Rig | Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        randomize: Sequence[str] = ("materials", "lighting", "camera", "dynamics"),
        object_folders: Sequence[str] = (),
        robot: str | Path | None = None,
        texture_folders: Sequence[str] = (),
        asset_split: str | None = None,
        cache: bool = True,
        window: float = 0.0,
    ) -> None:
        self._steps = window_steps(window)
        if "robot" not in getattr(self, "classes", ()):
            raise ValueError(f"the scene {type(self).__name__} has no class 'robot'; list it in its `classes`")
        super().__init__(
            slots=slots,
            rig=rig,
            object_folders=object_folders or (() if self.random_objects else None),
            robot=robot or self.robot_file,
            texture_folders=texture_folders,
            asset_split=asset_split,
            cache=cache,
        )
        try:
            self._joints = self._world.joints(self._world.add_urdf(self._assets.robot_urdf, rewrite=weigh_frames))
            self._declare(self._whole_space(), overrides, randomize)
        except BaseException:
            self._world.close()
            raise

    @abstractmethod
    def parameters(self) -> Sequence[Parameter]:
        """Return what the scene varies beside light, materials and the rig's placement."""

    @abstractmethod
    def build(self, builder: SceneBuilder, values: Mapping[str, Array]) -> None:
        """Put up a world.

        Args:
            builder: Takes robot, scenery and objects; a robot that is not placed stands at the origin.
            values: Every parameter's value by name, shape () or (K,).
        """

    def move_joints(self, values: Mapping[str, Array], share: float) -> Mapping[str, float]:
        """Return where joints are to go within the recorded window; one that is not named holds its position.

        Args:
            values: Every parameter's value by name.
            share: Time over the window's length, range (0, 1].

        Returns:
            Targets by joint [rad or m].
        """
        return {}

    def measure(self, builder: SceneBuilder, values: Mapping[str, Array]) -> Mapping[str, float]:
        """Return margins of the scene's own, from the world at the row's instant; <= 0 is the event."""
        return {}

    def _code(self, method: Callable[..., Any]) -> SceneCode:
        return SceneCode(type(self).__module__, method)

    def _whole_space(self) -> ParameterSpace:
        with self._code(self.parameters):
            own: tuple[Any, ...] = tuple(self.parameters())
            wrong = [type(one).__name__ for one in own if not isinstance(one, Parameter)]
            if wrong:
                raise TypeError(f"parameters() must return objects of Parameter, got {wrong[0]} among them")
        each = [
            parameter
            for name in self.surfaces
            for parameter in surface_parameters(name, f"the {name}", 1, (0.05, 0.5), 0.0)
        ]
        return ParameterSpace(
            parameters=(
                *own,
                *rig_parameters(
                    azimuth=(-math.pi, math.pi),
                    elevation=(15.0, 65.0),
                    distance=self.camera_distance,
                    target_x=(-0.2, 0.2),
                    target_y=(-0.2, 0.2),
                    target_z=(0.0, 0.2),
                    over="the robot's base",
                ),
                *each,
                *surface_parameters("object", "each object", self._slots - 1, (0.008, 0.05), 0.5),
                *robot_look_parameters(),
                *lighting_parameters(),
            )
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
        world.reset()
        first = NamedValues(first)
        dressed = {name.removesuffix(_MATERIAL) for name in first if name.endswith(_MATERIAL)}
        builder = SceneBuilder(world, self._assets, self.class_names, self._joints, self._slots, dressed=dressed)
        with self._code(self.build):
            self.build(builder, first)
        if builder.robot < 0:
            builder.place_robot()
        watch = PhysicsWatch(world=world, bodies=builder.bodies, support=self.support)
        settled = world.settle(builder.bodies, max_steps=_MAX_SETTLE_STEPS, look=watch.look)
        fault = watch.fault
        if fault is not None:
            fault.raise_if_broken()
        joints, rates = world.joint_states(builder.robot, self._joints) if self._joints else (np.zeros(0),) * 2
        links, poses = world.link_poses(builder.robot), [world.body_pose(body) for body in builder.bodies]
        time = settled.steps * world.time_step
        recording: Recording | None = None
        if self._steps and fault is None and settled.at_rest:
            recording = self._record(builder, first, joints)
            fault = check_recording(
                recording,
                joints=self._joints,
                support=self.support,
                limits=watch.limits,
                time_step=world.time_step,
            )
            links, poses = recording.link_poses[-1], list(recording.body_poses[-1])
            joints, rates = recording.motion.joint_position[-1], recording.motion.joint_velocity[-1]
            time = float(recording.motion.time[-1]) * 1e-9
        touching = world.contacts()
        touching = touching.chosen(~(touching.bodies == builder.robot).all(axis=1))
        margins = {"penetration": self.max_penetration + float(touching.distance.min(initial=0.0))}
        reason, message = self._judge(settled, margins, fault)
        with self._code(self.measure):
            margins |= {name: float(value) for name, value in dict(self.measure(builder, first)).items()}
        robot_class = self.classes.index("robot")
        fill_objects(objects, builder.plans, poses, links[0], robot_box(self._assets, links), robot_class=robot_class)
        instances = {builder.robot: 1} | {body: slot + 2 for slot, body in enumerate(builder.bodies)}
        fill_state(state, joints, rates, touching, steps=settled.steps, time=time, instances=instances)
        rows = builder.gather(poses, links)
        stance = Stance(
            origin=tuple(links[0, :3, 3].tolist()),
            heading=math.atan2(float(links[0, 1, 0]), float(links[0, 0, 0])),
            outline=robot_outline(self._assets, links),
        )
        carriers = self._robot_links.carriers(self._mounts, links)
        nominal = place_cameras(self._rig, carriers, param, scenario.view_count, stance)
        return Stage(
            scenario=scenario,
            valid=reason == Reason.NONE,
            reason=reason,
            message=message,
            snapshots=rows.snapshots(param, scenario.view_count),
            cameras=self._err(nominal, param),
            nominal_cameras=nominal,
            object=objects,
            state=state,
            param=param,
            margins=margins,
            motion=None if recording is None else recording.of_instances(rows.poses_over),
        )

    def _record(self, builder: SceneBuilder, values: Mapping[str, Array], start: Array) -> Recording:
        """Drive the robot through the window and record it."""
        world, robot, held = self._world, builder.robot, dict(zip(self.joint_names, start.tolist(), strict=True))
        world.free_robot(robot)
        world.drive_joints(robot, self._joints, start.tolist())
        world.step(_HOLD)
        recorder = MotionRecorder(
            world,
            robot,
            joints=self._joints,
            mounts=self._mounts,
            wrench=[name for name, row in self._mounts.items() if row > 0],
            touch=list(self._mounts),
            bodies=builder.bodies,
        )

        def drive(step: int) -> None:
            with self._code(self.move_joints):
                asked = self.move_joints(values, min((step + 1) / self._steps, 1.0))
                targets = held | check_targets(asked, self._joints)
            world.drive_joints(robot, self._joints, [targets[joint.name] for joint in self._joints])

        # Both ends of the window are recorded.
        return recorder.record(self._steps + 1, drive)

    def _judge(self, settled: Settled, margins: Mapping[str, float], fault: PhysicsFault | None) -> tuple[Reason, str]:
        if fault is not None:
            return fault.reason, fault.message
        if not settled.at_rest:
            return Reason.NOT_SETTLED, f"objects still move after {settled.steps} steps"
        if margins["penetration"] <= 0:
            deep = 1e3 * (self.max_penetration - margins["penetration"])
            return Reason.PENETRATION, f"bodies overlap by {deep:.1f} mm"
        return Reason.NONE, ""
