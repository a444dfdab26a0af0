"""Whether data for training and data for evaluation share anything."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.commit import load_commits
from ..errors import UsageError
from .row_origins import find_shared, read_row_origins

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_WORLD = ("object/", "state/joint_position", "state/time")
_ROWS_AT_ONCE = 1024


class LeakError(UsageError):
    """Training and evaluation share rows or worlds."""


def check_disjoint(training: Dataset, evaluation: Dataset, *, images: bool = False) -> None:
    """Check that two datasets, or two views, share no row and no world.

    Rows are compared by the digests of their commit records; scenarios by their numbers in the recipe that they were
    first made by, also where datasets were merged or cut down; worlds by where their objects are and what they are, so
    another recipe does not hide them. Real data have no objects to compare: ask for images too.

    Args:
        training: What is trained on.
        evaluation: What is evaluated on.
        images: Whether to compare `sensor/<camera>/rgb` as well, byte by byte; this reads them all.

    Raises:
        LeakError: They share something; the text names the first rows of each.

    Example:
        >>> check_disjoint(dataset.where("split == 'train'"), dataset.where("split == 'test'"))
    """
    shared = [name for name in training.shapes if name in evaluation.shapes]
    worlds = [name for name in shared if name.startswith(_WORLD)]
    images_of = [name for name in shared if name.startswith("sensor/") and name.endswith("/rgb")]
    compared = {
        "row": _pair(_row_digests(training), _row_digests(evaluation)),
        "scenario": find_shared(*(read_row_origins(one, "scenario") for one in (training, evaluation))),
    }
    if any(name.startswith("object/") for name in worlds):
        compared["world"] = _pair(_digests(training, worlds), _digests(evaluation, worlds))
    if images:
        compared["image"] = _pair(_digests(training, images_of), _digests(evaluation, images_of))
    for kind, pairs in compared.items():
        if pairs:
            listed = ", ".join(f"{first} and {second}" for first, second in pairs[:3])
            raise LeakError(
                f"training and evaluation share {len(pairs)} {kind}{'s' * (len(pairs) > 1)}: rows {listed}; split by "
                "scenario, for example with dataset.where(\"split == 'test'\")"
            )


def _pair(one: dict[bytes, int], other: dict[bytes, int]) -> list[tuple[int, int]]:
    return sorted((one[digest], other[digest]) for digest in one.keys() & other.keys())


def _row_digests(dataset: Dataset) -> dict[bytes, int]:
    kept = set(dataset.rows.tolist())
    records, _ = load_commits(dataset.folder)
    return {
        digest.encode(): row
        for record in records
        for row, digest in zip(record.rows, record.row_digests, strict=True)
        if row in kept
    }


def _digests(dataset: Dataset, names: list[str]) -> dict[bytes, int]:
    """Map digests of some arrays of each row to the first row that has each."""
    found: dict[bytes, int] = {}
    for first in range(0, len(dataset) if names else 0, _ROWS_AT_ONCE):
        rows = dataset.rows[first : first + _ROWS_AT_ONCE]
        arrays = dataset.read_rows(rows, names)
        for place, row in enumerate(rows.tolist()):
            content = hashlib.sha256()
            for name in names:
                content.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape[1:]} ".encode())
                content.update(np.ascontiguousarray(arrays[name][place]).tobytes())
            found.setdefault(content.digest(), row)
    return found
