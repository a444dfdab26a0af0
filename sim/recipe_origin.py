"""Recipes of datasets that no scene made: what to answer where somebody would make their rows again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import RecipeError


def refuse_derived(value: Mapping[str, Any], source: str) -> None:
    """Refuse the recipe of a derived or imported dataset where a scene's recipe is needed.

    Args:
        value: What the recipe holds.
        source: Its file.

    Raises:
        RecipeError: It is one; the text says where its rows come from.
    """
    derived, imported = value.get("derived"), value.get("imported")
    if isinstance(derived, Mapping):
        sources = derived.get("sources")
        count = len(sources) if isinstance(sources, list) else 0
        raise RecipeError(
            f"{source}: this dataset was derived ({derived.get('operation')}) from {count} "
            f"{'dataset' if count == 1 else 'datasets'}: no scene makes its rows. They are made again from those "
            "datasets: run the same command on them, sample/source and sample/source_index tell which row is which"
        )
    if isinstance(imported, Mapping):
        raise RecipeError(
            f"{source}: this dataset was imported from {imported.get('format')}: no scene makes its rows. They "
            "are made again by the same simloom import from the same files"
        )
