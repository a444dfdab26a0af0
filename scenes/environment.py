"""The tabletop as a Gymnasium environment: reach the first object with the robot's hand."""

from __future__ import annotations

import math
from typing import Any, Final, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..kernels.transforms import quaternion_from_pose
from .scenario import Scenario, draw_scenario
from .space import ParameterSpace, nearest
from .stage import Stage
from .tabletop import TabletopScene

Array = NDArray[np.float64]
MAX_ATTEMPTS: Final = 32
"""Redraws after which a reset gives up."""
_SUBSTEPS: Final = 8
_REACH: Final = 0.05
_SPACE: Final = 5.0
_SPEED: Final = 10.0


class TabletopEnvironment(gymnasium.Env[dict[str, NDArray[Any]], NDArray[np.float32]]):
    """Drive the arm's joints to target positions; the reward is minus the hand's distance to the first object [m].

    The episode ends with success within 5 cm, and is cut off after `horizon` steps of 1/30 s. `reset(seed=...)` starts
    a series of episodes, of which each `reset()` takes the next. `options` may hold `parameters` (name to a number or a
    distribution, as in a recipe) or `u` (all coordinates in (0, 1): the scenario's, the view's, the look's).

    Args:
        render_mode: `rgb_array` or None.
        horizon: Steps of an episode, >= 1.
        images: Whether observations hold the `head` camera's picture.
        **options: Keyword arguments of `TabletopScene`.

    Raises:
        ValueError: If an argument cannot be.

    Example:
        >>> environment = gymnasium.make("simloom/Tabletop-v0", render_mode="rgb_array")
        >>> observation, info = environment.reset(seed=7, options={"parameters": {"object_count": 4}})
    """

    metadata = {  # noqa: RUF012 (Gymnasium declares it so)
        "render_modes": ["rgb_array"],
        "render_fps": 30,
    }

    def __init__(
        self, *, render_mode: str | None = None, horizon: int = 200, images: bool = False, **options: Any
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode must be rgb_array or None, got {render_mode!r}")
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {horizon}")
        self.render_mode = render_mode
        self._horizon = horizon
        self._images = images
        self.scene = TabletopScene(**options)
        self._raster: Any = None
        self._seed, self._episode, self._steps = 0, -1, 0
        self._stage: Stage | None = None
        joints = self.scene.joints
        self._lower = np.array([joint.lower if math.isfinite(joint.lower) else -math.pi for joint in joints])
        self._upper = np.array([joint.upper if math.isfinite(joint.upper) else math.pi for joint in joints])
        self._hand = self._find_hand()
        self.action_space = spaces.Box(-1.0, 1.0, (len(joints),), dtype=np.float32)
        objects = self.scene.slots - 1
        shapes: dict[str, spaces.Space[Any]] = {
            # A joint may overshoot its limit by what its motor lets through.
            "joint_position": spaces.Box(self._lower - 0.5, self._upper + 0.5, dtype=np.float64),
            "joint_velocity": spaces.Box(-_SPEED, _SPEED, (len(joints),), dtype=np.float64),
            "object_valid": spaces.MultiBinary(objects),
            "object_position": spaces.Box(-_SPACE, _SPACE, (objects, 3), dtype=np.float64),
            "object_quaternion": spaces.Box(-1.0, 1.0, (objects, 4), dtype=np.float64),
        }
        mount = self.scene.rig.mounts[0]
        if images:
            shapes["image"] = spaces.Box(0, 255, (mount.height, mount.width, 3), dtype=np.uint8)
        self.observation_space = cast("spaces.Space[dict[str, NDArray[Any]]]", spaces.Dict(shapes))

    def _find_hand(self) -> int:
        """Return the row, among the links' poses, of the hand, or of the last link where none is called so."""
        names = [link.name for link in self.scene.links]
        hands = [row for row, name in enumerate(names) if name.endswith("hand")]
        return hands[0] if hands else len(names) - 1

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Starts the series of episodes of this seed, range [0, 2^64); None = the next episode.
            options: `parameters` or `u`, see the class.

        Returns:
            The observation and what it came from: seed, episode, attempt, margins.

        Raises:
            ValueError: If an option is unknown or cannot be, or a given u makes no valid world.
            RuntimeError: If no draw makes a valid world.
        """
        super().reset(seed=seed)
        given = dict(options or {})
        for key in given:
            if key not in ("parameters", "u"):
                raise ValueError(f"reset has no option {key!r}; {nearest(key, ('parameters', 'u'))}")
        if seed is not None:
            self._seed, self._episode = seed, -1
        self._episode += 1
        self._steps = 0
        space = self.scene.space.override(given.get("parameters") or {})
        self._stage = self._find_stage(space, given.get("u"))
        return self._observe(), self._info()

    def _find_stage(self, space: ParameterSpace, u: Any) -> Stage:
        if u is not None:
            stage = self.scene.stage(_scenario_of(space, u, self._seed, self._episode), space)
            if not stage.valid:
                raise ValueError(f"this u makes no valid world: {stage.message}")
            return stage
        message = ""
        for attempt in range(MAX_ATTEMPTS):
            scenario = draw_scenario(space, seed=self._seed, index=self._episode, attempt=attempt)
            stage = self.scene.stage(scenario, space)
            if stage.valid:
                return stage
            message = stage.message
        raise RuntimeError(f"{MAX_ATTEMPTS} draws made no valid world; the last: {message}")

    def step(self, action: NDArray[np.float32]) -> tuple[dict[str, NDArray[Any]], float, bool, bool, dict[str, Any]]:
        """Drive the joints towards target positions for 1/30 s.

        Args:
            action: Joint positions, -1 = lower limit to 1 = upper limit, shape (J,); clipped to the limits.

        Returns:
            Observation, reward, terminated, truncated, information.

        Raises:
            ValueError: If the action has a wrong shape or is not finite.
            RuntimeError: If `reset` was never called.
        """
        if self._stage is None:
            raise RuntimeError("call reset before step")
        targets = np.asarray(action, np.float64)
        if targets.shape != self._lower.shape or not np.isfinite(targets).all():
            raise ValueError(f"an action is {self._lower.size} finite numbers, got {action!r}")
        world = self.scene.world
        targets = self._lower + 0.5 * (np.clip(targets, -1.0, 1.0) + 1.0) * (self._upper - self._lower)
        world.drive_joints(self.scene.robot, self.scene.joints, targets.tolist())
        world.step(_SUBSTEPS)
        self._steps += 1
        distance = self._distance()
        info = self._info() | {"distance": distance, "is_success": distance < _REACH}
        return self._observe(), -distance, distance < _REACH, self._steps >= self._horizon, info

    def _distance(self) -> float:
        """Return the hand's distance to the first object's surface ball, or to where it would lie [m]."""
        if not self.scene.bodies:
            return 0.0
        hand = self.scene.world.link_poses(self.scene.robot)[self._hand]
        # Between the fingers, a hand's length along its z.
        tip = hand[:3, 3] + 0.1 * hand[:3, 2]
        away = tip - self.scene.world.body_pose(self.scene.bodies[0])[:3, 3]
        return math.sqrt(float(away[0]) ** 2 + float(away[1]) ** 2 + float(away[2]) ** 2)

    def _info(self) -> dict[str, Any]:
        assert self._stage is not None
        return {
            "seed": self._seed,
            "episode": self._episode,
            "attempt": self._stage.scenario.attempt,
            "margins": dict(self._stage.margins),
        }

    def _observe(self) -> dict[str, NDArray[Any]]:
        world, objects = self.scene.world, self.scene.slots - 1
        position, velocity = world.joint_states(self.scene.robot, self.scene.joints)
        valid = np.zeros(objects, np.int8)
        places, turns = np.zeros((objects, 3)), np.zeros((objects, 4))
        for k, body in enumerate(self.scene.bodies):
            pose = world.body_pose(body)
            valid[k] = 1
            places[k] = pose[:3, 3]
            turns[k] = quaternion_from_pose(pose)
        observation: dict[str, NDArray[Any]] = {
            "joint_position": np.clip(position, self._lower - 0.5, self._upper + 0.5),
            "joint_velocity": np.clip(velocity, -_SPEED, _SPEED),
            "object_valid": valid,
            "object_position": np.clip(places, -_SPACE, _SPACE),
            "object_quaternion": np.clip(turns, -1.0, 1.0),
        }
        if self._images:
            observation["image"] = self._picture()
        return observation

    def render(self) -> NDArray[np.uint8] | None:
        """Render the first camera's view of the present state.

        Returns:
            sRGB bytes, shape (height, width, 3), or None without a render mode.

        Raises:
            RuntimeError: If `reset` was never called.
        """
        return self._picture() if self.render_mode == "rgb_array" else None

    def _picture(self) -> NDArray[np.uint8]:
        if self._stage is None:
            raise RuntimeError("call reset before render")
        if self._raster is None:
            from ..renderers.raster.raster import Raster

            self._raster = Raster(self.scene.library)
        snapshot, cameras = self.scene.observe(self._stage)
        camera = cameras[self.scene.rig.mounts[0].name][0]
        frames = self._raster.render([snapshot], [camera], outputs=("colour",))
        colour = np.asarray(frames.colour, np.float64)[0, 0]
        exposure = 0.8 / max(float(np.percentile(colour, 95.0)), 1e-9)
        linear = np.clip(colour * exposure, 0.0, 1.0)
        display = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1.0 / 2.4) - 0.055)
        return np.asarray(np.rint(255.0 * display), np.uint8)

    def close(self) -> None:
        """Give back the physics client."""
        self.scene.close()
        super().close()


def _scenario_of(space: ParameterSpace, u: Any, seed: int, index: int) -> Scenario:
    given = np.asarray(u, np.float64)
    if given.shape != (space.size,):
        raise ValueError(f"u must have {space.size} coordinates in (0, 1), got shape {given.shape}")
    first, second = space.sizes["scenario"], space.sizes["scenario"] + space.sizes["view"]
    return Scenario(
        index=index,
        seed=seed,
        u_scenario=given[:first],
        u_view=given[None, first:second],
        u_look=given[None, None, second:],
    )
