"""Rows of one dataset that another is made of, with their lineage."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from ..dataset.dataset import Dataset
from ..dataset.errors import DatasetCorruptError, DatasetFolderError
from ..dataset.lineage import own_scenario
from ..dataset.plain_file import hash_plain
from ..dataset.reader import open_dataset
from ..dataset.samples import kept_rows
from ..dataset.specs import Array
from ..errors import UsageError
from .origin import Origin, find_origins

Rejected: TypeAlias = Literal["keep", "drop"]
"""What becomes of tombstones and of rows that the checks rejected."""

Given: TypeAlias = Dataset | str | os.PathLike[str]
"""A dataset, a view of one, or its path."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceRows:
    """Rows of one dataset, in order.

    Args:
        dataset: Where they are.
        rows: Their numbers there.
        recipe_sha256: SHA-256 of its recipe.yaml.
        origins: Where its rows were first made.
        origin: Which of `origins` each row is from.
        origin_index: Number of each row there.
        scenario: Number of each row's scenario there.
    """

    dataset: Dataset
    rows: Array
    recipe_sha256: str
    origins: tuple[Origin, ...]
    origin: Array
    origin_index: Array
    scenario: Array

    @property
    def name(self) -> str:
        """What to call the dataset in messages."""
        return str(self.dataset.folder)

    def to_json(self) -> dict[str, Any]:
        """Tell what a derived dataset's recipe says of it; nothing of the machine it lies on."""
        return {
            "recipe_sha256": self.recipe_sha256,
            "root_digest": self.dataset.root_digest,
            "rows": len(self.rows),
            "rows_sha256": hashlib.sha256(self.rows.astype("<i8").tobytes()).hexdigest(),
        }


def open_source(given: Given, rejected: Rejected) -> Dataset:
    """Open what a call was given.

    Args:
        given: A dataset or view, which stays as it is, or a path.
        rejected: "keep" reads every row of a path; of a view, its rows are the rows.

    Raises:
        UsageError: `rejected` is neither.
        DatasetFolderError: It is no dataset, or not complete.
    """
    if rejected not in ("keep", "drop"):
        raise UsageError(f"rejected must be 'keep' or 'drop', got {rejected!r}")
    dataset = given if isinstance(given, Dataset) else open_dataset(given, skip_rejected=rejected == "drop")
    if not dataset.is_complete:
        raise DatasetFolderError(
            f"{dataset.folder} is {dataset.status}: finish it first (the same command that began it resumes), "
            "so that what is taken from it stays what it is"
        )
    if "sample/scenario" not in whole_rows(dataset).names:
        raise DatasetFolderError(f"{dataset.folder} has no sample/scenario: its rows cannot be told apart by world")
    return dataset


def whole_rows(dataset: Dataset) -> Dataset:
    """Give the rows of a view with every array that is stored."""
    return dataset._view(dataset.rows, None)


def take_rows(dataset: Dataset, rejected: Rejected, rows: Sequence[int] | Array | None = None) -> SourceRows:
    """Find out where rows are from.

    Args:
        dataset: A complete dataset, or a view of one.
        rejected: Whether rejected rows among them are kept.
        rows: Row numbers; those of the view by default.

    Raises:
        DatasetFolderError: No row is left.
        DatasetCorruptError: The dataset is damaged.
    """
    wanted = np.asarray(dataset.rows if rows is None else rows, np.int64).reshape(-1)
    whole = whole_rows(dataset).select(wanted)
    there = whole.names
    if rejected == "drop" and len(wanted):
        flags = {name: whole[f"sample/{name}"] for name in ("valid", "verdict") if f"sample/{name}" in there}
        if flags:
            wanted = wanted[kept_rows(flags)]
            whole = whole.select(wanted)
    if not len(wanted):
        raise DatasetFolderError(f"no row of {dataset.folder} is left, and a dataset has at least one")
    origins = find_origins(dataset)
    scenario = own_scenario(whole["sample/scenario"])
    if "sample/source" in there:
        origin, index = whole["sample/source"], whole["sample/source_index"]
        if origin.min() < 0 or origin.max() >= len(origins):
            raise DatasetCorruptError(f"{dataset.folder}: a row's sample/source is not in the table of sources")
        # Only what rows are left of is a source of what is derived.
        used, origin = np.unique(origin, return_inverse=True)
        origins = tuple(origins[number] for number in used.tolist())
    else:
        origin, index = np.zeros(len(wanted), np.int32), wanted
    return SourceRows(
        dataset=dataset, rows=wanted, recipe_sha256=hash_plain(Path(dataset.folder) / "recipe.yaml")[0],
        origins=origins, origin=origin, origin_index=index, scenario=scenario,
    )  # fmt: skip
