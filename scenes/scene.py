"""Scenes: what every parametric scene offers, and where they are found by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final

from .episode import Episode
from .scene_code import SceneCode
from .space import ParameterSpace, nearest

if TYPE_CHECKING:
    from ..renderers.mesh_library import MeshLibrary
    from .motion import WheelDrive
    from .scenario import Scenario
    from .sensors import Rig
    from .stage import Stage

_BUILT_IN: Final = {"driving": ".driving:DrivingScene", "tabletop": ".tabletop:TabletopScene"}


class Scene(ABC):
    """A pure function of u: scenario in, settled world out.

    A scene keeps four things apart: its variation (`space`), its builder (parameters to bodies), its reader (bodies to
    named quantities) and, in the environment made of it, its task.
    """

    name: ClassVar[str]
    """Name in recipes."""
    classes: ClassVar[tuple[str, ...]]
    """Class names; the row is the class id."""
    summary: ClassVar[str] = ""
    """One line for people."""

    @property
    @abstractmethod
    def space(self) -> ParameterSpace:
        """What is randomized and how, overrides included."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names with those that users' assets add; the row is the class id."""
        return self.classes

    @property
    def asset_table(self) -> Mapping[str, Any]:
        """What users say of their assets, by number in `object/asset`; JSON types."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What options change of what the scene declares, a sentence each, for its user to know."""
        return ()

    @property
    @abstractmethod
    def slots(self) -> int:
        """Object slots M, the pad of everything per object."""

    @property
    @abstractmethod
    def slot_names(self) -> tuple[str, ...]:
        """What each slot holds, length M."""

    @property
    @abstractmethod
    def joint_names(self) -> tuple[str, ...]:
        """Names of the joints in `state/joint_position`."""

    @property
    @abstractmethod
    def contact_pad(self) -> int:
        """Contacts C that a row has room for."""

    @property
    @abstractmethod
    def rig(self) -> Rig:
        """The sensors."""

    @property
    def window(self) -> float:
        """Motion that is recorded before a stage's instant [s]; 0 = none."""
        return 0.0

    @property
    def steps_per_second(self) -> float:
        """Instants of that motion per second [Hz]."""
        return 240.0

    @property
    def horizon(self) -> int:
        """Instants of a scenario: rows of each view and look; 1 = no episodes."""
        return 1

    @property
    def action_count(self) -> int:
        """Numbers of an action in `task/action`; 0 = no episodes."""
        return 0

    @property
    def sliding_joints(self) -> tuple[bool, ...]:
        """Which of the joints slide; the others turn."""
        return (False,) * len(self.joint_names)

    @property
    def drive(self) -> WheelDrive | None:
        """How the robot rolls; None where it does not."""
        return None

    @property
    @abstractmethod
    def library(self) -> MeshLibrary:
        """Meshes and textures that its snapshots refer to."""

    @property
    @abstractmethod
    def asset_digests(self) -> Mapping[str, str]:
        """SHA-256 of every asset file that the scene may use, by its name."""

    @abstractmethod
    def stage(self, scenario: Scenario) -> Stage:
        """Make one world.

        Args:
            scenario: A point of `space` for V views and L looks.

        Returns:
            The settled world; one that fails comes back invalid with its reason.

        Raises:
            ValueError: If the scenario does not belong to the space.
        """

    def constrain(self, *, correlated: Sequence[Any] = (), require: Sequence[Any] = ()) -> None:
        """Couple parameters and require conditions between them, as a recipe asks.

        Args:
            correlated: Groups: `{"names": [...], "rank": 0.6}`.
            require: Conditions: `"a > 0.3"` or `{"condition": "a > 0.3", "probability": 0.9}`.

        Raises:
            ValueError: If one cannot be, or the scene takes none.
        """
        if correlated or require:
            raise ValueError(f"the scene {self.name} takes no requirements and no correlations; override constrain()")

    @abstractmethod
    def close(self) -> None:
        """Give back the physics client and temporary files; the scene is of no use afterwards."""


@dataclass(frozen=True, kw_only=True)
class SceneSpec:
    """All that another process needs to make the same scene.

    Example:
        >>> scene = SceneSpec(name="tabletop", options={"slots": 16}).make()
    """

    name: str
    """Name of a built-in scene, or `module:Class` where code is allowed."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the scene, of JSON types; `correlated` and `require` are those of `constrain`."""
    allow_code: bool = False
    """Whether a name of the form `module:Class` may be imported."""
    episode: Episode | None = None
    """What each scenario goes on to; None = its one instant."""

    def make(self) -> Scene:
        """Make the scene.

        Returns:
            A new scene with a world of its own.

        Raises:
            ValueError: If the name or an option is unknown (the nearest is named), or code is not allowed.
        """
        if self.episode is None:
            return make_scene(self.name, self.options, allow_code=self.allow_code)
        make: Any = import_module(".environments.episode_scene", __package__).make_episode_scene
        return make(self.name, self.options, self.episode, allow_code=self.allow_code)  # type: ignore[no-any-return]


def scene_names() -> tuple[str, ...]:
    """List the built-in scenes."""
    return tuple(sorted(_BUILT_IN))


def scene_class(name: str, *, allow_code: bool = False) -> type[Scene]:
    """Find a scene by its name.

    Args:
        name: A built-in name, or `module:Class`.
        allow_code: Whether a name of the form `module:Class` may be imported.

    Returns:
        The class.

    Raises:
        ValueError: If there is no such scene (the nearest is named), or code is not allowed.
        SceneCodeError: If the module's own code raises an error.
    """
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        found: Any = getattr(import_module(module, __package__), attribute)
    elif ":" in name:
        if not allow_code:
            raise ValueError(f"scene {name!r} names code; pass --allow-code, or run it from Python, if you trust it")
        module, _, attribute = name.partition(":")
        try:
            with SceneCode(module):
                found = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"scene {name!r} cannot be imported: {error}") from error
    else:
        raise ValueError(f"unknown scene {name!r}; {nearest(name, scene_names())}")
    if not (isinstance(found, type) and issubclass(found, Scene)):
        raise ValueError(f"{name!r} is not a Scene; derive it from simloom.scenes.Scene")
    return found


def make_scene(name: str, options: Mapping[str, Any] | None = None, *, allow_code: bool = False) -> Scene:
    """Make a scene by its name.

    Args:
        name: A built-in name, or `module:Class` where code is allowed.
        options: Keyword arguments of the scene; `correlated` and `require` are those of `Scene.constrain`.
        allow_code: Whether a name of the form `module:Class` may be imported.

    Returns:
        The scene.

    Raises:
        ValueError: If the scene or an option is unknown, or an option cannot be.
        SceneCodeError: If the code of a scene of one's own raises an error.

    Example:
        >>> scene = make_scene("tabletop", {"overrides": {"object_count": {"integer": [3, 8]}}})
    """
    import inspect

    found = scene_class(name, allow_code=allow_code)
    known = [key for key in inspect.signature(found.__init__).parameters if key != "self"]
    given = dict(options or {})
    constraints = {key: given.pop(key) for key in ("correlated", "require") if key in given and key not in known}
    for key in given:
        if key not in known:
            raise ValueError(f"scene {name!r} has no option {key!r}; {nearest(key, known)}")
    with SceneCode(found.__module__):
        made = found(**given)
    try:
        made.constrain(**constraints)
    except BaseException:
        made.close()
        raise
    return made
