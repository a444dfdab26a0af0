"""The rows that loaders are compared on: made once by `generate`, kept, stored as every loader wants."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from loader_process import LoaderProcess
from our_loaders import export

import simloom

DATA = "SIMLOOM_BENCHMARK_DATA"
"""Environment variable: the folder that keeps rows between runs."""


def data_folder() -> Path:
    """Give the folder that keeps rows between runs."""
    base = os.environ.get(DATA)
    return Path(base) if base else Path.home() / ".cache" / "simloom" / "benchmarks"


def make_rows(width: int, height: int, rows: int) -> Path:
    """Make rows of the tabletop, eight a settled world, once.

    Returns:
        A folder that holds `source/`: the arrays as `.npy` files, and the dataset.
    """
    folder = data_folder() / f"tabletop-{width}x{height}-{rows}"
    source = folder / "source"
    note = {"rows": rows}
    if not is_finished(source, note):
        shutil.rmtree(folder, ignore_errors=True)
        source.mkdir(parents=True)
        recipe = {
            "scene": "tabletop",
            "seed": 3,
            "views": 4,
            "looks": 2,
            "supersample": 1,
            "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": width, "height": height}},
            "outputs": ["rgb", "depth", "instance", "boxes"],
        }
        simloom.generate(recipe, samples=rows, out=source / "dataset").close()
        export(source / "dataset", source)
        write_note(source, note)
    return folder


def store(loader: LoaderProcess, name: str, folder: Path, version: str) -> Path:
    """Let a loader store the rows, unless it did so before.

    Args:
        loader: The loader.
        name: What the folder is named after.
        folder: From `make_rows`.
        version: What is stored anew when it changes.

    Returns:
        The folder with the loader's files.
    """
    place, note = folder / re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), {"version": version}
    if not is_finished(place, note):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        loader.ask("write", source=str(folder / "source"), folder=str(place))
        write_note(place, note)
    return place


def dataset_version() -> str:
    """Name the state of the code that writes datasets; changes that are not committed do not show."""
    here = str(Path(__file__).resolve().parent.parent)
    done = subprocess.run(
        ["git", "-C", here, "rev-parse", "HEAD:sim/dataset"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or simloom.__version__


def write_note(folder: Path, note: dict[str, Any]) -> None:
    """Say beside a folder that it is finished, and what of."""
    folder.with_name(f"{folder.name}.json").write_text(json.dumps(note), encoding="utf-8")


def is_finished(folder: Path, note: dict[str, Any]) -> bool:
    """Tell whether a folder was finished with this note."""
    try:
        return bool(json.loads(folder.with_name(f"{folder.name}.json").read_text(encoding="utf-8")) == note)
    except (OSError, ValueError):
        return False
