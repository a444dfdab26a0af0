"""Write rows that are copied or imported: shard by shard, resumable, by the commit protocol that campaigns use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset.binding import load_binding
from ..dataset.dataset import Dataset
from ..dataset.manifest import MANIFEST
from ..dataset.reader import open_dataset
from ..dataset.specs import Array
from ..dataset.writer import DatasetWriter
from ..errors import UsageError

SHARD_BYTES = 64 * 2**20
"""Size of a shard, uncompressed [byte]."""

SHEET_ROWS = 8
"""Rows on the contact sheet."""

_MOST_ROWS_PER_SHARD = 1 << 16
_MAX_RECIPE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class RowPlan:
    """Rows to be written, known before the first is made.

    Args:
        recipe: What recipe.yaml holds; JSON values.
        tables: Tables of the description, "sources" among them.
        row_count: Rows of the finished dataset.
        row_bytes: Size of one row, uncompressed.
        make: Makes the arrays of a range of rows.
        title: First line of the contact sheet.
        read_from: Folders that the rows are read from.
    """

    recipe: Mapping[str, Any]
    tables: Mapping[str, Any]
    row_count: int
    row_bytes: int
    make: Callable[[range], dict[str, Array]]
    title: str
    read_from: tuple[Path, ...] = ()


def dump_recipe(recipe: Mapping[str, Any]) -> str:
    """Write a recipe as YAML.

    Raises:
        UsageError: It is too long to be read again.
    """
    import yaml

    text = str(yaml.safe_dump(dict(recipe), sort_keys=False, default_flow_style=None, width=110, allow_unicode=True))
    if len(text.encode()) > _MAX_RECIPE_BYTES:
        raise UsageError(f"the recipe would have more than {_MAX_RECIPE_BYTES} bytes; take fewer datasets at once")
    return text


def write_rows(
    plan: RowPlan,
    out: str | os.PathLike[str],
    *,
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    allow_mixed: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Write a dataset, or finish one that was begun by the same call.

    Args:
        plan: The rows.
        out: Its folder.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; None fills `SHARD_BYTES`, or keeps what the folder was begun with.
        allow_mixed: Go on where rows were written on another platform: what is copied is the same everywhere.
        progress: Called after each shard with the rows that are there and those wanted.

    Returns:
        The dataset, rejected rows skipped.

    Raises:
        DatasetError: The folder or a write is in the way; see its subclasses.
    """
    folder = Path(out)
    for source in plan.read_from:
        if folder.resolve().is_relative_to(source.resolve()):
            raise UsageError(f"{folder} is the dataset that is read, or within it: give another folder")
    if rows_per_shard is not None and rows_per_shard < 1:
        raise UsageError(f"rows_per_shard must be at least 1, got {rows_per_shard}")
    binding = load_binding(folder) if folder.is_dir() else None
    if rows_per_shard is None and binding is not None:
        rows_per_shard = binding.layout.scenarios_per_shard
    writer = DatasetWriter.open(
        folder,
        dump_recipe(plan.recipe),
        rows_wanted=plan.row_count,
        rows_per_scenario=1,  # worlds have any number of rows here: sample/scenario alone tells them apart
        scenarios_per_shard=rows_per_shard or min(max(SHARD_BYTES // plan.row_bytes, 1), _MOST_ROWS_PER_SHARD),
        tables=plan.tables,
        codec=codec,
        allow_mixed=allow_mixed,
    )
    missing = writer.missing()
    there = plan.row_count - sum(len(writer.shard_rows(shard)) for shard in missing)
    for shard in missing:
        rows = writer.shard_rows(shard)
        arrays = plan.make(rows)
        arrays["sample/index"] = np.arange(rows.start, rows.stop, dtype=np.int64)
        writer.commit_shard(shard, arrays)
        there += len(rows)
        if progress is not None:
            progress(there, plan.row_count)
    if missing or not (folder / MANIFEST).exists():
        writer.finish(_draw_sheet(folder, plan.title))
    return open_dataset(folder)


def _draw_sheet(folder: Path, title: str) -> dict[str, bytes]:
    from ..contact_sheet import draw_contact_sheet, row_tiles
    from ..drawing import encode_png

    with open_dataset(folder) as kept, open_dataset(folder, skip_rejected=False) as everything:
        dataset = kept if len(kept) else everything
        count = min(SHEET_ROWS, len(dataset))
        rows = [dataset[index * len(dataset) // count] for index in range(count)]
    if not any(row_tiles(row) for row in rows):
        return {}
    return {"contact_sheet.png": encode_png(draw_contact_sheet(rows, title=title))}
