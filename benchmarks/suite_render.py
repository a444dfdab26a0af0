"""Suite `render`: frames per second of Raster and of TinyRenderer on the same scene, poses and cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from cases import RenderCase
from processes import Workers
from report import CaseResult
from scene_views import compare_frames, describe_bodies, make_view, moved_snapshots, object_poses, without_patterns
from timing import Contestant, Measurement, measure
from tiny_world import View

from simloom.renderers.raster.raster import Raster
from simloom.renderers.snapshot import Snapshot
from simloom.renderers.view import Camera
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.tabletop import TabletopScene

OUTPUTS = ("colour", "depth", "instance")
NOTES = (
    "One frame is colour with the sun's shadow, depth and instance ids of the tabletop with the Panda and ten "
    "objects, each frame with poses, camera and so shadow map of its own. Poses are passed in every batch.",
    "TinyRenderer: `getCameraImage` with `shadow=1` on visual shapes of the same files, called directly; pictures "
    "stay in the worker process. Ours: `Raster.render`, float32 linear colour, metric depth and uint16 ids as NumPy "
    "arrays.",
    "Excluded on both sides: physics, loading, the first call. Not equal: ours shades with GGX and a sky where Tiny "
    "has Lambert, filters its shadows and textures, and gives metric depth where Tiny leaves OpenGL's buffer.",
)
TINY = "TinyRenderer, shadow"
LABELS = "depth and ids alone"
PARTIAL = ("no shadow", LABELS)
"""Variants that do less than TinyRenderer: they show where our time goes, and are compared with nothing."""


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
        rasters = {
            "same materials": (Raster(library, threads=case.cores), snapshots),
            "no levels of detail": (Raster(library, threads=case.cores, lod="exact"), snapshots),
            "patterns": (Raster(library, threads=case.cores), patterned),
            "2x2 supersampling": (Raster(library, threads=case.cores, supersample=2), snapshots),
            "no shadow": (Raster(library, threads=case.cores, shadow=False), snapshots),
            LABELS: (Raster(library, threads=case.cores), snapshots),
        }
        with Workers(case.cores, "tiny_world:TinyWorld") as workers:
            workers.call_all("load_robot", robot)
            workers.call_all("load_bodies", bodies)
            shares = [(views[k :: case.cores], case.width, case.height) for k in range(case.cores)]
            contestants = [_ours(f"ours, {name}", *rasters[name], cameras) for name in case.variants]
            contestants.append(
                Contestant(name=TINY, items=case.views, run=lambda: _discard(workers.call("render", shares)))
            )
            measured = measure(contestants, repeats=repeats)
            agreement = _agreement(workers, views, case, rasters, snapshots, cameras)
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
        ratios=[(f"ours, {name}", TINY) for name in case.variants if name not in PARTIAL],
        facts={
            "ns_per_pixel": {m.name: _cost(m, pixels, case.cores) for m in measured},
            "ns_per_triangle": {m.name: _cost(m, triangles, case.cores) for m in measured},
            "agreement_with_levels_of_detail": agreement["auto"],
            "agreement_without": agreement["exact"],
        },
    )


def _ours(name: str, raster: Raster, snapshots: Sequence[Snapshot], cameras: Sequence[Camera]) -> Contestant:
    outputs = OUTPUTS[1:] if name.endswith(LABELS) else OUTPUTS

    def run() -> None:
        raster.render(snapshots, cameras, outputs=outputs)

    return Contestant(name=name, items=len(cameras), run=run)


def _discard(_: Any) -> None:
    return None


def _cost(measurement: Measurement, units: int, cores: int) -> float:
    """Return core nanoseconds per pixel or triangle of a frame."""
    return 1e9 * cores / (measurement.rate * units)


def _agreement(
    workers: Workers,
    views: Sequence[View],
    case: RenderCase,
    rasters: Mapping[str, tuple[Raster, Sequence[Snapshot]]],
    snapshots: Sequence[Snapshot],
    cameras: Sequence[Camera],
) -> dict[str, dict[str, float]]:
    shares = [(views[k :: case.cores], case.width, case.height) for k in range(case.cores)]
    parts = workers.call("pictures", shares)
    theirs = {name: np.empty((len(views), *parts[0][name].shape[1:]), parts[0][name].dtype) for name in parts[0]}
    for k, part in enumerate(parts):
        for name, array in part.items():
            theirs[name][k :: case.cores] = array
    found = {}
    for lod, name in (("auto", "same materials"), ("exact", "no levels of detail")):
        frames = rasters[name][0].render(snapshots, cameras, outputs=("depth", "instance"))
        found[lod] = compare_frames({"instance": frames.instance, "depth": frames.depth}, theirs)
    return found
