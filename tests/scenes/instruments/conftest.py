"""A recorded arm: the Panda swings its joints for a quarter of a second, felt by a rig's instruments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from naive.still_life import BOX, Thing, pose, primitive_library, still_life
from simloom.kernels.transforms import compose_pose
from simloom.renderers.mesh_builder import MeshLibraryBuilder
from simloom.scenes import World
from simloom.scenes.asset_sources import pybullet_data_folder
from simloom.scenes.instruments.mount import InstrumentMount
from simloom.scenes.instruments.reader import InstrumentReader, InstrumentSetup
from simloom.scenes.instruments.recorded_rows import RecordedRows
from simloom.scenes.motion import Motion, WheelDrive
from simloom.scenes.motion_recorder import MotionRecorder
from simloom.scenes.scenario import Scenario
from simloom.scenes.stage import Reason, Stage

HAND = "panda/panda_hand"
WINDOW = 0.25
RATE = 240


class BoxRoom:
    """A room 12 m long, 9 m wide and 4 m high, which is one box seen from within; its instance id is 3."""

    SIDES = (12.0, 9.0, 4.0)

    def __init__(self) -> None:
        self.library = primitive_library()
        self.snapshot = still_life(Thing(mesh=BOX, at=pose(0, 0, 1), scale=self.SIDES, instance=3))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Return how far points lie outside the nearest wall [m]; negative inside."""
        return (np.abs(points - (0.0, 0.0, 1.0)) - 0.5 * np.array(self.SIDES)).max(axis=-1)


@pytest.fixture(scope="session")
def box_room() -> BoxRoom:
    """Build the room."""
    return BoxRoom()


@pytest.fixture(scope="session")
def arm_motion() -> Motion:
    """Record the arm, a second after it began to swing; its hand is mount `HAND`."""
    with World() as world:
        robot = world.add_urdf(pybullet_data_folder() / "franka_panda" / "panda.urdf")
        joints = world.joints(robot)
        rest = np.array([0.0, -0.6, 0.0, -2.2, 0.0, 1.6, 0.8, 0.02, 0.02])
        links = range(-1, 12)
        world.let_pass(robot, robot, [(a, b) for a in links for b in links if a < b])  # its hulls overlap
        world.free_robot(robot)
        world.place_joints(robot, joints, rest.tolist())
        row = 1 + next(joint.index for joint in joints if "finger" in joint.name) - 1
        recorder = MotionRecorder(world, robot, joints=joints, mounts={HAND: row}, wrench=[HAND], touch=[HAND])

        def drive(step: int) -> None:
            swing = 0.25 * (1.0 - np.cos(2.0 * np.pi * step / RATE))
            target = rest + swing * np.array([1, 1, -1, 1, 1, -1, 1, 0, 0])
            world.drive_joints(robot, joints, target.tolist())

        whole = recorder.record(int(RATE * (1.0 + WINDOW)), drive).motion
    return cut(whole, -int(RATE * WINDOW) - 1)


def cut(motion: Motion, start: int) -> Motion:
    """Return the end of a motion."""

    def tail(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value[start:]
        if isinstance(value, dict):
            return {name: tail(part) for name, part in value.items()}
        if dataclasses.is_dataclass(value):
            parts = {field.name: tail(getattr(value, field.name)) for field in dataclasses.fields(value)}
            return dataclasses.replace(value, **parts)
        return value

    found: Motion = tail(motion)
    return found


@pytest.fixture
def read(arm_motion: Motion) -> Callable[..., dict[str, np.ndarray]]:
    """Read an instrument on the arm in some rows; the arrays start as poison."""

    def run(
        mount: InstrumentMount,
        reader: type[InstrumentReader],
        *,
        index: tuple[int, ...] = (0, 1, 2),
        motion: Motion = arm_motion,
        motions: tuple[Motion, ...] = (),
        parameters: Mapping[str, np.ndarray] | None = None,
        number: int = 256,
        drive: WheelDrive | None = None,
        seed: int = 7,
        room: BoxRoom | None = None,
        weather: Mapping[str, float] | None = None,
    ) -> dict[str, np.ndarray]:
        setup = InstrumentSetup(
            number=number,
            window=WINDOW,
            steps_per_second=float(RATE),
            slides=tuple(k >= 7 for k in range(motion.joint_position.shape[1])),
            drive=drive,
            library=MeshLibraryBuilder().build() if room is None else room.library,
            seed=seed,
            threads=1,
        )
        made = reader(mount, setup)
        rows: dict[str, np.ndarray] = {
            name: np.full((len(index), *shape), 77 if np.dtype(kind).kind in "iu" else np.nan, kind)
            for name, (kind, shape) in made.shapes().items()
        }
        rows["sample/index"] = np.array(index, np.int64)
        rows["sample/look"] = np.zeros(len(index), np.int64)
        for name, value in (weather or {}).items():
            rows[f"param/weather.{name}"] = np.full(len(index), value)
        rows |= parameters or {}
        one = np.full(0, 0.5)
        stage = Stage(
            scenario=Scenario(index=0, u_scenario=one, u_view=np.empty((1, 0)), u_look=np.empty((1, 1, 0))),
            valid=True,
            reason=Reason.NONE,
            snapshots=() if room is None else (room.snapshot,),
            cameras={},
            object={},
            state={},
            param={},
            motion=motion,
        )
        zeros = np.zeros(len(index), np.int64)
        # One motion for all rows, or one for each.
        stages = [dataclasses.replace(stage, motion=own) for own in motions] or [stage]
        which = np.arange(len(index)) if motions else zeros
        made.read(RecordedRows(stages=stages, stage=which, view=zeros, place=np.arange(len(index)), rows=rows))
        return rows

    return run


def sensor_pose(motion: Motion, mount: InstrumentMount) -> np.ndarray:
    """Return the poses of an instrument at the motion's instants."""
    return compose_pose(motion.frames[mount.mount].pose, mount.pose_mount_sensor)
