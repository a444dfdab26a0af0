"""Coverage: which combinations of parameter levels a dataset holds, and which it has nothing of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...scenes.space import ParameterSpace
from ..dataset.reader import Dataset, open_dataset
from ..errors import UsageError
from ..sampling.covering import covering_levels, plain_parameters
from ..sampling.covering_array import MAX_TUPLES, LevelSpace, count_cells
from ..sampling.factors import Factor, bin_parameter
from ..sampling.replay_dataset import recorded_space

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TupleCoverage:
    """How often each combination of the levels of some parameters occurs."""

    factors: tuple[Factor, ...]
    """The parameters."""
    counts: Counts
    """Rows in each cell, an axis per parameter."""
    possible: NDArray[np.bool_]
    """Cells that can occur, of the same shape; a covering design may exclude some."""

    @property
    def share(self) -> float:
        """Occupied part of the cells that can occur [1]."""
        possible = int(self.possible.sum())
        return int(((self.counts > 0) & self.possible).sum()) / possible if possible else 1.0

    @property
    def hole_count(self) -> int:
        """Cells that can occur and hold no row."""
        return int(((self.counts == 0) & self.possible).sum())

    def holes(self) -> Iterator[dict[str, str]]:
        """Yield the cells that can occur and hold no row: parameter name to its level in words."""
        for cell in np.argwhere((self.counts == 0) & self.possible):
            yield {
                factor.name: factor.levels[int(level)].text for factor, level in zip(self.factors, cell, strict=True)
            }


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """What a dataset holds of its parameter space."""

    rows: int
    """Rows that were counted."""
    left_out: int
    """Tombstones and rejected rows, which are not counted."""
    strength: int
    """Parameters of a combination."""
    singles: tuple[TupleCoverage, ...]
    """Each parameter alone."""
    tuples: tuple[TupleCoverage, ...]
    """Every combination of `strength` parameters, emptiest first."""

    @property
    def share(self) -> float:
        """Occupied part of all cells that can occur [1]."""
        possible = sum(int(each.possible.sum()) for each in self.tuples)
        return 1.0 - sum(each.hole_count for each in self.tuples) / possible if possible else 1.0

    def to_json(self, *, most_holes: int = 1000) -> dict[str, Any]:
        """Return all of it as JSON types.

        Args:
            most_holes: Holes named; `hole_count` tells of all.
        """
        named: list[dict[str, str]] = []
        for each in self.tuples:
            named += itertools.islice(each.holes(), most_holes - len(named))
        return {
            "rows": self.rows,
            "left_out": self.left_out,
            "strength": self.strength,
            "share": self.share,
            "parameters": {
                each.factors[0].name: {
                    "share": each.share,
                    "levels": dict(zip(each.factors[0].texts, each.counts.tolist(), strict=True)),
                }
                for each in self.singles
            },
            "combinations": [
                {
                    "parameters": [factor.name for factor in each.factors],
                    "share": each.share,
                    "cells": int(each.possible.sum()),
                    "holes": each.hole_count,
                    "fewest_rows": int(each.counts[each.possible].min()) if each.possible.any() else 0,
                }
                for each in self.tuples
            ],
            "hole_count": sum(each.hole_count for each in self.tuples),
            "holes": named,
        }


def measure_coverage(
    values: Mapping[str, NDArray[np.float64]],
    factors: Sequence[Factor],
    *,
    strength: int = 2,
    level_space: LevelSpace | None = None,
    left_out: int = 0,
) -> Coverage:
    """Count which combinations of levels occur.

    Args:
        values: Parameter name to its value in each row, shape (N,) or (N, elements).
        factors: Parameters with their levels.
        strength: Parameters of a combination.
        level_space: What cannot occur; None: all can.
        left_out: Rows that the caller left out, for the report.

    Returns:
        The coverage.

    Raises:
        ValueError: If the strength exceeds the parameters or there are too many combinations.

    Example:
        >>> measure_coverage({"a": a, "b": b}, [factor_a, factor_b]).share
        0.75
    """
    space = level_space or LevelSpace(counts=tuple(len(factor.levels) for factor in factors))
    if not 1 <= strength <= len(factors):
        raise ValueError(f"strength must be 1 to the number of parameters, {len(factors)}, got {strength}")
    if (cells := space.tuple_count(strength)) > MAX_TUPLES:
        raise ValueError(
            f"{cells} combinations of {strength} parameters are more than {MAX_TUPLES}; name fewer parameters, or "
            "take fewer bins"
        )
    columns = [_cells(factor, np.asarray(values[factor.parameter.name], np.float64)) for factor in factors]
    rows = np.stack(columns, axis=1)
    singles = tuple(_count(rows, factors, (i,), space) for i in range(len(factors)))
    every = [_count(rows, factors, chosen, space) for chosen in itertools.combinations(range(len(factors)), strength)]
    return Coverage(
        rows=len(rows),
        left_out=left_out,
        strength=strength,
        singles=singles,
        tuples=tuple(sorted(every, key=lambda each: (each.share, -each.hole_count))),
    )


def dataset_coverage(
    folder: str | Path | Dataset,
    *,
    strength: int | None = None,
    bins: int | None = None,
    parameters: Sequence[str] | None = None,
) -> Coverage:
    """Measure what a dataset holds of its parameter space, over the rows that its readers get.

    Bins are of equal probability under the dataset's own distributions. A dataset of a covering design is measured by
    that design's levels, unless something else is asked for.

    Args:
        folder: The dataset.
        strength: Parameters of a combination; None: 2, or the covering design's.
        bins: Levels of a parameter; None: 4, or the covering design's.
        parameters: Names, `name[2]` for one element of a vector, a vector's own for each of its elements; None: all of
            one number that vary.

    Returns:
        The coverage.

    Raises:
        UsageError: If a parameter is unknown, or there are too many combinations.
        DatasetError: If the folder is no dataset or damaged.

    Example:
        >>> dataset_coverage("data/tabletop", strength=2, bins=4).share
        1.0
    """
    if not isinstance(folder, Dataset):
        with open_dataset(folder, skip_rejected=False) as dataset:
            return dataset_coverage(dataset, strength=strength, bins=bins, parameters=parameters)
    from ..recipe import load_recipe

    dataset = folder
    sampler = load_recipe(dataset.folder / "recipe.yaml").sampler
    design = None if isinstance(sampler, str) else sampler.covering
    try:
        space = recorded_space(dataset)
        level_space = None
        if design is not None and bins is None and parameters is None:
            asked = design.model_dump(mode="json")
            factors, level_space = covering_levels(
                space, bins=design.bins, parameters=asked["parameters"], exclude=asked["exclude"]
            )
            strength = design.strength if strength is None else strength
        else:
            marginal = replace(space, correlated=())  # a coupled parameter has its own distribution all the same
            names = plain_parameters(marginal) if parameters is None else _elements(marginal, parameters)
            factors = tuple(bin_parameter(marginal, name, 4 if bins is None else bins) for name in names)
        kept = (dataset.array("sample/valid") == 1) & (dataset.array("sample/verdict") == 0)
        rows = np.asarray(dataset.rows)[kept].tolist()
        values = {
            name: dataset.array(f"param/{name}", rows) for name in dict.fromkeys(f.parameter.name for f in factors)
        }
        return measure_coverage(
            values,
            factors,
            strength=2 if strength is None else strength,
            level_space=level_space,
            left_out=int((~kept).sum()),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def _elements(space: ParameterSpace, parameters: Sequence[str]) -> list[str]:
    """Put the names of a vector's elements in the place of its own: they vary each by itself."""
    names: list[str] = []
    for name in parameters:
        count = space[name].count if name in space.slices else 1
        names += [name] if count == 1 else [f"{name}[{element}]" for element in range(count)]
    return list(dict.fromkeys(names))


def _cells(factor: Factor, values: NDArray[np.float64]) -> Counts:
    """Number the level of each row; -1 where a row has none, or elements that share a factor differ."""
    if values.ndim == 1:
        return factor.find_cells(values)
    if factor.element is not None:
        return factor.find_cells(values[:, factor.element])
    each = np.stack([factor.find_cells(column) for column in values.T], axis=1)
    return np.where((each == each[:, :1]).all(axis=1), each[:, 0], -1)


def _count(rows: Counts, factors: Sequence[Factor], chosen: tuple[int, ...], space: LevelSpace) -> TupleCoverage:
    shape = [space.counts[factor] for factor in chosen]
    counts = count_cells(rows, chosen, shape).reshape(shape)
    possible = np.ones(shape, np.bool_)
    if space.forbidden:
        for cell in itertools.product(*map(range, shape)):
            possible[cell] = space.complete(dict(zip(chosen, cell, strict=True))) is not None
    return TupleCoverage(factors=tuple(factors[i] for i in chosen), counts=counts, possible=possible)


def pair_shares(coverage: Coverage) -> tuple[list[str], NDArray[np.float64]]:
    """Return the parameters' names and the matrix of pair coverage; each parameter alone is on the diagonal.

    Raises:
        ValueError: If the coverage is not of pairs.
    """
    if coverage.strength != 2:
        raise ValueError(f"a picture shows pairs: strength must be 2, got {coverage.strength}")
    names = [each.factors[0].name for each in coverage.singles]
    shares = np.full((len(names), len(names)), math.nan)
    for place, each in enumerate(coverage.singles):
        shares[place, place] = each.share
    for each in coverage.tuples:
        a, b = (names.index(factor.name) for factor in each.factors)
        shares[a, b] = shares[b, a] = each.share
    return names, shares
