"""What a row was first made as: the same row of one recipe, in whatever dataset it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..dataset.lineage import own_scenario
from ..derive.origin import find_origins

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

Kept = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]


def read_row_origins(dataset: Dataset, kind: Literal["row", "scenario"] = "row") -> Kept:
    """Tell which rows or scenarios of which recipe a dataset holds, merged, cut down or as it was made.

    Args:
        dataset: The dataset, or a view.
        kind: Whether to number rows or scenarios as their origin does.

    Returns:
        By SHA-256 of the origin's recipe: the numbers there, and the rows here. Empty where the arrays that tell are
        left out of a view.

    Raises:
        DatasetCorruptError: The recipe or the table of sources is damaged.
    """
    origins = find_origins(dataset)
    rows = dataset.rows
    is_derived = "sample/source" in dataset.shapes
    if kind == "row" and not is_derived:
        return {origins[0].recipe_sha256: (rows, rows)} if len(origins) == 1 else {}
    name = "sample/source_index" if kind == "row" else "sample/scenario"
    if name not in dataset.shapes or (len(origins) > 1 and not is_derived):
        return {}
    number = np.asarray(dataset.array(name), np.int64)
    if kind == "scenario":
        number = own_scenario(number)
    source = dataset.array("sample/source") if is_derived else np.zeros(len(rows), np.int64)
    found: Kept = {}
    for place, origin in enumerate(origins):
        mine = source == place
        if mine.any():
            found[origin.recipe_sha256] = (number[mine], rows[mine])
    return found


def find_shared(one: Kept, other: Kept) -> list[tuple[int, int]]:
    """List the pairs of rows that are the same row or scenario, one pair for each, in order."""
    pairs: list[tuple[int, int]] = []
    for origin in one.keys() & other.keys():
        _, first, second = np.intersect1d(one[origin][0], other[origin][0], return_indices=True)
        rows = one[origin][1][first], other[origin][1][second]
        pairs.extend(zip(*(place.tolist() for place in rows), strict=True))
    return sorted(pairs)
