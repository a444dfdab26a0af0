"""Shards: built in memory, read by anyone."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from naive.dataset_rows import make_rows
from simloom.sim.dataset.digest import row_digests
from simloom.sim.dataset.shard import CODECS, build_shard
from simloom.sim.dataset.shard_file import ShardFile, read_shard


@pytest.mark.parametrize("codec", CODECS)
def test_rows_come_back_whatever_the_codec(codec: str, tmp_path: Path) -> None:
    """Our reader and plain h5py give the rows that were written; the digests are the same for all codecs."""
    if codec == "zstd":
        pytest.importorskip("hdf5plugin")  # for h5py
        pytest.importorskip("zstandard")
    arrays = make_rows(range(8))
    path = tmp_path / "shard.h5"
    path.write_bytes(build_shard(arrays, {"first_row": 0}, codec))  # type: ignore[arg-type]
    stored = read_shard(path)
    assert stored.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(stored[name], array, strict=True)
    assert row_digests(stored) == row_digests(arrays)
    with h5py.File(path, "r") as file:
        assert file.attrs["first_row"] == 0
        for name, array in arrays.items():
            np.testing.assert_array_equal(file[name][()], array, strict=True)
            assert file[name].attrs["axes"].split()[0] == "row"


def test_bytes_are_a_function_of_the_rows() -> None:
    """The same rows give the same file, whatever the number of threads; repeated rows are found, or known."""
    from concurrent.futures import ThreadPoolExecutor

    arrays = make_rows(range(8))
    with ThreadPoolExecutor(1) as pool:
        alone = build_shard(arrays, executor=pool, repeats={})
    assert build_shard(arrays) == alone


def test_swmr_readers_open_it(tmp_path: Path) -> None:
    """Some programs read with swmr=True and libver="latest"."""
    path = tmp_path / "shard.h5"
    path.write_bytes(build_shard(make_rows(range(4))))
    with h5py.File(path, "r", swmr=True, libver="latest") as file:
        assert file["sample/index"].shape == (4,)


def test_some_rows_in_any_order(tmp_path: Path) -> None:
    """Rows are read by number, in the order asked."""
    arrays = make_rows(range(8))
    path = tmp_path / "shard.h5"
    path.write_bytes(build_shard(arrays))
    with ShardFile(path) as shard:
        for name, array in arrays.items():
            np.testing.assert_array_equal(shard.read(name, [5, 0, 5]), array[[5, 0, 5]])


def test_unknown_names_and_codecs_are_refused() -> None:
    """Nothing outside the registry is written."""
    with pytest.raises(KeyError, match="sensor/head/infrared"):
        build_shard({**make_rows(range(2)), "sensor/head/infrared": np.zeros((2, 4, 4), np.uint8)})
    with pytest.raises(ValueError, match="codec 'lzf'"):
        build_shard(make_rows(range(2)), codec="lzf")  # type: ignore[arg-type]
