"""Scenes of one robot and objects out of an asset library, in a world of their own: what they have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..renderers.mesh_library import MeshLibrary
from ..renderers.urdf import UrdfLink
from ..renderers.view import Camera
from .acceptance import check_possible, find_unmet
from .asset_library import AssetLibrary
from .asset_sharing import share_asset_library
from .assets import load_asset_library
from .calibration import camera_parameters, miscalibrate
from .conditional import settle_cases
from .context import check_context
from .lens_fold import note_folds
from .physics import Joint, JointLimitError, PhysicsError, WorldError
from .readout import empty_objects, empty_state
from .robot_links import RobotLinks
from .scenario import Scenario
from .scene import Scene
from .sensor_parameters import override_space
from .sensors import Rig
from .space import ParameterSpace
from .stage import Reason, Stage
from .world import World

Array = NDArray[np.float64]


class AssetScene(Scene):
    """A scene that places a robot and objects and lets physics have them.

    Args:
        slots: Object slots M, the robot's included, range [2, 256].
        rig: Sensors: a `Rig` or its JSON form; None = one camera, `head`.
        object_folders: Folders of meshes or URDFs in place of PyBullet's random objects; None = primitives alone.
        robot: URDF of the robot; None = the Franka Panda.
        texture_folders: Folders of images that take the place of the built-in textures.
        asset_split: train, val or test: which of the folders' assets are used; None = all.
        cache: Whether to keep prepared assets on disk.

    Raises:
        ValueError: If an option cannot be; the message says what is allowed.
        WorldError: If PyBullet is not there.
    """

    floats: ClassVar[bool] = False
    """Whether the robot's base is free to move."""
    _space: ParameterSpace
    _joints: tuple[Joint, ...]
    _steps: int
    _notes: tuple[str, ...]

    def __init__(
        self,
        *,
        slots: int,
        rig: Rig | Mapping[str, Any] | None,
        object_folders: Sequence[str] | None,
        robot: str | Path | None,
        texture_folders: Sequence[str],
        asset_split: str | None = None,
        cache: bool,
    ) -> None:
        if not 2 <= slots <= 256:
            raise ValueError(f"slots must be in [2, 256], got {slots}; one is the robot's")
        self._slots = slots
        self._rig = rig if isinstance(rig, Rig) else Rig() if rig is None else Rig.from_json(rig)
        self._notes = note_folds(self._rig)
        self._assets = share_asset_library(
            load_asset_library(
                object_folders=object_folders,
                robot=robot,
                texture_folders=texture_folders,
                split=asset_split,
                cache=cache,
            )
        )
        self._class_names = self._assets.class_table(type(self).classes)
        self._robot_links = RobotLinks(self._assets.robot_urdf)
        self._mounts = self._robot_links.mount_rows(self._rig, floats=self.floats)
        self._world = World()

    def _declare(self, space: ParameterSpace, overrides: Mapping[str, Any] | None, randomize: Sequence[str]) -> None:
        """Take a space as declared, with what a recipe says of it."""
        changed = dict(overrides or {})
        space = replace(space, parameters=(*space.parameters, *camera_parameters(len(self._rig.mounts))))
        varied = override_space(space, self._rig, changed).randomize(randomize, keep=changed)
        check_context(varied, changed)
        self._space = settle_cases(varied)
        check_possible(self._space)

    def constrain(self, *, correlated: Sequence[Any] = (), require: Sequence[Any] = ()) -> None:
        """Couple parameters and require conditions between them; see `ParameterSpace.constrain`."""
        self._space = self._space.constrain(correlated=correlated, require=require)

    def _err(
        self, cameras: Mapping[str, tuple[Camera, ...]], param: Mapping[str, Array]
    ) -> dict[str, tuple[Camera, ...]]:
        """Return the true cameras of nominal ones."""
        return {
            name: tuple(miscalibrate(camera, param, view, number) for view, camera in enumerate(placed))
            for number, (name, placed) in enumerate(cameras.items())
        }

    @abstractmethod
    def _make(
        self,
        scenario: Scenario,
        param: Mapping[str, Array],
        first: Mapping[str, Array],
        objects: dict[str, NDArray[Any]],
        state: dict[str, NDArray[Any]],
    ) -> Stage:
        """Make the stage of a scenario.

        Args:
            scenario: The scenario.
            param: Values by name, shape (V, L[, K]).
            first: The same for the first view and look.
            objects: Arrays of `empty_objects`, to be filled.
            state: Arrays of `empty_state`, to be filled.
        """

    @property
    def space(self) -> ParameterSpace:
        """What is randomized and how, overrides included."""
        return self._space

    @property
    def class_names(self) -> tuple[str, ...]:
        """The scene's classes and, behind them, those of users' assets."""
        return self._class_names

    @property
    def asset_table(self) -> Mapping[str, Any]:
        """What users say of their assets, by number in `object/asset`; JSON types."""
        return {
            str(asset.index): {"name": asset.name, **asset.nominal.to_json()}
            for asset in self._assets.assets
            if asset.nominal is not None
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What options change of what the scene declares."""
        return self._notes

    @property
    def slots(self) -> int:
        """Object slots M: the robot's, then the objects'."""
        return self._slots

    @property
    def slot_names(self) -> tuple[str, ...]:
        """What each slot holds."""
        return (self._robot_links.name, *(f"object{k}" for k in range(self._slots - 1)))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the joints in `state/joint_position`."""
        return tuple(joint.name for joint in self.joints)

    @property
    def sliding_joints(self) -> tuple[bool, ...]:
        """Which of the joints slide; the others turn."""
        return tuple(joint.slides for joint in self.joints)

    @property
    def contact_pad(self) -> int:
        """Contacts that a row has room for."""
        return 8 * self._slots

    @property
    def window(self) -> float:
        """Motion that is recorded before a stage's instant [s]; 0 = none."""
        return self._steps * self._world.time_step

    @property
    def rig(self) -> Rig:
        """The sensors."""
        return self._rig

    @property
    def library(self) -> MeshLibrary:
        """Meshes and textures that its snapshots refer to."""
        return self._assets.meshes

    @property
    def assets(self) -> AssetLibrary:
        """The asset library."""
        return self._assets

    @property
    def asset_digests(self) -> Mapping[str, str]:
        """SHA-256 of every asset file that the scene may use."""
        return MappingProxyType(dict(self._assets.digests))

    @property
    def world(self) -> World:
        """The physics world, as the last stage left it."""
        return self._world

    @property
    def joints(self) -> tuple[Joint, ...]:
        """The robot's movable joints."""
        return self._joints

    @property
    def links(self) -> tuple[UrdfLink, ...]:
        """The robot's links, the base first."""
        return self._robot_links.links

    @property
    def mount_rows(self) -> Mapping[str, int]:
        """Row, among the links, of the link that carries each mount of the rig but `world`."""
        return MappingProxyType(self._mounts)

    def close(self) -> None:
        """Give back the physics client and temporary files."""
        self._world.close()

    def stage(self, scenario: Scenario, space: ParameterSpace | None = None) -> Stage:
        """Make one world: build, settle, move, check, read out.

        Args:
            scenario: A point of the space for V views and L looks.
            space: A space with the same parameters to take it from; None = the scene's own.

        Returns:
            The settled world; one that fails comes back invalid with its reason.

        Raises:
            ValueError: If the scenario does not belong to the space.
        """
        chosen = self._space if space is None else space
        values = chosen.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)
        unmet = find_unmet(chosen, scenario)
        param = chosen.spread(values, scenario.view_count, scenario.look_count)
        first = {name: value[0, 0] for name, value in param.items()}
        state = empty_state(self.contact_pad, len(self.joints))
        objects = empty_objects(self._slots)
        reason, message = Reason.REQUIREMENT, unmet
        if not unmet:
            try:
                return self._make(scenario, param, first, objects, state)
            except (WorldError, PhysicsError) as error:
                reason, message = _reason_of(error), str(error)
        return Stage(
            scenario=scenario,
            valid=False,
            reason=reason,
            message=message,
            snapshots=(),
            cameras={},
            object=objects,
            state=state,
            param=param,
        )


def _reason_of(error: WorldError | PhysicsError) -> Reason:
    if isinstance(error, PhysicsError):
        return Reason.EXPLODED
    return Reason.JOINT_LIMIT if isinstance(error, JointLimitError) else Reason.BUILD_FAILED
