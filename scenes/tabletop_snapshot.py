"""What renderers see of the tabletop: instances, their poses and materials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .asset_library import AssetLibrary
from .distractors import CLASS
from .hanging import plan_rack
from .instance_rows import InstanceRows, at
from .look import SurfaceSlot
from .object_plan import ObjectPlan
from .strings import STRING_RADIUS, place_strings
from .tabletop_layout import CLASSES, REGION, TABLE_BACK, is_hanging

Array = NDArray[np.float64]
FLOOR_SIDE: Final = 12.0
"""Side of the floor that is drawn [m]."""
_LEG: Final = 0.05


def gather_instances(
    assets: AssetLibrary,
    param: Mapping[str, Array],
    plans: Sequence[ObjectPlan],
    poses: Sequence[Array],
    links: Array,
    clutter: Sequence[ObjectPlan] = (),
) -> InstanceRows:
    """Gather all that is seen: floor, table, rack and strings, distractors, robot, objects.

    Args:
        assets: The asset library.
        param: Values by name, shape (V, L[, K]).
        plans: The objects.
        poses: Their poses and, after them, those of the distractors, shape (4, 4) each.
        links: Poses of the robot's links, the base first, shape (1 + links, 4, 4).
        clutter: The distractors.

    Returns:
        The instances.
    """
    middle = 0.5 * (REGION[0][0] + REGION[0][1])
    lit = (middle, 0.0, float(param["table.height"][0, 0]))
    rows = InstanceRows(assets=assets, classes=assets.class_table(CLASSES), lit_point=lit)
    _add_surroundings(rows, param)
    first = {name: value[0, 0] for name, value in param.items()}
    if is_hanging(first):
        _add_rack(rows, first, plans, poses[: len(plans)])
    rows.add_distractors(clutter, poses[len(plans) :], len(plans))
    rows.add_robot(links)
    rows.add_objects(plans, poses[: len(plans)])
    return rows


def _add_surroundings(rows: InstanceRows, param: Mapping[str, Array]) -> None:
    depth, width, thick, top = (
        float(param[f"table.{name}"][0, 0]) for name in ("depth", "width", "thickness", "height")
    )
    floor = rows.add_slot(SurfaceSlot(source="floor", size=FLOOR_SIDE))
    wood = rows.add_slot(SurfaceSlot(source="table", size=max(depth, width)))
    plane, box = rows.assets.mesh_row("plane"), rows.assets.mesh_row("box")
    side = np.array([FLOOR_SIDE, FLOOR_SIDE, 1.0])
    rows.add(plane, np.eye(4), side, floor, class_name="floor", shadow=0)
    middle = TABLE_BACK + 0.5 * depth
    rows.add(box, at(middle, 0.0, top - 0.5 * thick), np.array([depth, width, thick]), wood, class_name="table")
    tall = top - thick
    for x in (TABLE_BACK + _LEG, TABLE_BACK + depth - _LEG):
        for y in (-0.5 * width + _LEG, 0.5 * width - _LEG):
            rows.add(box, at(x, y, 0.5 * tall), np.array([_LEG, _LEG, tall]), wood, class_name="table")


def _add_rack(
    rows: InstanceRows, first: Mapping[str, Array], plans: Sequence[ObjectPlan], poses: Sequence[Array]
) -> None:
    """Add the bar, its posts and the strings: of the table's material, and no targets."""
    rack = plan_rack(first)
    wood = rows.add_slot(SurfaceSlot(source="table"))
    box = rows.assets.mesh_row("box")
    for middle, half in rack.beams:
        rows.add(box, at(*middle.tolist()), 2.0 * half, wood, class_name=CLASS)
    (round_,) = (asset.parts[0].mesh for asset in rows.assets.assets if asset.name == "cylinder")
    for pose, length in place_strings(plans, poses):
        scale = np.array([2.0 * STRING_RADIUS, 2.0 * STRING_RADIUS, length])
        # The sun's disc is wider than a string seen from the table: it casts no shadow.
        rows.add(round_, pose, scale, wood, class_name=CLASS, shadow=0)
