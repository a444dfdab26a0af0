"""From captured rows to the rows that a dataset holds; everything that makes rows ends here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ..dataset.depth_format import store_depth
from ..quality.checks import judge_rows
from ..recipe import Recipe


def finish_rows(
    captured: Mapping[str, NDArray[Any]], recipe: Recipe, *, kept: frozenset[str]
) -> dict[str, NDArray[Any]]:
    """Give captured rows their verdict, and the form in which a dataset holds them.

    Args:
        captured: Arrays from a capturer, filled, rows leading; the verdicts are written into them.
        recipe: What checks the rows must satisfy, and how depth is stored.
        kept: Names of the arrays that the dataset holds; others were made for the checks alone.

    Returns:
        The dataset's arrays by name.
    """
    captured["sample/verdict"][:] = judge_rows(captured, recipe.checks)
    return store_depth({name: array for name, array in captured.items() if name in kept}, recipe.depth_format)
