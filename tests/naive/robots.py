"""PyBullet's robots as things in a scene, posed by PyBullet itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simloom.renderers import MeshLibraryBuilder
from simloom.renderers.urdf import load_urdf_links, load_urdf_visuals

from .still_life import Thing, camera, look, pose, still_life

ROBOTS = {
    "panda": "franka_panda/panda.urdf",
    "kuka": "kuka_iiwa/model.urdf",
    "r2d2": "r2d2.urdf",
    "husky": "husky/husky.urdf",
    "laikago": "laikago/laikago_toes.urdf",
    "xarm": "xarm/xarm6_robot.urdf",
    "xarm_gripper": "xarm/xarm6_with_gripper.urdf",
    "pr2_gripper": "pr2_gripper.urdf",
    "a1": "a1/a1.urdf",
    "aliengo": "aliengo/aliengo.urdf",
    "mini_cheetah": "mini_cheetah/mini_cheetah.urdf",
    "minitaur": "quadruped/minitaur.urdf",
    "microtaur": "quadruped/microtaur/microtaur.urdf",
    "quadruped": "quadruped/quadruped.urdf",
    "spirit": "quadruped/spirit40.urdf",
    "vision60": "quadruped/vision60.urdf",
    "racecar": "racecar/racecar.urdf",
    "bike": "bicycle/bike.urdf",
}
QUICK = ("laikago", "panda", "r2d2")
"""The robots of the quick tests; the others are for the slow ones."""


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


def robot_scene(name: str, *, levels: bool, width: int = 320, height: int = 240):
    """The library, snapshot and two views of a robot on a floor, that fills them."""
    builder = MeshLibraryBuilder()
    floor = builder.add_plane()
    things = add_robot(builder, name, levels=levels)
    library = builder.build()
    low, high = bounds(things, library)
    centre, size = (low + high) / 2, np.linalg.norm(high - low)
    ground = Thing(mesh=floor, at=pose(*centre[:2], low[2] - 0.01), scale=(6.0, 6.0, 1.0), instance=0, class_id=1)
    views = []
    for direction in ((1.0, 0.6, 0.5), (-0.7, -1.0, 0.9)):
        eye = centre + 1.3 * size * np.array(direction) / np.linalg.norm(direction)
        views.append(camera(width, height, 0.85 * width, at=look(eye, centre), near=0.05, far=20.0))
    return library, still_life(ground, *sorted(things, key=lambda t: t.instance)), views
