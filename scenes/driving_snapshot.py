"""What renderers see of the yard: instances, their poses and materials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .asset_library import AssetLibrary
from .driving_layout import CLASSES, Yard
from .instance_rows import InstanceRows
from .look import SurfaceSlot

Array = NDArray[np.float64]
GROUND_SIDE: Final = 400.0
"""Side of the ground that is drawn [m]: it ends at the horizon, as near as a pixel."""


def gather_instances(assets: AssetLibrary, yard: Yard, poses: Sequence[Array], links: Array) -> InstanceRows:
    """Gather all that is seen: ground, walls, distractors, robot, objects.

    Args:
        assets: The asset library.
        yard: What stands in the yard.
        poses: Poses of the objects and, after them, of the distractors, shape (4, 4) each.
        links: Poses of the robot's links, the base first, shape (1 + links, 4, 4).

    Returns:
        The instances.
    """
    x, y, _ = (float(value) for value in links[0, :3, 3])
    rows = InstanceRows(assets=assets, classes=assets.class_table(CLASSES), lit_point=(x, y, 0.0))
    ground = rows.add_slot(SurfaceSlot(source="ground", size=GROUND_SIDE))
    side = np.array([GROUND_SIDE, GROUND_SIDE, 1.0])
    rows.add(assets.mesh_row("plane"), np.eye(4), side, ground, class_name="ground", shadow=0)
    for wall in yard.walls:
        slot = rows.add_slot(SurfaceSlot(source="wall", size=float(wall.sides[0])))
        rows.add(assets.mesh_row("box"), wall.pose, wall.sides, slot, class_name="wall")
    count = len(yard.plans)
    rows.add_distractors(yard.clutter, poses[count:], count)
    rows.add_robot(links)
    rows.add_objects(yard.plans, poses[:count])
    return rows
