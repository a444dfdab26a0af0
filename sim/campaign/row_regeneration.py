"""Make single rows of a dataset again, from its own recipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..dataset.plain_file import open_plain
from ..recipe import load_recipe
from .plan import make_plan
from .row_maker import RowMaker
from .stages import StageSource


def regenerate_row(folder: str | os.PathLike[str]) -> Callable[[int], dict[str, NDArray[Any]]]:
    """Make a function that makes rows of a dataset again, from its own recipe.

    Args:
        folder: The dataset.

    Returns:
        Row number to values by name, without the leading axis; `verify_dataset` takes it.

    Raises:
        RecipeError: If the recipe cannot be used here: code in it is never run.

    Example:
        >>> verify_dataset("data", regenerate=regenerate_row("data")).ok
        True
    """
    path = Path(folder) / "recipe.yaml"
    os.close(open_plain(path))  # a link, a pipe or a device is refused before anything waits for it
    plan = make_plan(load_recipe(path))
    maker, per_instant = RowMaker(plan), plan.recipe.views * plan.recipe.looks

    def make(row: int) -> dict[str, NDArray[Any]]:
        scenario, inner = divmod(row, plan.recipe.rows_per_scenario)
        with StageSource(plan, [scenario], workers=0) as source:
            rows = maker.make([next(source)], steps=[inner // per_instant])
        return {name: array[inner] for name, array in rows.items()}

    return make
