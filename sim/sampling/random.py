"""The random sampler: every coordinate from a Philox stream of its parameter's name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...kernels.philox import philox4x32, stream_key
from .base import MAX_ATTEMPTS, MAX_SCENARIO, Coordinates, Proposal

_MAX_VIEW = 1 << 12
_MAX_LOOK = 1 << 12


class RandomSampler:
    """Independent uniform coordinates, addressed by (scenario, attempt, view, look, coordinate).

    The stream's name is the parameter's, so that a parameter that is added, removed or moved leaves the others where
    they were.

    Args:
        coordinates: Who owns each coordinate.
        seed: Seed of the recipe, [0, 2^64).
        views: Views per scenario, [1, 4096].
        looks: Looks per view, [1, 4096].

    Example:
        >>> from simloom.sim.sampling import Coordinates, RandomSampler
        >>> mine = Coordinates(scenario=(("friction", 0),), view=(), look=())
        >>> point = RandomSampler(mine, seed=7, views=1, looks=1).propose(12)
    """

    redraws = True
    scenario_count = None

    def __init__(self, coordinates: Coordinates, *, seed: int, views: int, looks: int) -> None:
        if not (1 <= views <= _MAX_VIEW and 1 <= looks <= _MAX_LOOK):
            raise ValueError(f"views and looks must be in [1, {_MAX_VIEW}], got {views} and {looks}")
        self._views = views
        self._looks = looks
        self._streams = tuple(
            _Streams(seed, owners) for owners in (coordinates.scenario, coordinates.view, coordinates.look)
        )

    def propose(self, scenario: int, attempt: int = 0) -> Proposal:
        """Draw the point of a scenario; see `Sampler.propose`.

        Raises:
            ValueError: If the scenario or the attempt is out of range.
        """
        if not 0 <= scenario < MAX_SCENARIO:
            raise ValueError(f"scenario must be in [0, 2^32), got {scenario}")
        if not 0 <= attempt < MAX_ATTEMPTS:
            raise ValueError(f"attempt must be in [0, {MAX_ATTEMPTS}), got {attempt}")
        once, per_view, per_look = self._streams
        views = np.arange(self._views, dtype=np.uint64)
        looks = np.arange(self._looks, dtype=np.uint64)
        view, look = (grid.reshape(-1) for grid in np.meshgrid(views, looks, indexing="ij"))
        zero = np.zeros(1, np.uint64)
        return Proposal(
            scenario=once.draw(scenario, attempt, zero, zero)[0],
            view=per_view.draw(scenario, attempt, views, np.zeros_like(views)),
            look=per_look.draw(scenario, attempt, view, look).reshape(self._views, self._looks, -1),
        )


class _Streams:
    """The keys of one kind of coordinates, made once."""

    def __init__(self, seed: int, owners: Sequence[tuple[str, int]]) -> None:
        keys = {name: stream_key(seed, f"parameter/{name}") for name, _ in owners}
        self._k0 = np.array([keys[name][0] for name, _ in owners], np.uint64)
        self._k1 = np.array([keys[name][1] for name, _ in owners], np.uint64)
        self._coordinate = np.array([index for _, index in owners], np.uint64)

    def draw(
        self, scenario: int, attempt: int, view: NDArray[np.uint64], look: NDArray[np.uint64]
    ) -> NDArray[np.float64]:
        """Draw one number in (0, 1) per (view and look, coordinate), shape (n, D)."""
        place = (view << np.uint64(12)) | look
        words = philox4x32(
            self._coordinate[None, :],
            np.uint64(scenario),
            place[:, None],
            np.uint64(attempt),
            self._k0[None, :],
            self._k1[None, :],
        )
        shape = (len(view), len(self._coordinate))
        high, low = (np.broadcast_to(word, shape) for word in words[:2])
        bits = ((high >> np.uint64(6)) << np.uint64(26)) | (low >> np.uint64(6))
        return np.asarray((bits.astype(np.float64) + 0.5) * 2.0**-52)
