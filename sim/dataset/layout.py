"""Where rows lie: which shard holds which rows, and what its files are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STEM = re.compile(r"(?P<index>[0-9]{6,9})(?:\.part(?P<count>[0-9]{6,12}))?")

SHARDS = "shards"
"""Folder of the shard files."""

COMMITS = "commits"
"""Folder of the commit records."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How rows are spread over shards; it has no influence on values.

    Shard k holds the whole scenarios [k*S, (k+1)*S). Only the last shard of a dataset may hold fewer rows; it then has
    its number of rows in its name, and gives way to a longer one when the dataset grows.

    Args:
        rows_per_scenario: Steps times views times looks.
        scenarios_per_shard: S.

    Example:
        >>> Layout(rows_per_scenario=8, scenarios_per_shard=4).shard_rows(1, 40)
        range(32, 40)
    """

    rows_per_scenario: int
    scenarios_per_shard: int

    def __post_init__(self) -> None:
        for name in ("rows_per_scenario", "scenarios_per_shard"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r} and must be an integer of at least 1")

    @property
    def rows_per_shard(self) -> int:
        """Rows of a full shard."""
        return self.rows_per_scenario * self.scenarios_per_shard

    def shard_count(self, rows: int) -> int:
        """Count the shards of a dataset of so many rows."""
        return -(-rows // self.rows_per_shard)

    def shard_rows(self, index: int, rows: int) -> range:
        """List the rows that a shard holds in a dataset of so many rows."""
        if not 0 <= index < self.shard_count(rows):
            raise IndexError(f"shard {index} of a dataset of {self.shard_count(rows)} shards")
        return range(index * self.rows_per_shard, min(rows, (index + 1) * self.rows_per_shard))

    def stem(self, index: int, count: int) -> str:
        """Name the files of a shard that holds so many rows, without their folder and ending."""
        return f"{index:06d}" if count == self.rows_per_shard else f"{index:06d}.part{count:06d}"


def shard_path(stem: str) -> str:
    """Give the path of a shard file within the dataset."""
    return f"{SHARDS}/{stem}.h5"


def record_path(stem: str) -> str:
    """Give the path of a commit record within the dataset."""
    return f"{COMMITS}/{stem}.json"


def is_stem(text: str) -> bool:
    """Tell whether a text is the name of a shard, without folder and ending."""
    return _STEM.fullmatch(text) is not None
