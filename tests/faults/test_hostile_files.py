"""Hostile files: a clear error or a right answer, in bounded time and memory, and nothing outside of the folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

from faults.hostile_bytes import whole_files
from faults.hostile_json import fields, huge_tables, texts
from faults.hostile_places import places, strangers
from faults.hostile_shards import all_harms
from faults.hostile_tables import recipes, tables
from faults.signing import sign
from faults.small_rows import write_dataset
from faults.tally import Tally
from faults.watched import WatchedProcess
from simloom.sim.dataset.reader import open_dataset

SHARD = "shards/000001.h5"
QUICK_SHARE = 7


def _in_shard(harm: Callable[[Any], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with h5py.File(folder / SHARD, "r+", libver=("v110", "v110")) as file:
            harm(file)
        sign(folder)

    return change


def _as_shard(path: Path) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        shutil.copyfile(path, folder / SHARD)
        sign(folder)

    return change


def _corpus(base: Path, canary: Path) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
    """Every hostile dataset: its group, its name, and the change that makes it."""
    for name, harm in all_harms(canary):
        yield "HDF5: " + name.partition(":")[0], name, _in_shard(harm)
    (base.parent / "shards").mkdir()
    for name, path in whole_files(base.parent / "shards", (base / SHARD).read_bytes()):
        yield "HDF5: whole files", name, _as_shard(path)
    for name, change in [*fields(base), *huge_tables(base)]:
        yield f"JSON: values in {name.partition(':')[0]}", name, change
    for name, change in texts():
        yield "JSON: texts", name, change
    for name, change in recipes():
        yield "YAML", name, change
    with open_dataset(base, skip_rejected=False) as dataset:
        table = dataset.table()
    for name, change in tables(table):
        yield "Parquet", name, change
    for name, change in places(canary):
        yield "things in place of files", name, change
    for name, change in strangers():
        yield "swapped files and strangers", name, change


@pytest.mark.parametrize("share", [QUICK_SHARE, pytest.param(1, marks=pytest.mark.slow)])
def test_hostile_files_do_bounded_harm(share: int, quick_path: Path) -> None:
    """Reading, checking and resuming end in an error of ours or go on; nothing else happens, in or outside."""
    canary, base = quick_path / "canary", quick_path / "base"
    write_dataset(base)
    shutil.copytree(base, canary)
    (canary / "secret.txt").write_text("a secret\n")
    shutil.copyfile(base / SHARD, canary / "other.h5")
    tally, failures = Tally("Hostile files"), []
    process = WatchedProcess(canary)
    for number, (group, name, change) in enumerate(_corpus(base, canary)):
        if number % share:
            continue
        folder = quick_path / "data"
        shutil.copytree(base, folder)
        try:
            change(folder)
        except (ValueError, OSError, RuntimeError, KeyError, TypeError) as error:
            failures.append(f"{group}: {name}: not made: {type(error).__name__} {error}")
        outcomes = process.judge(folder)
        shutil.rmtree(folder)
        for probe, outcome in outcomes.items():
            if outcome.startswith("FAILED"):
                failures.append(f"{group}: {name}: {probe}: {outcome}")
        read, verify = outcomes["read"], outcomes.get("verify", "")
        told = (
            "failed" if any(o.startswith("FAILED") for o in outcomes.values()) else f"reader: {read}; verify: {verify}"
        )
        tally.add(group, told)
    process.close()
    assert not failures, f"{len(failures)} of {tally.total}:\n" + "\n".join(failures[:400])
    if share == 1:
        assert tally.total >= 200
