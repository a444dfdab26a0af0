"""Which assets the worlds of a dataset show, and which split each belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..dataset.dataset import Dataset
from ..dataset.errors import DatasetFolderError
from ..dataset.samples import choose_split
from ..dataset.specs import Array
from .source_rows import whole_rows
from .source_tables import read_tables

_ROWS_AT_ONCE = 1 << 14


def count_primitives() -> int:
    """Count the built-in shapes that lead every asset library: they are in every world, and are no assets to learn."""
    from ...scenes.asset_build import CAPSULE_RATIOS

    return 3 + len(CAPSULE_RATIOS)


def asset_identities(objects: Mapping[str, Any]) -> dict[int, str]:
    """Name users' assets by what is drawn: two that share a drawn mesh are one.

    Args:
        objects: The description's table `objects`.

    Returns:
        Identity by asset number.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    first: dict[int, str] = {}
    for number, entry in sorted(objects.items(), key=lambda item: int(item[0])):
        drawn = [str(sha256) for sha256 in entry.get("visual_sha256") or [entry.get("content_sha256") or entry["name"]]]
        first[int(number)] = drawn[0]
        for sha256 in drawn[1:]:
            one, other = sorted((root(drawn[0]), root(sha256)))
            parent[other] = one
    return {number: root(key) for number, key in first.items()}


def split_of_asset(identity: str, fractions: Mapping[str, float]) -> str:
    """Tell the split of an asset; nothing but its identity decides.

    Example:
        >>> split_of_asset("mug", {"train": 1.0})
        'train'
    """
    return choose_split(hashlib.sha256(f"simloom asset split {identity}".encode()).digest(), fractions)


def find_world_assets(dataset: Dataset, rows: Array, scenario: Array) -> dict[int, set[str]]:
    """List the assets that each world shows, in any of its rows.

    Args:
        dataset: The dataset.
        rows: Row numbers.
        scenario: Number of each row's scenario.

    Returns:
        Identities of the assets by scenario; primitives are left out.

    Raises:
        DatasetFolderError: It does not tell its assets.
    """
    whole = whole_rows(dataset)
    needed = ("object/asset", "object/valid")
    if absent := [name for name in needed if name not in whole.names]:
        raise DatasetFolderError(f"{dataset.folder} has no {absent[0]}, so its assets are not known; split by scenario")
    objects = read_tables(dataset).objects
    known, primitives = asset_identities(objects), count_primitives()
    found: dict[int, set[str]] = {int(number): set() for number in np.unique(scenario).tolist()}
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        piece = slice(start, start + _ROWS_AT_ONCE)
        arrays = whole.read_rows(rows[piece], needed)
        shown = np.where(arrays["object/valid"] != 0, arrays["object/asset"], -1)
        pairs = np.stack([np.repeat(scenario[piece], shown.shape[1]), shown.reshape(-1).astype(np.int64)], axis=1)
        for world, number in np.unique(pairs, axis=0).tolist():
            if number in known:
                found[world].add(known[number])
            elif number >= primitives:
                found[world].add(f"simloom {number}")
    return found
