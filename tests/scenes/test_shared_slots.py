"""Slots: a child's arrays read in place, given back with the last of them, and nothing left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from simloom.scenes import SceneSpec, WorkerPool, draw_scenario
from simloom.scenes.shared_slots import SharedSlots, SlotMemory, make_slots

SIZE = 1 << 16
SPEC = SceneSpec(name="tabletop", options={"overrides": {"object_count": 1}})


@pytest.fixture
def slots():
    """Two small slots, and the same as a child sees them."""
    made = SharedSlots(2, SIZE)
    yield made, SlotMemory(made.descriptor, made.size)
    made.close()
    made.close()


def _message():
    large = np.arange(2000, dtype=np.float64)
    return {"large": large, "again": large, "columns": np.asfortranarray(np.ones((40, 50))), "small": np.arange(3.0)}


def test_arrays_are_read_in_place_and_the_slot_comes_back_with_the_last(slots):
    """What is read is what was written, shared where it was; a slot is taken until nobody holds an array of it."""
    shared, memory = slots
    slot = shared.take()
    where = memory.pack(slot, _message())
    found = shared.read(slot, where)

    for name, array in _message().items():
        np.testing.assert_array_equal(found[name], array)
    assert found["again"] is found["large"]
    assert found["columns"].flags.f_contiguous
    assert found["large"].flags.writeable
    assert found["large"].ctypes.data % 64 == 0
    assert not found["large"].flags.owndata

    kept = found["large"][10:12]
    del found
    assert shared.taken == 1
    second = shared.take()
    assert shared.take() is None
    shared.give_back(second)
    shared.close()  # what is held stays mapped
    assert kept.tolist() == [10.0, 11.0]
    del kept
    assert shared.taken == 0


def test_what_does_not_fit_is_not_written(slots):
    """Arrays that find no room stay in the pickle; where that has none either, the message goes another way."""
    shared, memory = slots
    slot = shared.take()

    where = memory.pack(slot, [np.zeros(6000), np.ones(6000, np.uint8)])
    assert len(where.arrays) == 2
    assert memory.pack(slot, np.zeros(SIZE)) is None
    np.testing.assert_array_equal(shared.read(slot, where)[1], 1)


def test_slots_are_smaller_where_there_are_many_and_none_where_the_system_refuses():
    """A gigabyte is enough for all; a limit on files' size is no error."""
    many = make_slots(1024)
    assert many is not None
    assert many.size == 1 << 20
    many.close()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        assert make_slots(8) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_memory_that_cannot_be_mapped_is_given_back(monkeypatch):
    """A limit on addresses is no error either, and leaves no descriptor open."""

    def refuse(*_):
        raise OSError("no addresses")

    monkeypatch.setattr("simloom.scenes.shared_slots.mmap.mmap", refuse)
    before = len(os.listdir("/dev/fd"))

    assert make_slots(8) is None
    assert len(os.listdir("/dev/fd")) == before


def test_stages_that_are_kept_leave_the_pipe_to_others(digest):
    """With one slot for all, stages that are held come through it once and then through the pipe, the same."""
    scene = SPEC.make()
    drawn = [draw_scenario(scene.space, seed=2, index=i) for i in range(4)]
    made = [digest(scene.stage(scenario)) for scenario in drawn]
    scene.close()
    with WorkerPool(SPEC, 1, slots=1) as pool:
        for scenario in drawn:
            pool.submit(scenario)
        found = list(pool.results())

        (tally,) = pool.tallies
        assert [digest(stage) for stage in found] == made
        assert (tally.stages, tally.piped) == (4, 3)
        assert tally.busy > tally.pack + tally.unpack > 0.0
        assert pool._slots.taken == 1
        del found
        assert pool._slots.taken == 0


def test_a_killed_worker_takes_no_slot_with_it():
    """Its slot serves whoever makes the stage instead."""
    scene = SPEC.make()
    with WorkerPool(SPEC, 1, slots=1) as pool:
        pool.submit(draw_scenario(scene.space, seed=2, index=0))
        next(pool.results())
        (process,) = pool._processes
        os.kill(process._process.pid, signal.SIGSTOP)  # so that it holds both
        for index in (1, 2):
            pool.submit(draw_scenario(scene.space, seed=2, index=index))
        killer = threading.Timer(0.3, os.kill, (process._process.pid, signal.SIGKILL))
        killer.start()
        found = [stage.scenario.index for stage in pool.results()]

        assert found == [1, 2]
        assert pool._slots.taken == 0
    scene.close()


def test_a_killed_parent_leaves_nothing(tmp_path):
    """Workers and memory are gone soon after their parent, which had no time to clean up."""
    code = (
        "import os, signal, sys\n"
        "from simloom.scenes import SceneSpec, WorkerPool\n"
        "pool = WorkerPool(SceneSpec(name='tabletop'), 2)\n"
        "while len(pool._processes) < 2: pass\n"
        "print(*[process._process.pid for process in pool._processes], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    before = set(Path("/dev/shm").iterdir()) if Path("/dev/shm").is_dir() else set()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        workers = [int(pid) for pid in process.stdout.readline().split()]
    end = time.monotonic() + 60
    while time.monotonic() < end and any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers):
        time.sleep(0.05)

    assert len(workers) == 2
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers)
    left = set(Path("/dev/shm").iterdir()) - before if Path("/dev/shm").is_dir() else set()
    assert not {path for path in left if "simloom" in path.name}
