"""Bring the tables of several datasets together: classes, assets and parameters, by their names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dataset.errors import DatasetFolderError
from ..dataset.specs import Array

MOST_CLASSES = 256
"""Class ids that the class image, 8 bits, can tell apart."""

FIRST_ASSET = 1 << 20
"""Number of the first user's asset where datasets with other assets are merged; simloom's own keep their numbers."""

_CLASS_ENDINGS = ("/class", "/return_class")
_OF_PARAMETERS = ("unit", "count", "allowed")


def is_class_array(name: str) -> bool:
    """Tell whether an array holds class ids, which mean what its dataset's table says."""
    return name.startswith(("label/", "object/")) and name.endswith(_CLASS_ENDINGS)


@dataclass(frozen=True, kw_only=True)
class Renumbering:
    """Which ids of one dataset become which in the merged one.

    Args:
        classes: New class id by old one, where any differs; -1 for an id without a name that another class has taken.
        assets: New asset number by old one, where any differs.
    """

    classes: Mapping[int, int] = field(default_factory=dict)
    assets: Mapping[int, int] = field(default_factory=dict)

    def apply(self, arrays: Mapping[str, Array], source: str) -> None:
        """Renumber arrays in place.

        Raises:
            DatasetFolderError: A class id occurs that the dataset's table does not name.
        """
        for name, array in arrays.items():
            if self.classes and is_class_array(name):
                table = np.arange(MOST_CLASSES)
                for old, new in self.classes.items():
                    table[old] = new
                if array.min() < 0 or array.max() >= MOST_CLASSES:
                    raise DatasetFolderError(f"{source}: {name} holds class ids beyond {MOST_CLASSES - 1}")
                renumbered = table[array]
                if (renumbered < 0).any():
                    lost = sorted(set(array[renumbered < 0].tolist()))
                    raise DatasetFolderError(
                        f"{source}: {name} holds class ids {lost} that its table of classes does not name; leave the "
                        "array out by --arrays"
                    )
                array[...] = renumbered
            if self.assets and name == "object/asset":
                before = np.array(sorted(self.assets), np.int64)
                place = np.searchsorted(before, array).clip(max=len(before) - 1)
                after = np.array([self.assets[number] for number in before.tolist()])
                array[...] = np.where(before[place] == array, after[place], array)


def merge_classes(tables: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], list[dict[int, int]]]:
    """Bring class tables together: a name has one id, that of the first table that has it where it is free.

    Args:
        tables: Class name by id, of each dataset.

    Returns:
        The merged table, and per dataset its changed ids.

    Raises:
        DatasetFolderError: There are more than `MOST_CLASSES` names, or a table has a name twice.

    Example:
        >>> merge_classes([{"0": "background", "1": "cup"}, {"0": "background", "1": "box", "2": "cup"}])
        ({'0': 'background', '1': 'cup', '2': 'box'}, [{}, {1: 2, 2: 1}])
    """
    ids: dict[str, int] = {}
    for table in tables:
        if len(set(table.values())) != len(table):
            raise DatasetFolderError(f"a table of classes has a name twice: {', '.join(sorted(table.values()))}")
        for number, name in sorted((int(number), name) for number, name in table.items()):
            if name not in ids:
                taken = set(ids.values())
                ids[name] = (
                    number if number not in taken else next(i for i in range(1, len(taken) + 2) if i not in taken)
                )
    if max(ids.values(), default=0) >= MOST_CLASSES:
        raise DatasetFolderError(f"together the datasets have {len(ids)} classes; {MOST_CLASSES} at most have an id")
    changes = []
    for table in tables:
        change = {int(number): ids[name] for number, name in table.items() if ids[name] != int(number)}
        unnamed = set(ids.values()) - {int(number) for number in table}
        changes.append({**dict.fromkeys(unnamed, -1), **change} if table else {})
    return {str(number): name for name, number in sorted(ids.items(), key=lambda item: item[1])}, changes


def merge_objects(tables: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[dict[int, int]]]:
    """Bring the tables of users' assets together; where they differ, all users' assets are numbered anew.

    Args:
        tables: What users say of their assets by asset number, of each dataset.

    Returns:
        The merged table, and per dataset its changed numbers.
    """
    if all(table == tables[0] for table in tables):
        return dict(tables[0]), [{} for _ in tables]
    numbers: dict[str, int] = {}
    merged: dict[str, Any] = {}
    changes = []
    for table in tables:
        change = {}
        for number, entry in sorted(table.items(), key=lambda item: int(item[0])):
            new = numbers.setdefault(json.dumps(entry, sort_keys=True), FIRST_ASSET + len(numbers))
            merged[str(new)] = entry
            change[int(number)] = new
        changes.append(change)
    return merged, changes


def merge_assets(tables: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Bring the SHA-256 of asset files together; a name with another content gets the first digits of its sum."""
    merged: dict[str, str] = {}
    for table in tables:
        for name, sha256 in table.items():
            if merged.setdefault(name, sha256) != sha256:
                merged[f"{name}@{sha256[:8]}"] = sha256
    return merged


def merge_parameters(
    tables: Sequence[Mapping[str, Any]], names: Iterable[str], sources: Sequence[str]
) -> dict[str, Any]:
    """Bring parameter tables together.

    Args:
        tables: Parameters by name, of each dataset.
        names: Arrays that are kept.
        sources: What to call the datasets.

    Returns:
        The parameters; of those drawn from several distributions, the first dataset's entry.

    Raises:
        DatasetFolderError: A kept parameter means different things.
    """
    kept, merged = set(names), dict[str, Any]()
    for place, table in enumerate(tables):
        for name, entry in table.items():
            first = merged.setdefault(name, entry)
            if f"param/{name}" not in kept or first == entry:
                continue
            one, other = _meaning(first), _meaning(entry)
            if differing := [key for key in one if one[key] != other[key]]:
                key = differing[0]
                raise DatasetFolderError(
                    f"the parameter {name!r} means different things: its {key} is {one[key]!r:.80} in {sources[0]} and "
                    f"{other[key]!r:.80} in {sources[place]}; leave param/{name} out by --arrays"
                )
    return {name: entry for name, entry in merged.items() if not kept or f"param/{name}" in kept}


def _meaning(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Pick what a parameter's values mean, whatever they are drawn from."""
    choice = (entry.get("distribution") or {}).get("choice")
    options = choice.get("options") if isinstance(choice, Mapping) else None
    return {**{key: entry.get(key) for key in _OF_PARAMETERS}, "options": options}
