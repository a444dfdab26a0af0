"""Nothing leaks: memory, bodies, files and descriptors stay level, however often a world is rebuilt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from simloom.scenes import SceneSpec, WorkerPool, draw_scenario
from simloom.scenes.asset_scene import AssetScene

FEW = SceneSpec(name="tabletop", options={"slots": 5, "overrides": {"object_count": 2}})


def resident() -> int:
    """Resident memory of this process [byte]."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def held(scene: AssetScene) -> tuple[int, int, int]:
    """Descriptors of the process, files of the world, and bodies in it."""
    world = scene.world
    files = sum(1 for _ in world._folder.rglob("*"))
    return len(os.listdir("/proc/self/fd")), files, int(world._bullet.getNumBodies(physicsClientId=world._client))


def grown(rebuilds: int, warm_up: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Bytes that rebuilding added to the resident memory, and what was held at the start and the end of it."""
    scene = FEW.make()
    assert isinstance(scene, AssetScene)
    try:
        levels = []
        for index in range(warm_up + rebuilds + 1):
            scene.stage(draw_scenario(scene.space, seed=1, index=index % 500))
            if index in (warm_up, warm_up + rebuilds):
                levels.append((resident(), *held(scene)))
    finally:
        scene.close()
    (before, *first), (after, *last) = levels
    return after - before, [(first[0], first[1], first[2]), (last[0], last[1], last[2])]


def test_200_rebuilds_hold_what_one_holds() -> None:
    """Descriptors, files and bodies are the same; memory grows by less than 5 kB a rebuild, caches included."""
    added, (first, last) = grown(200, warm_up=20)

    assert first == last
    assert added < 200 * 5_000


@pytest.mark.slow
def test_10000_rebuilds_stay_level() -> None:
    """Memory grows by less than 8 MB in all: 800 bytes a rebuild."""
    added, (first, last) = grown(10_000, warm_up=500)

    assert first == last
    assert added < 8_000_000


def test_workers_leave_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that is closed in the midst of its work leaves no folder of any worker, nor does a recycled worker."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    scene = FEW.make()
    drawn = [draw_scenario(scene.space, seed=1, index=index) for index in range(6)]
    scene.close()
    with WorkerPool(FEW, 1, recycle_after=2) as pool:
        for scenario in drawn:
            pool.submit(scenario)
        stages = pool.results()
        for _ in range(3):
            next(stages)
        during = [path.name for path in tmp_path.iterdir()]

    assert any(name.startswith("simloom-world-") for name in during)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("simloom-world-")] == []


def test_a_script_that_closes_nothing_leaves_no_files(tmp_path: Path) -> None:
    """A world that is open when the interpreter ends takes its folder with it."""
    code = "from simloom.scenes import World\nworld = World()\nworld.keeps = world\nprint(world._folder)"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.split()[-1])

    assert folder.parent == tmp_path
    assert not folder.exists()
    assert tempfile.gettempdir() != str(tmp_path)
