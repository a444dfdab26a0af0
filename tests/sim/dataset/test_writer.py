"""Writing, resuming and growing a dataset."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from naive.dataset_rows import PLATFORM, RECIPE, make_dataset, make_rows, open_writer
from simloom.sim.dataset.errors import (
    DatasetCorruptError,
    DatasetFolderError,
    DatasetWriteError,
    DeterminismError,
    PlatformMismatchError,
    RecipeMismatchError,
)
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.verify import verify_dataset


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Root digest of twenty rows made at once."""
    return make_dataset(tmp_path_factory.mktemp("plain"))


_CRASHER = """
import os, sys
from pathlib import Path
from naive.dataset_rows import make_dataset
root = Path(sys.argv[1])
for point in sys.argv[2:]:
    process = os.fork()
    if process == 0:
        os.environ["SIMLOOM_CRASH_AT"] = point
        make_dataset(root / point.replace(":", "-"))
        os._exit(0)
    print(point, os.waitpid(process, 0)[1])
"""


def test_a_killed_writer_loses_at_most_its_shard(tmp_path: Path, digest: str) -> None:
    """Killed at any step of any file, the dataset reads as far as committed, and resuming gives the same digest."""
    steps = ("open", "half", "write", "link", "sync")
    points = [f"after-{kind}-{step}" for kind in ("recipe", "description") for step in steps]
    points += [f"after-shard-{step}:00000{shard}.h5" for shard in (0, 1) for step in steps]
    points += [f"after-record-{step}:000001.json" for step in steps]
    points += ["after-shard-link:000002.part000004.h5", "after-record-link:000002.part000004.json"]
    points += [
        f"after-{kind}-{step}"
        for kind in ("samples", "manifest", "sums")
        for step in ("open", "half", "write", "rename", "sync")
    ]
    tests = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", _CRASHER, str(tmp_path), *points],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(tests)},
    )  # fmt: skip
    assert run.stdout.split() == [word for point in points for word in (point, "9")], run.stderr
    for point in points:
        folder = tmp_path / point.replace(":", "-")
        assert verify_dataset(folder).ok or "sums" in point or "manifest" in point, verify_dataset(folder).lines()
        if any((folder / "commits").glob("*.json")):
            dataset = open_dataset(folder, skip_rejected=False)
            np.testing.assert_array_equal(dataset.array("sample/index"), dataset.rows)
        assert make_dataset(folder) == digest, point
        assert verify_dataset(folder).lines()[-1] == "ok"
        assert not list(folder.rglob("*.tmp"))


def test_shards_may_come_in_any_order(tmp_path: Path, digest: str) -> None:
    """Order, threads and codec leave the digest as it is."""
    writer = open_writer(tmp_path, codec="raw", threads=1)
    for shard in (2, 0):
        writer.commit_shard(shard, make_rows(writer.shard_rows(shard)))
    assert writer.finish() is None
    assert open_dataset(tmp_path).status == "incomplete, 2 of 3 shards"
    again = open_writer(tmp_path)
    assert (again.committed(), again.missing()) == ([0, 2], [1])
    again.commit_shard(1, make_rows(range(8, 16)))
    manifest = again.finish()
    assert manifest is not None
    assert manifest.root_digest == digest


@pytest.mark.parametrize("before", [3, 8, 18])
def test_growing_gives_the_digest_of_making_at_once(before: int, tmp_path: Path, digest: str) -> None:
    """A smaller dataset, cut at, before or within a scenario, grows; its short last shard gives way."""
    make_dataset(tmp_path, before)
    assert make_dataset(tmp_path, 20) == digest
    assert sorted(os.listdir(tmp_path / "shards")) == ["000000.h5", "000001.h5", "000002.part000004.h5"]
    assert verify_dataset(tmp_path).ok
    with pytest.raises(DatasetFolderError, match="was begun with 20 rows"):
        open_writer(tmp_path, 19)


def test_growing_can_be_interrupted(tmp_path: Path, digest: str) -> None:
    """While it grows, old rows can be read, and a later shard may come before the short one is made again."""
    make_dataset(tmp_path, 10)
    writer = open_writer(tmp_path, 20)
    writer.commit_shard(2, make_rows(range(16, 20)))
    dataset = open_dataset(tmp_path, skip_rejected=False)
    assert dataset.rows.tolist() == [*range(10), *range(16, 20)]
    assert verify_dataset(tmp_path).ok
    assert make_dataset(tmp_path, 20) == digest


def test_grown_rows_must_begin_with_the_old_ones(tmp_path: Path) -> None:
    """A longer shard whose first rows differ from the short one's is a determinism error in waiting."""
    make_dataset(tmp_path, 10)
    writer = open_writer(tmp_path, 16)
    arrays = make_rows(range(8, 16))
    arrays["param/friction"][0] += 1
    writer.commit_shard(1, arrays)
    with pytest.raises(DatasetCorruptError, match="different rows"):
        writer.finish()


def test_duplicate_writers_are_harmless(tmp_path: Path, digest: str) -> None:
    """Four writers of the same shards, at once and late, give one dataset."""
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(make_dataset, tmp_path, codec=codec) for codec in ("deflate", "raw", "deflate", "raw")]
        assert {job.result() for job in jobs} == {digest}
    late = open_writer(tmp_path)
    late.commit_shard(0, make_rows(range(8)))
    assert verify_dataset(tmp_path).ok


@pytest.mark.parametrize("record", [True, False])
def test_other_values_are_a_determinism_error(record: bool, tmp_path: Path) -> None:
    """A shard made again with another value is refused, and the text names row and array."""
    writer = open_writer(tmp_path)
    writer.commit_shard(1, make_rows(range(8, 16)))
    if not record:
        (tmp_path / "commits" / "000001.json").unlink()
    arrays = make_rows(range(8, 16))
    arrays["sensor/head/rgb"][3, 0, 0, 0] ^= 1
    with pytest.raises(DeterminismError, match="row 11 differs in sensor/head/rgb"):
        writer.commit_shard(1, arrays)


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    """The folder is bound to its recipe; the text names the keys, and spacing does not count."""
    make_dataset(tmp_path)
    with pytest.raises(RecipeMismatchError, match="seed: there 7, asked 8"):
        open_writer(tmp_path, recipe=RECIPE.replace("seed: 7", "seed: 8"))
    with pytest.raises(RecipeMismatchError, match="order"):
        open_writer(tmp_path, recipe="\n".join(reversed(RECIPE.splitlines())))
    with pytest.raises(RecipeMismatchError, match=r"classes\.4: there 'box', asked 'ball'"):
        open_writer(tmp_path, tables={"classes": {"0": "background", "4": "ball"}})
    open_writer(tmp_path, recipe="# a comment\n" + RECIPE)


def test_other_layouts_folders_and_platforms_are_refused(tmp_path: Path) -> None:
    """Each mistake has its own error and exit code."""
    make_dataset(tmp_path / "a")
    with pytest.raises(DatasetFolderError, match="another layout: scenarios_per_shard: there 2, asked 4") as caught:
        open_writer(tmp_path / "a", scenarios_per_shard=4)
    assert caught.value.exit_code == 2
    with pytest.raises(PlatformMismatchError, match="device: cpu and cuda"):
        open_writer(tmp_path / "a", platform={**PLATFORM, "device": "cuda"})
    open_writer(tmp_path / "a", platform={**PLATFORM, "device": "cuda"}, allow_mixed=True)
    with pytest.raises(PlatformMismatchError, match=r"\(coacd: not recorded and 1.0.14\).*--allow-mixed"):
        open_writer(tmp_path / "a", platform={**PLATFORM, "coacd": "1.0.14"})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").touch()
    with pytest.raises(DatasetFolderError, match=r"no dataset \(it holds thesis.tex\)"):
        open_writer(tmp_path / "b")
    assert os.listdir(tmp_path / "b") == ["thesis.tex"]
    with pytest.raises(DatasetFolderError, match="is a file"):
        open_writer(tmp_path / "b" / "thesis.tex")


def test_rows_must_be_those_of_the_shard(tmp_path: Path) -> None:
    """Wrong numbers, lengths, pads or arrays are refused before a byte is written."""
    writer = open_writer(tmp_path, sizes={"slot": 3})
    with pytest.raises(ValueError, match="sample/index must be 8 to 15"):
        writer.commit_shard(1, make_rows(range(8)))
    with pytest.raises(ValueError, match="'row' has length 7 and must have 8"):
        writer.commit_shard(0, make_rows(range(7)))
    with pytest.raises(ValueError, match="slot"):
        writer.commit_shard(0, {**make_rows(range(8)), "object/valid": np.ones((8, 5), np.uint8)})
    writer.commit_shard(0, make_rows(range(8)))
    arrays = make_rows(range(8, 16))
    del arrays["param/friction"]
    with pytest.raises(ValueError, match="other arrays"):
        writer.commit_shard(1, arrays)
    assert os.listdir(tmp_path / "shards") == ["000000.h5"]


def test_a_committed_shard_that_vanished_is_told(tmp_path: Path) -> None:
    """Resuming says what to remove."""
    make_dataset(tmp_path)
    (tmp_path / "shards" / "000001.h5").unlink()
    with pytest.raises(DatasetCorruptError, match=r"remove it and commits/000001\.json"):
        open_writer(tmp_path)


def test_a_full_disk_is_a_passing_failure(tmp_path: Path, digest: str) -> None:
    """At a file size limit the error is clean, its exit code is 75, and the run resumes."""
    writer = open_writer(tmp_path)
    writer.commit_shard(0, make_rows(range(8)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(DatasetWriteError, match="ulimit -f") as caught:
            writer.commit_shard(1, make_rows(range(8, 16)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.exit_code == 75
    assert os.listdir(tmp_path / "shards") == ["000000.h5"]
    assert make_dataset(tmp_path) == digest


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_forbidden_folder_is_a_usage_error(tmp_path: Path) -> None:
    """Without permission the exit code is 2."""
    tmp_path.chmod(0o500)
    with pytest.raises(DatasetWriteError) as caught:
        open_writer(tmp_path / "data")
    assert caught.value.exit_code == 2


def test_linked_subfolders_are_refused(tmp_path: Path) -> None:
    """A dataset does not reach outside its folder."""
    make_dataset(tmp_path / "a")
    shutil.move(tmp_path / "a" / "shards", tmp_path / "elsewhere")
    (tmp_path / "a" / "shards").symlink_to(tmp_path / "elsewhere")
    for call in (open_dataset, open_writer):
        with pytest.raises(DatasetCorruptError, match="shards"):
            call(tmp_path / "a")
