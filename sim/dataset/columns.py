"""Columns over many rows: those of the sample table, and small arrays of the shards, by the names that queries use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from .committed_shards import CommittedShards
from .samples import DEFAULT_SPLITS, read_table, split_of
from .specs import Array, find_spec

_MOST_NUMBERS = 4096


def read_columns(shards: CommittedShards, names: Sequence[str], rows: Array) -> dict[str, Array]:
    """Read some arrays over some rows."""
    shapes = shards.shapes()
    out = {name: np.empty((len(rows), *shapes[name][1]), shapes[name][0]) for name in names}
    if len(rows) and names:
        shards.read(rows, names, out, os.cpu_count() or 1)
    return out


def table_columns(folder: Path, names: Sequence[str], count: int, sha256: str | None) -> dict[str, Array]:
    """Read columns of samples.parquet, those of `names` that it has.

    Raises:
        DatasetCorruptError: It is damaged, or has another number of lines than `count`.
    """
    table = read_table(folder, names, sha256=sha256, rows=count)
    return {name: table.column(name).to_numpy() for name in names if name in table.column_names}


@final
class QueryColumns(Mapping[str, Array]):
    """What a query may name, over some rows: read when it is asked for.

    Names have dots for slashes. `weight` and `sample.weight` are the same; `split` follows from the scenario.

    Args:
        shards: The shards.
        rows: The rows.
        splits: Fractions by split name.
        folder: Folder with samples.parquet; None where there is none.
        sha256: What the manifest states as its sum.
    """

    def __init__(
        self, shards: CommittedShards, rows: Array, splits: Any, folder: Path | None, sha256: str | None
    ) -> None:
        self._shards, self._rows, self._splits, self._folder, self._sha256 = shards, rows, splits, folder, sha256
        self._loaded: dict[str, Array] = {}
        self._names = {}
        for name, (_, shape) in shards.shapes().items():
            if not find_spec(name).is_image and len(shape) <= 1 and int(np.prod(shape)) <= _MOST_NUMBERS:
                self._names[name.replace("/", ".")] = name
                self._names[name.removeprefix("sample/").replace("/", ".")] = name
        if "sample.scenario" in self._names:
            self._names["split"] = "split"
        dotted = (name.replace("/", ".") for name in shards.shapes())
        self.images = frozenset(name for name in dotted if name not in self._names)
        """Names of arrays that are too large to be compared."""
        self.words = {"split": tuple(splits or DEFAULT_SPLITS)}
        """Words that a column may hold, by its name."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def load(self, names: Sequence[str]) -> None:
        """Read some names at once, those that there are."""
        wanted = {self._names[name] for name in names if name in self._names}
        if self._folder is not None:
            lines = [name.removeprefix("sample/") for name in wanted]
            found = table_columns(self._folder, lines, self._shards.row_count, self._sha256)
            # A complete dataset has every row: the line is the number.
            taken = {
                name: found[name.removeprefix("sample/")] for name in wanted if name.removeprefix("sample/") in found
            }
            self._loaded |= {name: column[self._rows] for name, column in taken.items()}
        rest = [name for name in wanted if name not in self._loaded and name != "split"]
        if rest:
            self._loaded |= read_columns(self._shards, rest, self._rows)

    def __getitem__(self, name: str) -> Array:
        wanted = self._names[name]
        if wanted not in self._loaded:
            self.load([name])
        if wanted not in self._loaded:  # the split, where there is no table
            scenarios = read_columns(self._shards, ["sample/scenario"], self._rows)["sample/scenario"].tolist()
            known = {scenario: split_of(scenario, self._splits) for scenario in set(scenarios)}
            self._loaded[wanted] = np.array([known[scenario] for scenario in scenarios], str)
        return self._loaded[wanted]
