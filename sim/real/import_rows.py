"""What all imports share: rows of real data as a dataset of its own origin, and a count of what was left out."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dataset.dataset import Dataset
from ..dataset.errors import DatasetFolderError
from ..dataset.lineage import SCENARIO_BITS
from ..dataset.specs import Array, validate_arrays
from ..derive.origin import Origin
from ..derive.row_writer import RowPlan, dump_recipe, write_rows
from ..errors import UsageError

_CAMERA = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """An import that was done.

    Args:
        dataset: The dataset.
        skipped: What was left out, counted by its reason.
    """

    dataset: Dataset
    skipped: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportPlan:
    """Rows of other files, found and checked before the first is written.

    Args:
        settings: What recipe.yaml tells of the import: format, digests of the files, options; no folder.
        tables: "classes", "cameras", "objects" ...
        scenario: Number of each row's world, shape (N,).
        step: Instant of each row in its world, shape (N,).
        view: Placement of the camera in its world, shape (N,).
        make_row: Makes the arrays of one row but those of `sample/`, without the leading axis.
        skipped: What was left out, counted by its reason.
        is_real: Whether a real sensor made it.
    """

    settings: Mapping[str, Any]
    tables: Mapping[str, Any]
    scenario: Array
    step: Array
    view: Array
    make_row: Callable[[int], Mapping[str, Array]]
    skipped: Mapping[str, int] = field(default_factory=dict)
    is_real: bool = True

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return len(self.scenario)


def write_import(
    plan: ImportPlan,
    out: str | os.PathLike[str],
    *,
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    allow_mixed: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Write an import, or finish one that was begun by the same call on the same files.

    Args:
        plan: The rows.
        out: Folder of the dataset.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; by default as many as fill 64 MiB.
        allow_mixed: Go on where rows were fitted on another platform.
        progress: Called after each shard with the rows that are there and those wanted.

    Raises:
        DatasetFolderError: There is no row.
        DatasetError: The folder or a write is in the way.
    """
    if not plan.row_count:
        told = "; ".join(f"{count} x {reason}" for reason, count in plan.skipped.items()) or "nothing was found"
        raise DatasetFolderError(f"nothing can be imported: {told}")
    recipe = {"simloom": 1, "imported": {**plan.settings, "skipped": dict(sorted(plan.skipped.items()))}}
    text = dump_recipe(recipe)
    origin = Origin(
        recipe_sha256=hashlib.sha256(text.encode()).hexdigest(),
        kind="imported",
        facts={"format": plan.settings["format"]},
        recipe=text,
        cameras=plan.tables.get("cameras", {}),
    )
    first = _stack(plan, range(1))
    rows = RowPlan(
        recipe=recipe,
        tables={**plan.tables, "sources": {"0": origin.to_json()}},
        row_count=plan.row_count,
        row_bytes=sum(array.nbytes for array in first.values()),
        make=lambda wanted: _stack(plan, wanted),
        title=f"simloom  imported from {plan.settings['format']}  {plan.row_count} rows",
    )
    dataset = write_rows(
        rows, out, codec=codec, rows_per_shard=rows_per_shard, allow_mixed=allow_mixed, progress=progress
    )
    return Imported(dataset=dataset, skipped=plan.skipped)


def _stack(plan: ImportPlan, rows: range) -> dict[str, Array]:
    """Make rows in threads, each straight into its place."""
    made = dict(plan.make_row(rows.start))
    arrays = {name: np.empty((len(rows), *np.shape(value)), np.asarray(value).dtype) for name, value in made.items()}

    def place(row: int) -> None:
        values = made if row == rows.start else plan.make_row(row)
        for name, array in arrays.items():
            array[row - rows.start] = values[name]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(place, rows):
            pass
    count = len(rows)
    wanted = slice(rows.start, rows.stop)
    arrays |= {
        "sample/scenario": plan.scenario[wanted].astype(np.int64),
        "sample/step": plan.step[wanted].astype(np.int32),
        "sample/view": plan.view[wanted].astype(np.int32),
        "sample/look": np.zeros(count, np.int32),
        "sample/valid": np.ones(count, np.uint8),
        "sample/reason": np.zeros(count, np.uint8),
        "sample/weight": np.ones(count, np.float64),
        "sample/is_real": np.full(count, plan.is_real, np.uint8),
        "sample/generation": np.zeros(count, np.int32),
        "sample/verdict": np.zeros(count, np.uint8),
        "sample/source": np.zeros(count, np.int32),
        "sample/source_index": np.arange(rows.start, rows.stop, dtype=np.int64),
    }
    validate_arrays({**arrays, "sample/index": arrays["sample/source_index"]})
    return arrays


def check_camera(name: str) -> str:
    """Give a camera's name back where it can be one.

    Raises:
        UsageError: It cannot.
    """
    if not _CAMERA.fullmatch(name):
        raise UsageError(f"a camera's name is lower-case letters, digits and _, beginning with a letter; got {name!r}")
    return name


def number_worlds(numbers: Sequence[int]) -> Array:
    """Number worlds by the numbers that their files give them, so that they keep their split when others come.

    Args:
        numbers: One number a row; where one needs more than `SCENARIO_BITS` bits, all are counted from 0 instead.
    """
    if max(numbers, default=0) >> SCENARIO_BITS:
        return np.unique(np.array(numbers, object), return_inverse=True)[1].astype(np.int64)
    return np.array(numbers, np.int64)


def combine_sums(sums: Iterable[tuple[str, str]]) -> str:
    """Hash the names and SHA-256 of many files to one."""
    state = hashlib.sha256()
    for name, sha256 in sorted(sums):
        state.update(f"{sha256}  {name}\n".encode())
    return state.hexdigest()


def merge_counts(*counts: Mapping[str, int]) -> dict[str, int]:
    """Add up what was left out."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))
