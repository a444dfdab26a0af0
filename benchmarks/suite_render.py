"""Suite `render`: frames per second of Raster, TinyRenderer and MuJoCo on the same scene, poses and cameras."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from cases import RenderCase
from numpy.typing import NDArray
from processes import Workers
from report import CaseResult
from scene_views import (
    compare_frames,
    describe_bodies,
    make_view,
    moved_snapshots,
    object_poses,
    repeat_look,
    without_patterns,
)

from simloom.renderers.raster.raster import Raster
from simloom.renderers.snapshot import Snapshot
from simloom.renderers.view import Camera
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.tabletop import TabletopScene
from simloom.sim.bench.mujoco_world import describe_geoms, describe_shot, find_obstacle
from simloom.sim.bench.timing import Contestant, Measurement, measure

OUTPUTS = ("colour", "depth", "instance")
NOTES = (
    "One frame is colour with the sun's shadow, depth and instance ids of the tabletop with the Panda and ten "
    "objects, each frame with poses, camera and so shadow map of its own. Poses are passed in every batch.",
    "TinyRenderer: `getCameraImage` with `shadow=1` on visual shapes of the same files, called directly; pictures "
    "stay in the worker process. Ours: `Raster.render`, float32 linear colour, metric depth and uint16 ids as NumPy "
    "arrays.",
    "MuJoCo on Mesa, where it is installed: its classic renderer in an OSMesa context on the same full-detail meshes "
    "in plain colours, multisampling off, a shadow map of 256 or 512 texels a side, every pose passed in every frame; "
    "as many processes as cores, each drawing in its one thread. It draws the scene three times (colour with shadow, "
    "depth, ids), as `mujoco.Renderer` does, but calls the library directly; `two passes` reads depth from the "
    "colour's pass.",
    "Excluded on all sides: physics, loading, the first call. Not equal: ours shades with GGX and a sky where Tiny "
    "has Lambert, filters its shadows and textures, and gives metric depth where Tiny leaves OpenGL's buffer.",
)
TINY = "TinyRenderer, shadow"
MUJOCO = {"MuJoCo on Mesa, shadow": 3, "MuJoCo on Mesa, two passes": 2}
"""Contestants to passes over the scene."""
LABELS = "depth and ids alone"
TWO_LOOKS = "two looks"
PARTIAL = ("no shadow", TWO_LOOKS, LABELS)
"""Variants that do less or more than the others: they show where our time goes, and are compared with nothing."""


def run_case(case: RenderCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    scene = TabletopScene(
        slots=11,
        rig={"head": {"camera": "generic_rgb", "width": case.width, "height": case.height}},
        overrides={"object_count": {"fixed": 10}},
    )
    try:
        stage = next(
            stage
            for stage in (scene.stage(draw_scenario(scene.space, seed=3, index=i, views=case.views)) for i in range(50))
            if stage.valid
        )
        cameras = stage.cameras["head"]
        patterned, joints = moved_snapshots(scene, stage, seed=1)
        snapshots = [without_patterns(snapshot) for snapshot in patterned]
        robot, bodies, fixed = describe_bodies(scene, stage)
        views = [
            make_view(camera, snapshot, q, fixed, object_poses(snapshot))
            for camera, snapshot, q in zip(cameras, snapshots, joints, strict=True)
        ]
        library = scene.library
        # TinyRenderer has no ambient occlusion; ours stands beside it as a variant.
        plain: dict[str, Any] = {"threads": case.cores, "ambient_occlusion": False}
        rasters = {
            "same materials": (Raster(library, **plain), snapshots),
            "ambient occlusion": (Raster(library, threads=case.cores), snapshots),
            "no levels of detail": (Raster(library, lod="exact", **plain), snapshots),
            "patterns": (Raster(library, **plain), patterned),
            "2x2 supersampling": (Raster(library, supersample=2, **plain), snapshots),
            "no shadow": (Raster(library, shadow=False, **plain), snapshots),
            TWO_LOOKS: (Raster(library, **plain), [repeat_look(snapshot) for snapshot in snapshots]),
            LABELS: (Raster(library, **plain), snapshots),
        }
        contestants = [_ours(f"ours, {name}", *rasters[name], cameras) for name in case.variants]
        obstacle = find_obstacle()
        theirs: dict[str, dict[str, NDArray[Any]]] = {}
        with ExitStack() as stack:
            tiny = stack.enter_context(Workers(case.cores, "tiny_world:TinyWorld"))
            tiny.call_all("load_robot", robot)
            tiny.call_all("load_bodies", bodies)
            shares = [(views[k :: case.cores], case.width, case.height) for k in range(case.cores)]
            contestants.append(_theirs(TINY, case.views, tiny, shares))
            theirs["TinyRenderer"] = _pictures(tiny, shares, case.views)
            if obstacle is None:
                shadow = {"shadow": 256 if case.width <= 320 else 512}
                mujoco = stack.enter_context(Workers(case.cores, "simloom.sim.bench.mujoco_world:MujocoWorld", shadow))
                mujoco.call_all("load", describe_geoms(library, snapshots[0]), case.width, case.height)
                shots = [describe_shot(snapshot, camera) for snapshot, camera in zip(snapshots, cameras, strict=True)]
                for name, passes in MUJOCO.items():
                    turns = [(shots[k :: case.cores], passes) for k in range(case.cores)]
                    contestants.append(_theirs(name, case.views, mujoco, turns))
                theirs["MuJoCo"] = _pictures(mujoco, turns, case.views)
            measured = measure(contestants, repeats=repeats)
        triangles = sum(len(library.level(int(mesh)).triangles) for mesh in snapshots[0].mesh)
    finally:
        scene.close()
    pixels = case.width * case.height
    return CaseResult(
        case=case.name,
        unit="frame",
        settings={
            "resolution": [case.width, case.height],
            "views_per_batch": case.views,
            "outputs": list(OUTPUTS),
            "cores": case.cores,
            "triangles_full_detail": triangles,
            "instances": int(len(snapshots[0].mesh)),
        },
        measurements=measured,
        ratios=[
            (f"ours, {name}", other)
            for other in (TINY, *MUJOCO)
            for name in case.variants
            if name not in PARTIAL and any(other == m.name for m in measured)
        ],
        facts={
            "ns_per_pixel": {m.name: _cost(m, pixels, case.cores) for m in measured},
            "ns_per_triangle": {m.name: _cost(m, triangles, case.cores) for m in measured},
            "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            **_agreement(rasters, snapshots, cameras, theirs),
            **({} if obstacle is None else {"left_out": f"MuJoCo on Mesa: {obstacle}"}),
        },
    )


def _ours(name: str, raster: Raster, snapshots: Sequence[Snapshot], cameras: Sequence[Camera]) -> Contestant:
    outputs = OUTPUTS[1:] if name.endswith(LABELS) else OUTPUTS

    # A user who renders batch after batch writes over the last one's arrays.
    frames = raster.render(snapshots, cameras, outputs=outputs)

    def run() -> None:
        raster.render(snapshots, cameras, outputs=outputs, out=frames)

    return Contestant(name=name, items=len(cameras), run=run)


def _theirs(name: str, frames: int, workers: Workers, shares: Sequence[tuple[Any, ...]]) -> Contestant:
    def run() -> None:
        workers.call("render", shares)

    return Contestant(name=name, items=frames, run=run)


def _pictures(workers: Workers, shares: Sequence[tuple[Any, ...]], frames: int) -> dict[str, NDArray[Any]]:
    """Return what the workers draw, the views of all shares in their first order."""
    parts = workers.call("pictures", shares)
    joined = {name: np.empty((frames, *array.shape[1:]), array.dtype) for name, array in parts[0].items()}
    for k, part in enumerate(parts):
        for name, array in part.items():
            joined[name][k :: len(shares)] = array
    return joined


def _cost(measurement: Measurement, units: int, cores: int) -> float:
    """Return core nanoseconds per pixel or triangle of a frame."""
    return 1e9 * cores / (measurement.rate * units)


def _agreement(
    rasters: Mapping[str, tuple[Raster, Sequence[Snapshot]]],
    snapshots: Sequence[Snapshot],
    cameras: Sequence[Camera],
    theirs: Mapping[str, Mapping[str, NDArray[Any]]],
) -> dict[str, dict[str, float]]:
    found = {}
    for what, name in (("with_levels_of_detail", "same materials"), ("without", "no levels of detail")):
        frames = rasters[name][0].render(snapshots, cameras, outputs=("depth", "instance"))
        ours = {"instance": frames.instance, "depth": frames.depth}
        for other, pictures in theirs.items():
            found[f"agreement_with_{other}_{what}"] = compare_frames(ours, pictures)
    return found
