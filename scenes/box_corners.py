"""Corners of objects' boxes in the world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# Corner k of a box: the signs of x, y and z are the bits of k, x first.
_CORNER_SIGNS: Final = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


def box_corners(objects: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the corners of the objects' boxes in the world.

    Args:
        objects: `pose_world_object` (M, 4, 4), `box_center` (M, 3) and `extent` (M, 3) [m].

    Returns:
        Corners [m], shape (M, 8, 3); the signs of x, y, z count as bits, x first. Empty slots give 0.
    """
    local = objects["box_center"][:, None, :] + 0.5 * objects["extent"][:, None, :] * _CORNER_SIGNS
    pose = objects["pose_world_object"]
    # Written out: a matrix product would round differently for another number of slots.
    world = [
        pose[:, None, axis, 0] * local[..., 0]
        + pose[:, None, axis, 1] * local[..., 1]
        + pose[:, None, axis, 2] * local[..., 2]
        + pose[:, None, axis, 3]
        for axis in range(3)
    ]
    return np.stack(world, axis=-1)
