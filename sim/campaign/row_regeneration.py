"""Make single rows of a dataset again, from its own recipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..dataset.plain_file import open_plain
from ..quality.checks import needed_outputs
from ..recipe import load_recipe
from .finished_rows import finish_rows
from .plan import make_plan
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
    recipe = plan.recipe
    capturer = plan.capturer(more_outputs=needed_outputs(recipe.checks))
    kept = frozenset(plan.capturer().shapes)

    def make(row: int) -> dict[str, NDArray[Any]]:
        scenario, inner = divmod(row, recipe.rows_per_scenario)
        rows = capturer.allocate(recipe.rows_per_scenario)
        with StageSource(plan, [scenario], workers=0) as source:
            capturer.fill([next(source)], rows, start=0)
        return {name: array[inner] for name, array in finish_rows(rows, recipe, kept=kept).items()}

    return make
