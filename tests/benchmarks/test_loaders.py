"""The loaders that are compared give the same rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import our_loaders
import page_cache
import plain_loaders
import pytest
from load_data import is_finished, make_rows, write_note
from loader_process import LoaderProcess, peer_version
from loader_program import check_epoch, time_epoch


@pytest.fixture
def folder() -> Path:
    """Eight rows of the tabletop."""
    return make_rows(24, 16, 8)


def _loaders() -> list[Any]:
    # A DataLoader without workers reads in this process.
    return [
        our_loaders.Rows(batch=3, workers=2),
        our_loaders.TorchLoader(batch=3, workers=1, codec="raw"),
        plain_loaders.MemoryMap(batch=3, workers=1),
        plain_loaders.MemoryMap(batch=3, workers=2),
        plain_loaders.TorchMemoryMap(batch=3, workers=0),
        plain_loaders.NaiveH5py(batch=3, workers=0, few=4),
    ]


def test_loaders_give_the_same_rows(folder: Path, tmp_path: Path) -> None:
    """Whatever stores and reads them: every row once, with the same bytes, last batch included."""
    answers = []
    for number, loader in enumerate(_loaders()):
        place = tmp_path / str(number)
        place.mkdir()
        loader.write(folder / "source", place)
        loader.open(place)
        assert loader.stored_bytes(place) > 0
        answers.append(check_epoch(loader))
        timed = time_epoch(loader, 1)
        assert 0.0 < timed["first"] <= timed["seconds"]
        assert timed["rows"] == (4 if isinstance(loader, plain_loaders.NaiveH5py) else 8)
        loader.close()

    assert {(8, 8)} == {(answer["rows"], answer["distinct"]) for answer in answers}
    assert 1 == len({answer["digest"] for answer in answers})


def test_a_wrong_pixel_is_told(folder: Path, tmp_path: Path) -> None:
    """The digest that loaders are compared by depends on every value."""
    loader = plain_loaders.MemoryMap(batch=8, workers=1)
    loader.write(folder / "source", tmp_path)
    loader.open(tmp_path)
    right = check_epoch(loader)["digest"]
    loader.close()
    rgb = np.load(tmp_path / "rgb.npy")
    rgb[7, 15, 23, 2] ^= 1
    np.save(tmp_path / "rgb.npy", rgb)
    loader.open(tmp_path)

    assert check_epoch(loader)["digest"] != right


def test_epochs_differ_in_order() -> None:
    """A loader is not timed on one order alone, and every order has every row."""
    first, second = plain_loaders.shuffle_rows(100, 1), plain_loaders.shuffle_rows(100, 2)

    assert first.tolist() != second.tolist()
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(100))


def test_a_failing_loader_is_told_with_its_traceback(tmp_path: Path) -> None:
    """What fails in a loader's process is an error here, and the process ends."""
    with LoaderProcess("plain_loaders:MemoryMap", {"batch": 1, "workers": 1}) as loader:
        loader.ask("open", folder=str(tmp_path))
        with pytest.raises(RuntimeError, match="plain_loaders:MemoryMap failed at 'epoch'"):
            loader.ask("epoch", epoch=1)


def test_an_absent_peer_is_told() -> None:
    """What is not installed has no version."""
    assert "" == peer_version(sys.executable, "no-such-package-here")
    assert peer_version(sys.executable, "numpy") == np.__version__


def test_a_file_is_dropped_from_the_page_cache(tmp_path: Path) -> None:
    """After `evict` the cache holds less of a file, or as much where its file system lives in memory."""
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))
    before = page_cache.cached_fraction([path])

    page_cache.evict([path])

    assert 0.0 <= page_cache.cached_fraction([path]) <= before <= 1.0


def test_rows_are_stored_anew_for_another_version(tmp_path: Path) -> None:
    """A folder counts as finished for the note that it was finished with."""
    write_note(tmp_path / "rows", {"version": "1"})

    assert is_finished(tmp_path / "rows", {"version": "1"})
    assert not is_finished(tmp_path / "rows", {"version": "2"})
    assert not is_finished(tmp_path / "others", {"version": "1"})
