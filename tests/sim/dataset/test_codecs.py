"""Codecs by array."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from naive.dataset_rows import make_dataset, make_rows
from simloom.sim.dataset.chunk import DEFLATE, SHUFFLE, ZSTD
from simloom.sim.dataset.codecs import Codecs, parse_codecs
from simloom.sim.dataset.digest import row_digests
from simloom.sim.dataset.errors import CodecMissingError, DatasetFolderError
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.shard import build_shard
from simloom.sim.dataset.shard_file import ShardFile, read_shard
from simloom.sim.dataset.verify import verify_dataset

IMAGES = ("sensor/head/rgb", "sensor/head/depth", "ideal/head/depth", "label/head/instance")


def make_images() -> dict[str, np.ndarray]:
    """Rows as sensors and renderers make them: noise, repeated values, smooth values, flat labels."""
    random = np.random.default_rng(2)
    y, x = np.mgrid[:48, :64]
    smooth = np.stack([1 + 0.013 * x + 0.007 * y + 0.1 * row for row in range(6)]).astype("<f4")
    return {
        "sample/index": np.arange(6),
        "sensor/head/rgb": random.integers(0, 256, (6, 48, 64, 3), np.uint8),
        "sensor/head/depth": random.choice(random.random(40).astype("<f4"), (6, 48, 64)),
        "ideal/head/depth": smooth,
        "label/head/instance": (np.stack([x] * 6) // 20).astype("<u2"),
    }


def filters_of(image: bytes, path: Path) -> dict[str, tuple[int, ...]]:
    """The filters that a shard's images have."""
    path.write_bytes(image)
    with ShardFile(path) as shard:
        return {name: shard.arrays[name].filters for name in IMAGES}


def test_each_array_is_filtered_as_pays_for_it(tmp_path: Path) -> None:
    """Repeated values are not shuffled, smooth ones are, noise is stored as it is; and the rows come back."""
    arrays = make_images()
    found = filters_of(build_shard(arrays), tmp_path / "a.h5")
    assert found == {
        "sensor/head/rgb": (),
        "sensor/head/depth": (DEFLATE,),
        "ideal/head/depth": (SHUFFLE, DEFLATE),
        "label/head/instance": (DEFLATE,),
    }
    for name, array in read_shard(tmp_path / "a.h5").items():
        np.testing.assert_array_equal(array, arrays[name], strict=True)


def test_codecs_may_differ_by_reading(tmp_path: Path) -> None:
    """A reading's codec holds for every sensor, that of one room before it, and the default for the others."""
    pytest.importorskip("zstandard")
    arrays = make_images()
    codecs = {"depth": "raw", "ideal/depth": "zstd", "instance": "deflate", "default": "zstd"}
    found = filters_of(build_shard(arrays, codec=codecs), tmp_path / "a.h5")
    assert found["sensor/head/depth"] == ()
    assert ZSTD in found["ideal/head/depth"]
    assert found["label/head/instance"] == (DEFLATE,)
    assert row_digests(read_shard(tmp_path / "a.h5")) == row_digests(arrays)


def test_codecs_do_not_change_the_digest(tmp_path: Path) -> None:
    """Datasets of any codecs have one root digest, and every row reads the same."""
    pytest.importorskip("zstandard")
    roots = [
        make_dataset(tmp_path / str(turn), codec=codec)
        for turn, codec in enumerate(("deflate", "zstd", {"rgb": "raw", "depth": "zstd"}))
    ]
    assert len(set(roots)) == 1
    first, last = open_dataset(tmp_path / "0"), open_dataset(tmp_path / "2")
    for name, value in first[3].items():
        np.testing.assert_array_equal(last[3][name], value, strict=True)


@pytest.mark.parametrize(
    "given, said",
    [
        ("lzf", "codec 'lzf' is none of deflate, raw, zstd"),
        ("zsdt", "did you mean 'zstd'"),
        ({"rbg": "raw"}, "unknown reading 'rbg'; did you mean 'rgb'\\?"),
        ({"rgb": "rav"}, "codec 'rav' of 'rgb' is none of deflate, raw, zstd; did you mean 'raw'"),
        ({"sensor/head/rgb": "raw"}, "unknown reading 'sensor/head/rgb'"),
        ({"default": None}, "codec None is none of"),
        (3, "must be a name or a mapping"),
    ],
    ids=str,
)
def test_codecs_that_cannot_be_are_refused(given: object, said: str, tmp_path: Path) -> None:
    """What is wrong, what is allowed and the nearest name are told."""
    with pytest.raises(ValueError, match=said):
        parse_codecs(given)  # type: ignore[arg-type]
    with pytest.raises(DatasetFolderError, match=said):
        make_dataset(tmp_path / "d", codec=given)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("given", ["zstd", {"rgb": "raw", "default": "deflate"}])
def test_codecs_are_written_as_they_are_read(given: object) -> None:
    """What is written down is read as the same codecs."""
    codecs = parse_codecs(given)  # type: ignore[arg-type]
    assert parse_codecs(codecs.to_json()) == codecs
    assert codecs.to_json() == given
    assert parse_codecs(codecs) is codecs
    assert Codecs().codec_of("label/head/class") == "deflate"


def test_shards_of_earlier_versions_are_read(tmp_path: Path) -> None:
    """Every image shuffled and compressed, as all shards were once, in a file that HDF5 wrote alone."""
    import zlib

    arrays = make_rows(range(4))
    with h5py.File(tmp_path / "old.h5", "w", libver=("v110", "v110")) as file:
        for name, array in arrays.items():
            if array.ndim > 2 and "head" in name and "camera" not in name and "box" not in name:
                dataset = file.create_dataset(
                    name, data=array, chunks=(1, *array.shape[1:]), compression="gzip", compression_opts=1,
                    shuffle=array.itemsize > 1,
                )  # fmt: skip
                stored = [dataset.id.read_direct_chunk((row, *[0] * (array.ndim - 1)))[1] for row in range(4)]
            else:
                dataset = file.create_dataset(name, data=array)
                stored = [array[row].tobytes() for row in range(4)]
            dataset.attrs["crc32"] = np.array([zlib.crc32(data) for data in stored], "<u4")
    found = read_shard(tmp_path / "old.h5")
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_zstd_needs_no_hdf5plugin(tmp_path: Path) -> None:
    """Zstd shards are written and read without it; with it plain h5py reads them too."""
    pytest.importorskip("zstandard")
    program = (
        "import sys; sys.modules['hdf5plugin'] = None\n"
        "from pathlib import Path\n"
        "from naive.dataset_rows import make_rows\n"
        "from simloom.sim.dataset.digest import row_digests\n"
        "from simloom.sim.dataset.shard import build_shard\n"
        "from simloom.sim.dataset.shard_file import read_shard\n"
        "path, arrays = Path(sys.argv[1]), make_rows(range(4))\n"
        "path.write_bytes(build_shard(arrays, codec='zstd'))\n"
        "assert row_digests(read_shard(path)) == row_digests(arrays)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.h5")],
        env={**__import__("os").environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pytest.importorskip("hdf5plugin")
    with h5py.File(io.BytesIO((tmp_path / "a.h5").read_bytes()), "r") as file:
        for name, array in make_rows(range(4)).items():
            np.testing.assert_array_equal(file[name][()], array, strict=True)


def test_empty_looking_zstd_shards_are_read(tmp_path: Path) -> None:
    """Zstd shrinks empty images thirty times more than deflate can; that is no bomb."""
    pytest.importorskip("zstandard")
    arrays = {"sample/index": np.arange(300), "label/head/normal": np.zeros((300, 480, 320, 3), "<f2")}
    image = build_shard(arrays, codec="zstd")
    assert arrays["label/head/normal"].nbytes > max(256 << 20, 1100 * len(image))
    (tmp_path / "a.h5").write_bytes(image)
    with ShardFile(tmp_path / "a.h5") as shard:
        assert not shard.read("label/head/normal", [7]).any()


def test_a_missing_zstandard_stops_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package no folder is begun, and a dataset of zstd says what to install and is not called damaged."""
    pytest.importorskip("zstandard")
    make_dataset(tmp_path / "made", codec={"instance": "zstd"})
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CodecMissingError, match="codec 'zstd' needs the package zstandard"):
        make_dataset(tmp_path / "other", codec={"default": "raw", "rgb": "zstd"})
    assert not (tmp_path / "other").exists()
    for read in (
        lambda: open_dataset(tmp_path / "made")[0],
        lambda: open_dataset(tmp_path / "made")["label/head/instance"],
        lambda: verify_dataset(tmp_path / "made"),
    ):
        with pytest.raises(CodecMissingError, match=r"pip install 'simloom\[zstd\]'"):
            read()
    assert open_dataset(tmp_path / "made").columns(["sample/index"])[0]["sample/index"] == 0
