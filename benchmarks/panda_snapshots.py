"""Makes `sim/bench/panda.npz`: `python benchmarks/panda_snapshots.py`, where PyBullet is.

Eight snapshots of the tabletop with the Panda and ten objects, each with poses of its own, and a camera of 256x256 for
each. The robot's meshes are those that come with PyBullet (franka_description, Apache-2.0), as far as pictures of that
size draw them: levels of detail that are finer than half a pixel are left out, and so is the finest quarter of its
texture. Objects whose meshes are files are replaced by their boxes, patterns by plain colours. Positions are rounded to
2^-16 m: the file shall be small, and nothing is compared with the scene that it was made of.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scene_views import moved_snapshots, without_patterns

from simloom.renderers.level_of_detail import MeshLevel
from simloom.renderers.mesh_library import MeshLibrary
from simloom.renderers.mesh_records import MeshRecord, TextureRecord, join_records
from simloom.renderers.replay import load_replay, save_replay
from simloom.renderers.snapshot import Snapshot
from simloom.renderers.view import Camera
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.tabletop import TabletopScene

TARGET = Path(__file__).resolve().parent.parent / "sim" / "bench" / "panda.npz"
SIDE, VIEWS, FINEST_TEXTURE = 256, 8, 256


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    out = parser.parse_args(arguments).out
    rig = {"head": {"camera": "generic_rgb", "width": SIDE, "height": SIDE}}
    scene = TabletopScene(slots=11, rig=rig, overrides={"object_count": {"fixed": 10}})
    try:
        stages = (scene.stage(draw_scenario(scene.space, seed=3, index=i, views=VIEWS)) for i in range(50))
        stage = next(stage for stage in stages if stage.valid)
        moved = moved_snapshots(scene, stage, seed=1)[0]
        snapshots = [_replace_files(without_patterns(snapshot), scene.library) for snapshot in moved]
        cameras = list(stage.cameras["head"])
        save_replay(out, _thin(scene.library, snapshots, cameras), snapshots, cameras, list(range(VIEWS)))
    finally:
        scene.close()
    with np.load(out) as stored:
        arrays = dict(stored)
    np.savez_compressed(out, **arrays)
    replay = load_replay(out)
    triangles = sum(len(replay.library.level(int(mesh)).triangles) for mesh in replay.snapshots[0].mesh)
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB, {triangles} triangles at its full detail")


def _replace_files(snapshot: Snapshot, library: MeshLibrary) -> Snapshot:
    """Put boxes in the place of objects that come from files."""
    mesh, pose, scale = snapshot.mesh.copy(), snapshot.pose_world_instance.copy(), snapshot.scale.copy()
    to_object = snapshot.pose_instance_part.copy()
    for row, number in enumerate(snapshot.mesh.tolist()):
        if library.names[number].startswith(("robot/", "primitive/")):
            continue
        size = (library.mesh_upper[number] - library.mesh_lower[number]) * scale[row]
        shift = np.eye(4)
        shift[:3, 3] = library.mesh_center[number] * scale[row]
        mesh[row], scale[row] = library.mesh_row("primitive/box"), size
        pose[row], to_object[row] = pose[row] @ shift, to_object[row] @ shift
    return replace(
        snapshot, mesh=mesh, scale=scale, pose_world_instance=pose, previous_pose=pose, next_pose=pose,
        pose_instance_part=to_object,
    )  # fmt: skip


def _thin(library: MeshLibrary, snapshots: Sequence[Snapshot], cameras: Sequence[Camera]) -> MeshLibrary:
    """Drop levels of detail that no camera draws, and what of the textures is finer than `FINEST_TEXTURE`."""
    meshes = {}
    for number, name in enumerate(library.names):
        levels = [library.level(number, k) for k in range(int(library.mesh_level_count[number]))]
        allowed = _allowed_error(library, number, snapshots, cameras)
        first = max((k for k, level in enumerate(levels) if level.error <= allowed), default=0)
        meshes[name] = MeshRecord(
            tuple(_round(level) for level in levels[first:]),
            has_uv=bool(library.mesh_has_uv[number]),
            has_color=bool(library.mesh_has_color[number]),
            is_closed=bool(library.mesh_is_closed[number]),
        )
    textures = {}
    for number, name in enumerate(library.texture_names):
        mips = [library.texture(number, k) for k in range(int(library.texture_levels[number]))]
        kept = [mip for mip in mips if max(mip.shape[:2]) <= FINEST_TEXTURE]
        textures[name] = TextureRecord(tuple(kept), is_data=bool(library.texture_is_data[number]))
    return MeshLibrary(**join_records(meshes, textures, {}))


def _allowed_error(library: MeshLibrary, mesh: int, snapshots: Sequence[Snapshot], cameras: Sequence[Camera]) -> float:
    """Return half a pixel at the least distance of a mesh from a camera [m], in units of the mesh."""
    least = np.inf
    for snapshot, camera in zip(snapshots, cameras, strict=True):
        for row in np.flatnonzero(snapshot.mesh == mesh):
            largest = float(snapshot.scale[row].max())
            centre = snapshot.pose_world_instance[row, :3, :3] @ (library.mesh_center[mesh] * snapshot.scale[row])
            centre = centre + snapshot.pose_world_instance[row, :3, 3]
            away = np.linalg.norm(centre - camera.pose_world_camera[:3, 3]) - largest * library.mesh_radius[mesh]
            least = min(least, 0.5 * max(float(away), 0.0) / max(camera.fx, camera.fy) / largest)
    return float(least)


def _round(level: MeshLevel) -> MeshLevel:
    """Round a level's numbers, which then compress."""

    def snap(values: NDArray[np.float32], steps: float) -> NDArray[np.float32]:
        return (np.rint(values * steps) / steps).astype(np.float32)

    return replace(
        level, vertices=snap(level.vertices, 2.0**16), normals=snap(level.normals, 2.0**9), uvs=snap(level.uvs, 2.0**11)
    )


if __name__ == "__main__":
    main()
