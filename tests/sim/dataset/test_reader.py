"""Reading a dataset."""

from __future__ import annotations

import gc
import os
import pickle
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import numpy as np
import pytest

from naive.dataset_rows import make_dataset, make_row, make_rows, open_writer
from simloom.sim.dataset import committed_shards
from simloom.sim.dataset.episodes import find_episodes
from simloom.sim.dataset.errors import DatasetCorruptError, DatasetFolderError
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.samples import split_of
from simloom.sim.dataset.shard_file import ShardFile


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
    with ShardFile(path) as shard:
        offset = shard.arrays["sensor/head/rgb"].place(3)[0] + 100
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)
    dataset = open_dataset(tmp_path)
    with pytest.raises(DatasetCorruptError, match=r"000000\.h5: sensor/head/rgb, row 3"):
        dataset[3]
    assert dataset[4]["sample/index"] == 4


def test_slices_lists_and_flags(folder: Path) -> None:
    """Positions count the rows that are read; many come back as arrays with rows leading."""
    dataset, everything = open_dataset(folder), make_rows(range(40))
    wanted = dataset.rows.tolist()
    flags = np.arange(len(dataset)) % 3 == 0
    for key, rows in [
        (slice(4, 20, 5), wanted[4:20:5]), (slice(None, None, -1), wanted[::-1]),
        ([3, -1, 3], [wanted[k] for k in (3, -1, 3)]),
        (np.array([], np.int64), []), (flags, np.array(wanted)[flags].tolist()),
    ]:  # fmt: skip
        found = dataset[key]
        assert sorted(found) == sorted(everything)
        for name, array in found.items():
            np.testing.assert_array_equal(array, everything[name][rows])
    np.testing.assert_array_equal(dataset["param/friction"], everything["param/friction"][wanted])
    for bad in (len(dataset), 1.5, [0.5], np.zeros(3, bool)):
        with pytest.raises(IndexError):
            dataset[bad]


def test_rows_are_decoded_into_given_arrays(folder: Path) -> None:
    """Every byte of the arrays is written, the same arrays come back, and one that does not fit is refused."""
    dataset, rows = open_dataset(folder), np.array([39, 0, 17, 17, 8, 9, 10])
    everything = make_rows(range(40))
    names = ["sensor/head/rgb", "sensor/head/depth", "param/position", "sample/index"]
    for threads in (1, 3):
        out = {name: np.empty((7, *dataset.shapes[name][1]), dataset.shapes[name][0]) for name in names}
        for array in out.values():
            array.view(np.uint8).fill(0xA5)
        found = dataset.read_rows(rows, names, out=out, threads=threads)
        for name in names:
            assert found[name] is out[name]
            np.testing.assert_array_equal(found[name], everything[name][rows])
    with pytest.raises(ValueError, match="needs shape"):
        dataset.read_rows(rows, names, out={})
    with pytest.raises(ValueError, match="are needed"):
        dataset.read_rows(rows, names[:1], out={names[0]: np.empty((7, 2, 2, 3), np.uint8)})
    with pytest.raises(IndexError, match="whole numbers"):
        dataset.read_rows([0.5])


def test_views_of_rows_and_arrays(folder: Path) -> None:
    """A view shares the files, keeps order and repeats, and may be narrowed again."""
    dataset = open_dataset(folder)
    view = dataset.select([30, 2, 2]).columns(["param/*", "*/rgb"])
    assert view.rows.tolist() == [30, 2, 2]
    assert set(view.names) == {name for name in dataset.names if name.startswith("param/") or name.endswith("/rgb")}
    np.testing.assert_array_equal(view[1]["sensor/head/rgb"], make_row(2)["sensor/head/rgb"])
    assert view.columns(["*/rgb"]).names == ("sensor/head/rgb",)
    with pytest.raises(KeyError, match="did you mean"):
        view.columns(["param/frction"])
    with pytest.raises(KeyError, match="no array 'sample/index'"):
        view.row(2, ["sample/index"])
    with pytest.raises(TypeError, match="write \\['param/\\*'\\]"):
        dataset.columns("param/*")
    with pytest.raises(KeyError, match=r"dataset.columns\(\['param/\*'\]\)"):
        dataset["param/*"]
    assert "sensor/head/rgb" in view
    assert "sample/index" not in view
    with pytest.raises(TypeError, match="by its name"):
        3 in view  # noqa: B015
    assert repr(view).endswith(f"a view of 3 rows and {len(view.names)} arrays)")
    assert "view" not in repr(dataset)
    with pytest.raises(IndexError, match="row 40"):
        dataset.select([40])


def test_many_threads_read_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that open, let go of and read the same shards get the right rows."""
    monkeypatch.setattr("simloom.sim.dataset.committed_shards._most_open_shards", lambda: 1)
    dataset, everything = open_dataset(folder), make_rows(range(40))

    def read(start: int) -> bool:
        rows = [(start + 11 * k) % 40 for k in range(20)]
        name = ("sensor/head/rgb", "param/position", "label/head/instance")[start % 3]
        return np.array_equal(dataset.array(name, rows), everything[name][rows])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(64)))


def test_it_is_small_when_pickled(tmp_path: Path) -> None:
    """A copy in another process holds no table of shards and no open file, and reads the same."""
    make_dataset(tmp_path, 400)
    dataset = open_dataset(tmp_path)
    assert dataset[3]
    everything = pickle.dumps(dataset)
    data = pickle.dumps(dataset.select([7, 8]))
    assert len(data) < 6000
    assert len(everything) < len(data) + 100
    assert pickle.loads(everything).rows.tolist() == dataset.rows.tolist()
    copy = pickle.loads(data)
    np.testing.assert_array_equal(copy["sensor/head/rgb"], make_rows(range(7, 9))["sensor/head/rgb"])
    assert copy.manifest.root_digest == dataset.root_digest


def test_a_fork_reads_after_the_parent_read_in_threads(folder: Path) -> None:
    """Threads and locks of the parent do not hang its child."""
    dataset = open_dataset(folder)
    dataset.read_rows(range(40), threads=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is what is tried here
        child = os.fork()
    if child == 0:
        found = dataset.read_rows(range(40), ["sensor/head/rgb"], threads=4)["sensor/head/rgb"]
        os._exit(0 if np.array_equal(found, make_rows(range(40))["sensor/head/rgb"]) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_episodes_are_the_steps_of_one_view_and_look() -> None:
    """Rows of one scenario, view and look come in the order of their steps."""
    scenario, step, view = (grid.reshape(-1) for grid in np.meshgrid([4, 9], [0, 1, 2], [0, 1], indexing="ij"))
    address = {"scenario": scenario, "step": step, "view": view, "look": np.zeros(12, int)}
    shuffled = np.array([7, 0, 11, 3, 9, 1, 5, 2, 10, 4, 8, 6])
    found = find_episodes(100 + shuffled, {name: column[shuffled] for name, column in address.items()})
    assert [rows.tolist() for rows in found] == [[100, 102, 104], [101, 103, 105], [106, 108, 110], [107, 109, 111]]
    assert find_episodes(np.array([], int), address) == []


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("protocol", ["memory", "file", "simplecache::memory"])
def test_a_dataset_behind_fsspec(tmp_path: Path, protocol: str, complete: bool) -> None:
    """The same rows come through a URL, whole or unfinished, also in a copy; nothing is left behind."""
    make_dataset(tmp_path / "d", 40)
    if not complete:
        for name in ("manifest.json", "SHA256SUMS", "samples.parquet"):
            (tmp_path / "d" / name).unlink()
    url = f"{protocol}://{tmp_path}/d" if protocol == "file" else f"{protocol}://bucket-{complete}/d"
    if "memory" in protocol:
        fsspec.filesystem("memory").put(f"{tmp_path}/d/", f"/bucket-{complete}/d/", recursive=True)
    dataset = open_dataset(url)
    assert dataset.is_complete
    wanted = open_dataset(tmp_path / "d")
    assert dataset.rows.tolist() == wanted.rows.tolist()
    assert dataset.table().equals(wanted.table())
    found, everything = dataset.read_rows(range(40), threads=3), make_rows(range(40))
    for name, array in everything.items():
        np.testing.assert_array_equal(found[name], array)
    copy = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(copy.where("param.friction > 0.5").rows, wanted.where("param.friction > 0.5").rows)
    mirror = dataset.folder
    assert mirror.exists()
    del dataset, copy
    gc.collect()
    assert not mirror.exists()


def test_a_url_that_cannot_be_opened() -> None:
    """One sentence, for a protocol that is not there and for a folder that is not."""
    with pytest.raises(DatasetFolderError, match="nonsense"):
        open_dataset("nonsense://bucket/d")
    with pytest.raises(DatasetFolderError, match="is no dataset"):
        open_dataset("memory://nowhere/d")


def test_a_damaged_remote_shard_is_named(tmp_path: Path) -> None:
    """A flipped byte behind fsspec is found like one on this machine."""
    make_dataset(tmp_path, 8)
    path = sorted((tmp_path / "shards").iterdir())[0]
    with ShardFile(path) as shard:
        offset = shard.arrays["sensor/head/rgb"].place(3)[0] + 100
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)
    with pytest.raises(DatasetCorruptError, match=f"file://.*{path.name}.*row 3"):
        open_dataset(f"file://{tmp_path}").row(3)


def test_growing_leaves_open_datasets_alone(tmp_path: Path) -> None:
    """What was opened, or pickled, before the dataset grew reads the rows of then, while it grows and afterwards."""
    make_dataset(tmp_path, 20)
    opened = open_dataset(tmp_path)
    digest, rows, table = opened.root_digest, opened.rows.tolist(), opened.table()
    near = opened.where("weight > 3").rows.tolist()
    data = pickle.dumps(open_dataset(tmp_path))
    writer = open_writer(tmp_path, 40)
    for finished in (False, True):
        for shard in writer.missing():
            writer.commit_shard(shard, make_rows(writer.shard_rows(shard)))
        if finished:
            assert writer.finish() is not None
            assert not (tmp_path / "shards" / "000002.part000004.h5").exists()
        for dataset in (opened, pickle.loads(data)):
            dataset.close()
            assert (dataset.rows.tolist(), dataset.root_digest) == (rows, digest)
            assert dataset.where("weight > 3").rows.tolist() == near
            assert dataset.table().combine_chunks().equals(table.combine_chunks())
            wanted = make_rows(range(16, 20))
            for name, array in dataset.read_rows(range(16, 20)).items():
                np.testing.assert_array_equal(array, wanted[name])
            with pytest.raises(IndexError, match="row 20"):
                dataset.row(20)
    (tmp_path / "shards" / "000002.h5").unlink()
    opened.close()
    with pytest.raises(DatasetCorruptError, match=r"000002\.part000004\.h5 is committed but missing"):
        opened.row(18)


def test_flags_are_no_row_numbers(folder: Path) -> None:
    """A view is chosen by numbers; flags and fractions are refused and not taken for them."""
    dataset = open_dataset(folder)
    for wrong in (dataset.rows > 20, [1.5], 3):
        with pytest.raises(IndexError, match="whole numbers"):
            dataset.select(wrong)  # type: ignore[arg-type]
    assert len(dataset.select([])) == 0


def test_a_fork_leaves_its_parent_the_fetched_files(folder: Path) -> None:
    """A child that lets go of a remote dataset takes nothing away from its parent."""
    files = fsspec.filesystem("memory")
    files.put(str(folder), "/forked", recursive=True)
    dataset = open_dataset("memory://forked")
    child = os.fork()
    if child == 0:
        del dataset
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert dataset.folder.is_dir()
    mirror = dataset.folder
    del dataset
    gc.collect()
    assert not mirror.exists()


def test_closing_beside_readers(folder: Path) -> None:
    """One thread closes again and again while others read; no read fails."""
    dataset = open_dataset(folder, skip_rejected=False)
    wanted = make_rows(range(40))["sensor/head/rgb"]
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(lambda: [dataset["sensor/head/rgb"] for _ in range(40)]) for _ in range(2)]
        while not all(job.done() for job in jobs):
            dataset.close()
            time.sleep(0.001)  # readers get their turn
    for job in jobs:
        for found in job.result():
            np.testing.assert_array_equal(found, wanted)


def test_kept_columns_stay_within_their_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many small arrays are read, one after the other or in turns, what is kept of them is bounded."""
    monkeypatch.setattr(committed_shards, "COLUMN_BYTES", 40 * 50)
    dataset, everything = open_dataset(folder, skip_rejected=False), make_rows(range(40))
    for name in (*dataset.names, *dataset.names):
        np.testing.assert_array_equal(dataset.array(name), everything[name])
        indices = [shard.index for shard in dataset._shards._open.values()]
        kept = [column for index in indices for column in index.columns.values() if column is not None]
        assert sum(column.nbytes for column in kept) <= 40 * 50
    dataset.read_rows([3], ["sample/weight", "sample/step"])
    assert dataset._shards._kept >= {"sample/weight", "sample/step"}


def test_narrowed_views_answer_as_wide_ones(folder: Path, tmp_path: Path) -> None:
    """A view of images alone tells its episodes, and one without rows answers questions about words."""
    dataset = open_dataset(folder)
    narrow = dataset.columns(["*/rgb"])
    assert [rows.tolist() for rows in narrow.episodes()] == [rows.tolist() for rows in dataset.episodes()]
    writer = open_writer(tmp_path, 40)
    writer.commit_shard(1, make_rows(writer.shard_rows(1)))
    empty = open_dataset(tmp_path).where("weight > 1e9")
    assert (len(empty), len(empty.where("split == 'train'"))) == (0, 0)
