"""Hostile files: a clear error or a right answer, in bounded time and memory, and nothing outside of the folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
FIELDS = "JSON: values"


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
    (canary.parent / "shards").mkdir()
    for name, path in whole_files(canary.parent / "shards", (base / SHARD).read_bytes()):
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


def _run_lane(base: Path, place: Path, lane: int, lanes: int, share: int) -> list[tuple[str, str, dict[str, str]]]:
    """Judge a share of the cases, one after the other; group, name and outcome of each probe."""
    canary, folder = place / "canary", place / "data"
    shutil.copytree(base, canary)
    (canary / "secret.txt").write_text("a secret\n")
    shutil.copyfile(base / SHARD, canary / "other.h5")
    corpus = list(_corpus(base, canary))
    # Every field of every JSON file with every value is thousands of cases much alike: a third of them.
    fields_, others = ([c for c in corpus if c[0].startswith(FIELDS) == is_field] for is_field in (True, False))
    judged, process = [], WatchedProcess(canary)
    for group, name, change in [*fields_[:: 3 * share], *others[::share]][lane::lanes]:
        shutil.copytree(base, folder)
        try:
            change(folder)
        except (ValueError, OSError, RuntimeError, KeyError, TypeError) as error:
            judged.append((group, name, {"read": f"FAILED: not made: {type(error).__name__} {error}"}))
        else:
            judged.append((group, name, process.judge(folder)))
        shutil.rmtree(folder)
    process.close()
    return judged


@pytest.mark.parametrize("share", [61, pytest.param(1, marks=pytest.mark.slow)])
def test_hostile_files_do_bounded_harm(share: int, quick_path: Path) -> None:
    """Reading, checking and resuming end in an error of ours or go on; nothing else happens, in or outside."""
    base = quick_path / "base"
    write_dataset(base)
    tally, failures = Tally("Hostile files"), []
    lanes = os.cpu_count() or 1
    with ThreadPoolExecutor(lanes) as pool:
        jobs = [pool.submit(_run_lane, base, quick_path / f"lane {lane}", lane, lanes, share) for lane in range(lanes)]
    for group, name, outcomes in (judged for job in jobs for judged in job.result()):
        bad = [f"{group}: {name}: {probe}: {told}" for probe, told in outcomes.items() if told.startswith("FAILED")]
        failures.extend(bad)
        told = "failed" if bad else f"reader: {outcomes['read']}; verify: {outcomes['verify']}"
        tally.add(group, told)
    assert not failures, f"{len(failures)} of {tally.total}:\n" + "\n".join(failures[:400])
    if share == 1:
        assert tally.total >= 200
