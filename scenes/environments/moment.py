"""Moments: what the physics of a scene says at one instant, read once and used by reader, task and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ...kernels.transforms import pose_from_position_quaternion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...renderers.mesh_library import MeshLibrary
    from ...renderers.urdf import UrdfLink
    from ..asset_library import AssetLibrary
    from ..physics import Joint
    from ..scenario import Scenario
    from ..sensors import Rig
    from ..space import ParameterSpace
    from ..stage import Stage
    from ..world import World

Array = NDArray[np.float64]


class PhysicalScene(Protocol):
    """A scene with one robot and free bodies in a world that can be stepped on after it was staged."""

    bodies: list[int]
    distractors: list[int]

    @property
    def robot(self) -> int:
        """The robot in the world."""

    @property
    def world(self) -> World:
        """The physics world."""

    @property
    def joints(self) -> tuple[Joint, ...]:
        """The robot's movable joints."""

    @property
    def links(self) -> tuple[UrdfLink, ...]:
        """The robot's links, the base first."""

    @property
    def slots(self) -> int:
        """Object slots, the robot's included."""

    @property
    def space(self) -> ParameterSpace:
        """What is randomized."""

    @property
    def rig(self) -> Rig:
        """The sensors."""

    @property
    def library(self) -> MeshLibrary:
        """Meshes and textures."""

    @property
    def assets(self) -> AssetLibrary:
        """The asset library."""

    @property
    def mount_rows(self) -> Mapping[str, int]:
        """Row of the link that carries each mount, but for `world`."""

    def stage(self, scenario: Scenario, space: ParameterSpace | None = None) -> Stage:
        """Make one world."""

    def stage_now(self, stage: Stage) -> Stage:
        """Return the present state of the world as a stage: what all views and looks show now."""

    def close(self) -> None:
        """Give back the physics client."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """A scene at one instant; B bodies, J joints, the robot's links with the base first."""

    links: Array
    """Poses of the robot's link frames, shape (1 + links, 4, 4)."""
    joint_position: Array
    """Positions of the movable joints [rad or m], shape (J,)."""
    joint_velocity: Array
    """Their rates [rad/s or m/s], shape (J,)."""
    linear: Array
    """Velocity of the base [m/s], world axes, shape (3,)."""
    angular: Array
    """Turn rate of the base [rad/s], world axes, shape (3,)."""
    bodies: Array
    """Positions [m] and quaternions (xyzw, w >= 0) of the free bodies, objects before distractors, shape (B, 7)."""
    object_count: int
    """How many of the bodies are objects."""

    @property
    def objects(self) -> Array:
        """The bodies that are objects, shape (object_count, 7)."""
        return self.bodies[: self.object_count]

    @property
    def body_poses(self) -> Array:
        """`pose_world_object` of the free bodies, shape (B, 4, 4)."""
        return pose_from_position_quaternion(self.bodies[:, :3], self.bodies[:, 3:])


def read_moment(scene: PhysicalScene) -> Moment:
    """Read a scene as it stands now.

    Args:
        scene: A scene that has made a stage.

    Returns:
        The moment.
    """
    world, robot = scene.world, scene.robot
    position, velocity = world.joint_states(robot, scene.joints)
    linear, angular = world.body_velocity(robot)
    return Moment(
        links=world.link_poses(robot),
        joint_position=position,
        joint_velocity=velocity,
        linear=linear,
        angular=angular,
        bodies=_rows(world.read_bodies((*scene.bodies, *scene.distractors))),
        object_count=len(scene.bodies),
    )


def _rows(bodies: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Array:
    rows = np.array([(*position, *quaternion) for position, quaternion in bodies], np.float64).reshape(-1, 7)
    rows[rows[:, 6] < 0.0, 3:] *= -1.0
    return rows
