"""Top floor: recipes, samplers, campaigns, datasets, quality and the command line.

Names are resolved when they are first used (PEP 562), so that reading a dataset loads no physics.

Example:
    >>> import simloom
    >>> dataset = simloom.sim.generate("tabletop", samples=1000, out="data/tabletop")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bench import run_bench as run_bench
    from .campaign.campaign import Campaign as Campaign
    from .campaign.campaign import generate as generate
    from .campaign.plan import Plan as Plan
    from .campaign.plan import make_plan as make_plan
    from .campaign.row_regeneration import regenerate_row as regenerate_row
    from .campaign.stream import stream as stream
    from .campaign.stream_order import join_states as join_states
    from .dataset import Dataset as Dataset
    from .dataset import depth_in_metres as depth_in_metres
    from .dataset import open_dataset as open_dataset
    from .dataset import verify_dataset as verify_dataset
    from .derive import merge_datasets as merge_datasets
    from .derive import split_dataset as split_dataset
    from .derive import subset_dataset as subset_dataset
    from .errors import PassingError as PassingError
    from .errors import RecipeError as RecipeError
    from .errors import SimloomError as SimloomError
    from .errors import UsageError as UsageError
    from .profile_file import describe_profile_file as describe_profile_file
    from .profile_file import load_profile_file as load_profile_file
    from .quality.gate import run_gate as run_gate
    from .real import import_bop as import_bop
    from .real import import_coco as import_coco
    from .real import import_robomimic as import_robomimic
    from .recipe import Recipe as Recipe
    from .recipe import built_in_recipes as built_in_recipes
    from .recipe import load_recipe as load_recipe

_HOMES = {
    "Campaign": "campaign.campaign",
    "Dataset": "dataset",
    "PassingError": "errors",
    "Plan": "campaign.plan",
    "Recipe": "recipe",
    "RecipeError": "errors",
    "SimloomError": "errors",
    "UsageError": "errors",
    "built_in_recipes": "recipe",
    "depth_in_metres": "dataset",
    "describe_profile_file": "profile_file",
    "generate": "campaign.campaign",
    "import_bop": "real",
    "import_coco": "real",
    "import_robomimic": "real",
    "join_states": "campaign.stream_order",
    "load_profile_file": "profile_file",
    "load_recipe": "recipe",
    "make_plan": "campaign.plan",
    "merge_datasets": "derive",
    "open_dataset": "dataset",
    "regenerate_row": "campaign.row_regeneration",
    "run_bench": "bench",
    "run_gate": "quality.gate",
    "split_dataset": "derive",
    "subset_dataset": "derive",
    "stream": "campaign.stream",
    "verify_dataset": "dataset",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
