"""What lies on the tabletop and where it is dropped: pure functions of the scene's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion
from .asset_library import Asset
from .object_plan import ObjectPlan, body_depth, choose_shape, nominal_mass, nominal_surface
from .physics import Surface
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
)
"""Class names; the row is the class id."""
REGION: Final = ((0.28, 0.68), (-0.36, 0.36))
"""Where objects are dropped, forward and left of the robot [m]."""
TABLE_BACK: Final = -0.25
"""Rear edge of the table, behind the robot's base [m]."""
_APART: Final = 0.002


def plan_objects(
    values: Mapping[str, Array], assets: Sequence[Asset], count: int, classes: Sequence[str] = CLASSES
) -> tuple[ObjectPlan, ...]:
    """Decide what is dropped from where, so that nothing overlaps: each object's ball lies clear of those before it.

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
    plans: list[ObjectPlan] = []
    balls: list[tuple[float, float, float, float]] = []

    def of(name: str, k: int) -> float:
        return float(values[name].reshape(-1)[k])

    for k in range(count):
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
        pose = pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)
        corner = np.abs(asset.center * scale) + 0.5 * asset.extent * scale
        radius = math.sqrt(float(corner[0]) ** 2 + float(corner[1]) ** 2 + float(corner[2]) ** 2)
        x = x_low + of("object.x", k) * (x_high - x_low)
        y = y_low + of("object.y", k) * (y_high - y_low)
        z = top + body_depth(asset, scale, pose)
        for bx, by, bz, other in balls:
            reach, away = radius + other + _APART, (x - bx) ** 2 + (y - by) ** 2
            if away < reach * reach:
                z = max(z, bz + math.sqrt(reach * reach - away))
        z += of("object.drop", k)
        balls.append((x, y, z, radius))
        plans.append(
            ObjectPlan(
                asset=asset,
                class_id=asset.class_in(classes, kind),
                scale=scale,
                quaternion=quaternion,
                position=np.array([x, y, z]),
                mass=nominal_mass(asset, scale, of("object.mass", k)),
                surface=nominal_surface(
                    asset,
                    Surface(
                        friction=of("friction", k),
                        restitution=of("restitution", k),
                        rolling_friction=0.002 if kind in ("sphere", "capsule", "cylinder") else 0.0005,
                        spinning_friction=0.001,
                    ),
                ),
            )
        )
    return tuple(plans)
