"""Leaks between datasets: users' assets that two of them may have shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .dataset.reader import open_dataset


def find_shared_assets(first: str | Path, second: str | Path) -> tuple[tuple[str, str], ...]:
    """Find the users' assets that two datasets could draw from, by the content of their meshes.

    Args:
        first: Folder of a dataset.
        second: Folder of another.

    Returns:
        The asset's name in the first and in the second, sorted; empty where they are held apart.

    Raises:
        DatasetError: If a folder is no dataset.

    Example:
        >>> find_shared_assets("data/train", "data/test")
        ()
    """
    one, other = _contents(first), _contents(second)
    return tuple(sorted((name, other[content]) for content, name in one.items() if content in other))


def _contents(folder: str | Path) -> dict[str, str]:
    with open_dataset(Path(folder), skip_rejected=False) as dataset:
        objects: Mapping[str, Mapping[str, Any]] = dataset.tables["objects"]
    return {str(entry["content_sha256"]): str(entry["name"]) for entry in objects.values()}
