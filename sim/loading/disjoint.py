"""Whether data for training and data for evaluation share anything."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.commit import load_commits
from ..errors import UsageError

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_WORLD = ("object/", "state/joint_position", "state/time")
_ROWS_AT_ONCE = 1024


class LeakError(UsageError):
    """Training and evaluation share rows or worlds."""


def check_disjoint(training: Dataset, evaluation: Dataset, *, images: bool = False) -> None:
    """Check that two datasets, or two views, share no row and no world.

    Rows are compared by the digests of their commit records; worlds by where their objects are and what they are, so
    another view, look, row number or seed of the noise does not hide them. Real data have no objects to
    compare: ask for images too.

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
    kinds = {"row": None, "world": worlds if any(name.startswith("object/") for name in worlds) else []}
    if images:
        kinds["image"] = [name for name in shared if name.startswith("sensor/") and name.endswith("/rgb")]
    for kind, names in kinds.items():
        one, other = _digests(training, names), _digests(evaluation, names)
        both = one.keys() & other.keys()
        if both:
            pairs = sorted((one[digest], other[digest]) for digest in both)
            listed = ", ".join(f"{first} and {second}" for first, second in pairs[:3])
            raise LeakError(
                f"training and evaluation share {len(both)} {kind}{'s' * (len(both) > 1)}: rows {listed}; split by "
                "scenario, for example with dataset.where(\"split == 'test'\")"
            )


def _digests(dataset: Dataset, names: list[str] | None) -> dict[bytes, int]:
    """Map digests of rows, or of some of their arrays, to the first row that has each."""
    found: dict[bytes, int] = {}
    if names is None:
        kept = set(dataset.rows.tolist())
        records, _ = load_commits(dataset.folder)
        for record in records:
            for row, digest in zip(record.rows, record.row_digests, strict=True):
                if row in kept:
                    found.setdefault(digest.encode(), row)
        return found
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
