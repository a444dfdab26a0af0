"""Shards opened by what others wrote: h5py, h5dump and Hugging Face's loader."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from naive.dataset_rows import make_dataset, make_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty rows in three shards."""
    path = tmp_path_factory.mktemp("data")
    make_dataset(path, 20)
    return path


def test_h5py_reads_every_array(folder: Path) -> None:
    """Each array comes back whole by HDF5's own filters."""
    rows = make_rows(range(20))
    shards = sorted((folder / "shards").iterdir())
    for name, wanted in rows.items():
        found = []
        for path in shards:
            with h5py.File(path, "r") as file:
                found.append(file[name][()])
        np.testing.assert_array_equal(np.concatenate(found), wanted)


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="h5dump is not installed")
def test_h5dump_prints_values(folder: Path) -> None:
    """HDF5's own tool, of an older library, opens a shard and prints the numbers of a compressed image."""
    path = sorted((folder / "shards").iterdir())[0]
    told = subprocess.run(
        ["h5dump", "-d", "/sensor/head/rgb", "-s", "2,0,0,0", "-c", "1,4,5,3", "-y", "-w", "0", str(path)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    data = told[told.index("DATA {") :].split("}")[0]
    found = [int(number) for number in re.findall(r"\d+", data)]
    assert found == make_rows([2])["sensor/head/rgb"][0, :4, :5].reshape(-1).tolist()


def test_hugging_face_loads_the_folder(folder: Path, tmp_path: Path) -> None:
    """`load_dataset("hdf5")` gives the rows with nested names; in a process of its own, for it starts many threads."""
    pytest.importorskip("datasets")
    np.savez(tmp_path / "wanted.npz", **make_rows(range(20)))
    script = f"""
import datasets, numpy as np
files, cache = {str(folder / "shards" / "*.h5")!r}, {str(tmp_path / "cache")!r}
loaded = datasets.load_dataset("hdf5", data_files=files, split="train", cache_dir=cache)
wanted = np.load({str(tmp_path / "wanted.npz")!r})
assert len(loaded) == 20
for row in (0, 13):
    found = loaded[row]
    for name in wanted.files:
        value = found
        for part in name.split("/"):
            value = value[part]
        np.testing.assert_array_equal(np.asarray(value, wanted[name].dtype), wanted[name][row], err_msg=name)
print("equal")
"""
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=300)
    assert run.stdout.strip().endswith("equal"), run.stderr[-3000:]
