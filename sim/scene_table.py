"""The table of a scene's parameters: distribution, unit, what each varies with, when it acts, and its meaning."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from ..scenes.describe import ParameterRow, describe_parameter
from ..scenes.scene import scene_names
from ..scenes.space import ParameterSpace

MIN_WIDTH: Final = 160
"""Characters that the table takes at least: in fewer, its columns are too narrow for words."""


def scene_space(name: str, *, overrides: Sequence[str] = (), allow_code: bool = False) -> ParameterSpace:
    """Return the parameters of a scene, as a recipe that names nothing but it has them, or of a recipe.

    Args:
        name: A scene, or what `load_recipe` takes.
        overrides: Changes of the form `"key=value"`.
        allow_code: Whether a scene may be named as `module:Class`.

    Returns:
        The space.

    Raises:
        RecipeError: If there is no such scene or recipe, or it cannot be.

    Example:
        >>> scene_space("tabletop")["friction"].unit
        '1'
    """
    from .campaign.plan import make_plan
    from .recipe import load_recipe

    is_scene = name in scene_names() or (":" in name and not name.endswith((".yaml", ".yml")))
    recipe = load_recipe({"scene": name} if is_scene else name, overrides=overrides)
    plan = make_plan(recipe, allow_code=allow_code)
    try:
        return plan.scene.space
    finally:
        plan.scene.close()


def print_space(space: ParameterSpace, *, title: str, as_json: bool = False) -> None:
    """Print a space as a table, or as JSON."""
    if as_json:
        Console(highlight=False).out(json.dumps(space.to_json(), indent=2))
        return
    table = Table(title=f"{title}: {len(space)} parameters, {space.size} coordinates")
    for heading in ParameterRow._fields:
        # Names are there to be typed: what is too long is folded elsewhere.
        table.add_column(heading, no_wrap=heading == "name", overflow="fold")
    for parameter in space:
        table.add_row(*describe_parameter(parameter))
    console = Console(highlight=False)
    if console.width < MIN_WIDTH:  # as where there is no terminal
        console = Console(highlight=False, width=MIN_WIDTH)
    console.print(table)
    for group in space.correlated:
        console.out(f"correlated  {', '.join(group.names)}: {json.dumps(group.to_json()[group.kind])} ({group.kind})")
    for requirement in space.requirements:
        share = "" if requirement.is_hard else f"  (in {100 * requirement.probability:g} % of the scenarios)"
        console.out(f"require     {requirement.condition}{share}")
