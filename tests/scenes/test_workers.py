"""Workers: the same stages as in this process, in order, through crashes."""

from __future__ import annotations

import dataclasses
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simloom.scenes import SceneSpec, WorkerPool, draw_scenario
from simloom.scenes.workers import WorkerError

SPEC = SceneSpec(name="tabletop", options={"overrides": {"object_count": 3}})


def _in_time(results):
    """Hand out results; an error where none comes within half a minute."""
    found = queue.SimpleQueue()

    def take():
        try:
            found.put((next(results), None))
        except BaseException as error:
            found.put((None, error))

    threading.Thread(target=take, daemon=True).start()
    stage, error = found.get(timeout=30)
    if error is not None:
        raise error
    yield stage


@pytest.fixture(scope="module")
def scenarios():
    """A few scenarios of three objects, and their stages made here."""
    scene = SPEC.make()
    drawn = [draw_scenario(scene.space, seed=2, index=i) for i in range(5)]
    made = [scene.stage(scenario) for scenario in drawn]
    scene.close()
    return drawn, made


def test_workers_make_the_same_stages_in_order(scenarios, digest):
    """Two recycled workers, and none, hand out what this process makes, in the order asked for."""
    drawn, made = scenarios
    for workers in (0, 2):
        with WorkerPool(SPEC, workers, recycle_after=2) as pool:
            for scenario in drawn:
                pool.submit(scenario)
            found = list(pool.results())

        assert [stage.scenario.index for stage in found] == [0, 1, 2, 3, 4]
        assert [digest(stage) for stage in found] == [digest(stage) for stage in made]


def test_a_killed_worker_is_replaced(scenarios, digest):
    """A worker that dies in between costs nothing but time."""
    drawn, made = scenarios
    with WorkerPool(SPEC, 1) as pool:
        pool.submit(drawn[0])
        first = next(pool.results())
        (process,) = pool._processes
        os.kill(process._process.pid, signal.SIGKILL)
        pool.submit(drawn[1])
        second = next(pool.results())

    assert [digest(first), digest(second)] == [digest(stage) for stage in made[:2]]


def test_a_scenario_that_kills_is_named(tmp_path, monkeypatch):
    """A scene that ends its process twice is an error that names the scenario."""
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom simloom.scenes.tabletop import TabletopScene\n"
        "class Deadly(TabletopScene):\n    def stage(self, scenario, space=None):\n        os._exit(3)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = SceneSpec(name="deadly:Deadly", allow_code=True)
    scene = SPEC.make()
    with WorkerPool(spec, 1) as pool:
        pool.submit(draw_scenario(scene.space, seed=1, index=12))
        with pytest.raises(WorkerError, match=r"scenario 12 \(seed 1, attempt 0\) ended its worker twice"):
            next(pool.results())
    scene.close()


def test_a_wrong_scene_is_one_sentence(scenarios):
    """What is wrong with the scene comes back from the worker as it was said there."""
    with WorkerPool(SceneSpec(name="tabeltop"), 1) as pool:
        pool.submit(scenarios[0][0])
        with pytest.raises(WorkerError, match="did you mean 'tabletop'"):
            next(pool.results())


def test_a_worker_that_cannot_start_is_an_error(scenarios, monkeypatch):
    """Where the system gives no process, asking for a stage says so, and goes on once it gives one."""

    def refuse(*_):
        raise OSError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr("simloom.scenes.worker_process.start_process", refuse)
        pool = WorkerPool(SPEC, 1)
        pool.submit(scenarios[0][0])
        results = _in_time(pool.results())
        with pytest.raises(WorkerError, match=r"scenario 0 .*could be started: .*temporarily unavailable"):
            next(results)
    pool.submit(scenarios[0][1])
    assert next(pool.results()).scenario.index == 1
    pool.close()


def test_a_scenario_that_cannot_be_sent_is_an_error(scenarios):
    """What fails between parent and worker is an answer too, and the next scenario is made."""
    with WorkerPool(SPEC, 1) as pool:
        pool.submit(dataclasses.replace(scenarios[0][0], log_density=lambda: 0.0))
        with pytest.raises(WorkerError, match=r"scenario 0 .*exchanged with its worker: .*lambda"):
            next(_in_time(pool.results()))
        pool.submit(scenarios[0][1])
        assert next(pool.results()).scenario.index == 1


def test_a_scene_that_cannot_be_sent_is_refused():
    """Options that no process could be told are named at once; without processes they are no obstacle."""
    spec = SceneSpec(name="tabletop", options={"overrides": lambda: None})
    with pytest.raises(ValueError, match=r"'tabletop' cannot be sent to a worker process: .*lambda"):
        WorkerPool(spec, 1)
    WorkerPool(spec, 0).close()


def test_a_script_without_a_main_guard_works(tmp_path):
    """Workers never run the user's main again, and find the package on the parent's path."""
    import simloom

    script = tmp_path / "script.py"
    folder = Path(simloom.__path__[0]).parent
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(folder)!r})\n"
        "from simloom.scenes import SceneSpec, WorkerPool, draw_scenario\n"
        "spec = SceneSpec(name='tabletop')\nscene = spec.make()\n"
        "pool = WorkerPool(spec, 1)\npool.submit(draw_scenario(scene.space, seed=1, index=0))\n"
        "print([stage.scenario.index for stage in pool.results()])\npool.close()\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, cwd=tmp_path)

    assert done.stdout == "[0]\n", done.stderr


def test_a_scene_of_the_current_folder_is_found(tmp_path):
    """Where Python itself looks in the current folder, as for `-c`, workers find the user's module there."""
    import simloom

    (tmp_path / "mine.py").write_text(
        "from simloom.scenes.tabletop import TabletopScene\nclass Mine(TabletopScene):\n    pass\n"
    )
    code = (
        "import sys\n"
        f"sys.path.insert(1, {str(Path(simloom.__path__[0]).parent)!r})\n"
        "from simloom.scenes import SceneSpec, WorkerPool, draw_scenario\n"
        "spec = SceneSpec(name='mine:Mine', options={'overrides': {'object_count': 1}}, allow_code=True)\n"
        "scene = spec.make()\n"
        "pool = WorkerPool(spec, 1)\npool.submit(draw_scenario(scene.space, seed=1, index=0))\n"
        "print([stage.scenario.index for stage in pool.results()])\npool.close()\nscene.close()\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment
    )

    assert done.stdout == "[0]\n", done.stderr


def test_a_closed_pool_refuses(scenarios):
    """Closing twice is fine, submitting afterwards is not."""
    pool = WorkerPool(SPEC, 1)
    pool.close()
    pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(scenarios[0][0])
    with pytest.raises(ValueError, match="workers"):
        WorkerPool(SPEC, -1)
