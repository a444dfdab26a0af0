"""Second floor: parametric scenes as Gymnasium environments, their worlds, assets, parameters and worker processes.

Names are resolved when they are first used (PEP 562), so that importing the room loads no physics and no mesh reader.
Importing it, or simloom, registers the environments with Gymnasium where that is installed.

Example:
    >>> import gymnasium, simloom.scenes
    >>> environment = gymnasium.make("simloom/Tabletop-v0")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .registration import register_environments

if TYPE_CHECKING:
    from .acceptance import estimate_acceptance as estimate_acceptance
    from .acceptance import find_unmet as find_unmet
    from .asset_library import AssetLibrary as AssetLibrary
    from .assets import load_asset_library as load_asset_library
    from .built_scene import BuiltScene as BuiltScene
    from .copula import CorrelatedGroup as CorrelatedGroup
    from .distribution import Distribution as Distribution
    from .distributions import parse_distribution as parse_distribution
    from .environments.driving import DrivingEnvironment as DrivingEnvironment
    from .environments.driving import DrivingVectorEnvironment as DrivingVectorEnvironment
    from .environments.environment import SceneEnvironment as SceneEnvironment
    from .environments.tabletop import TabletopEnvironment as TabletopEnvironment
    from .environments.tabletop import TabletopVectorEnvironment as TabletopVectorEnvironment
    from .environments.vector import SceneVectorEnvironment as SceneVectorEnvironment
    from .physics import Surface as Surface
    from .physics import WorldError as WorldError
    from .requirement import Requirement as Requirement
    from .scenario import Scenario as Scenario
    from .scenario import draw_scenario as draw_scenario
    from .scene import Scene as Scene
    from .scene import SceneSpec as SceneSpec
    from .scene import make_scene as make_scene
    from .scene import scene_names as scene_names
    from .scene_builder import SceneBuilder as SceneBuilder
    from .sensors import Rig as Rig
    from .sensors import SensorMount as SensorMount
    from .space import Parameter as Parameter
    from .space import ParameterSpace as ParameterSpace
    from .stage import Stage as Stage
    from .tabletop import TabletopScene as TabletopScene
    from .workers import WorkerPool as WorkerPool
    from .world import World as World

_HOMES = {
    "AssetLibrary": "asset_library",
    "BuiltScene": "built_scene",
    "CorrelatedGroup": "copula",
    "DrivingEnvironment": "environments.driving",
    "DrivingVectorEnvironment": "environments.driving",
    "Distribution": "distribution",
    "Parameter": "space",
    "ParameterSpace": "space",
    "Requirement": "requirement",
    "Rig": "sensors",
    "Scenario": "scenario",
    "Scene": "scene",
    "SceneBuilder": "scene_builder",
    "SceneSpec": "scene",
    "SensorMount": "sensors",
    "Stage": "stage",
    "SceneEnvironment": "environments.environment",
    "SceneVectorEnvironment": "environments.vector",
    "Surface": "physics",
    "TabletopEnvironment": "environments.tabletop",
    "TabletopVectorEnvironment": "environments.tabletop",
    "TabletopScene": "tabletop",
    "WorkerPool": "workers",
    "World": "world",
    "WorldError": "physics",
    "draw_scenario": "scenario",
    "estimate_acceptance": "acceptance",
    "find_unmet": "acceptance",
    "load_asset_library": "assets",
    "make_scene": "scene",
    "parse_distribution": "distributions",
    "scene_names": "scene",
}

__all__ = sorted([*_HOMES, "register_environments"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)


register_environments()
