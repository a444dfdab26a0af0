"""The page about the dataset: its code runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from naive.dataset_rows import make_dataset


def test_the_code_of_the_page_runs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain h5py reads a shard as the page says."""
    make_dataset(tmp_path / "data" / "demo", 8)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (repository / "docs" / "dataset.md").read_text(), re.DOTALL)
    plain = [block for block in blocks if "import h5py" in block]  # tests/test_docs.py runs them all
    assert plain
    for block in plain:
        exec(compile(block, os.fspath(repository / "docs" / "dataset.md"), "exec"), {})
    assert capsys.readouterr().out == "0 (24, 32, 3) Colour image as the camera delivers it\n"


def test_reading_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Importing the room loads neither h5py nor pyarrow; every public name resolves."""
    code = (
        "import sys, simloom.sim.dataset as room; assert not {'h5py', 'pyarrow', 'numpy'} & set(sys.modules); "
        "[getattr(room, name) for name in room.__all__]; "
        "assert not {'h5py', 'pyarrow', 'torch', 'pybullet', 'hdf5plugin'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
