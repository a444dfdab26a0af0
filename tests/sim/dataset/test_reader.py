"""Reading a dataset."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from naive.dataset_rows import make_dataset, make_row, make_rows, open_writer
from simloom.sim.dataset.errors import DatasetCorruptError, DatasetFolderError
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.samples import split_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty rows in five shards."""
    path = tmp_path_factory.mktemp("data")
    make_dataset(path, 40)
    return path


def test_rows_come_back(folder: Path) -> None:
    """Every row, by position and by number, is the one that was written."""
    dataset = open_dataset(folder, skip_rejected=False)
    assert (len(dataset), dataset.status, dataset.classes["4"]) == (40, "complete, 40 rows", "box")
    for index, row in enumerate(dataset):
        wanted = make_row(index)
        assert row.keys() == wanted.keys()
        for name, value in wanted.items():
            np.testing.assert_array_equal(row[name], value)


def test_rejected_rows_are_skipped(folder: Path) -> None:
    """By default tombstones and rejected rows are left out, with and without the derived files."""
    dataset = open_dataset(folder)
    wanted = [index for index in range(40) if index % 11 != 10 and index % 7 != 6]
    assert dataset.rows.tolist() == wanted
    assert dataset[6]["sample/index"] == 7
    assert dataset[-1]["sample/index"] == wanted[-1]
    table = dataset.table()
    for name in ("manifest.json", "samples.parquet", "SHA256SUMS"):
        (folder / name).rename(folder.parent / name)
    try:
        bare = open_dataset(folder)
        assert bare.rows.tolist() == wanted
        assert bare.table().combine_chunks().equals(table)
        assert bare.root_digest == dataset.manifest.root_digest  # type: ignore[union-attr]
    finally:
        for name in ("manifest.json", "samples.parquet", "SHA256SUMS"):
            (folder.parent / name).rename(folder / name)


def test_arrays_over_many_rows(folder: Path) -> None:
    """Rows are read in the order asked, over shards."""
    dataset = open_dataset(folder)
    rows = [39, 0, 17, 17, 8]
    everything = make_rows(range(40))
    for name in ("sensor/head/rgb", "param/position", "object/pose_world_object"):
        np.testing.assert_array_equal(dataset.array(name, rows), everything[name][rows])
    np.testing.assert_array_equal(dataset.array("sample/index"), dataset.rows)
    with pytest.raises(KeyError, match="sensor/head/infrared"):
        dataset.array("sensor/head/infrared")
    with pytest.raises(IndexError, match="row 40"):
        dataset.row(40)


def test_the_table_has_a_line_a_row(folder: Path) -> None:
    """The table holds address, split, weight, verdict and parameters; a scenario is in one split."""
    table = open_dataset(folder).table()
    assert table.column("index").to_pylist() == list(range(40))
    assert table.column("param/friction").to_pylist() == make_rows(range(40))["param/friction"].tolist()
    splits = table.column("split").to_pylist()
    assert splits == [split_of(index // 4) for index in range(40)]
    counted = [split_of(scenario) for scenario in range(4000)]
    # Binomial: 4000 draws of 0.05 deviate by 13.8; five deviations.
    assert abs(counted.count("val") - 200) < 70
    assert abs(counted.count("test") - 200) < 70
    assert split_of(3, {"all": 1.0}) == "all"


def test_pickles_are_small_and_forks_are_safe(folder: Path) -> None:
    """A dataset travels to workers without its open files."""
    dataset = open_dataset(folder)
    dataset[0]
    data = pickle.dumps(dataset)
    assert len(data) < 20_000
    np.testing.assert_array_equal(pickle.loads(data)[3]["sample/u"], dataset[3]["sample/u"])
    process = os.fork()
    if process == 0:
        same = dataset[2]["sample/index"] == 2
        os._exit(0 if same else 1)
    assert os.waitpid(process, 0)[1] == 0
    dataset.close()
    assert dataset[1]["sample/index"] == 1


def test_what_is_no_dataset_is_told(tmp_path: Path) -> None:
    """An empty folder, and one without a shard, each get a sentence."""
    with pytest.raises(DatasetFolderError, match="no dataset"):
        open_dataset(tmp_path)
    open_writer(tmp_path)
    with pytest.raises(DatasetFolderError, match="no committed shard"):
        open_dataset(tmp_path)


def test_damage_is_an_error_with_its_row(folder: Path, tmp_path: Path) -> None:
    """A damaged image raises, and other rows can be read."""
    make_dataset(tmp_path, 8)
    path = tmp_path / "shards" / "000000.h5"
    from simloom.sim.dataset.shard_file import ShardFile

    with ShardFile(path) as shard:
        offset = int(shard.arrays["sensor/head/rgb"].offsets[3]) + 100
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)
    dataset = open_dataset(tmp_path)
    with pytest.raises(DatasetCorruptError, match=r"000000\.h5: sensor/head/rgb, row 3"):
        dataset[3]
    assert dataset[4]["sample/index"] == 4
