"""Suite `views`: what a view costs in batches of one to thousands, and whether memory grows over many."""

from __future__ import annotations

import resource
from pathlib import Path

from cases import ViewsCase
from report import CaseResult
from scene_views import moved_snapshots, without_patterns

from simloom.renderers.raster.raster import Raster
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.tabletop import TabletopScene
from simloom.sim.bench.timing import Contestant, measure

OUTPUTS = ("colour", "depth", "instance")
NOTES = (
    "Colour with the sun's shadow, depth and instance ids of the tabletop with the Panda and ten objects, without "
    "ambient occlusion; batches of the same eight views and snapshots over and over, each view with a shadow map.",
    "Memory: resident set before and after views in batches that write over the same frames; caches are warm.",
)


def run_case(case: ViewsCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    scene = TabletopScene(
        slots=11,
        rig={"head": {"camera": "generic_rgb", "width": case.side, "height": case.side}},
        overrides={"object_count": {"fixed": 10}},
    )
    try:
        stage = next(
            stage
            for stage in (scene.stage(draw_scenario(scene.space, seed=3, index=i, views=8)) for i in range(50))
            if stage.valid
        )
        snapshots = [without_patterns(snapshot) for snapshot in moved_snapshots(scene, stage, seed=1)[0]]
        cameras = list(stage.cameras["head"])
        raster = Raster(scene.library, threads=case.cores, ambient_occlusion=False)
        contestants = []
        for batch in case.batches:
            many = [snapshots[i % 8] for i in range(batch)], [cameras[i % 8] for i in range(batch)]
            contestants.append(_render(raster, *many))
        measured = measure(contestants, repeats=repeats)
        batch = min(case.batches[-1], 512)
        worlds, eyes = [snapshots[i % 8] for i in range(batch)], [cameras[i % 8] for i in range(batch)]
        frames = raster.render(worlds, eyes, outputs=OUTPUTS)
        before = _resident_bytes()
        for _ in range(case.total // batch):
            raster.render(worlds, eyes, outputs=OUTPUTS, out=frames)
        after = _resident_bytes()
    finally:
        scene.close()
    return CaseResult(
        case=case.name,
        unit="view",
        settings={"resolution": [case.side, case.side], "outputs": list(OUTPUTS), "cores": case.cores},
        measurements=measured,
        ratios=[(measured[k].name, measured[0].name) for k in range(1, len(measured))],
        facts={
            "views_drawn": case.total // batch * batch,
            "resident_mib_before": round(before / 2**20, 1),
            "resident_mib_after": round(after / 2**20, 1),
            "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        },
    )


def _render(raster: Raster, snapshots: list, cameras: list) -> Contestant:  # type: ignore[type-arg]
    frames = raster.render(snapshots, cameras, outputs=OUTPUTS)

    def run() -> None:
        raster.render(snapshots, cameras, outputs=OUTPUTS, out=frames)

    return Contestant(name=f"batches of {len(cameras)}", items=len(cameras), run=run)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
