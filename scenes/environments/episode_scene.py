"""Scenes whose scenarios go on: each is an episode of the scene's environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..episode import Episode
from ..physics import PhysicsError, WorldError
from ..physics_watch import PhysicsLimits
from ..scenario import Scenario
from ..scene import Scene, scene_class
from ..stage import Reason, Stage
from .moment import Moment
from .policy import make_policy

if TYPE_CHECKING:
    from ...renderers.mesh_library import MeshLibrary
    from ..motion import WheelDrive
    from ..sensors import Rig
    from ..space import ParameterSpace
    from .environment import SceneEnvironment

_ENVIRONMENTS: Final = {"driving": ".driving:DrivingEnvironment", "tabletop": ".tabletop:TabletopEnvironment"}


class EpisodeScene(Scene):
    """A scene that goes on from its first instant as its environment does, with someone who acts.

    A stage holds all instants of its episode. What the task randomizes, such as a goal, is among the parameters. What
    is seen and where the rig stands are drawn once an episode: only links, bodies and what is mounted to links move.

    Args:
        environment: The environment; it is closed with the scene.
        space: What is randomized: the environment's own space, or one with the same parameters.
        episode: How long it goes on, and who acts.

    Raises:
        ValueError: If the rig has an instrument that needs a recorded motion, or there is no such policy.
    """

    def __init__(self, environment: SceneEnvironment, space: ParameterSpace, episode: Episode) -> None:
        self._environment, self._space, self._episode = environment, space, episode
        self._inner: Any = environment.scene
        for instrument in self._inner.rig.instruments:
            raise ValueError(
                f"sensor {instrument.name!r}: episodes hold cameras and depth cameras, and this one is read from a "
                "motion that is recorded before a row's instant; leave it out, or set episode: null"
            )
        self._policy = make_policy(episode.policy, environment.task)

    @property
    def space(self) -> ParameterSpace:
        """What is randomized, the task's parameters last."""
        return self._space

    @property
    def horizon(self) -> int:
        """Instants of an episode."""
        return self._episode.horizon

    @property
    def action_count(self) -> int:
        """Numbers of an action."""
        return int(self._environment.task.action_space.shape[0])

    def stage(self, scenario: Scenario) -> Stage:
        """Make one world and let its episode go by.

        Args:
            scenario: A point of the space for V views and L looks.

        Returns:
            The world with all its instants; those after an early end are no valid rows. One that fails, also in the
            middle of its episode, comes back invalid with its reason, and without instants.

        Raises:
            ValueError: If the scenario does not belong to the space.
        """
        stage, observation = self._environment.start(scenario, self._space)
        stage = replace(stage, motion=None)
        if not stage.valid:
            return stage
        try:
            instants = self._play(scenario, stage, observation)
        except (WorldError, PhysicsError) as error:
            message = f"in its episode: {error}"
            return replace(stage, valid=False, reason=Reason.EXPLODED, message=message)
        over = replace(stage, valid=False, reason=Reason.EPISODE_OVER, snapshots=(), cameras={}, nominal_cameras={})
        return replace(stage, instants=(*instants, *[over] * (self.horizon - len(instants))))

    def _play(self, scenario: Scenario, stage: Stage, observation: dict[str, Any]) -> list[Stage]:
        environment, horizon = self._environment, self.horizon
        self._policy.begin(scenario, environment.moment)
        instants: list[Stage] = []
        for step in range(horizon):
            now = self._inner.stage_now(stage)
            chosen = self._policy.act(step, environment.moment, observation).astype(np.float32)
            observation, reward, terminated, _, info = environment.advance(chosen)
            _require_in_order(environment.moment, self._inner)
            task = {
                "action": chosen,
                "reward": np.float32(reward),
                "terminated": np.uint8(terminated),
                "truncated": np.uint8(not terminated and step == horizon - 1),
                "success": np.uint8(info["is_success"]),
            }
            instants.append(replace(now, task=task))
            if terminated:
                break
        return instants

    def constrain(self, *, correlated: Sequence[Any] = (), require: Sequence[Any] = ()) -> None:
        """Couple parameters and require conditions between them, the task's included."""
        self._space = self._space.constrain(correlated=correlated, require=require)

    def close(self) -> None:
        """Give back the physics client."""
        self._environment.close()

    # ---- as the scene -----------------------------------------------------------------------------------------------

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names; the row is the class id."""
        return tuple(self._inner.class_names)

    @property
    def asset_table(self) -> Mapping[str, Any]:
        """What users say of their assets."""
        return dict(self._inner.asset_table)

    @property
    def notes(self) -> tuple[str, ...]:
        """What options change of what the scene declares."""
        return tuple(self._inner.notes)

    @property
    def slots(self) -> int:
        """Object slots M."""
        return int(self._inner.slots)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """What each slot holds."""
        return tuple(self._inner.slot_names)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the joints."""
        return tuple(self._inner.joint_names)

    @property
    def sliding_joints(self) -> tuple[bool, ...]:
        """Which of the joints slide."""
        return tuple(self._inner.sliding_joints)

    @property
    def contact_pad(self) -> int:
        """Contacts that a row has room for."""
        return int(self._inner.contact_pad)

    @property
    def rig(self) -> Rig:
        """The sensors."""
        rig: Rig = self._inner.rig
        return rig

    @property
    def window(self) -> float:
        """Motion that is recorded before an episode begins [s]."""
        return float(self._inner.window)

    @property
    def steps_per_second(self) -> float:
        """Instants of that motion per second [Hz]."""
        return float(self._inner.steps_per_second)

    @property
    def drive(self) -> WheelDrive | None:
        """How the robot rolls."""
        drive: WheelDrive | None = self._inner.drive
        return drive

    @property
    def library(self) -> MeshLibrary:
        """Meshes and textures."""
        library: MeshLibrary = self._inner.library
        return library

    @property
    def asset_digests(self) -> Mapping[str, str]:
        """SHA-256 of every asset file that the scene may use."""
        return dict(self._inner.asset_digests)


def _require_in_order(moment: Moment, scene: Any) -> None:
    """Raise where physics exploded: what is not finite, or faster than anything here may be."""
    bodies = (scene.robot, *scene.bodies, *scene.distractors)
    fastest = max(scene.world.body_motion(body)[2] for body in bodies)
    numbers = (moment.links, moment.bodies, moment.joint_position, moment.joint_velocity)
    if not all(np.isfinite(each).all() for each in numbers):
        raise PhysicsError("a pose or a rate is not finite")
    if not fastest <= PhysicsLimits().speed:
        raise PhysicsError(f"a body moves at {fastest:.0f} m/s")


def make_episode_scene(
    name: str, options: Mapping[str, Any], episode: Episode, *, allow_code: bool = False
) -> EpisodeScene:
    """Make a scene of episodes by the name of the scene they happen in.

    Args:
        name: A built-in name.
        options: Keyword arguments of the scene; overrides may name what the task randomizes, such as `goal.distance`.
        episode: How long it goes on, and who acts.
        allow_code: Whether a name of the form `module:Class` may be imported.

    Returns:
        The scene.

    Raises:
        ValueError: If the scene has no environment, is unknown, or an option cannot be.

    Example:
        >>> scene = make_episode_scene("driving", {}, Episode(horizon=50, policy="expert"))
    """
    if name not in _ENVIRONMENTS:
        scene_class(name, allow_code=allow_code)
        raise ValueError(
            f"the scene {name!r} has no environment, so no episode can be made of it; {' and '.join(_ENVIRONMENTS)} "
            "have one; set episode: null"
        )
    module, _, attribute = _ENVIRONMENTS[name].partition(":")
    kind: type[SceneEnvironment] = getattr(import_module(module, __package__), attribute)
    given = dict(options)
    constraints = {key: given.pop(key) for key in ("correlated", "require") if key in given}
    overrides = dict(given.pop("overrides", None) or {})
    own = {asked.name: overrides.pop(asked.name) for asked in kind.asks if asked.name in overrides}
    environment = kind(horizon=episode.horizon, threads=1, overrides=overrides, **given)
    try:
        scene = EpisodeScene(environment, environment.space.override(own), episode)
        scene.constrain(**constraints)
    except BaseException:
        environment.close()
        raise
    scene.name, scene.classes = name, tuple(environment.scene.classes)  # type: ignore[misc,attr-defined]
    return scene
