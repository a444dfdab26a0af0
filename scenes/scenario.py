"""Scenarios: one point of a parameter space, and how the random sampler draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.philox import philox4x32, stream_key
from .parameter import AXES, Parameter
from .space import ParameterSpace

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenario:
    """One physical world to be made, seen in V views and L looks.

    Raises:
        ValueError: If a shape does not fit or a coordinate lies outside (0, 1).
    """

    index: int
    """Number of the scenario, >= 0."""
    attempt: int = 0
    """Number of the redraw, >= 0."""
    seed: int = 0
    """Seed of the campaign, range [0, 2^64)."""
    u_scenario: Array
    """Coordinates of what the scenario fixes, shape (Ds,), range (0, 1)."""
    u_view: Array
    """Coordinates of each view, shape (V, Dv), range (0, 1)."""
    u_look: Array
    """Coordinates of each look, shape (V, L, Dl), range (0, 1)."""
    log_density: float = 0.0
    """Log density of u under whoever proposed it; 0 = uniform."""
    weight: float = 1.0
    """Importance weight, nominal over proposed."""
    spared: bool = False
    """Whether soft requirements are left out of account, as for a point that was drawn before."""

    def __post_init__(self) -> None:
        if self.index < 0 or self.attempt < 0:
            raise ValueError(f"index and attempt must not be negative, got {self.index} and {self.attempt}")
        if not 0 <= self.seed < 1 << 64:
            raise ValueError(f"seed must be in [0, 2^64), got {self.seed}")
        for axis, rank in zip(AXES, (1, 2, 3), strict=True):
            u = getattr(self, f"u_{axis}")
            if u.ndim != rank or u.dtype != np.float64:
                raise ValueError(f"u_{axis} must be float64 with {rank} axes, got {u.dtype} {u.shape}")
            if u.size and not (u.min() > 0.0 and u.max() < 1.0):
                raise ValueError(f"u_{axis} must lie inside (0, 1), got [{u.min()}, {u.max()}]")
        if self.u_view.shape[0] != self.u_look.shape[0] or 0 in self.u_look.shape[:2]:
            raise ValueError(f"u_view {self.u_view.shape} and u_look {self.u_look.shape} must share views, at least 1")

    @property
    def view_count(self) -> int:
        """Placements of the rig."""
        return int(self.u_look.shape[0])

    @property
    def look_count(self) -> int:
        """Appearances of each view."""
        return int(self.u_look.shape[1])

    @property
    def u(self) -> Array:
        """Each row's whole coordinates, shape (V, L, Ds + Dv + Dl)."""
        views, looks = self.view_count, self.look_count
        lead = np.broadcast_to(self.u_scenario, (views, looks, self.u_scenario.shape[0]))
        view = np.broadcast_to(self.u_view[:, None, :], (views, looks, self.u_view.shape[1]))
        return np.concatenate((lead, view, self.u_look), axis=2)


def _draw(
    seed: int, parameters: Sequence[Parameter], index: int, attempt: int, rows: Mapping[str, NDArray[np.int64]]
) -> list[Array]:
    """Draw parameters' coordinates for one scenario at its views or looks, shape (rows, coordinates) each.

    All streams are drawn from at once: the generator works on whole arrays, and a call for each costs 30 times more.
    """
    shapes = [(rows[parameter.varies].size, parameter.coordinate_count) for parameter in parameters]
    lengths = [count * own for count, own in shapes]
    if not lengths:
        return []
    # The attempt is part of the stream's name: every redraw is a stream of its own, for every parameter.
    keys = np.array([stream_key(seed, f"parameter/{parameter.name}/{attempt}") for parameter in parameters], np.uint64)
    keys = np.repeat(keys, lengths, axis=0)
    items = np.concatenate([np.tile(np.arange(own), count) for count, own in shapes]).astype(np.uint64)
    places = [np.repeat(rows[p.varies], own) for p, (_, own) in zip(parameters, shapes, strict=True)]
    where = np.concatenate(places).astype(np.uint64)
    words = philox4x32(items, np.uint64(index), where, np.uint64(0), keys[:, 0], keys[:, 1])
    bits = ((words[0] >> np.uint64(6)) << np.uint64(26)) | (words[1] >> np.uint64(6))  # as in philox_uniforms
    drawn = np.split((bits.astype(np.float64) + 0.5) * 2.0**-52, np.cumsum(lengths)[:-1])
    return [each.reshape(shape) for each, shape in zip(drawn, shapes, strict=True)]


def _take_turns(parameter: Parameter, index: int, rows: NDArray[np.int64], drawn: Array) -> Array:
    """Return the coordinates of values that are taken one after another, in the place of those drawn."""
    period = parameter.distribution.in_turn
    if not period:
        return drawn
    # The scenario's number, the view's and the look's count on, and so does an element's.
    number = index + (rows >> 16) + (rows & 0xFFFF)
    return np.asarray(((number[:, None] + np.arange(drawn.shape[1])) % period + 0.5) / period)


def draw_scenario(
    space: ParameterSpace, *, seed: int, index: int, attempt: int = 0, views: int = 1, looks: int = 1
) -> Scenario:
    """Draw a scenario at random: a pure function of its arguments.

    Each parameter draws from a stream that carries its name, addressed by scenario, view and look, so that adding a
    parameter, a view or a look moves no other value.

    Args:
        space: What to draw.
        seed: Seed of the campaign, range [0, 2^64).
        index: Number of the scenario, range [0, 2^32).
        attempt: Number of the redraw.
        views: Placements of the rig, range [1, 2^16).
        looks: Appearances of each view, range [1, 2^16).

    Returns:
        The scenario.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> scenario = draw_scenario(scene.space, seed=7, index=0, views=4, looks=2)
    """
    if not 0 <= index < 1 << 32:
        raise ValueError(f"index must be in [0, 2^32), got {index}")
    for name, value in (("views", views), ("looks", looks)):
        if not 1 <= value < 1 << 16:
            raise ValueError(f"{name} must be in [1, 2^16), got {value}")
    # A look's address is view << 16 | look, so that more looks leave the others where they are.
    view_rows = np.arange(views)
    rows = {
        "scenario": np.zeros(1, np.int64),
        "view": view_rows << 16,
        "look": ((view_rows << 16)[:, None] + np.arange(looks)).reshape(-1),
    }
    parts: dict[str, list[Array]] = {axis: [] for axis in AXES}
    varying = [parameter for parameter in space if parameter.coordinate_count]
    for parameter, drawn in zip(varying, _draw(seed, varying, index, attempt, rows), strict=True):
        parts[parameter.varies].append(_take_turns(parameter, index, rows[parameter.varies], drawn))

    def join(axis: str) -> Array:
        return np.concatenate(parts[axis], axis=1) if parts[axis] else np.zeros((rows[axis].size, 0))

    return Scenario(
        index=index,
        attempt=attempt,
        seed=seed,
        u_scenario=join("scenario")[0],
        u_view=join("view"),
        u_look=join("look").reshape(views, looks, space.sizes["look"]),
    )
