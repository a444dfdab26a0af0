"""Flip bits of every region of every file, and hold `verify` and the reader to what they promise."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from faults.byte_regions import shard_regions
from faults.forked import run_forked
from faults.small_rows import EXTRAS, ROWS, TABLES, make_rows, write_dataset
from simloom.kernels.philox import philox_uniforms
from simloom.sim.dataset.errors import DatasetError
from simloom.sim.dataset.manifest import MANIFEST, SUMS
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.verify import verify_dataset

CODECS = ("deflate", "raw", "zstd")
SHARD = "shards/000001.h5"


def read_right(folder: Path, table: Any) -> str:
    """Read everything that a dataset gives.

    Args:
        folder: The dataset.
        table: Its sample table.

    Returns:
        "right values", or how the reader refused.

    Raises:
        AssertionError: A value, a row number, the table or a class name is another.
    """
    told = []
    try:
        with open_dataset(folder, skip_rejected=False) as dataset:
            assert dataset.tables["classes"] == TABLES["classes"], "class names"
            assert dataset.rows.tolist() == list(range(ROWS)), "rows"
            wanted = make_rows(0, ROWS)
            for name in dataset.names:
                try:
                    found = dataset.array(name)
                except DatasetError as error:
                    told.append(str(error))
                    continue
                assert np.array_equal(found, wanted[name]), name
            assert dataset.table().equals(table), "sample table"
            with open_dataset(folder) as kept:
                assert kept.rows.tolist() == [row for row in range(ROWS) if wanted["sample/verdict"][row] != 1], "kept"
    except DatasetError as error:
        told.append(str(error))
    if not told:
        return "right values"
    assert all(str(folder) in text for text in told), f"no file is named: {told}"
    return "refused, file and row named" if any(", row " in text for text in told) else "refused, file named"


def _positions(folder: Path, count: int) -> Iterator[tuple[str, str, list[int]]]:
    """Give region, path and bits to flip."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if name.startswith("shards/"):
            if name != SHARD:
                continue
            names, regions = shard_regions(path)
            places = {region: np.flatnonzero(regions == number) for number, region in enumerate(names)}
        else:
            label = "commit records" if name.startswith("commits/") else name
            places = {label: np.arange(path.stat().st_size)}
        for region, there in places.items():
            if not len(there):
                continue
            share = count if not name.startswith("commits/") else -(-count // 3)
            draws = philox_uniforms(11, f"flip {name} {region}", [[k, 0, 0] for k in range(share)])
            bits = np.unique((draws * 8 * len(there)).astype(np.int64))
            yield region, name, (8 * there[bits // 8] + bits % 8).tolist()


def flip(data: bytes, bit: int) -> bytes:
    """Flip one bit."""
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def _flip_all(folder: Path, name: str, bits: list[int], table: Any, report: Callable[[str], None]) -> None:
    path = folder / name
    data = path.read_bytes()
    for bit in bits:
        path.write_bytes(flip(data, bit))
        report(f"{judge_damage(folder, name, table)} (bit {bit} of {name})")
    path.write_bytes(data)


def judge_damage(folder: Path, name: str, table: Any) -> str:
    """Check and read a dataset of which one file was damaged; the outcome, "FAILED: ..." for a broken promise."""
    report = verify_dataset(folder)
    if report.ok or name not in {finding.path for finding in report.problems}:
        return f"FAILED: verify did not name it: {report.lines()}"
    try:
        return f"found; reader: {read_right(folder, table)}"
    except AssertionError as error:
        return f"FAILED: wrong {error}"
    except Exception as error:
        return f"FAILED: {type(error).__name__}: {error}"


def campaign(folder: Path, *, count: int, commits_only: int) -> dict[str, Any]:
    """Flip `count` bits of every region; and `commits_only` of each in a dataset without manifest and sums."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    tasks: list[tuple[Path, str, str, list[int]]] = []
    for codec in CODECS:
        place = folder / codec
        write_dataset(place, codec=codec)
        for region, name, bits in _positions(place, count):
            if codec == "deflate" or name == SHARD:
                tasks.append((place, f"shard ({codec}): {region}" if name == SHARD else region, name, bits))
    place = folder / "commits"
    write_dataset(place)
    for name in (MANIFEST, SUMS, "samples.parquet", *EXTRAS):
        (place / name).unlink()
    for region, name, bits in _positions(place, commits_only):
        tasks.append((place, f"no manifest: {'shard' if name == SHARD else region}", name, bits))
    with open_dataset(folder / "deflate", skip_rejected=False) as dataset:
        table = dataset.table()
    lanes = os.cpu_count() or 1

    def work(lane: int) -> Callable[[Callable[[str], None]], None]:
        def run(report: Callable[[str], None]) -> None:
            for number, (source, region, name, bits) in enumerate(tasks):
                if number % lanes == lane:
                    place = source.with_name(f"lane{lane}")
                    shutil.copytree(source, place)
                    _flip_all(place, name, bits, table, lambda text, r=region: report(f"{r}\t{text}"))  # type: ignore[misc]
                    shutil.rmtree(place)

        return run

    def all_lanes(report: Callable[[str], None]) -> None:
        with ThreadPoolExecutor(lanes) as pool:
            for ending in pool.map(lambda lane: run_forked(work(lane), limit=3600), range(lanes)):
                for line in ending.lines:
                    report(line)

    lines = run_forked(all_lanes, limit=3600).lines
    for line in lines:
        if "\t" not in line:
            failures.append(line)
            continue
        region, outcome = line.split("\t", 1)
        if not outcome.startswith("FAILED"):
            outcome = outcome.partition(" (bit")[0]
        if outcome.startswith("FAILED"):
            failures.append(f"{region}: {outcome}")
            outcome = "failed"
        counts[region][outcome] += 1
    return {"counts": counts, "failures": failures}
