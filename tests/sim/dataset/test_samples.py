"""samples.parquet comes back as it was written, on the caller's thread."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from naive.twin import run_process
from simloom.sim.dataset.errors import DatasetCorruptError
from simloom.sim.dataset.samples import SAMPLES, read_table, table_bytes

READ = """
import os
from pathlib import Path
from simloom.sim.dataset.samples import read_table
import pyarrow.parquet
before = len(os.listdir("/proc/self/task"))
table = read_table(Path(str(place)))
out = {"more": np.array(len(os.listdir("/proc/self/task")) - before), "index": table["index"].to_numpy()}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table of three rows."""
    table = pa.table({"index": np.arange(3), "split": ["train", "test", "train"], "weight": [0.5, 1.0, np.inf]})
    (tmp_path / SAMPLES).write_bytes(table_bytes(table))
    return tmp_path


def test_a_table_comes_back(folder: Path) -> None:
    """Names, types and values are those written; equal tables are equal bytes."""
    table = read_table(folder)

    assert table["index"].to_pylist() == [0, 1, 2]
    assert table["split"].to_pylist() == ["train", "test", "train"]
    assert table["weight"].to_pylist() == [0.5, 1.0, np.inf]
    assert table_bytes(table) == (folder / SAMPLES).read_bytes()


def test_a_damaged_table_is_named(folder: Path) -> None:
    """Half a file is one error that names it."""
    data = (folder / SAMPLES).read_bytes()
    (folder / SAMPLES).write_bytes(data[: len(data) // 2])

    with pytest.raises(DatasetCorruptError, match=SAMPLES):
        read_table(folder)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_reading_starts_no_thread(folder: Path) -> None:
    """A thread of Arrow's that still held the file when the interpreter ended aborted the process, now and then."""
    found = run_process(READ, folder, place=str(folder))

    assert found["index"].tolist() == [0, 1, 2]
    assert int(found["more"]) == 0
