"""Leaks between datasets: users' assets that two of them may have shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .dataset.reader import open_dataset


def find_shared_assets(first: str | Path, second: str | Path) -> tuple[tuple[str, str], ...]:
    """Find the users' assets that two datasets could draw from: those with a drawn mesh of the same content.

    What they collide by does not count. The file decides: one thing in two formats has two contents.

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
    one, other = _drawn_meshes(first), _drawn_meshes(second)
    return tuple(sorted((name, there) for name, drawn in one for there, same in other if drawn & same))


def _drawn_meshes(folder: str | Path) -> list[tuple[str, set[str]]]:
    """List the assets with the SHA-256 of each drawn mesh; of primitives, and in older datasets, of all as one."""
    with open_dataset(Path(folder), skip_rejected=False) as dataset:
        objects: Mapping[str, Mapping[str, Any]] = dataset.tables["objects"]
    return [
        (str(entry["name"]), set(entry.get("visual_sha256") or [entry["content_sha256"]])) for entry in objects.values()
    ]
