"""Shards that need not be trusted."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from naive.dataset_rows import make_rows
from simloom.sim.dataset.errors import DatasetCorruptError
from simloom.sim.dataset.shard import Codec, build_shard
from simloom.sim.dataset.shard_file import ShardFile, read_shard


def soft_link(file: Any) -> None:
    """A name that stands for another path."""
    file["sensor/head/depth"] = h5py.SoftLink("/sample/index")


def external_link(file: Any) -> None:
    """A name that stands for something in another file."""
    file["sensor/head/depth"] = h5py.ExternalLink("other.h5", "/sample/index")


def external_parent(file: Any) -> None:
    """A group that lies in another file."""
    file["sensor"] = h5py.ExternalLink("other.h5", "/")


def hard_link(file: Any) -> None:
    """A second name of one array."""
    file["sample/scenario"] = file["sample/index"]


def group_cycle(file: Any) -> None:
    """A group that holds itself."""
    file["sample/scenario"] = file["sample"]


def virtual(file: Any) -> None:
    """An array made of other files."""
    layout = h5py.VirtualLayout(shape=(4,), dtype="<i8")
    layout[:] = h5py.VirtualSource("other.h5", "sample/index", shape=(4,))
    file.create_virtual_dataset("sample/scenario", layout)


def external_storage(file: Any) -> None:
    """An array whose bytes lie in any file of the machine."""
    file.create_dataset("sample/scenario", (4,), "<i8", external=[("/etc/passwd", 0, 32)])


def object_reference(file: Any) -> None:
    """An array of references."""
    file.create_dataset("sample/scenario", (4,), h5py.ref_dtype)


def region_reference(file: Any) -> None:
    """An array of region references."""
    file.create_dataset("sample/scenario", (4,), h5py.regionref_dtype)


def varying_text(file: Any) -> None:
    """Texts of varying length."""
    file.create_dataset("sample/scenario", data=["a"] * 4)


def compound(file: Any) -> None:
    """Records instead of numbers."""
    file.create_dataset("sample/scenario", (4,), np.dtype([("a", "<i8")]))


def named_type(file: Any) -> None:
    """A type stored beside the arrays."""
    file["sample/scenario"] = np.dtype("<i8")


def unknown_name(file: Any) -> None:
    """An array that no dataset has."""
    file["payload"] = np.zeros(4)


def unknown_filter(file: Any) -> None:
    """A filter that we do not know."""
    file.create_dataset("sensor/head/depth", (4, 8, 8), "<f4", chunks=(1, 8, 8), compression="lzf")


def resizable(file: Any) -> None:
    """An array that can grow."""
    file.create_dataset("sample/scenario", (4,), "<i8", maxshape=(None,), chunks=(4,))


def wrong_dtype(file: Any) -> None:
    """An array of another dtype."""
    file["sample/scenario"] = np.zeros(4, "<i4")


def unwritten(file: Any) -> None:
    """An array whose values were never stored, which HDF5 fills with zeros."""
    file.create_dataset("sample/scenario", (4,), "<i8")


def missing_chunk(file: Any) -> None:
    """An image array with one image missing, which HDF5 fills with zeros."""
    dataset = file.create_dataset("sensor/head/depth", (4, 8, 8), "<f4", chunks=(1, 8, 8), compression="gzip")
    dataset[:3] = 1


def other_length(file: Any) -> None:
    """An array with another number of rows."""
    file["sample/scenario"] = np.zeros(5, "<i8")


def one_bomb(file: Any) -> None:
    """One array that declares a terabyte."""
    file.create_dataset(
        "sensor/head/rgb", (4, 1 << 19, 1 << 19, 3), "|u1", chunks=(1, 1 << 10, 1 << 10, 3), compression=1
    )


def skipped_filter(file: Any) -> None:
    """A chunk that claims not to be compressed."""
    dataset = file.create_dataset("sensor/head/depth", (4, 8, 8), "<f4", chunks=(1, 8, 8), compression="gzip")
    for row in range(4):
        dataset.id.write_direct_chunk((row, 0, 0), bytes(256), filter_mask=1)


def chunk_bomb(file: Any) -> None:
    """A chunk that inflates to far more than it declares."""
    dataset = file.create_dataset("sensor/head/depth", (4, 8, 8), "<f4", chunks=(1, 8, 8), compression="gzip")
    stream = zlib.compress(bytes(1 << 20))
    for row in range(4):
        dataset.id.write_direct_chunk((row, 0, 0), stream)
    sums(dataset, zlib.crc32(stream))


def sums(dataset: Any, value: int = 0) -> None:
    """Give an array the checksums that every array carries."""
    dataset.attrs["crc32"] = np.full(dataset.shape[0], value, np.uint32)


def no_checksums(file: Any) -> None:
    """An array whose damage could not be found."""
    del file["sample/index"].attrs["crc32"]


def wrong_checksums(file: Any) -> None:
    """Stored bytes that are not those that were written."""
    sums(file["sample/index"], 5)


HOSTILE = [
    soft_link, external_link, external_parent, hard_link, group_cycle, virtual, external_storage, object_reference,
    region_reference, varying_text, compound, named_type, unknown_name, unknown_filter, resizable, wrong_dtype,
    unwritten, missing_chunk, other_length, one_bomb, skipped_filter, chunk_bomb, no_checksums, wrong_checksums,
]  # fmt: skip


@pytest.mark.parametrize("harm", HOSTILE, ids=lambda harm: harm.__name__)
def test_hostile_files_are_refused(harm: Callable[[Any], None], tmp_path: Path) -> None:
    """Nothing but plain, fully stored arrays of the registry is read."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["sample/index"] = np.arange(4)
    path = tmp_path / "shard.h5"
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        file["sample/index"] = np.arange(4)
        file["sample/index"].attrs["crc32"] = [zlib.crc32(np.int64(row).tobytes()) for row in range(4)]
        file["sample/index"].attrs["crc32"] = file["sample/index"].attrs["crc32"].astype("<u4")
        harm(file)
        if "sample/scenario" in file and harm not in (object_reference, external_storage):
            with contextlib.suppress(Exception):
                sums(file["sample/scenario"])
    with pytest.raises(DatasetCorruptError, match=r"shard\.h5"):
        read_shard(path)


def test_many_small_bombs_are_counted_together(tmp_path: Path) -> None:
    """Arrays that share their chunks declare more than the file can hold; the sum is bounded."""
    path = tmp_path / "shard.h5"
    rows = np.zeros((2, 1 << 10, 1 << 10), np.float32)
    path.write_bytes(build_shard({"sample/index": np.arange(2), **{f"sensor/c{i}/depth": rows for i in range(3)}}))
    assert len(read_shard(path)) == 4
    with pytest.raises(DatasetCorruptError, match="declares"):
        read_shard(path, max_bytes=20 << 20)


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    """A shard is a file of the dataset itself."""
    (tmp_path / "real.h5").write_bytes(build_shard(make_rows(range(2))))
    (tmp_path / "link.h5").symlink_to("real.h5")
    with pytest.raises(DatasetCorruptError, match="is a link"):
        ShardFile(tmp_path / "link.h5")


def test_cut_files_are_refused(tmp_path: Path) -> None:
    """Cut anywhere, a shard gives an error and never other values."""
    arrays = make_rows(range(4))
    image = build_shard(arrays)
    path = tmp_path / "shard.h5"
    for length in range(0, len(image) - 1, max(1, len(image) // 40)):
        path.write_bytes(image[:length])
        with pytest.raises(DatasetCorruptError):
            read_shard(path)


@pytest.mark.parametrize("codec", ["deflate", "raw"])
def test_flipped_bits_never_give_wrong_pixels(codec: Codec, tmp_path: Path) -> None:
    """A flipped bit is an error that names array and row where it hits a row, or changes nothing, for every codec."""
    arrays = make_rows(range(4))
    image = build_shard(arrays, codec=codec)
    path = tmp_path / "shard.h5"
    random = np.random.default_rng(3)
    named = 0
    for position in random.integers(0, len(image), 50).tolist():
        damaged = bytearray(image)
        damaged[position] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        for name in ("sensor/head/rgb", "sensor/head/depth", "label/head/instance", "object/pose_world_object"):
            try:
                stored = read_shard(path, [name])[name]
            except DatasetCorruptError as error:
                named += f"{name}, row" in str(error)
                continue
            np.testing.assert_array_equal(stored, arrays[name])
    assert named > 8


def test_single_numbers_far_apart(tmp_path: Path) -> None:
    """Rows of one number each are those asked for, however far apart they lie in a long shard."""
    rows = 70_000
    weights = np.random.default_rng(5).random(rows)
    path = tmp_path / "long.h5"
    path.write_bytes(build_shard({"sample/index": np.arange(rows), "sample/weight": weights}))
    with ShardFile(path) as shard:
        np.testing.assert_array_equal(shard.read("sample/weight", [3, 69_000, 40]), weights[[3, 69_000, 40]])
        wide = np.empty((3, 2))
        shard.read_into("sample/weight", [69_000, 3, 40], wide[:, 1])
        np.testing.assert_array_equal(wide[:, 1], weights[[69_000, 3, 40]])


def test_single_numbers_in_chunks(tmp_path: Path) -> None:
    """Rows of one number each are read back where another writer compressed them one by one."""
    path, weights = tmp_path / "chunks.h5", np.random.default_rng(6).random(64)
    streams = [zlib.compress(weight.tobytes()) for weight in weights]
    path.write_bytes(build_shard({"sample/index": np.arange(64)}))
    with h5py.File(path, "r+") as file:
        array = file.create_dataset("sample/weight", (64,), "<f8", chunks=(1,), compression="gzip")
        for row, stream in enumerate(streams):
            array.id.write_direct_chunk((row,), stream)
        array.attrs["crc32"] = np.array([zlib.crc32(stream) for stream in streams], np.uint32)
    with ShardFile(path) as shard:
        np.testing.assert_array_equal(shard.read("sample/weight"), weights)
