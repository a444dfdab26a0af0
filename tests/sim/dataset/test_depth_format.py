"""Depth in metres or millimetres."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from naive.dataset_rows import make_rows, open_writer
from simloom.sim.dataset.depth_format import depth_in_metres, is_depth, store_depth, stored_bytes, to_millimetres
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.regeneration import compare_row
from simloom.sim.dataset.shard import build_shard
from simloom.sim.dataset.shard_file import read_shard
from simloom.sim.dataset.verify import verify_dataset


@pytest.mark.parametrize(
    "metres, millimetres",
    [
        (0.0, 0), (-1.0, 0), (np.nan, 0), (1e-9, 1), (0.0004, 1), (0.001, 1), (0.0014, 1), (0.0016, 2),
        (1.2345678, 1235), (65.534, 65534), (65.535, 65535), (65.6, 65535), (1e9, 65535), (np.inf, 65535),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metres_become_the_nearest_millimetre(metres: float, millimetres: int, dtype: type) -> None:
    """No return stays 0 and nothing else becomes 0; what is too far is the farthest value."""
    found = to_millimetres(np.full((2, 3, 4), metres, dtype))
    np.testing.assert_array_equal(found, np.full((2, 3, 4), millimetres, "<u2"), strict=True)


def test_a_list_of_depths_is_converted() -> None:
    """One axis is enough."""
    assert to_millimetres(np.array([0.0, 1e-5, 1.2344, 80.0])).tolist() == [0, 1, 1234, 65535]


def test_every_millimetre_comes_back() -> None:
    """Metres and millimetres are one to one over the whole range."""
    every = np.arange(65536, dtype="<u2").reshape(16, 4096)
    metres = depth_in_metres(every)
    assert metres.dtype == np.float32
    np.testing.assert_allclose(metres, every / 1000, rtol=1e-7)
    np.testing.assert_array_equal(to_millimetres(metres), every, strict=True)
    assert depth_in_metres(metres) is metres


def test_rounding_is_at_most_half_a_millimetre() -> None:
    """Between the least and the farthest value the error is that of rounding."""
    depth = np.random.default_rng(4).uniform(0.001, 65, (8, 5000)).astype("<f4")
    apart = np.abs(depth_in_metres(to_millimetres(depth)).astype(float) - depth.astype(float))
    assert apart.max() <= 0.0005 + 65 * 2**-23


def test_only_depth_is_converted() -> None:
    """Measured and true depth of every camera, and no other array; float32 changes nothing."""
    arrays = {
        "sample/index": np.arange(2),
        "sensor/a/depth": np.ones((2, 4, 4), "<f4"),
        "ideal/b/depth": np.ones((2, 4, 4), "<f4"),
        "ideal/b/range": np.ones((2, 4, 4), "<f4"),
        "sensor/a/depth_status": np.ones((2, 4, 4), "|u1"),
        "param/table.depth": np.ones(2),
    }
    changed = {name for name, array in store_depth(arrays, "uint16_mm").items() if array is not arrays[name]}
    assert changed == {"sensor/a/depth", "ideal/b/depth"} == {name for name in arrays if is_depth(name)}
    assert all(array is arrays[name] for name, array in store_depth(arrays, "float32").items())
    shapes = {name: (array.dtype.type, array.shape[1:]) for name, array in arrays.items()}
    for form in ("float32", "uint16_mm"):
        assert stored_bytes(shapes, form) == sum(a[0].nbytes for a in store_depth(arrays, form).values())


def test_the_file_says_which_unit_depth_has(tmp_path: Path) -> None:
    """Attributes tell millimetres and the farthest value; the reader takes both dtypes and no third."""
    arrays = make_rows(range(4))
    for form, unit in (("float32", "m"), ("uint16_mm", "mm")):
        path = tmp_path / f"{form}.h5"
        path.write_bytes(build_shard(store_depth(arrays, form)))
        with h5py.File(path, "r") as file:
            attributes = file["sensor/head/depth"].attrs
            assert attributes["unit"] == unit
            assert ("65535" in attributes["meaning"]) == (unit == "mm")
            assert attributes["invalid"] == "0: no return"
        np.testing.assert_allclose(
            depth_in_metres(read_shard(path)["sensor/head/depth"]), arrays["sensor/head/depth"], atol=0.00051
        )
    with pytest.raises(ValueError, match=r"'<f4' \(float32\) or '<u2' \(uint16\)"):
        build_shard({**arrays, "sensor/head/depth": arrays["sensor/head/depth"].astype(np.float64)})


def test_a_dataset_has_one_depth_format(tmp_path: Path) -> None:
    """Millimetres are part of a row's value: they read back, verify, and do not mix with metres."""
    writer = open_writer(tmp_path, 16)
    writer.commit_shard(0, store_depth(make_rows(writer.shard_rows(0)), "uint16_mm"))
    with pytest.raises(ValueError, match="other arrays or other shapes"):
        writer.commit_shard(1, make_rows(writer.shard_rows(1)))
    writer.commit_shard(1, store_depth(make_rows(writer.shard_rows(1)), "uint16_mm"))
    writer.finish()
    assert verify_dataset(tmp_path).ok
    assert open_dataset(tmp_path)[0]["sensor/head/depth"].dtype == np.dtype("<u2")


def test_other_platforms_may_differ_by_a_millimetre() -> None:
    """Rounding moves a value by one step; that is within the bounds, two steps are not."""
    stored = {"sensor/head/depth": np.full((8, 8), 1500, "<u2")}
    for apart, verdict in ((1, "within"), (2, "beyond")):
        made = {"sensor/head/depth": stored["sensor/head/depth"] + np.uint16(apart)}
        (finding,) = compare_row(0, "shards/000000.h5", stored, made, same_platform=False)
        assert verdict in finding.text
