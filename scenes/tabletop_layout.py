"""What lies on the tabletop and where it is dropped: pure functions of the scene's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion
from .asset_build import CAPSULE_RATIOS
from .asset_library import Asset
from .physics import Surface
from .tabletop_space import OBJECT_KINDS
from .world import World

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
_APART: Final = 0.002


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectPlan:
    """One object before it is dropped."""

    asset: Asset
    """What it is."""
    class_id: int
    """Row in `CLASSES`."""
    scale: Array
    """Scale along the mesh's axes [1], shape (3,)."""
    quaternion: Array
    """Rotation when dropped, xyzw, shape (4,)."""
    position: Array
    """Origin of its frame when dropped [m], world, shape (3,)."""
    mass: float
    """Mass [kg]."""
    surface: Surface
    """How it behaves in contact."""

    @property
    def extent(self) -> Array:
        """Sides of its box in its own frame [m], shape (3,)."""
        return np.asarray(self.asset.extent * self.scale)

    @property
    def box_center(self) -> Array:
        """Centre of its box in its own frame [m], shape (3,)."""
        return np.asarray(self.asset.center * self.scale)


def support_depth(kind: str, scale: Array, points: Array | None, rotation: Array, extent: Array) -> float:
    """Return how far a body reaches below its origin: an exact support function of the shape that is drawn.

    Args:
        kind: box, sphere, cylinder, capsule or hulls.
        scale: Scale along the mesh's axes, shape (3,).
        points: Corners of kind `hulls`, unscaled [m], shape (P, 3).
        rotation: From the body to the world, shape (3, 3) or more.
        extent: Scaled sides of its box [m], shape (3,).

    Returns:
        Distance from the origin down to the lowest point [m].
    """
    x, y, z = float(rotation[2, 0]), float(rotation[2, 1]), float(rotation[2, 2])
    a, b, c = (0.5 * float(side) for side in extent)
    if kind == "box":
        return abs(x) * a + abs(y) * b + abs(z) * c
    if kind == "sphere":
        return a
    across = math.sqrt(max(x * x + y * y, 0.0))
    if kind == "cylinder":
        return across * a + abs(z) * c
    if kind == "capsule":
        return a + abs(z) * (c - a)
    assert points is not None
    heights = (points[:, 0] * scale[0]) * x + (points[:, 1] * scale[1]) * y + (points[:, 2] * scale[2]) * z
    return -float(heights.min())


def body_depth(plan_asset: Asset, scale: Array, pose: Array) -> float:
    """Return how far an asset in a pose reaches below its origin [m]."""
    points = None if plan_asset.hulls is None else plan_asset.hulls.points
    return support_depth(plan_asset.kind, scale, points, pose[:3, :3], plan_asset.extent * scale)


def _shape(kind: str, size: float, aspect: float, flatness: float, pick: int, assets: Sequence[Asset]) -> Any:
    """Return the asset and its scale along each axis for one object."""
    by_name = {asset.name: asset for asset in assets if asset.kind != "hulls"}
    if kind == "random_object":
        hulled = [asset for asset in assets if asset.kind == "hulls"]
        asset = hulled[pick]
        return asset, np.full(3, size / float(asset.extent.max()))
    if kind == "box":
        return by_name["box"], size * np.array([1.0, aspect, min(aspect, flatness)])
    if kind == "sphere":
        return by_name["sphere"], np.full(3, 0.6 * size)
    if kind == "cylinder":
        # Where the middle side is long, a disc; else a rod.
        sides = (1.0, 1.0, flatness) if aspect > 0.75 else (aspect, aspect, 1.0)
        return by_name["cylinder"], size * np.array(sides)
    index = min(int((1.0 - aspect) / 0.65 * len(CAPSULE_RATIOS)), len(CAPSULE_RATIOS) - 1)
    return by_name[f"capsule_{CAPSULE_RATIOS[index]:g}"], np.full(3, size)


def plan_objects(values: Mapping[str, Array], assets: Sequence[Asset], count: int) -> tuple[ObjectPlan, ...]:
    """Decide what is dropped from where, so that nothing overlaps: each object's ball lies clear of those before it.

    Args:
        values: The scenario's values by name.
        assets: The asset library's records.
        count: Objects.

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
        asset, scale = _shape(
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
                class_id=CLASSES.index(kind),
                scale=scale,
                quaternion=quaternion,
                position=np.array([x, y, z]),
                mass=of("object.mass", k),
                surface=Surface(
                    friction=of("friction", k),
                    restitution=of("restitution", k),
                    rolling_friction=0.002 if kind in ("sphere", "capsule", "cylinder") else 0.0005,
                    spinning_friction=0.001,
                ),
            )
        )
    return tuple(plans)


def add_asset(world: World, asset: Asset, scale: Array, **placement: Any) -> int:
    """Add an asset's collision shape to a world.

    Args:
        world: The world.
        asset: What it is.
        scale: Scale along the mesh's axes, shape (3,).
        **placement: As for `World.add_box`.

    Returns:
        The body.
    """
    a, b, c = (float(side) for side in asset.extent * scale)
    if asset.kind == "box":
        return world.add_box((0.5 * a, 0.5 * b, 0.5 * c), **placement)
    if asset.kind == "sphere":
        return world.add_sphere(0.5 * a, **placement)
    if asset.kind == "cylinder":
        return world.add_cylinder(0.5 * a, c, **placement)
    if asset.kind == "capsule":
        return world.add_capsule(0.5 * a, c - a, **placement)
    assert asset.hulls is not None
    return world.add_hulls(asset.hulls, float(scale[0]), **placement)
