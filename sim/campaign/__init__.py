"""Campaigns: from a recipe to a finished dataset on this machine, or this machine's part of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .campaign import Campaign as Campaign
    from .campaign import generate as generate
    from .plan import Plan as Plan
    from .plan import make_plan as make_plan
    from .progress import Estimate as Estimate
    from .progress import Progress as Progress
    from .progress import StageTimes as StageTimes
    from .row_regeneration import regenerate_row as regenerate_row
    from .stage_counter import StageCounter as StageCounter
    from .stage_counter import binding_stage as binding_stage
    from .stage_counter import occupancy_table as occupancy_table

_HOMES = {
    "Campaign": "campaign",
    "Estimate": "progress",
    "Plan": "plan",
    "Progress": "progress",
    "StageCounter": "stage_counter",
    "StageTimes": "progress",
    "binding_stage": "stage_counter",
    "generate": "campaign",
    "make_plan": "plan",
    "occupancy_table": "stage_counter",
    "regenerate_row": "row_regeneration",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
