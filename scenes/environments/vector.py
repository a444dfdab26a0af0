"""Batches of environments: worlds step in worker processes, pictures come from one render."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ...kernels.device import require_device
from ..space import nearest
from .environment import SceneEnvironment
from .episode_view import EpisodeView, Photographer
from .group import DISABLED, SAME_STEP, Begun, group_fields
from .shared_arrays import SharedArrays
from .task import Arrays
from .tensors import as_tensor
from .vector_processes import Orders, Stepper, VectorProcesses, step_here

OBSERVATIONS: Final = ("numpy", "torch")
"""Kinds of arrays that observations can be."""
_MODES: Final = ("rgb_array",)


class SceneVectorEnvironment(VectorEnv[dict[str, Any], Any, NDArray[Any]]):
    """N environments of one scene, each of which does what it would do alone with its seed.

    Worlds step in worker processes, actions, observations and rewards lie in shared memory, and all pictures of a step
    come from one batched render in this process. Observations are the same whatever the number of workers.

    `reset(seed=s)` gives environment i the seed s + i; a list gives each its own (None: its next episode). Environment
    i of a batch that was never given a seed starts as if it had been given i. `options` is that of the single
    environment (a `u` of two axes has one row per environment), and may hold `reset_mask`: which environments to reset.

    Args:
        num_envs: Environments N, >= 1.
        workers: Processes; None = one per core, at most N; 0 steps all in this process.
        autoreset_mode: When an environment whose episode is over starts the next: Gymnasium's `next_step`,
            `same_step` (the last observation is in `infos["final_obs"]`) or `disabled`.
        observations: `numpy`, or `torch` for tensors on `device`.
        device: `cpu` or `cuda`: where pictures are rendered, and tensors lie.
        render_mode: `rgb_array` or None.
        horizon: Steps after which an episode is cut off, >= 1.
        max_episode_steps: The same by Gymnasium's name; the smaller one holds.
        images: Whether observations hold the picture of the rig's first camera.
        threads: CPU threads for rendering; None for all.
        **options: Keyword arguments of the scene.

    Raises:
        ValueError: If an argument cannot be.
        RuntimeError: If pictures or tensors are asked for on a device that is not here.
        WorkerError: If a worker does not come up; the message says why.

    Example:
        >>> batch = gymnasium.make_vec("simloom:simloom/Tabletop-v0", num_envs=32, images=True)
        >>> observations, infos = batch.reset(seed=7)
    """

    single: ClassVar[type[SceneEnvironment]]
    """The environment of which this is a batch."""

    def __init__(
        self,
        num_envs: int = 1,
        *,
        workers: int | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        observations: str = "numpy",
        device: str = "cpu",
        render_mode: str | None = None,
        horizon: int = 200,
        max_episode_steps: int | None = None,
        images: bool = False,
        threads: int | None = None,
        **options: Any,
    ) -> None:
        self._closed_reason = "the batch was not opened"
        self.closed = True
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, got {num_envs}")
        if workers is not None and workers < 0:
            raise ValueError(f"workers must not be negative, got {workers}; 0 steps in this process")
        if observations not in OBSERVATIONS:
            raise ValueError(f"observations must be numpy or torch, got {observations!r}")
        if render_mode is not None and render_mode not in _MODES:
            raise ValueError(f"render_mode of a batch must be rgb_array or None, got {render_mode!r}")
        mode = _parse_mode(autoreset_mode)
        self.num_envs, self.render_mode = num_envs, render_mode
        self.metadata = self.metadata | {"autoreset_mode": mode, "render_modes": list(_MODES)}
        self._mode, self._images, self._kind, self._device = mode, images, observations, device
        if max_episode_steps is not None:
            horizon = min(horizon, max_episode_steps)
        made = {"horizon": horizon} | options
        if observations == "torch":
            require_device(device)
        pattern = self.single(images=images, device=device, threads=threads, render_mode=render_mode, **made)
        try:
            self._events = pattern.task.events
            self._names = tuple(pattern.state_space.spaces)
            self.single_observation_space = pattern.observation_space
            self.single_action_space = pattern.action_space
            self._photographer: Photographer | None = None
            self._library, self._threads = pattern.scene.library, threads
            fields = group_fields(pattern, num_envs)
        finally:
            pattern.close()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._arrays = SharedArrays(fields)
        self._views: list[EpisodeView | None] = [None] * num_envs
        self._last_views: list[EpisodeView | None] = list(self._views)
        self._seeded = False
        self._series = list(range(num_envs))
        self._generators: tuple[Any, ...] | None = None
        entry = f"{self.single.__module__}:{self.single.__qualname__}"
        count = min(num_envs, _core_count()) if workers is None else min(workers, num_envs)
        try:
            self._stepper: Stepper
            if count:
                shares = [range(num_envs * k // count, num_envs * (k + 1) // count) for k in range(count)]
                self._stepper = VectorProcesses(entry, made, shares, fields, self._arrays, mode.value)
            else:
                self._stepper = step_here(entry, made, num_envs, self._arrays, mode.value)
        except BaseException:
            self._arrays.close()
            raise
        self.closed = False

    # ---- Gymnasium --------------------------------------------------------------------------------------------------

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start episodes in all environments, or in those of `options["reset_mask"]`.

        Args:
            seed: Of environment 0, the others count on from it; or one for each.
            options: See the class.

        Returns:
            Observations, and what they came from.

        Raises:
            ValueError: If seeds or options cannot be.
            WorkerError: If an environment finds no valid world, or its worker died.
        """
        given = dict(options or {})
        rows = self._masked(given.pop("reset_mask", None))
        if any(view is None for row, view in enumerate(self._views) if row not in rows):
            raise ValueError("the first reset is one of all environments; leave out reset_mask")
        seeds = self._seeds(seed)
        alone = self._split_options(given)
        begun = self._exchange({row: (seeds[row], alone[row]) for row in rows})
        self._seeded = True
        for row in rows:
            if (given_seed := seeds[row]) is not None:
                self._series[row], self._generators = given_seed, None
        infos: dict[str, Any] = {}
        for row in sorted(begun):
            infos = self._add_info(infos, begun[row].info, row)
        return self._hand_out(self._observe()), infos

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """Seed of each environment's series of episodes."""
        return tuple(self._series)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[Any, ...]:  # type: ignore[override]
        """A generator of each environment's seed, for the caller; what is drawn here comes from elsewhere."""
        if self._generators is None:
            self._generators = tuple(seeding.np_random(seed)[0] for seed in self._series)
        return self._generators

    def step(self, actions: Any) -> tuple[dict[str, Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Step all environments.

        Args:
            actions: One action each, shape (N, actuators): an array, or a tensor on any device.

        Returns:
            Observations, rewards, terminations, truncations, infos.

        Raises:
            ValueError: If actions have a wrong shape or are not finite.
            RuntimeError: If `reset` was never called, or `disabled` autoreset leaves an episode that is over.
            WorkerError: If an environment finds no valid world, or its worker died.
        """
        self._require_open()
        if any(view is None for view in self._views):
            raise RuntimeError("call reset before step")
        wanted = actions.detach().cpu().numpy() if hasattr(actions, "detach") else np.asarray(actions)
        shared = self._arrays["action"]
        if wanted.shape != shared.shape or not np.isfinite(wanted).all():
            raise ValueError(f"actions are finite numbers of shape {shared.shape}, got shape {wanted.shape}: {actions}")
        if self._mode.value == DISABLED and (self._arrays["terminated"] | self._arrays["truncated"]).any():
            raise RuntimeError("an episode is over; reset its environment with options={'reset_mask': ...} first")
        shared[:] = wanted
        begun = self._exchange(None)
        over = self._mode.value == SAME_STEP
        ended = sorted(begun) if over else []
        pictures = self._observe(ended)
        infos = self._infos(begun, ended, pictures)
        return (
            self._hand_out(pictures),
            self._arrays["reward"].copy(),
            self._arrays["terminated"].copy(),
            self._arrays["truncated"].copy(),
            infos,
        )

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Render the first camera's view of every environment.

        Returns:
            N pictures, sRGB bytes of shape (height, width, 3), or None without a render mode.
        """
        if self.render_mode is None:
            return None
        self._require_open()
        if any(view is None for view in self._views):
            raise RuntimeError("call reset before render")
        return tuple(self._pictures([])[0])

    def close_extras(self, **_: Any) -> None:
        """End the workers and give back the memory."""
        self._closed_reason = "the batch is closed"
        self._stepper.close()
        self._arrays.close()

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            self.close()

    # ---- orders -----------------------------------------------------------------------------------------------------

    def _require_open(self) -> None:
        if self.closed:
            raise RuntimeError(f"{self._closed_reason}; make a new one")

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            # What was never seeded begins with seeds of its own, or all would see the same.
            return [None] * self.num_envs if self._seeded else list(range(self.num_envs))
        if isinstance(seed, int | np.integer):
            return [int(seed) + row for row in range(self.num_envs)]
        given: Any = seed
        each = list(given) if isinstance(given, Sequence | np.ndarray) else [given]
        if not all(one is None or isinstance(one, int | np.integer) for one in each):
            raise ValueError(f"a seed is a whole number, or one for each environment, or None, got {seed!r}")
        if len(each) != self.num_envs:
            raise ValueError(f"seeds must be one number or {self.num_envs}, got {len(each)}")
        return [None if one is None else int(one) for one in each]

    def _masked(self, mask: Any) -> list[int]:
        if mask is None:
            return list(range(self.num_envs))
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise ValueError(f"reset_mask must be a bool array of shape ({self.num_envs},), got {mask!r}")
        if not mask.any():
            raise ValueError("reset_mask must name at least one environment")
        return [int(row) for row in np.flatnonzero(mask)]

    def _split_options(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """Return each environment's own options."""
        for key in given:
            if key not in ("parameters", "u"):
                raise ValueError(f"reset has no option {key!r}; {nearest(key, ('parameters', 'u', 'reset_mask'))}")
        u = None if given.get("u") is None else np.asarray(given["u"], np.float64)
        if u is None or u.ndim < 2:
            return [given] * self.num_envs
        if len(u) != self.num_envs:
            raise ValueError(f"u must have one row per environment, {self.num_envs}, got shape {u.shape}")
        return [given | {"u": row} for row in u]

    def _exchange(self, orders: Orders | None) -> dict[int, Begun]:
        """Let the environments step or start episodes; what does not come back whole closes the batch."""
        self._require_open()
        try:
            begun = self._stepper.step() if orders is None else self._stepper.reset(orders)
        except ValueError:
            for row in orders or range(self.num_envs):
                self._views[row] = None  # there is nothing to go on from
            raise
        except BaseException as error:
            self.close()
            self._closed_reason = f"the batch was closed by an error ({error})"
            raise
        self._last_views = list(self._views)
        for row, found in begun.items():
            self._views[row] = found.view
        return begun

    # ---- what comes back --------------------------------------------------------------------------------------------

    def _observe(self, ended: Sequence[int] = ()) -> dict[str, NDArray[Any]]:
        """Return observations by name; pictures have, after the environments', those of episodes that just ended."""
        found: Arrays = {name: self._arrays[f"observation/{name}"].copy() for name in self._names}
        if self._images:
            now, final = self._pictures(ended)
            found["image"], self._final_pictures = now, final
        assert isinstance(self.single_observation_space, spaces.Dict)
        return {name: found[name] for name in self.single_observation_space.spaces}

    def _pictures(self, ended: Sequence[int]) -> tuple[Any, Any]:
        if self._photographer is None:
            self._photographer = Photographer(self._library, device=self._device, threads=self._threads)
        arrays = self._arrays
        shown = [(self._views[row], "", row) for row in range(self.num_envs)]
        shown += [(self._last_views[row], "final/", row) for row in ended]
        pictures = self._photographer.take(
            [
                (view, arrays[f"{end}links"][row], arrays[f"{end}bodies"][row])
                for view, end, row in shown
                if view is not None
            ],
            resident=self._kind == "torch",
        )
        return pictures[: self.num_envs], pictures[self.num_envs :]

    def _infos(self, begun: dict[int, Begun], ended: Sequence[int], pictures: Arrays) -> dict[str, Any]:
        stepped = np.ones(self.num_envs, np.bool_)
        stepped[list(begun)] = False
        infos: dict[str, Any] = {}
        if stepped.any():
            for column, (name, kind) in enumerate(self._events.items()):
                values: NDArray[Any] = np.where(stepped, self._arrays["event"][:, column], 0.0).astype(kind)
                infos[name], infos[f"_{name}"] = values, stepped.copy()
        for place, row in enumerate(ended):
            final = {name: self._arrays[f"final/observation/{name}"][row].copy() for name in self._names}
            if self._images:
                # Pictures on a device are of this step alone, and a row of them is a view.
                shown = self._final_pictures[place]
                final["image"] = shown.copy() if isinstance(shown, np.ndarray) else shown
            values = self._arrays["final/event"][row].tolist()
            event = {name: kind(value) for (name, kind), value in zip(self._events.items(), values, strict=True)}
            final = {name: final[name] for name in pictures}
            infos = self._add_info(infos, {"final_obs": self._hand_out(final), "final_info": event}, row)
        for row in sorted(begun):
            infos = self._add_info(infos, begun[row].info, row)
        return infos

    def _hand_out(self, arrays: Arrays) -> dict[str, Any]:
        if self._kind == "numpy":
            return arrays
        return {name: as_tensor(value, self._device) for name, value in arrays.items()}


def _parse_mode(given: str | AutoresetMode) -> AutoresetMode:
    if isinstance(given, AutoresetMode):
        return given
    known = {name: mode for mode in AutoresetMode for name in (mode.value, mode.name.lower())}
    if given not in known:
        raise ValueError(f"autoreset_mode must be next_step, same_step or disabled, got {given!r}")
    return known[given]


def _core_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
