"""Suite `rays`: rays per second of RayCaster, of PyBullet's `rayTestBatch` and of trimesh, on the same triangles."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from cases import RayCase
from numpy.typing import NDArray
from report import CaseResult

from simloom.kernels.transforms import quaternion_from_pose
from simloom.renderers.mesh_library import MeshLibrary
from simloom.renderers.rays import RayCaster, RayHits
from simloom.renderers.snapshot import Snapshot
from simloom.renderers.view import Camera
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.tabletop import TabletopScene
from simloom.sim.bench.timing import Contestant, measure

FAR = 30.0
"""Longest ray [m]."""
BATCH = 8192
"""Rays of one call to PyBullet, which takes at most 16383."""
BULLET = "PyBullet rayTestBatch, 1 thread"
TRIMESH = "trimesh (NumPy and rtree)"
NOTES = (
    "One ray is the nearest hit on the tabletop with the Panda and ten objects, in full detail for everyone.",
    "Ours: `RayCaster.cast` on one thread with float64 arrays in; range, ids, material, incidence, normal, triangle "
    "and weights out, as arrays. Poses are taken up anew in every call; meshes are prepared in the first.",
    "PyBullet: every placed mesh as a static concave triangle mesh; `rayTestBatch` with one thread is handed lists "
    "that were made before, and its answer (id, link, fraction, position, normal) stays tuples.",
    "trimesh, where rtree is installed: all triangles in one mesh, `intersects_location` with the first hit alone, on "
    "a few rays of the same pattern.",
)


class BulletWorld:
    """A snapshot's triangles in a PyBullet client."""

    def __init__(self, library: MeshLibrary, snapshot: Snapshot) -> None:
        import pybullet

        self._bullet = pybullet
        self._client = pybullet.connect(pybullet.DIRECT)
        self.row_of_body: dict[int, int] = {-1: -1}
        for row, mesh in enumerate(snapshot.mesh.tolist()):
            level = library.level(mesh)
            pose = snapshot.pose_world_instance[row]
            shape = pybullet.createCollisionShape(
                pybullet.GEOM_MESH,
                vertices=(level.vertices * snapshot.scale[row]).tolist(),
                indices=level.triangles.reshape(-1).tolist(),
                flags=pybullet.GEOM_FORCE_CONCAVE_TRIMESH,
                physicsClientId=self._client,
            )
            body = pybullet.createMultiBody(
                0.0, shape, -1, pose[:3, 3].tolist(), quaternion_from_pose(pose).tolist(), physicsClientId=self._client
            )
            self.row_of_body[body] = row

    def cast(self, starts: Sequence[Any], ends: Sequence[Any]) -> list[Any]:
        """Cast rays, batch after batch."""
        found: list[Any] = []
        for first in range(0, len(starts), BATCH):
            found += self._bullet.rayTestBatch(
                starts[first : first + BATCH], ends[first : first + BATCH], numThreads=1, physicsClientId=self._client
            )
        return found

    def close(self) -> None:
        """Leave PyBullet."""
        self._bullet.disconnect(self._client)


def make_rays(case: RayCase, camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return origins and unit directions, shape (R, 3), in the order of a scan."""
    if case.pattern == "spinning":
        azimuth = np.arange(case.width) * (2.0 * np.pi / case.width)
        elevation = np.radians(np.linspace(-15.0, 15.0, case.height))
        a, e = np.meshgrid(azimuth, elevation, indexing="ij")
        directions = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1).reshape(-1, 3)
        origin = np.array([0.0, -0.6, 1.0])
    else:
        v, u = np.mgrid[: case.height, : case.width]
        local = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(u.shape)], axis=-1)
        directions = local.reshape(-1, 3) @ camera.pose_world_camera[:3, :3].T
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        origin = camera.pose_world_camera[:3, 3]
    return np.tile(origin, (len(directions), 1)), directions


def run_case(case: RayCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    scene = TabletopScene(
        slots=11,
        rig={"head": {"camera": "generic_rgb", "width": case.width, "height": case.height}},
        overrides={"object_count": {"fixed": 10}},
    )
    try:
        stage = next(
            stage
            for stage in (scene.stage(draw_scenario(scene.space, seed=3, index=i, views=1)) for i in range(50))
            if stage.valid
        )
        snapshot, camera, library = stage.snapshots[0], stage.cameras["head"][0], scene.library
    finally:
        scene.close()
    origins, directions = make_rays(case, camera)
    triangles = [library.level(int(mesh)).triangles for mesh in snapshot.mesh]
    begun = time.perf_counter()
    RayCaster(library, threads=1).cast([snapshot], origins[:1], directions[:1])
    preparing = time.perf_counter() - begun
    caster = RayCaster(library, threads=1)
    starts, ends = origins.tolist(), (origins + FAR * directions).tolist()
    world = BulletWorld(library, snapshot)
    contestants = [
        Contestant(
            name="ours",
            items=len(origins),
            run=lambda: _discard(caster.cast([snapshot], origins, directions, far=FAR)),
        ),
        Contestant(name=BULLET, items=len(origins), run=lambda: _discard(world.cast(starts, ends))),
    ]
    if find_spec("rtree") is not None:
        few = np.linspace(0, len(origins) - 1, min(case.few, len(origins))).astype(int)
        contestants.append(_trimesh(library, snapshot, origins[few], directions[few]))
    try:
        measured = measure(contestants, repeats=repeats)
        agreement = compare(caster.cast([snapshot], origins, directions, far=FAR), world, starts, ends)
    finally:
        world.close()
    return CaseResult(
        case=case.name,
        unit="ray",
        settings={
            "rays_per_repeat": len(origins),
            "pattern": case.pattern,
            "cores": 1,
            "triangles": sum(map(len, triangles)),
            "instances": len(snapshot.mesh),
            "far": FAR,
        },
        measurements=measured,
        ratios=[("ours", contestant.name) for contestant in contestants[1:]],
        facts={
            "ns_per_ray": {m.name: 1e9 / m.rate for m in measured},
            "seconds_to_prepare_all_meshes_and_cast_once": preparing,
            "agreement_with_bullet": agreement,
        },
    )


def compare(hits: RayHits, world: BulletWorld, starts: Sequence[Any], ends: Sequence[Any]) -> dict[str, float]:
    """Return the shares of rays that hit anything, meet the same placed mesh, and there have the same range."""
    theirs = world.cast(starts, ends)
    row = np.array([world.row_of_body[answer[0]] for answer in theirs])
    distance = np.array([answer[2] * FAR for answer in theirs])
    same = row == hits.row
    met = same & (row >= 0)
    near = np.abs(distance - hits.range)[met] <= 1e-3
    return {
        "rays_that_hit": float((hits.row >= 0).mean()),
        "same_mesh": float(same.mean()),
        "range_within_1_mm_there": float(near.mean()) if met.any() else 1.0,
    }


def _trimesh(
    library: MeshLibrary, snapshot: Snapshot, origins: NDArray[np.float64], directions: NDArray[np.float64]
) -> Contestant:
    import trimesh

    parts = []
    for row, mesh in enumerate(snapshot.mesh.tolist()):
        level = library.level(mesh)
        part = trimesh.Trimesh(level.vertices * snapshot.scale[row], level.triangles, process=False)
        parts.append(part.apply_transform(snapshot.pose_world_instance[row]))
    joined = trimesh.util.concatenate(parts)

    def run() -> None:
        joined.ray.intersects_location(origins, directions, multiple_hits=False)

    return Contestant(name=TRIMESH, items=len(origins), run=run)


def _discard(_: Any) -> None:
    return None
