"""Whether bodies rest on one another: gaps and penetrations of settled objects, from poses alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .asset_library import AssetLibrary
from .object_plan import add_asset, body_depth
from .world import World

Array = NDArray[np.float64]
TOLERANCE = 0.002
"""Largest gap under, and penetration of, a settled object [m]."""
_SEARCH = 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class ContactCheck:
    """How M objects rest; rows of empty slots are 0."""

    table_gap: Array
    """Height of each drawn object's lowest point over the table [m], shape (M,); negative = in the table."""
    support_gap: Array
    """Distance to the nearest thing below or beside [m], shape (M,): table or object, at most 0.02; 0 where held."""
    penetration: Array
    """Deepest overlap with the table or another object [m], shape (M,), >= 0."""
    is_ok: NDArray[np.bool_]
    """Whether each neither floats nor penetrates by more than 2 mm, shape (M,)."""


def check_contacts(
    library: AssetLibrary,
    *,
    asset: Sequence[int] | NDArray[np.integer],
    scale: Array,
    pose_world_object: Array,
    table_height: float,
    held: NDArray[np.bool_] | None = None,
    world: World | None = None,
) -> ContactCheck:
    """Measure how objects rest on a table and on each other.

    The table is measured against the drawn shape itself (every hull corner, or the primitive's formula), objects
    against each other by the distance of their convex parts.

    Args:
        library: The assets.
        asset: Asset row of each slot, -1 = nothing to check, shape (M,).
        scale: Scale along the mesh's axes [1], shape (M, 3).
        pose_world_object: Poses, shape (M, 4, 4).
        table_height: Height of the table's top [m].
        held: Which objects hang from strings, as `strings.held_slots` tells, shape (M,): they need touch nothing.
        world: A world to use; it is reset. None = a new one.

    Returns:
        The measures.

    Raises:
        WorldError: If PyBullet is not there.

    Example:
        >>> check = check_contacts(library, **arrays, table_height=0.7)
        >>> bool(check.is_ok.all())
        True
    """
    rows = np.asarray(asset, np.int64)
    own = world is None
    space = World() if world is None else world
    try:
        space.reset()
        bodies: dict[int, int] = {}
        table_gap, support, penetration = np.zeros(rows.size), np.zeros(rows.size), np.zeros(rows.size)
        for slot in np.flatnonzero(rows >= 0).tolist():
            record = library.assets[rows[slot]]
            body = add_asset(space, record, scale[slot], mass=0.1)
            space.place_body(body, pose_world_object[slot])
            bodies[slot] = body
            pose = pose_world_object[slot]
            table_gap[slot] = float(pose[2, 3]) - body_depth(record, scale[slot], pose) - table_height
            support[slot] = min(abs(float(table_gap[slot])), _SEARCH)
            penetration[slot] = max(0.0, -float(table_gap[slot]))
        slots = sorted(bodies)
        for i, first in enumerate(slots):
            for second in slots[:i]:
                gap = space.gap(bodies[first], bodies[second], _SEARCH)
                for slot in (first, second):
                    support[slot] = min(float(support[slot]), max(gap, 0.0))
                    penetration[slot] = max(float(penetration[slot]), -gap)
    finally:
        if own:
            space.close()
    if held is not None:
        support[np.asarray(held, np.bool_)] = 0.0
    return ContactCheck(
        table_gap=table_gap,
        support_gap=support,
        penetration=penetration,
        is_ok=(support <= TOLERANCE) & (penetration <= TOLERANCE),
    )
