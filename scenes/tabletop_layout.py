"""What lies on the tabletop and where it is dropped: pure functions of the scene's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion
from .asset_library import Asset
from .distractors import CLASS, Place, plan_distractors
from .hanging import HELD_DAMPING, hang_object, plan_rack
from .object_plan import ObjectPlan, body_depth, choose_shape, nominal_mass, nominal_surface
from .physics import Surface
from .placement import PLACEMENTS, find_spot, lay_stable, reach_of
from .tabletop_space import OBJECT_KINDS

Array = NDArray[np.float64]
CLASSES: Final = (
    "background",
    "floor",
    "table",
    "robot",
    "box",
    "sphere",
    "cylinder",
    "capsule",
    "random_object",
    "distractor",
)
"""Class names; the row is the class id."""
REGION: Final = ((0.28, 0.68), (-0.36, 0.36))
"""Where objects are dropped, forward and left of the robot [m]."""
TABLE_BACK: Final = -0.25
"""Rear edge of the table, behind the robot's base [m]."""
BASE_REACH: Final = 0.3
"""Radius around the robot's base where no distractor stands [m]."""
_APART: Final = 0.002
_FLOOR: Final = 3.0
_GAP: Final = 0.0005
_PILE: Final = 0.1
"""Side of the square over which piled objects are dropped [m]."""
DISTRACTOR_PLACES: Final = ("table", "floor")
"""Options of `distractor.place`."""


def is_hanging(values: Mapping[str, Array]) -> bool:
    """Tell whether objects hang from a rack, by a scenario's values by name."""
    return PLACEMENTS[int(values["placement"])] == "hanging"


def plan_objects(
    values: Mapping[str, Array], assets: Sequence[Asset], count: int, classes: Sequence[str] = CLASSES
) -> tuple[ObjectPlan, ...]:
    """Decide what is dropped or hung where, so that nothing overlaps: each's ball lies clear of those before it.

    Args:
        values: The scenario's values by name.
        assets: The asset library's records.
        count: Objects.
        classes: The scene's classes and those of its assets.

    Returns:
        The plans, one per object.
    """
    top = float(values["table.height"])
    (x_low, x_high), (y_low, y_high) = REGION
    placement = PLACEMENTS[int(values["placement"])]
    plans: dict[int, ObjectPlan] = {}
    discs: list[tuple[float, float, float]] = []
    balls: list[tuple[float, float, float, float]] = []
    rack = plan_rack(values) if is_hanging(values) else None

    def of(name: str, k: int) -> float:
        return float(values[name].reshape(-1)[k])

    def is_inside(x: float, y: float) -> bool:
        return x_low <= x <= x_high and y_low <= y <= y_high

    hangs = [rack is not None and of("object.hangs", k) == 1.0 for k in range(count)]
    for k in sorted(range(count), key=lambda k: not hangs[k]):  # what hangs comes first
        kind = OBJECT_KINDS[int(of("object.kind", k))]
        asset, scale = choose_shape(
            kind,
            of("object.size", k),
            of("object.aspect", k),
            of("object.flatness", k),
            int(of("object.asset", k)),
            assets,
        )
        quaternion = values["object.orientation"].reshape(-1, 4)[k]
        if placement == "upright":
            quaternion = lay_stable(asset, quaternion)
        pose = pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)
        corner = np.abs(asset.center * scale) + 0.5 * asset.extent * scale
        radius = math.sqrt(float(corner[0]) ** 2 + float(corner[1]) ** 2 + float(corner[2]) ** 2)
        x = x_low + of("object.x", k) * (x_high - x_low)
        y = y_low + of("object.y", k) * (y_high - y_low)
        if placement == "piled":
            x = 0.5 * (x_low + x_high) + 0.5 * (of("object.x", 0) - 0.5) * (x_high - x_low)
            y = 0.5 * (y_low + y_high) + 0.5 * (of("object.y", 0) - 0.5) * (y_high - y_low)
            x, y = x + (of("object.x", k) - 0.5) * _PILE, y + (of("object.y", k) - 0.5) * _PILE
        z, spot = top + body_depth(asset, scale, pose), None
        found = None
        if rack is not None:
            if hangs[k]:
                found = hang_object(asset, scale, quaternion, rack, (y, of("object.hang_height", k)), discs)
            if found is None:  # it is dropped clear of what hangs
                x, y = find_spot((x, y), radius, discs, is_inside) or (x, y)
        if placement == "upright":
            reach = reach_of(asset, scale, quaternion)
            spot = find_spot((x, y), reach, discs, is_inside)
            if spot is not None:
                x, y = spot
                discs.append((x, y, reach))
        if spot is None:
            for bx, by, bz, other in balls:
                reach, away = radius + other + _APART, (x - bx) ** 2 + (y - by) ** 2
                if away < reach * reach:
                    z = max(z, bz + math.sqrt(reach * reach - away))
        z += of("object.drop", k) if spot is None else _GAP
        position, damping = np.array([x, y, z]), (of("object.linear_damping", k), of("object.angular_damping", k))
        if found is not None:
            quaternion, position = found[:2]
            damping = (max(damping[0], HELD_DAMPING[0]), max(damping[1], HELD_DAMPING[1]))
            discs.append((float(position[0]), float(position[1]), radius))
        balls.append((float(position[0]), float(position[1]), float(position[2]), radius))
        plans[k] = ObjectPlan(
            asset=asset,
            class_id=asset.class_in(classes, kind),
            scale=scale,
            quaternion=quaternion,
            position=position,
            mass=nominal_mass(asset, scale, of("object.mass", k), of("object.mass_scale", k)),
            surface=nominal_surface(
                asset,
                Surface(
                    friction=of("friction", k),
                    restitution=of("restitution", k),
                    rolling_friction=0.002 if kind in ("sphere", "capsule", "cylinder") else 0.0005,
                    spinning_friction=0.001,
                ),
                of("friction_scale", k),
                of("restitution_offset", k),
            ),
            damping=damping,
            hold=None if found is None else found[2],
        )
    return tuple(plans[k] for k in range(count))


def plan_clutter(
    values: Mapping[str, Array], assets: Sequence[Asset], plans: Sequence[ObjectPlan]
) -> tuple[ObjectPlan, ...]:
    """Decide which distractors stand on the table, clear of robot and objects, and which on the floor around it.

    Args:
        values: The scenario's values by name.
        assets: The asset library's records.
        plans: The objects.

    Returns:
        The plans of the distractors.
    """
    top, depth, width = (float(values[f"table.{name}"]) for name in ("height", "depth", "width"))
    front, side = TABLE_BACK + depth, 0.5 * width

    def is_on_table(x: float, y: float, reach: float) -> bool:
        inside = TABLE_BACK + reach <= x <= front - reach and abs(y) <= side - reach
        return inside and math.hypot(x, y) >= BASE_REACH + reach

    def is_on_floor(x: float, y: float, reach: float) -> bool:
        beside = x < TABLE_BACK - reach or x > front + reach or abs(y) > side + reach
        return beside and abs(x) < _FLOOR and abs(y) < _FLOOR

    def place(k: int) -> Place:
        x, y = (float(values[f"distractor.{axis}"].reshape(-1)[k]) for axis in ("x", "y"))
        if DISTRACTOR_PLACES[int(values["distractor.place"].reshape(-1)[k])] == "floor":
            return ((4.0 * x - 1.6, 4.0 * y - 2.0), 0.0, is_on_floor)
        return ((TABLE_BACK + x * depth, (y - 0.5) * width), top, is_on_table)

    # On the floor only a rack stands yet; what is on the table is no obstacle there: their places do not overlap.
    balls = list(plan_rack(values).feet) if is_hanging(values) else []
    for plan in plans:
        corner = np.abs(plan.box_center) + 0.5 * plan.extent
        radius = math.sqrt(float(corner[0]) ** 2 + float(corner[1]) ** 2 + float(corner[2]) ** 2)
        balls.append((float(plan.position[0]), float(plan.position[1]), radius))
    return plan_distractors(values, assets, CLASSES.index(CLASS), balls, place)
