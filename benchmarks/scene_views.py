"""The tabletop for both sides: snapshots and cameras for our renderer, bodies and views for PyBullet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tiny_world import Body, Robot, View

from simloom.kernels.transforms import quaternion_from_pose
from simloom.renderers.bullet import projection_matrix, view_matrix
from simloom.renderers.snapshot import Pattern, Snapshot
from simloom.renderers.textures import linear_to_srgb
from simloom.renderers.view import Camera
from simloom.scenes.stage import Stage
from simloom.scenes.tabletop import TabletopScene

FLOOR_THICKNESS = 1.0
"""Of the box that stands in for the floor [m]; its top is at 0."""


def moved_snapshots(scene: TabletopScene, stage: Stage, *, seed: int) -> tuple[list[Snapshot], list[list[float]]]:
    """Give every view of a stage poses of its own: the robot reaches elsewhere, objects are nudged.

    Args:
        scene: The scene that made the stage last.
        stage: The stage, V views.
        seed: Of the nudges.

    Returns:
        V snapshots and, for each, the positions of the robot's joints.
    """
    world = scene.world
    rng = np.random.default_rng(seed)
    start = [world.body_pose(body) for body in scene.bodies]
    joints = np.asarray(stage.state["joint_position"], np.float64)
    snapshots, positions = [], []
    for snapshot in stage.snapshots:
        turned = joints + rng.uniform(-0.15, 0.15, joints.shape) * (np.abs(joints) > 0.05)
        world.place_joints(scene.robot, scene.joints, turned.tolist())
        for body, pose in zip(scene.bodies, start, strict=True):
            nudged = pose.copy()
            nudged[:2, 3] += rng.uniform(-0.01, 0.01, 2)
            world.place_body(body, nudged)
        seen, _ = scene.observe(stage)
        snapshots.append(
            replace(snapshot, pose_world_instance=seen.pose_world_instance, previous_pose=seen.previous_pose)
        )
        positions.append(turned.tolist())
    return snapshots, positions


def without_patterns(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot of plain surfaces, the robot textured as its files say: what TinyRenderer draws too."""
    table = snapshot.materials
    robot = np.unique(snapshot.material[snapshot.instance == 1])
    texture = np.full_like(table.texture, -1)
    texture[:, robot] = table.texture[:, robot]
    plain = replace(table, pattern=np.full_like(table.pattern, int(Pattern.NONE)), texture=texture)
    return replace(snapshot, materials=plain)


def repeat_look(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot with its first look twice, the second under a sun from elsewhere."""
    two = {
        name: replace(table, **{f.name: np.repeat(getattr(table, f.name)[:1], 2, axis=0) for f in fields(table)})
        for name, table in (("materials", snapshot.materials), ("lighting", snapshot.lighting))
    }
    made = replace(snapshot, **two)  # type: ignore[arg-type]
    made.lighting.sun_direction[1, :2] *= -1.0
    return made


@lru_cache(maxsize=1024)
def _file_center(path: str) -> tuple[float, float, float]:
    """Return the middle of an OBJ's bounding box, in the file's units."""
    lines = Path(path).read_text(encoding="ascii").splitlines()
    points = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float64)
    x, y, z = (0.5 * (points.min(axis=0) + points.max(axis=0))).tolist()
    return x, y, z


def describe_bodies(scene: TabletopScene, stage: Stage) -> tuple[Robot, list[Body], list[NDArray[np.float64]]]:
    """Describe a stage for PyBullet.

    Args:
        scene: The scene.
        stage: A valid stage.

    Returns:
        The robot, the other bodies, and the pose of those that stay where they are (floor and table).
    """
    import pybullet_data

    top = float(stage.param["table.height"][0, 0])
    robot = Robot(
        path=str(scene.assets.robot_urdf),
        position=(0.0, 0.0, top),
        joints=tuple(joint.index for joint in scene.joints),
        class_id=scene.classes.index("robot"),
    )
    snapshot, assets = stage.snapshots[0], scene.assets
    bodies: list[Body] = []
    fixed: list[NDArray[np.float64]] = []
    colors = body_colors(snapshot)
    for row in np.flatnonzero(snapshot.instance == 0).tolist():
        pose, size = snapshot.pose_world_instance[row].copy(), 0.5 * snapshot.scale[row].astype(np.float64)
        if snapshot.mesh[row] == assets.mesh_row("plane"):
            size[2] = 0.5 * FLOOR_THICKNESS
            pose[2, 3] -= size[2]
        bodies.append(
            Body(
                kind="box",
                instance=0,
                class_id=int(snapshot.class_id[row]),
                size=tuple(size.tolist()),
                color=colors[len(bodies)],
            )
        )
        fixed.append(pose)
    objects, folder = stage.object, Path(pybullet_data.getDataPath())
    for slot in range(1, int(objects["valid"].sum())):
        asset, scale = assets.assets[int(objects["asset"][slot])], objects["scale"][slot]
        a, b, c = (0.5 * objects["extent"][slot]).tolist()
        given: dict[str, Any]
        if asset.kind == "hulls":
            file = str(folder / asset.name / f"{Path(asset.name).name}.obj")
            # The scene's frames have their origin at the centre of mass, the file's elsewhere.
            shift = asset.center - 0.015 * np.array(_file_center(file))
            given = {"size": tuple((0.015 * scale).tolist()), "path": file, "offset": tuple((shift * scale).tolist())}
        else:
            sizes = {"box": (a, b, c), "sphere": (a,), "cylinder": (a, 2.0 * c), "capsule": (a, 2.0 * (c - a))}
            given = {"size": sizes[asset.kind]}
        bodies.append(
            Body(
                kind="mesh" if asset.kind == "hulls" else asset.kind,
                instance=slot + 1,
                class_id=int(objects["class"][slot]),
                color=colors[len(bodies)],
                **given,
            )
        )
    return robot, bodies, fixed


def body_colors(snapshot: Snapshot, look: int = 0) -> list[tuple[float, ...]]:
    """Return the sRGB colour of everything but the robot, floor and table first."""
    rows = [
        *np.flatnonzero(snapshot.instance == 0).tolist(),
        *(int(np.flatnonzero(snapshot.instance == i)[0]) for i in np.unique(snapshot.instance[snapshot.instance > 1])),
    ]
    base = snapshot.materials.base_color[look][snapshot.material[rows]].astype(np.float64)
    return [(*color, 1.0) for color in linear_to_srgb(base).tolist()]


def make_view(
    camera: Camera,
    snapshot: Snapshot,
    joints: Sequence[float],
    fixed: Sequence[NDArray[np.float64]],
    objects: Sequence[NDArray[np.float64]],
    look: int = 0,
) -> View:
    """Make PyBullet's view of a snapshot.

    Args:
        camera: The camera.
        snapshot: For its light.
        joints: Positions of the robot's joints.
        fixed: Poses of floor and table.
        objects: Poses of the objects.
        look: The look.
    """
    poses = [*fixed, *objects]
    quaternions = [tuple(quaternion_from_pose(pose).tolist()) for pose in poses]
    return View(
        joints=tuple(joints),
        positions=tuple(tuple(pose[:3, 3].tolist()) for pose in poses),
        quaternions=tuple(quaternions),
        view_matrix=tuple(view_matrix(camera)),
        projection_matrix=tuple(projection_matrix(camera)),
        light=tuple(snapshot.lighting.sun_direction[look].astype(np.float64).tolist()),
        near=camera.near,
        far=camera.far,
    )


def object_poses(snapshot: Snapshot) -> list[NDArray[np.float64]]:
    """Return the pose of each object of a snapshot; all meshes of an object share it."""
    ids = np.unique(snapshot.instance[snapshot.instance > 1])
    return [snapshot.pose_world_instance[int(np.flatnonzero(snapshot.instance == i)[0])] for i in ids]


def compare_frames(ours: Mapping[str, Any], theirs: Mapping[str, Any], tolerance: float = 1e-3) -> dict[str, float]:
    """Compare labels and depth of two renderers, away from silhouettes.

    Args:
        ours: `instance` (V, H, W) and `depth` [m], 0 = nothing.
        theirs: The same.
        tolerance: Depth that counts as equal [m].

    Returns:
        Share of pixels that are no silhouette edge in either; share of those with equal ids; share of those with equal
        ids whose depth agrees within the tolerance; share of all pixels with equal ids.
    """
    inside = ~(edges(ours["instance"]) | edges(theirs["instance"]))
    same = ours["instance"] == theirs["instance"]
    near = np.abs(ours["depth"].astype(np.float64) - theirs["depth"]) <= tolerance
    both = inside & same
    return {
        "pixels_off_silhouettes": float(inside.mean()),
        "ids_equal_there": float(same[inside].mean()),
        "depth_within_1_mm_there": float(near[both].mean()),
        "ids_equal_everywhere": float(same.mean()),
    }


def edges(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the pixels that have another label among their eight neighbours, shape (V, H, W)."""
    padded = np.pad(labels, ((0, 0), (1, 1), (1, 1)), mode="edge")
    height, width = labels.shape[1:]
    found = np.zeros(labels.shape, bool)
    for y in range(3):
        for x in range(3):
            found |= padded[:, y : y + height, x : x + width] != labels
    return found
