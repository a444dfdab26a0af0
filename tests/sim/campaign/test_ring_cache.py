"""The ring cache: rows that were made are read again, within a bound, whatever dies or is damaged."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simloom
from simloom.sim.campaign.ring_cache import BINDING, MIN_BYTES, RingCache
from simloom.sim.dataset.errors import DatasetFolderError, DatasetWriteError, PlatformMismatchError, RecipeMismatchError
from simloom.sim.errors import UsageError

TINY: dict[str, Any] = {
    "views": 1,
    "looks": 2,
    "rig": {"head": {"camera": "generic_rgb", "width": 24, "height": 18}},
    "outputs": ["rgb"],
    "checks": {},
    "parameters": {"object_count": {"integer": [1, 2]}},
    "slots": 4,
    "seed": 3,
}
ROWS = 12  # six scenarios
SHAPES = {"sample/index": (np.dtype(np.int64), ()), "sensor/head/rgb": (np.dtype(np.uint8), (160, 160, 3))}
BLOCK = 4 * 160 * 160 * 3
"""Bytes of two scenarios of the made-up rows."""


def _stream(folder: Path, **more: Any) -> Any:
    return simloom.stream(TINY, ROWS, **{"workers": 0, "batch": 2, "cache": folder} | more)


def _bytes(rows: list[dict[str, Any]]) -> list[bytes]:
    return [b"".join(row[name].numpy().tobytes() for name in sorted(row)) for row in rows]


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.iterdir())


def _cache(folder: Path, **more: Any) -> RingCache:
    given: dict[str, Any] = {
        "max_bytes": MIN_BYTES, "recipe_sha256": "a" * 64, "platform": {"device": "cpu"}, "shapes": SHAPES,
        "rows_per_scenario": 2, "codec": "raw",
    }  # fmt: skip
    return RingCache(folder, **given | more)


def _rows(scenarios: list[int]) -> dict[str, Any]:
    numbers = np.array([2 * scenario + inner for scenario in scenarios for inner in range(2)], np.int64)
    pixels = np.broadcast_to((numbers % 251).astype(np.uint8)[:, None, None, None], (len(numbers), 160, 160, 3))
    return {"sample/index": numbers, "sensor/head/rgb": np.ascontiguousarray(pixels)}


def test_a_second_pass_reads(tmp_path: Path) -> None:
    """Nothing is made twice, by this stream, a later one, or by other numbers of ranks."""
    stream = _stream(tmp_path / "c")
    made = list(stream)
    again = list(stream)
    ranks = [_stream(tmp_path / "c", rank=rank, world_size=3) for rank in range(3)]
    shared = [row for rank in ranks for row in rank]

    assert stream.times.rows_made == ROWS
    assert stream.times.rows_read == ROWS
    assert _bytes(again) == _bytes(made)
    assert sorted(_bytes(shared)) == sorted(_bytes(made))
    assert sum(rank.times.rows_made for rank in ranks) == 0


def test_damage_is_found_and_made_again(tmp_path: Path) -> None:
    """A flipped bit, a cut or swapped file never shows in a row."""
    made = list(_stream(tmp_path / "c", batch=1))
    (tmp_path / "c" / "4-1-1.h5").unlink()
    (tmp_path / "c" / "5-1-1.h5").unlink()
    first, second, third, fourth = sorted((tmp_path / "c").glob("*.h5"))
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 4
    first.write_bytes(data)
    second.write_bytes(second.read_bytes()[:-100])
    spare = third.read_bytes()
    third.write_bytes(fourth.read_bytes())
    fourth.write_bytes(spare)
    stream = _stream(tmp_path / "c")

    assert _bytes(list(stream)) == _bytes(made)
    assert stream.times.rows_made >= 10  # the flipped bit may lie between the arrays
    assert stream.times.rows_made + stream.times.rows_read == ROWS
    assert _bytes(list(stream)) == _bytes(made)


def test_the_bound_is_never_exceeded(tmp_path: Path) -> None:
    """In passes, what is there stays and is used; without an end, the newest rows stay."""
    passes, endless = _cache(tmp_path / "a", cycle=40), _cache(tmp_path / "b")
    for cache in (passes, endless):
        for first in range(0, 40, 2):
            cache.keep([first, first + 1], _rows([first, first + 1]))
            assert _size(cache.folder) <= MIN_BYTES
    room = sum(passes.find(scenario) is not None for scenario in range(40))

    assert 0 < room < MIN_BYTES // BLOCK * 2 + 1
    assert all(passes.find(scenario) is not None for scenario in range(room))
    assert all(endless.find(scenario) is not None for scenario in range(40 - room, 40))
    assert endless.find(0) is None
    rows = endless.read([38, 39])
    assert rows is not None
    assert all(np.array_equal(rows[name], array) for name, array in _rows([38, 39]).items())
    assert _size(_cache(tmp_path / "b", max_bytes=MIN_BYTES).folder) <= MIN_BYTES


def test_a_smaller_bound_sweeps_what_is_there(tmp_path: Path) -> None:
    """A folder that was begun with more room is brought below the new bound when it is opened."""
    large = _cache(tmp_path / "c", max_bytes=4 * MIN_BYTES)
    for first in range(0, 20, 2):
        assert large.keep([first, first + 1], _rows([first, first + 1]))
    assert _size(tmp_path / "c") > MIN_BYTES
    small = _cache(tmp_path / "c")

    assert _size(tmp_path / "c") <= MIN_BYTES
    assert large.read([0, 1]) is None  # gone below the other's feet
    assert small.find(18) is not None


def test_a_folder_belongs_to_one_recipe_platform_and_choice(tmp_path: Path) -> None:
    """Rows of others are never mixed in, and no other folder is touched."""
    _cache(tmp_path / "c")
    for wrong, error in (
        ({"recipe_sha256": "b" * 64}, RecipeMismatchError),
        ({"platform": {"device": "other"}}, PlatformMismatchError),
        ({"shapes": {"sample/index": SHAPES["sample/index"]}}, RecipeMismatchError),
    ):
        with pytest.raises(error, match="another folder"):
            _cache(tmp_path / "c", **wrong)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"x")
    with pytest.raises(DatasetFolderError, match=r"me\.jpg"):
        _cache(tmp_path / "photos")
    with pytest.raises(UsageError, match="cache_bytes"):
        _cache(tmp_path / "c", max_bytes=5)
    assert sorted(path.name for path in (tmp_path / "photos").iterdir()) == ["me.jpg"]


@pytest.mark.parametrize("step", ["half", "write", "link"])
def test_kill_9_leaves_a_cache_that_is_whole(tmp_path: Path, step: str) -> None:
    """Whatever was under way is swept; what is there is right."""
    _cache(tmp_path / "c")
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "import test_ring_cache as t\n"
        "cache = t._cache(Path(sys.argv[1]))\n"
        "for first in range(0, 6, 2): cache.keep([first, first + 1], t._rows([first, first + 1]))\n"
    )
    environment = os.environ | {"SIMLOOM_CRASH_AT": f"after-cache-{step}:2-1-2.h5"}
    command = [sys.executable, "-c", program, str(tmp_path / "c"), str(Path(__file__).parent)]
    done = subprocess.run(command, env=environment)
    cache = _cache(tmp_path / "c")

    assert done.returncode == -signal.SIGKILL
    is_there = step == "link"
    assert (cache.find(2) is not None) == is_there
    assert {path.name for path in (tmp_path / "c").iterdir()} == {
        BINDING, "lock", "0-1-2.h5", *(["2-1-2.h5"] if is_there else []),
    }  # fmt: skip
    rows = cache.read([0, 1])
    assert rows is not None
    assert np.array_equal(rows["sensor/head/rgb"], _rows([0, 1])["sensor/head/rgb"])


def test_a_fork_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A loader's worker that is forked while a block is written inherits the open file, and holds nobody up."""
    cache = _cache(tmp_path / "c")
    with cache._locked():
        child = os.fork()
        if not child:
            time.sleep(60)
            os._exit(0)
    try:
        descriptor = os.open(tmp_path / "c" / "lock", os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_full_disk_stops_the_cache_and_not_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning says so, once."""
    cache = _cache(tmp_path / "c")

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.warns(RuntimeWarning, match="keeps nothing more"):
        assert not cache.keep([0, 1], _rows([0, 1]))
    assert not cache.keep([2, 3], _rows([2, 3]))
    assert not list((tmp_path / "c").glob("*.h5"))


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is made."""

    def refuse(*_: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(DatasetWriteError, match="No locks available"):
        _cache(tmp_path / "c")


def test_names_of_files_are_not_trusted(tmp_path: Path) -> None:
    """A file whose name is no block, or promises what is not in it, is never read as rows."""
    cache = _cache(tmp_path / "c")
    cache.keep([0, 1], _rows([0, 1]))
    (tmp_path / "c" / "4-0-2.h5").write_bytes(b"x")
    (tmp_path / "c" / "6-1-2.h5").write_bytes(b"x")
    os.symlink(tmp_path / "c" / "0-1-2.h5", tmp_path / "c" / "8-1-2.h5")
    cache.refresh()

    assert cache.find(4) is None
    assert cache.read([6, 7]) is None
    assert cache.read([8]) is None
    assert cache.find(6) is None
    assert cache.find(8) is None
    assert cache.find(0) is not None
