"""Datasets of many shards or many rows: tiny pictures, everything else as it would be."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from load_data import data_folder, dataset_version, is_finished, make_rows, write_note
from numpy.typing import NDArray

from simloom.sim.dataset import DatasetWriter, open_dataset
from simloom.sim.dataset.binding import load_binding
from simloom.sim.dataset.layout import Layout, record_path, shard_path
from simloom.sim.dataset.manifest import list_other_files
from simloom.sim.dataset.plain_file import hash_plain

PARAMETERS = 16
"""Parameters in the table of `make_index`; the tabletop has 57 that are one number."""
_PER_SCENARIO, _SCENARIOS = 8, 64


def make_shards(count: int) -> tuple[Path, Path]:
    """Write a dataset of many shards, each one settled world of eight rows of 24x16 with all that a row has.

    Args:
        count: Shards.

    Returns:
        The folder of the complete dataset, and of one that lacks its manifest and its last shard.
    """
    folder, note = data_folder() / f"shards-{count}", {"version": dataset_version()}
    complete, incomplete = folder / "complete", folder / "incomplete"
    if not is_finished(folder, note):
        shutil.rmtree(folder, ignore_errors=True)
        writer, rows = _open_writer(complete, count * _PER_SCENARIO, _PER_SCENARIO, scenarios_per_shard=1)
        for shard in writer.missing():
            writer.commit_shard(shard, _number(rows, writer.shard_rows(shard)))
        writer.finish()
        shutil.copytree(complete, incomplete, copy_function=os.link)
        last = writer.layout.stem(count - 1, _PER_SCENARIO)
        for name in ("manifest.json", "SHA256SUMS", "samples.parquet", shard_path(last), record_path(last)):
            (incomplete / name).unlink()
        write_note(folder, note)
    return complete, incomplete


def make_index(count: int) -> Path:
    """Write what a complete dataset of many rows has beside its shards, and its first shard.

    Args:
        count: Rows; a multiple of 512.

    Returns:
        Its folder: commit records are empty files, as nothing reads them where there is a manifest.
    """
    folder, note = data_folder() / f"index-{count}", {"version": dataset_version()}
    if not is_finished(folder, note):
        shutil.rmtree(folder, ignore_errors=True)
        writer, rows = _open_writer(folder, count, _PER_SCENARIO, scenarios_per_shard=_SCENARIOS)
        writer.commit_shard(0, _number(rows, writer.shard_rows(0)))
        _write_table(folder / "samples.parquet", count, rows)
        _write_manifest(folder, writer.layout, count)
        write_note(folder, note)
    return folder


def _open_writer(
    folder: Path, rows_wanted: int, rows_per_scenario: int, *, scenarios_per_shard: int
) -> tuple[DatasetWriter, dict[str, NDArray[Any]]]:
    source = make_rows(24, 16, _PER_SCENARIO) / "source" / "dataset"
    with open_dataset(source, skip_rejected=False) as dataset:
        rows = dataset.read_rows(dataset.rows)
        tables = dataset.tables
    writer = DatasetWriter.open(
        folder,
        (source / "recipe.yaml").read_text(encoding="utf-8"),
        rows_wanted=rows_wanted,
        rows_per_scenario=rows_per_scenario,
        scenarios_per_shard=scenarios_per_shard,
        tables=tables,
    )
    return writer, rows


def _number(rows: dict[str, NDArray[Any]], numbers: range) -> dict[str, NDArray[Any]]:
    """Repeat rows and give them numbers of their own."""
    index = np.arange(numbers.start, numbers.stop)
    found = {name: np.take(array, index % _PER_SCENARIO, axis=0) for name, array in rows.items()}
    found["sample/index"] = index
    found["sample/scenario"] = index // _PER_SCENARIO
    return found


def _write_table(path: Path, count: int, rows: dict[str, NDArray[Any]]) -> None:
    """Write the table as `simloom` does, a row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    scalars = [name for name in rows if name.startswith("param/") and rows[name].ndim == 1][:PARAMETERS]
    plain = ["step", "view", "look", "log_density", "valid", "reason", "is_real", "generation", "verdict"]
    random, writer = np.random.default_rng(7), None
    for first in range(0, count, 1 << 16):
        index = np.arange(first, min(count, first + (1 << 16)))
        scenario = index // _PER_SCENARIO
        each = random.random((len(scalars) + 1, int(scenario[-1] - scenario[0]) + 1))[:, scenario - scenario[0]]
        columns: dict[str, Any] = {"index": index, "scenario": scenario, "weight": each[-1]}
        columns |= {n: np.take(rows[f"sample/{n}"], index % _PER_SCENARIO) for n in plain if f"sample/{n}" in rows}
        columns |= dict(zip(scalars, each, strict=False))
        columns["split"] = np.where(scenario % 20 == 0, "val", "train")
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=1 << 16)
    if writer is not None:
        writer.close()


def _write_manifest(folder: Path, layout: Layout, count: int) -> None:
    binding = load_binding(folder)
    assert binding is not None
    sums = {path: hash_plain(folder / path) for path in list_other_files(folder)}
    files = {path: {"sha256": sha256, "bytes": size} for path, (sha256, size) in sums.items()}
    shards = []
    for index in range(layout.shard_count(count)):
        rows = layout.shard_rows(index, count)
        stem = layout.stem(index, len(rows))
        shards.append(
            {"path": shard_path(stem), "bytes": 10_000 * len(rows), "sha256": "0" * 64, "content_digest": "0" * 64,
             "rows": [rows.start, len(rows)], "record_sha256": "0" * 64}
        )  # fmt: skip
        (folder / record_path(stem)).touch()
    value = {
        "simloom_dataset": 1, "simloom_versions": ["0"], "rows": count, "root_digest": "0" * 64, "files": files,
        "schema_digest": "0" * 64, "recipe_sha256": binding.recipe_sha256, "platforms": [], "shards": shards,
        "rows_per_scenario": layout.rows_per_scenario, "scenarios_per_shard": layout.scenarios_per_shard,
        **{name: table for name, table in binding.tables.items() if table},
    }  # fmt: skip
    stream = io.StringIO()
    json.dump(value, stream, indent=1, sort_keys=True)
    (folder / "manifest.json").write_text(stream.getvalue() + "\n", encoding="utf-8")
