"""A scene as a Gymnasium environment: builder, reader, task and variation put together."""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, Final, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ...kernels.device import require_device
from ..acceptance import MAX_DRAWS, estimate_acceptance, find_unmet, needs_checking, redraw_helps
from ..scenario import Scenario, draw_scenario
from ..space import Parameter, ParameterSpace, nearest
from ..stage import Reason, Stage
from .episode_view import EpisodeView, Photographer
from .moment import Moment, PhysicalScene, read_moment
from .task import Arrays, Reader, Task
from .window import Window

Array = NDArray[np.float64]
MAX_ATTEMPTS: Final = 32
"""Worlds without use after which a reset gives up."""
_OPTIONS: Final = ("parameters", "u")


def has_display() -> bool:
    """Whether windows can be opened here."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def render_modes() -> list[str]:
    """Return the ways an environment can be rendered here: `human` only where a display is."""
    return ["rgb_array", "human"] if has_display() else ["rgb_array"]


class SceneEnvironment(gymnasium.Env[Arrays, NDArray[np.float32]]):
    """An environment of a scene; derive it and say which scene, reader and task.

    `reset(seed=...)` starts a series of episodes, of which each `reset()` without a seed takes the next; an environment
    that was never given a seed starts with seed 0. `options` may hold `parameters` (name to a number or a distribution,
    as in a recipe) or `u` (all coordinates in (0, 1): the scenario's, the view's, the look's).

    Args:
        render_mode: `rgb_array`, `human` where a display is, or None.
        horizon: Steps after which an episode is cut off, >= 1.
        images: Whether observations hold the picture of the rig's first camera, as `image`.
        device: Where pictures are rendered, `cpu` or `cuda`.
        threads: CPU threads for rendering; None for all.
        **options: Keyword arguments of the scene.

    Raises:
        ValueError: If an argument cannot be, or no draw meets what is required.
        RuntimeError: If pictures are asked for on a device that is not here.
    """

    def __init__(
        self,
        *,
        render_mode: str | None = None,
        horizon: int = 200,
        images: bool = False,
        device: str = "cpu",
        threads: int | None = None,
        **options: Any,
    ) -> None:
        if render_mode == "human" and not has_display():
            raise ValueError(
                "render_mode 'human' needs a display (DISPLAY or WAYLAND_DISPLAY is set where one is); use 'rgb_array'"
            )
        if render_mode not in (None, "rgb_array", "human"):
            raise ValueError(f"render_mode must be rgb_array, human or None, got {render_mode!r}")
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {horizon}")
        wants_pictures = images or render_mode is not None
        if device != "cuda" or wants_pictures:
            require_device(device)
        self.render_mode = render_mode
        self._horizon, self._images = horizon, images
        self._device, self._threads = device, threads
        self.scene, self.reader, self.task = self.make_parts(options)
        mount = self.scene.rig.mounts[0] if self.scene.rig.mounts else None
        try:
            self.space = self._whole_space()
            """What is randomized: the scene's parameters, then the task's."""
            if mount is None and wants_pictures:
                raise ValueError("the rig has no camera; add one, or leave out images and render_mode")
        except BaseException:
            self.scene.close()
            raise
        self._camera = None if mount is None else mount.name
        self._camera_link = -1 if mount is None else self.scene.mount_rows.get(mount.mount, -1)
        self._photographer: Photographer | None = None
        self._window: Window | None = None
        self._seed, self._episode, self._steps = 0, -1, 0
        self._closed, self._ended, self._is_warned = False, "", False
        self._stage: Stage | None = None
        self._view: EpisodeView | None = None
        self._moment: Moment | None = None
        self.action_space = self.task.action_space
        self.state_space = spaces.Dict({**self.reader.spaces, **self.task.spaces})
        """Space of observations without the picture."""
        shapes = dict(self.state_space.spaces)
        if images and mount is not None:
            shapes["image"] = spaces.Box(0, 255, (mount.height, mount.width, 3), dtype=np.uint8)
        self.observation_space = cast("spaces.Space[Arrays]", spaces.Dict(shapes))

    asks: ClassVar[tuple[Parameter, ...]] = ()
    """What its task randomizes beside the scene."""

    @abstractmethod
    def make_parts(self, options: dict[str, Any]) -> tuple[PhysicalScene, Reader, Task]:
        """Make the scene from its keyword arguments, and what reads it and asks something of it."""

    def _whole_space(self) -> ParameterSpace:
        space = replace(self.scene.space, parameters=(*self.scene.space, *self.task.parameters))
        space = space.constrain(require=self.task.requirements)
        if needs_checking(space):
            acceptance = estimate_acceptance(space, seed=0)
            if acceptance.accepted == 0:
                raise ValueError(f"no draw meets what is required: {acceptance.describe()}")
        return space

    # ---- Gymnasium --------------------------------------------------------------------------------------------------

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Starts the series of episodes of this seed, range [0, 2^64); None = the next episode.
            options: `parameters` or `u`, see the class.

        Returns:
            The observation and what it came from: seed, episode, attempt, margins.

        Raises:
            ValueError: If an option is unknown or cannot be, or a given u makes no valid world.
            RuntimeError: If no draw makes a valid world, or the environment is closed.
        """
        super().reset(seed=seed)
        observation, info = self.restart(seed=seed, options=options)
        return self._finish(observation), info

    def step(self, action: NDArray[np.float32]) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Act, and let the world go on for one step; Gymnasium's logger warns where the episode is over.

        Args:
            action: One number in [-1, 1] for each of the task's actuators; clipped.

        Returns:
            Observation, reward, terminated, truncated, and the task's events.

        Raises:
            ValueError: If the action has a wrong shape or is not finite.
            RuntimeError: If `reset` was never called, or the environment is closed.
        """
        observation, reward, terminated, truncated, info = self.advance(action)
        return self._finish(observation), reward, terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """Render the first camera's view of the present state.

        Returns:
            sRGB bytes, shape (height, width, 3); None without a render mode, and where it is shown in a window.

        Raises:
            RuntimeError: If `reset` was never called.
        """
        if self.render_mode == "rgb_array":
            return self._picture()
        if self.render_mode == "human":
            self._show(self._picture())
        return None

    def close(self) -> None:
        """Give back the physics client; calling it again does nothing."""
        self._closed, self._moment, self._view = True, None, None
        self.scene.close()
        if self._window is not None:
            self._window.close()
            self._window = None
        super().close()

    # ---- without pictures -------------------------------------------------------------------------------------------

    @property
    def moment(self) -> Moment:
        """What the physics said last."""
        self._require_open()
        if self._moment is None:
            raise RuntimeError("call reset before step and render")
        return self._moment

    @property
    def view(self) -> EpisodeView:
        """How the present episode looks."""
        self._require_open()
        if self._view is None:
            raise RuntimeError("call reset before step and render")
        return self._view

    def restart(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, dict[str, Any]]:
        """Start an episode as `reset` does, and leave the picture out of the observation.

        What is refused takes no episode of the series; one for which no draw makes a valid world is passed over.
        """
        self._require_open()
        given = dict(options or {})
        for key in given:
            if key not in _OPTIONS:
                raise ValueError(f"reset has no option {key!r}; {nearest(key, _OPTIONS)}")
        space = self.space.override(given.get("parameters") or {})
        place = (self._seed, self._episode + 1) if seed is None else (int(seed), 0)
        u = None if given.get("u") is None else _checked_u(space, given["u"])
        self._moment = self._view = None
        self._steps, self._ended, self._is_warned = 0, "", False
        try:
            stage, moment = self._find_stage(space, u, *place)
        except RuntimeError:
            self._seed, self._episode = place
            raise
        self._seed, self._episode = place
        self._begin(stage, moment)
        info = {
            "seed": self._seed,
            "episode": self._episode,
            "attempt": stage.scenario.attempt,
            "margins": {name: float(value) for name, value in stage.margins.items()},
        }
        return self._observe(), info

    def start(self, scenario: Scenario, space: ParameterSpace) -> tuple[Stage, Arrays]:
        """Start the episode of a scenario, whatever was before it; `advance` goes on from there.

        Args:
            scenario: A point of the space.
            space: The environment's own space, or one with the same parameters.

        Returns:
            The stage, and the observation without the picture. A stage that comes back invalid has no observation, and
            no episode.

        Raises:
            ValueError: If the scenario does not belong to the space.
            RuntimeError: If the environment is closed.
        """
        self._require_open()
        self._moment = self._view = None
        self._steps, self._ended, self._is_warned = 0, "", False
        stage = self.scene.stage(scenario, space)
        if not stage.valid:
            return stage, {}
        moment = read_moment(self.scene)
        if refused := self.task.begin(stage, moment):
            return replace(stage, valid=False, reason=Reason.BUILD_FAILED, message=refused), {}
        self._begin(stage, moment)
        return stage, self._observe()

    def _begin(self, stage: Stage, moment: Moment) -> None:
        self._stage, self._moment = stage, moment
        self._view = EpisodeView.of_stage(stage, self._camera, self._camera_link, moment.links, moment.bodies)
        self.reader.begin(stage)

    def advance(self, action: NDArray[Any]) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Step as `step` does, and leave the picture out of the observation."""
        self._require_open()
        if self._moment is None:
            raise RuntimeError("call reset before step")
        wanted = np.asarray(action, np.float64)
        if wanted.shape != self.task.action_space.shape or not np.isfinite(wanted).all():
            raise ValueError(f"an action is {self.task.action_space.shape[0]} finite numbers, got {action!r}")
        if self._ended and not self._is_warned:
            gymnasium.logger.warn(
                f"You are calling 'step()' even though this environment has already returned {self._ended} = True. You "
                f"should always call 'reset()' once you receive '{self._ended} = True'."
            )
            self._is_warned = True
        self.task.act(np.clip(wanted, -1.0, 1.0))
        self._steps += 1
        self._moment = read_moment(self.scene)
        outcome = self.task.judge(self._moment)
        info = {name: kind(outcome.events[name]) for name, kind in self.task.events.items()}
        done, cut = outcome.success or outcome.failure, self._steps >= self._horizon
        self._ended = self._ended or ("terminated" if done else "truncated" if cut else "")
        return self._observe(), outcome.reward, done, cut, info

    def _observe(self) -> Arrays:
        # In the order of the space, whose keys Gymnasium sorts.
        found = self.reader.read(self.moment) | self.task.observe(self.moment)
        return {name: found[name] for name in self.state_space.spaces}

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("the environment is closed; make a new one")

    def _find_stage(self, space: ParameterSpace, u: Array | None, seed: int, episode: int) -> tuple[Stage, Moment]:
        """Return the stage of an episode, at which the task can be asked, and what its physics says."""
        if u is not None:
            found = self._try(_scenario_of(space, u, seed, episode), space)
            if isinstance(found, str):
                raise ValueError(f"this u makes no valid world: {found}")
            return found
        message, failures = "", 0
        for attempt in range(MAX_DRAWS):
            scenario = draw_scenario(space, seed=seed, index=episode, attempt=attempt)
            if message := find_unmet(space, scenario):  # costs no physics
                if not redraw_helps(space, scenario):
                    break
                continue
            found = self._try(scenario, space)
            if not isinstance(found, str):
                return found
            message, failures = found, failures + 1
            if failures == MAX_ATTEMPTS:
                break
        met = f"; {estimate_acceptance(space, seed=seed).describe()}" if space.requirements else ""
        raise RuntimeError(f"no valid world in {attempt + 1} draws; the last: {message}{met}")

    def _try(self, scenario: Scenario, space: ParameterSpace) -> tuple[Stage, Moment] | str:
        """Return a scenario's stage, or why it is of no use."""
        stage = self.scene.stage(scenario, space)
        if not stage.valid:
            return stage.message
        moment = read_moment(self.scene)
        return self.task.begin(stage, moment) or (stage, moment)

    # ---- pictures ---------------------------------------------------------------------------------------------------

    def _finish(self, observation: Arrays) -> Arrays:
        """Add the picture where it belongs to observations, and show it where a person watches."""
        if not self._images and self.render_mode != "human":
            return observation
        picture = self._picture()
        if self.render_mode == "human":
            self._show(picture)
        if not self._images:
            return observation
        found = observation | {"image": picture}
        return {name: found[name] for name in cast("spaces.Dict", self.observation_space).spaces}

    def _picture(self) -> NDArray[np.uint8]:
        view, moment = self.view, self.moment
        if self._photographer is None:
            self._photographer = Photographer(self.scene.library, device=self._device, threads=self._threads)
        return np.asarray(self._photographer.take([(view, moment.links, moment.bodies)])[0])

    def _show(self, picture: NDArray[np.uint8]) -> None:
        if self._window is None:
            self._window = Window(type(self).__name__, self.task.frames_per_second)
        self._window.show(picture)


def _checked_u(space: ParameterSpace, u: Any) -> Array:
    given = np.asarray(u, np.float64)
    if given.shape != (space.size,):
        raise ValueError(f"u must have {space.size} coordinates in (0, 1), got shape {given.shape}")
    if not ((given > 0.0) & (given < 1.0)).all():
        raise ValueError(f"u must lie inside (0, 1), got values in [{given.min():g}, {given.max():g}]")
    return given


def _scenario_of(space: ParameterSpace, u: Array, seed: int, index: int) -> Scenario:
    first, second = space.sizes["scenario"], space.sizes["scenario"] + space.sizes["view"]
    return Scenario(
        index=index,
        seed=seed,
        u_scenario=u[:first],
        u_view=u[None, first:second],
        u_look=u[None, None, second:],
    )
