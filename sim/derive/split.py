"""Divide a dataset so that nothing leaks from one part to another: by world, or by asset."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..dataset.dataset import Dataset
from ..dataset.lineage import own_scenario
from ..dataset.samples import DEFAULT_SPLITS, split_of
from ..dataset.specs import Array
from ..errors import UsageError
from .asset_groups import find_world_assets, split_of_asset
from .derivation import plan_derivation
from .row_writer import write_rows
from .source_rows import Given, Rejected, SourceRows, open_source, take_rows

MUCH_LOST = 0.1
"""Fraction of left-out rows from which on the way out is told."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, kw_only=True)
class Split:
    """The parts of a divided dataset.

    Args:
        parts: A dataset, or a view where none was written, by the name of the part; parts without a row are left out.
        left_out: Numbers of the rows that are in no part.
        notes: What a person should know, in sentences.
    """

    parts: Mapping[str, Dataset]
    left_out: Array
    notes: tuple[str, ...] = ()


def split_dataset(
    dataset: Given,
    *,
    by: Literal["scenario", "asset"] = "scenario",
    fractions: Mapping[str, float] | None = None,
    out: str | os.PathLike[str] | None = None,
    rejected: Rejected = "keep",
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Split:
    """Divide a dataset; the same call again resumes.

    By scenario, all rows of a world are in one part. By asset, moreover, no asset is in two parts: worlds that show
    assets of several parts are in none, and are counted. simloom's primitive shapes are in all worlds and do not count.
    A scenario's number and an asset's drawn mesh alone decide, so a part keeps its rows when the dataset grows.

    Args:
        dataset: A dataset, a view of one, or its path.
        by: "scenario" or "asset".
        fractions: Fractions by the name of the part, which sum to 1; train 0.9, val 0.05, test 0.05 by default.
        out: Folder that each part becomes a dataset in, named after the part; None gives views.
        rejected: Whether tombstones and rejected rows are kept where `dataset` is a path.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; by default as many as fill 64 MiB.
        progress: Called after each shard of a part with its rows that are there and those wanted.

    Returns:
        The parts, and what is in none.

    Raises:
        UsageError: `by` or the fractions cannot be, or every row shows assets of several parts.
        DatasetError: The dataset is damaged or does not tell its assets, or a write was refused.

    Example:
        >>> split = split_dataset("data/tabletop", by="asset", out="data/parts")
        >>> {name: len(part) for name, part in split.parts.items()}
        {'train': 4100, 'val': 31, 'test': 12}
    """
    chances = _check_fractions(fractions)
    if by not in ("scenario", "asset"):
        raise UsageError(f"split by 'scenario' or by 'asset', got {by!r}")
    opened = open_source(dataset, rejected)
    source = take_rows(opened, rejected)
    part_of = _split_worlds(source, by, chances)
    chosen = np.array([part_of[world] for world in source.scenario.tolist()])
    left_out = source.rows[chosen == ""]
    notes = _tell(chosen, left_out, by, chances)
    if len(left_out) == len(source.rows):
        raise UsageError(f"no part would have a row: {notes[-1]}. Split by scenario keeps all rows")
    parts = {}
    for name in chances:
        rows = source.rows[chosen == name]
        if not len(rows):
            continue
        if out is None:
            parts[name] = opened.select(rows)
            continue
        operation = {"operation": "split", "by": by, "part": name, "fractions": dict(chances), "rejected": rejected}
        # What was divided by asset stays in its part, whatever its scenario's number would say.
        splits = dict(chances) if by == "scenario" else {name: 1.0}
        plan = plan_derivation(
            [take_rows(opened, rejected, rows)], operation, splits=splits,
            title=f"simloom  {name}, split by {by}  {len(rows)} rows",
        )  # fmt: skip
        parts[name] = write_rows(plan, Path(out) / name, codec=codec, rows_per_shard=rows_per_shard, progress=progress)
    return Split(parts=parts, left_out=left_out, notes=notes)


def _check_fractions(given: Mapping[str, float] | None) -> dict[str, float]:
    fractions = dict(DEFAULT_SPLITS if given is None else given)
    text = ", ".join(f"{name}={value}" for name, value in fractions.items())
    for name, value in fractions.items():
        if not _NAME.fullmatch(str(name)):
            raise UsageError(f"a part's name is lower-case letters, digits and _, got {name!r}")
        if isinstance(value, bool) or not 0 < value <= 1:
            raise UsageError(f"fractions must be above 0 and at most 1, got {text}")
    if not fractions or not math.isclose(math.fsum(fractions.values()), 1.0, abs_tol=1e-9):
        raise UsageError(f"fractions must sum to 1, got {text or 'none'}; e.g. train=0.8,val=0.1,test=0.1")
    return {name: float(value) for name, value in fractions.items()}


def _split_worlds(source: SourceRows, by: str, fractions: Mapping[str, float]) -> dict[int, str]:
    """Choose the part of every world; "" where it is in none."""
    worlds = [int(world) for world in np.unique(own_scenario(source.scenario)).tolist()]
    if by == "scenario":
        return {world: split_of(world, fractions) for world in worlds}
    shown = find_world_assets(source.dataset, source.rows, source.scenario)
    part_of = {}
    for world in worlds:
        parts = {split_of_asset(identity, fractions) for identity in shown[world]}
        # A world without assets shows nothing that could leak but itself.
        part_of[world] = split_of(world, fractions) if not parts else parts.pop() if len(parts) == 1 else ""
    return part_of


def _tell(chosen: Array, left_out: Array, by: str, fractions: Mapping[str, float]) -> tuple[str, ...]:
    notes = [f"part {name!r} has no row and was not made" for name in fractions if not (chosen == name).any()]
    if len(left_out):
        share = len(left_out) / len(chosen)
        text = f"{len(left_out)} of {len(chosen)} rows ({share:.0%}) show assets of several parts and are in none"
        if share > MUCH_LOST:
            text += (
                "; to lose none, generate each part with its own assets: a recipe's asset_split takes those of "
                "object_folders that are for train, val or test"
            )
        notes.append(text)
    return tuple(notes)
