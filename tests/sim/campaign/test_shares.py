"""Shares: several processes make one dataset, each its shards, and it is the same dataset."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import simloom
from simloom.sim.campaign.campaign import Campaign
from simloom.sim.campaign.gpus import visible_gpus
from simloom.sim.campaign.progress import StageTimes
from simloom.sim.campaign.share import ShareResult, sum_times
from simloom.sim.campaign.share_supervisor import ShareSupervisor
from simloom.sim.dataset.outcomes import Outcomes
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.errors import PassingError, UsageError
from simloom.sim.recipe import load_recipe

TINY: dict[str, Any] = {
    "rig": {"head": {"camera": "generic_rgb", "width": 32, "height": 24}},
    "outputs": ["instance", "poses"],
    "checks": {"penetration": {}, "clipped_fraction": {}},
    "parameters": {"object_count": {"fixed": 3}},
    "slots": 6,
}
ROWS = 6


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The root digest of what one process makes."""
    return simloom.generate(TINY, samples=ROWS, out=tmp_path_factory.mktemp("alone") / "d", workers=0).root_digest


def _share(folder: Path) -> Campaign:
    return Campaign(load_recipe(TINY), folder, samples=ROWS, workers=0, scenarios_per_shard=1, processes=2)


def test_a_killed_process_is_told_and_what_resumes_is_the_same(
    alone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two processes is killed after the first commit: a passing failure, nobody is left, no rows are lost."""
    started: list[Any] = []
    start = ShareSupervisor._start

    def note(self: ShareSupervisor, number: int, share: Any) -> None:
        start(self, number, share)
        started.append(self._processes[-1])

    monkeypatch.setattr(ShareSupervisor, "_start", note)
    killed = threading.Event()

    def kill(progress: Any) -> None:
        if progress.rows_committed and not killed.is_set():
            killed.set()
            os.kill(started[0].pid, signal.SIGKILL)

    try:
        with pytest.raises(PassingError, match=r"exit code -9.*resumes"):
            _share(tmp_path / "d").run(kill)
    finally:
        assert all(process.poll() is not None for process in started)
    assert len(started) == 2
    campaign = _share(tmp_path / "d")
    dataset = campaign.run()

    assert dataset.root_digest == alone
    assert verify_dataset(tmp_path / "d").ok
    assert {counter.stage for counter in campaign.times.counters} == {"physics", "capture", "write"}


def test_what_a_process_refuses_is_told_by_its_parent(tmp_path: Path) -> None:
    """A failure in a process has its sentence and its exit code here."""
    campaign = _share(tmp_path / "d")
    folder = tmp_path / "d"
    campaign._open_writer()
    (folder / "shards").rmdir()
    (folder / "shards").write_text("in the way")
    with pytest.raises(simloom.sim.errors.SimloomError, match=r"the process of shards [01] .*no folder of the dataset"):
        campaign._share_out([0, 1], lambda made, committed: None)


def test_a_process_that_is_told_to_end_is_told_once() -> None:
    """SIGTERM and a parent that is gone are one order to end: a second would break off what the first lets end."""
    code = (
        "import threading, time\n"
        "from simloom.scenes.process_pipe import end_on_sigterm\n"
        "from simloom.sim.campaign.share_process import _end_with_parent\n"
        "end_on_sigterm()\n"
        "threading.Thread(target=_end_with_parent, daemon=True).start()\n"
        "try:\n"
        "    print('ready', flush=True)\n"  # within: the signal may come at once
        "    time.sleep(60)\n"
        "finally:\n"
        "    print('ending', flush=True)\n"
        "    time.sleep(0.5)\n"
        "    print('committed', flush=True)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.readline() == "ending\n"
        process.stdin.close()
        assert process.stdout.read() == "committed\n"


def test_a_process_whose_parent_is_gone_says_nothing() -> None:
    """One that was not told its share yet ends without a traceback."""
    command = [sys.executable, "-m", "simloom.sim.campaign.share_process"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (1, b"")


def test_progress_of_shares_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of a process tell, and what was counted first may come last."""
    told: list[tuple[int, int]] = []
    supervisor = ShareSupervisor([object()], tell=lambda *counts: told.append(counts))  # type: ignore[list-item]
    monkeypatch.setattr(supervisor, "_start", lambda number, share: None)
    for kind, value in (("progress", (8, 8)), ("progress", (8, 0)), ("done", "all")):
        supervisor._messages.put((0, kind, value))

    assert supervisor.run() == ["all"]
    assert told == [(8, 8), (8, 8)]


def test_times_of_shares_are_summed() -> None:
    """Work adds up; the start is the parent's and then that of the slowest."""
    parts = [StageTimes(start=start, render=2.0) for start in (1.0, 3.0)]
    results = [ShareResult(rows_made=1, draws=1, examples={}, outcomes=Outcomes(), times=part) for part in parts]
    times = StageTimes(start=0.5)
    sum_times(results, times)

    assert (times.start, times.render) == (3.5, 4.0)


def test_gpus_are_counted_without_cuda(tmp_path: Path) -> None:
    """The variable counts, up to its first invalid entry; else the device files."""
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()

    assert visible_gpus({}, tmp_path) == ("0", "1")
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "3, GPU-8f,-1,0"}, tmp_path) == ("3", "GPU-8f")
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == ()
    with pytest.raises(UsageError, match="--gpus 2 needs --device cuda"):
        simloom.generate(TINY, samples=ROWS, out=tmp_path / "d", gpus=2)
