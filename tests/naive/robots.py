"""PyBullet's robots as things in a scene, posed by PyBullet itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simloom.renderers import MeshLibraryBuilder
from simloom.renderers.urdf import load_urdf_links, load_urdf_visuals

from .still_life import Thing, pose

ROBOTS = {
    "panda": "franka_panda/panda.urdf",
    "kuka": "kuka_iiwa/model.urdf",
    "r2d2": "r2d2.urdf",
    "husky": "husky/husky.urdf",
    "laikago": "laikago/laikago_toes.urdf",
    "xarm": "xarm/xarm6_robot.urdf",
}


def _matrix(position, quaternion) -> np.ndarray:
    x, y, z, w = quaternion
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return pose(*position, rotation)


def link_poses(path: Path) -> dict[int, np.ndarray]:
    """World poses of all link frames with the joints bent a little, by PyBullet."""
    import pybullet

    client = pybullet.connect(pybullet.DIRECT)
    try:
        body = pybullet.loadURDF(str(path), useFixedBase=True, physicsClientId=client)
        for joint in range(pybullet.getNumJoints(body, physicsClientId=client)):
            low, high = pybullet.getJointInfo(body, joint, physicsClientId=client)[8:10]
            angle = 0.5 * np.sin(1.7 * joint + 1) if low >= high else np.clip(0.5 * np.sin(1.7 * joint + 1), low, high)
            pybullet.resetJointState(body, joint, angle, physicsClientId=client)
        poses = {-1: _matrix(*pybullet.getBasePositionAndOrientation(body, physicsClientId=client))}
        poses[-1] = poses[-1] @ np.linalg.inv(load_urdf_links(path)[0].pose_link_inertial)
        for joint in range(pybullet.getNumJoints(body, physicsClientId=client)):
            state = pybullet.getLinkState(body, joint, computeForwardKinematics=True, physicsClientId=client)
            poses[joint] = _matrix(*state[4:6])
    finally:
        pybullet.disconnect(client)
    return poses


def add_robot(builder: MeshLibraryBuilder, name: str, *, levels: bool) -> list[Thing]:
    """Add a robot's meshes to a library, without textures; every link is an instance of its own."""
    import pybullet_data

    path = Path(pybullet_data.getDataPath()) / ROBOTS[name]
    poses = link_poses(path)
    things: list[Thing] = []
    rows: dict[object, int] = {}
    for visual in load_urdf_visuals(path, [pybullet_data.getDataPath()]):
        at = poses[visual.link_index] @ visual.pose_link_visual
        if visual.kind == "mesh":
            meshes = []
            for k, part in enumerate(visual.parts):
                key = (visual.mesh_path, k, tuple(visual.scale))
                if key not in rows:
                    label = f"{name}/{len(rows)}/{part.name}"
                    rows[key] = builder.add_mesh(label, part.vertices, part.triangles, part.normals, levels=levels)
                meshes.append(rows[key])
        else:
            add = {"box": builder.add_box, "sphere": builder.add_sphere, "cylinder": builder.add_cylinder}
            meshes = [add[visual.kind]()]
        for mesh in meshes:
            scale = tuple(np.abs(visual.scale))
            things.append(
                Thing(mesh=mesh, at=at, scale=scale, instance=visual.link_index + 2, part=visual.link_index + 1)
            )
    return things


def bounds(things: list[Thing], library) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner of all vertices in the world."""
    points = []
    for thing in things:
        vertices = library.level(thing.mesh).vertices * np.array(thing.scale)
        points.append(vertices @ thing.at[:3, :3].T + thing.at[:3, 3])
    joined = np.concatenate(points)
    return joined.min(axis=0), joined.max(axis=0)
