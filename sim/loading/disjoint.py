"""Whether data for training and data for evaluation share anything."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.commit import load_commits
from ..dataset.lineage import own_scenario
from ..errors import UsageError
from .row_origins import find_shared, read_row_origins

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_WORLD = ("object/", "state/joint_position", "state/time")
_POSES = "object/pose_world_object"
_DRAWN = ("sample/scenario", "sample/seed")
_REAL = "sample/is_real"
_ROWS_AT_ONCE = 1024


class LeakError(UsageError):
    """Training and evaluation share rows or worlds."""


def check_disjoint(training: Dataset, evaluation: Dataset, *, images: bool = False) -> None:
    """Check that two datasets, or two views, share no row and no world.

    Rows are compared by the digests of their commit records; scenarios by their numbers in the recipe that they were
    first made by, also where datasets were merged or cut down; worlds by where their objects are and what they are, so
    another recipe does not hide them. Where poses are left out, a world is the same if seed, scenario and all
    parameters that both have are. A real world is none that was simulated; real data of two imports have nothing to
    compare: ask for images.

    Args:
        training: What is trained on.
        evaluation: What is evaluated on.
        images: Whether to compare `sensor/<camera>/rgb` as well, byte by byte; this reads them all.

    Raises:
        LeakError: They share something; the text names the first rows of each.
        UsageError: They share nothing that was compared, and their worlds, or images asked for, cannot be.

    Example:
        >>> check_disjoint(dataset.where("split == 'train'"), dataset.where("split == 'test'"))
    """
    shared = [name for name in training.shapes if name in evaluation.shapes]
    worlds = _world_arrays(shared)
    images_of = [name for name in shared if name.startswith("sensor/") and name.endswith("/rgb")]
    origins = [read_row_origins(one, "scenario") for one in (training, evaluation)]
    compared = {
        "row": _pair(_row_digests(training), _row_digests(evaluation)),
        "scenario": find_shared(*origins),
    }
    if worlds:
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
    if images and not images_of:
        raise UsageError("images cannot be compared: training and evaluation have no sensor/<camera>/rgb in common")
    of_one_recipe = len(origins[0]) == 1 and origins[0].keys() == origins[1].keys()
    if not (worlds or images or of_one_recipe or _is_one_real(training, evaluation)):
        raise UsageError(
            f"worlds cannot be compared: training and evaluation have neither {_POSES} in common, nor "
            f"{' and '.join(_DRAWN)} with a parameter; keep these arrays, or compare images=True"
        )


def _world_arrays(shared: list[str]) -> list[str]:
    """Choose the arrays that tell worlds apart, of those that both have: poses, or else what worlds were drawn from."""
    if _POSES in shared:
        return [name for name in shared if name.startswith(_WORLD)]
    parameters = [name for name in shared if name.startswith("param/")]
    return [*_DRAWN, *parameters] if parameters and set(_DRAWN) <= set(shared) else []


def _is_one_real(*datasets: Dataset) -> bool:
    """Tell whether one holds real rows alone, and the other none."""
    kinds = [set(dataset.array(_REAL).tolist()) if _REAL in dataset.shapes else {0} for dataset in datasets]
    return {0} in kinds and {1} in kinds


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
        if _DRAWN[0] in names:
            arrays[_DRAWN[0]] = np.asarray(own_scenario(arrays[_DRAWN[0]]))
        for place, row in enumerate(rows.tolist()):
            content = hashlib.sha256()
            for name in names:
                content.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape[1:]} ".encode())
                content.update(np.ascontiguousarray(arrays[name][place]).tobytes())
            found.setdefault(content.digest(), row)
    return found
