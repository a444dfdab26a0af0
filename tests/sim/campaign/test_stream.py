"""Streams: the rows that a dataset would hold, made while they are taken, resumable and shared by ranks."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import simloom
from simloom.sim import join_states
from simloom.sim.errors import SimloomError, UsageError

TINY: dict[str, Any] = {
    "views": 2,
    "looks": 2,
    "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 24, "height": 18}},
    "parameters": {"object_count": {"integer": [3, 4]}},
    "checks": {"visible_objects": {"min": 3}},
    "slots": 6,
    "seed": 3,
}
ROWS = 18  # four and a half scenarios
ALONE: dict[str, Any] = {"workers": 0, "batch": 2}
FEW = ["sample/index", "sensor/head/depth"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the stream would write."""
    return simloom.generate(TINY, samples=ROWS, out=tmp_path_factory.mktemp("stream") / "d", workers=0)


def _index(rows: Iterable[dict[str, torch.Tensor]]) -> list[int]:
    return [number for row in rows for number in row["sample/index"].reshape(-1).tolist()]


def _take(stream: Any, count: int) -> list[dict[str, torch.Tensor]]:
    found: list[dict[str, torch.Tensor]] = []
    for row in stream:
        found.append(row)
        if len(found) == count:
            break
    return found


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "simloom-stream"]


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_equal_those_of_a_dataset(dataset: Any, workers: int) -> None:
    """Names, types, values, order and which rows are left out are those of the dataset."""
    rows = list(simloom.stream(TINY, ROWS, workers=workers, batch=3))

    assert 0 < len(rows) < ROWS
    assert _index(rows) == dataset.rows.tolist()
    for row, wanted in zip(rows, dataset, strict=True):
        assert row.keys() == wanted.keys()
        for name, array in wanted.items():
            found = row[name].numpy()
            assert (found.dtype, found.shape) == (array.dtype, array.shape)
            assert found.tobytes() == array.tobytes()


def test_rejected_rows_come_where_they_are_wanted(dataset: Any) -> None:
    """All rows come, in batches across scenarios, the last one smaller or left out."""
    whole = list(
        simloom.stream(TINY, ROWS, arrays=["label/head/box_visible"], batch_size=8, skip_rejected=False, **ALONE)
    )
    dropped = list(simloom.stream(TINY, ROWS, arrays=FEW, batch_size=8, skip_rejected=False, drop_last=True, **ALONE))

    with simloom.open_dataset(dataset.folder, skip_rejected=False) as every:
        boxes = every["label/head/box_visible"]
    assert [len(batch["sample/index"]) for batch in whole] == [8, 8, 2]
    assert _index(whole) == list(range(ROWS))
    assert torch.cat([batch["label/head/box_visible"] for batch in whole]).numpy().tobytes() == boxes.tobytes()
    assert _index(dropped) == list(range(16))


def test_only_what_is_wanted_is_made(dataset: Any) -> None:
    """Outputs that nothing wanted needs are not rendered, and the verdicts stay."""
    stream = simloom.stream(TINY, ROWS, arrays=FEW, **ALONE)

    assert sorted(stream.shapes) == sorted(FEW)
    assert not {"label/head/normal", "label/head/class"} & stream._maker.allocate(1).keys()
    rows = list(stream)
    assert _index(rows) == dataset.rows.tolist()
    assert rows[-1]["sensor/head/depth"].numpy().tobytes() == dataset[len(rows) - 1]["sensor/head/depth"].tobytes()
    assert stream.times.rows_given == len(rows)
    assert stream.times.rows_made == 20
    assert stream.times.binds in ("physics", "rendering")


@pytest.mark.parametrize("taken", [1, 6])
def test_resumes_behind_the_last_row_handed_out(dataset: Any, taken: int) -> None:
    """Neither what was made ahead counts, nor the sizes of batches."""
    first = simloom.stream(TINY, ROWS, arrays=FEW, **ALONE)
    seen = _index(_take(first, taken))
    state = json.loads(json.dumps(first.state_dict()))
    second = simloom.stream(TINY, ROWS, arrays=FEW, workers=0, batch=1, batch_size=3)
    second.load_state_dict(state)

    assert seen + _index(second) == dataset.rows.tolist()
    assert _index(_take(first, 1)) == dataset.rows[taken : taken + 1].tolist()  # the one broken off goes on too
    assert second.epoch == 1
    assert second.position == 0


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata calls it
def test_loaders_resume_it(dataset: Any) -> None:
    """A DataLoader collates its rows; torchdata's stateful one saves and resumes its place."""
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    plain = list(DataLoader(simloom.stream(TINY, ROWS, **ALONE), batch_size=4, num_workers=0))
    loader = stateful(simloom.stream(TINY, ROWS, arrays=FEW, **ALONE), batch_size=4, num_workers=0)
    walk = iter(loader)
    seen = _index([next(walk), next(walk)])
    state = loader.state_dict()
    again = stateful(simloom.stream(TINY, ROWS, arrays=FEW, **ALONE), batch_size=4, num_workers=0)
    again.load_state_dict(state)

    assert _index(plain) == dataset.rows.tolist()
    assert seen + _index(again) == dataset.rows.tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_workers_are_refused(method: str) -> None:
    """They would multiply the stream's own processes."""
    loader = DataLoader(simloom.stream(TINY, ROWS, **ALONE), num_workers=1, multiprocessing_context=method)

    with pytest.raises(UsageError, match="num_workers=0"):
        next(iter(loader))


def test_ranks_share_the_scenarios(dataset: Any) -> None:
    """They are disjoint, complete together, and other numbers of ranks go on from their joined states."""
    ranks = [simloom.stream(TINY, ROWS, arrays=FEW, rank=r, world_size=3, **ALONE) for r in range(3)]
    seen = [number for rank, count in zip(ranks, (5, 1, 2), strict=True) for number in _index(_take(rank, count))]
    joined = join_states([rank.state_dict() for rank in ranks])
    rest = []
    for rank in range(2):
        stream = simloom.stream(TINY, ROWS, arrays=FEW, rank=rank, world_size=2, **ALONE)
        stream.load_state_dict(joined)
        rest += _index(stream)

    whole = [number for rank in ranks for number in _index(rank)]  # what they had left
    assert sorted(seen + whole) == dataset.rows.tolist()
    assert sorted(seen + rest) == dataset.rows.tolist()
    with pytest.raises(UsageError, match="join the states of all 3 ranks"):
        stream.load_state_dict(ranks[0].state_dict())
    with pytest.raises(UsageError, match="a state of each rank"):
        join_states([ranks[0].state_dict()])


def test_ranks_come_from_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch.distributed is set up, its numbers are taken, unless others are given."""
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 2)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 5)
    found = simloom.stream(TINY, arrays=FEW, **ALONE).order
    given = simloom.stream(TINY, arrays=FEW, rank=0, world_size=1, **ALONE).order

    assert (found.rank, found.world_size) == (2, 5)
    assert (given.rank, given.world_size) == (0, 1)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_fork_leaves_the_stream_to_its_parent() -> None:
    """A child that drops the iterator ends neither the thread's nor the workers' life."""
    stream = simloom.stream(TINY, arrays=FEW, workers=1, batch=1)
    walk = iter(stream)
    first = int(next(walk)["sample/index"])
    child = os.fork()
    if child == 0:
        walk.close()  # type: ignore[attr-defined]
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert int(next(walk)["sample/index"]) > first
    assert len(_index(_take(walk, 8))) == 8
    stream.close()


def test_a_stream_without_end_starts_anywhere(dataset: Any) -> None:
    """Row i is row i, wherever it is begun."""
    stream = simloom.stream(TINY, start=9, arrays=FEW, **ALONE)

    assert _index(_take(stream, 3)) == dataset.rows[dataset.rows >= 9][:3].tolist()
    assert stream.position > 9


def test_making_waits_for_the_consumer() -> None:
    """No more rows are made than may wait, beside a batch in hand and one under way."""
    stream = simloom.stream(TINY, arrays=FEW, skip_rejected=False, ahead=8, workers=0, batch=1)
    walk = iter(stream)
    next(walk)
    deadline = time.monotonic() + 60
    while stream.times.rows_made < 16 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)

    assert stream.times.rows_made == 16  # one block in hand, two waiting, one made
    next(walk)
    walk.close()  # type: ignore[attr-defined]
    assert stream.times.consumer > 0


def test_thread_and_processes_end_with_the_iterator() -> None:
    """Dropping it is enough; a new iteration and a loaded state end the one before."""
    before = _children(os.getpid())
    stream = simloom.stream(TINY, arrays=FEW, workers=1, batch=1)
    walk = iter(stream)
    next(walk)
    assert len(_children(os.getpid()) - before) == 1
    assert _threads()
    del walk
    gc.collect()
    assert not _threads()
    assert not _children(os.getpid()) - before

    stale = iter(stream)
    next(stale)
    stream.load_state_dict(stream.state_dict())
    with pytest.raises(UsageError, match="was ended"):
        list(stale)
    assert not _threads()


@pytest.mark.parametrize("batch_size", [None, 1])
def test_an_iteration_that_was_ended_hands_out_nothing_more(dataset: Any, batch_size: int | None) -> None:
    """Not even the rest of the scenarios it holds: they would come twice, and the place would go back."""
    stream = simloom.stream(TINY, ROWS, arrays=FEW, batch_size=batch_size, workers=0, batch=4)
    stale = iter(stream)
    seen = _index([next(stale)])
    walk = iter(stream)
    seen += _index([next(walk), next(walk)])
    with pytest.raises(UsageError, match="was ended"):
        next(stale)

    assert seen + _index(walk) == dataset.rows.tolist()


@pytest.mark.parametrize(
    "use",
    ["walk = iter(stream(recipe, workers=1, batch=1)); next(walk)", "rows = stream(recipe, 1, workers=0); list(rows)"],
)
def test_a_stream_ends_silently_with_the_interpreter(use: str) -> None:
    """Open or gone through, it says nothing of modules that are gone already."""
    recipe = TINY | {"outputs": ["rgb"], "checks": {}}
    program = f"from simloom import stream; recipe = {recipe!r}; {use}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stderr) == (0, "")


def test_processes_end_with_a_killed_parent() -> None:
    """No worker outlives kill -9 of the training process."""
    walk = f"walk = iter(simloom.stream({TINY!r}, workers=2)); next(walk); print(1, flush=True); list(walk)"
    program = f"import simloom; {walk}"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        workers = _children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 60
    while any(map(_is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert len(workers) == 2
    assert not any(map(_is_running, workers))


def test_a_scene_that_fails_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of a user's scene arrives in the training loop, from a worker or from this process."""
    (tmp_path / "faulty_stream_scene.py").write_text(
        "from simloom.scenes.tabletop import TabletopScene\n"
        "class Faulty(TabletopScene):\n"
        "    def stage(self, scenario):\n"
        "        raise KeyError('no such part')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    recipe = TINY | {"scene": "faulty_stream_scene:Faulty"}
    for workers in (0, 1):
        with pytest.raises(SimloomError, match="no such part"):
            next(iter(simloom.stream(recipe, workers=workers, allow_code=True)))
    with pytest.raises(SimloomError, match=r"allow_code|allow-code"):
        simloom.stream(recipe)
    assert not _threads()


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"start": 18}, "start must be"),
        ({"rank": 1}, "given together"),
        ({"rank": 2, "world_size": 2}, "rank must be"),
        ({"ahead": 0}, "ahead must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"arrays": ["sensor/head/rgn"]}, "sensor/head/rgb"),
        ({"workers": -1}, "workers must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    """One sentence says what is allowed."""
    with pytest.raises(UsageError, match=said):
        simloom.stream(TINY, ROWS, **wrong)


def test_a_state_of_another_recipe_is_refused() -> None:
    """Its rows would be others."""
    state = simloom.stream(TINY, ROWS, seed=1, **ALONE).state_dict()
    with pytest.raises(UsageError, match="another recipe or seed"):
        simloom.stream(TINY, ROWS, **ALONE).load_state_dict(state)


def _children(process: int) -> set[int]:
    text = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(process)], capture_output=True, text=True).stdout
    return {int(line.split()[0]) for line in text.splitlines() if "simloom.scenes.workers" in line}


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_positions_are_exact_with_numpy_counts() -> None:
    """A state holds plain JSON values."""
    stream = simloom.stream(TINY, ROWS, arrays=FEW, batch_size=2, **ALONE)
    _take(stream, 2)
    state = stream.state_dict()
    assert json.loads(json.dumps(state)) == state
    assert not isinstance(state["position"], np.integer)
