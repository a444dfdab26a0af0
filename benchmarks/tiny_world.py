"""A scene in PyBullet with TinyRenderer, as a user would write it: visual shapes, a robot, `getCameraImage`.

Plain data in, arrays out, so that a process of its own can hold one; it imports PyBullet and NumPy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Body:
    """A rigid body that is drawn."""

    instance: int
    """Instance id in the label image; 0 = background."""
    class_id: int = 0
    """Class id in the label image."""
    kind: str
    """box, sphere, cylinder, capsule or mesh."""
    size: tuple[float, ...] = ()
    """Box: half sides; sphere: radius; cylinder and capsule: radius and length; mesh: scale along x, y, z [m]."""
    path: str = ""
    """OBJ file of a mesh."""
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Origin of the file's frame in the body's frame [m]."""
    color: tuple[float, ...] = (0.6, 0.6, 0.6, 1.0)
    """Colour, sRGB and alpha [1]."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One picture: where everything is, and the camera."""

    joints: tuple[float, ...]
    """Positions of the robot's joints."""
    positions: tuple[tuple[float, ...], ...]
    """Of every body [m]."""
    quaternions: tuple[tuple[float, ...], ...]
    """Of every body, xyzw."""
    view_matrix: tuple[float, ...]
    """OpenGL's, column-major."""
    projection_matrix: tuple[float, ...]
    """OpenGL's, column-major."""
    light: tuple[float, ...]
    """Direction towards the sun."""
    near: float
    """Nearest depth [m]."""
    far: float
    """Farthest depth [m]."""


@dataclass(frozen=True, kw_only=True)
class Robot:
    """The articulated body."""

    path: str
    """Its URDF."""
    position: tuple[float, ...]
    """Origin of its base link [m]."""
    joints: tuple[int, ...]
    """Indices of the joints that views place."""
    class_id: int = 3
    """Class id in the label image; its instance id is 1."""


class TinyWorld:
    """A PyBullet client with visual shapes.

    Args:
        shadow: Whether the sun casts shadows, TinyRenderer's default.
    """

    def __init__(self, shadow: bool = True) -> None:
        import pybullet

        assert pybullet.isNumpyEnabled(), "PyBullet without NumPy returns tuples, which would be timed too"
        self._bullet: Any = pybullet
        self._client: int = pybullet.connect(pybullet.DIRECT)
        self._shadow = int(shadow)
        self._robot: Robot | None = None
        self._robot_body = -1
        self._bodies: list[int] = []
        self._owner = np.zeros(1, np.uint16)
        self._class = np.zeros(1, np.uint8)

    def load_robot(self, robot: Robot) -> None:
        """Load the robot, or put the one that is there to another place."""
        bullet, client = self._bullet, self._client
        if self._robot is None or self._robot.path != robot.path:
            if self._robot is not None:
                bullet.removeBody(self._robot_body, physicsClientId=client)
            self._robot_body = bullet.loadURDF(robot.path, useFixedBase=1, physicsClientId=client)
        # loadURDF places the link frame, resetBasePositionAndOrientation the centre of mass.
        inertial = bullet.getDynamicsInfo(self._robot_body, -1, physicsClientId=client)[3]
        place = [origin + shift for origin, shift in zip(robot.position, inertial, strict=True)]
        bullet.resetBasePositionAndOrientation(self._robot_body, place, (0, 0, 0, 1), physicsClientId=client)
        self._robot = robot

    def load_bodies(self, bodies: Sequence[Body]) -> None:
        """Load what is drawn beside the robot, in place of what was."""
        bullet, client = self._bullet, self._client
        for body in self._bodies:
            bullet.removeBody(body, physicsClientId=client)
        self._bodies = [
            bullet.createMultiBody(baseMass=0, baseVisualShapeIndex=self._shape(body), physicsClientId=client)
            for body in bodies
        ]
        ids = [self._robot_body, *self._bodies]
        self._owner = np.zeros(max(ids) + 2, np.uint16)  # the last cell is for -1: nothing
        self._class = np.zeros(max(ids) + 2, np.uint8)
        assert self._robot is not None
        self._owner[ids] = [1, *(body.instance for body in bodies)]
        self._class[ids] = [self._robot.class_id, *(body.class_id for body in bodies)]

    def _shape(self, body: Body) -> int:
        bullet = self._bullet
        arguments: dict[str, Any]
        match body.kind:
            case "box":
                arguments = {"shapeType": bullet.GEOM_BOX, "halfExtents": body.size}
            case "sphere":
                arguments = {"shapeType": bullet.GEOM_SPHERE, "radius": body.size[0]}
            case "cylinder":
                arguments = {"shapeType": bullet.GEOM_CYLINDER, "radius": body.size[0], "length": body.size[1]}
            case "capsule":
                arguments = {"shapeType": bullet.GEOM_CAPSULE, "radius": body.size[0], "length": body.size[1]}
            case _:
                arguments = {"shapeType": bullet.GEOM_MESH, "fileName": body.path, "meshScale": body.size}
        return int(
            bullet.createVisualShape(
                rgbaColor=body.color, visualFramePosition=body.offset, physicsClientId=self._client, **arguments
            )
        )

    def paint(self, colors: Sequence[Sequence[float]]) -> None:
        """Give the bodies other colours, sRGB and alpha."""
        for body, color in zip(self._bodies, colors, strict=True):
            self._bullet.changeVisualShape(body, -1, rgbaColor=color, physicsClientId=self._client)

    def place(self, view: View) -> None:
        """Put robot and bodies where a view has them."""
        bullet, client = self._bullet, self._client
        assert self._robot is not None
        for joint, position in zip(self._robot.joints, view.joints, strict=True):
            bullet.resetJointState(self._robot_body, joint, position, physicsClientId=client)
        for body, position, quaternion in zip(self._bodies, view.positions, view.quaternions, strict=True):
            bullet.resetBasePositionAndOrientation(body, position, quaternion, physicsClientId=client)

    def shoot(self, view: View, width: int, height: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Take one picture: sRGB bytes with alpha, the depth buffer, body ids."""
        _, _, rgba, depth, mask = self._bullet.getCameraImage(
            width,
            height,
            viewMatrix=view.view_matrix,
            projectionMatrix=view.projection_matrix,
            lightDirection=view.light,
            shadow=self._shadow,
            renderer=self._bullet.ER_TINY_RENDERER,
            physicsClientId=self._client,
        )
        return rgba, depth, mask

    def render(self, views: Sequence[View], width: int, height: int) -> None:
        """Place and shoot every view, and drop the pictures: what is timed."""
        for view in views:
            self.place(view)
            self.shoot(view, width, height)

    def pictures(self, views: Sequence[View], width: int, height: int) -> dict[str, NDArray[Any]]:
        """Place and shoot every view; returns rgb, metric depth, instance and class, views leading."""
        rgb = np.zeros((len(views), height, width, 3), np.uint8)
        depth = np.zeros((len(views), height, width), np.float32)
        instance, class_id = np.zeros(depth.shape, np.uint16), np.zeros(depth.shape, np.uint8)
        for row, view in enumerate(views):
            self.place(view)
            rgba, buffer, mask = self.shoot(view, width, height)
            rgb[row] = rgba[..., :3]
            depth[row] = metric_depth(buffer, mask, view)
            instance[row], class_id[row] = self.labels(mask)
        return {"rgb": rgb, "depth": depth, "instance": instance, "class": class_id}

    def labels(self, mask: NDArray[Any]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Turn body ids into instance and class ids."""
        return self._owner[mask], self._class[mask]

    def close(self) -> None:
        """Disconnect."""
        self._bullet.disconnect(physicsClientId=self._client)


def metric_depth(buffer: NDArray[Any], mask: NDArray[Any], view: View) -> NDArray[np.float64]:
    """Turn OpenGL's depth buffer into metres along z, 0 where nothing was hit."""
    depth = view.far * view.near / (view.far - (view.far - view.near) * buffer.astype(np.float64))
    return np.asarray(np.where(mask >= 0, depth, 0.0))
