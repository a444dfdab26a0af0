"""Object plans: what an object is, how large, where it starts, how it collides; in words that all scenes share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .asset_build import CAPSULE_RATIOS
from .asset_library import Asset
from .physics import ANGULAR_DAMPING, LINEAR_DAMPING, Surface
from .world import World

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Hold:
    """What an object hangs from: a string, straight, that does not stretch."""

    point: Array
    """Where it holds the object, in the object's frame [m], shape (3,)."""
    anchor: Array
    """Where its other end is fast [m], world, shape (3,)."""
    length: float
    """Its length [m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectPlan:
    """One object before physics has it."""

    asset: Asset
    """What it is."""
    class_id: int
    """Row in the scene's classes."""
    scale: Array
    """Scale along the mesh's axes [1], shape (3,)."""
    quaternion: Array
    """Rotation at the start, xyzw, shape (4,)."""
    position: Array
    """Origin of its frame at the start [m], world, shape (3,)."""
    mass: float
    """Mass [kg]."""
    surface: Surface
    """How it behaves in contact."""
    damping: tuple[float, float] = (LINEAR_DAMPING, ANGULAR_DAMPING)
    """Share of its speed and of its turn rate that is lost in a second."""
    element: int = 0
    """Which element of vector parameters a distractor is."""
    hold: Hold | None = None
    """What it hangs from; None = it lies."""

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


def nominal_mass(asset: Asset, scale: Array, drawn: float, factor: float = 1.0) -> float:
    """Return the mass that is declared for an asset, at its scale, times a factor [kg]; else the drawn one."""
    declared = None if asset.nominal is None else asset.nominal.mass_at(float(scale[0]))
    return drawn if declared is None else declared * factor


def nominal_surface(
    asset: Asset, drawn: Surface, friction_scale: float = 1.0, restitution_offset: float = 0.0
) -> Surface:
    """Return a surface with what is declared for an asset, its friction scaled and its restitution shifted."""
    said = asset.nominal
    if said is None:
        return drawn
    friction, restitution = drawn.friction, drawn.restitution
    if said.friction is not None:
        friction = said.friction * friction_scale
    if said.restitution is not None:
        restitution = min(max(said.restitution + restitution_offset, 0.0), 1.0)
    return replace(drawn, friction=friction, restitution=restitution)


def choose_shape(
    kind: str, size: float, aspect: float, flatness: float, pick: int, assets: Sequence[Asset]
) -> tuple[Asset, Array]:
    """Return the asset of one object and its scale along each axis.

    Args:
        kind: random_object, box, sphere, cylinder or capsule.
        size: Longest side [m]; a sphere has 0.6 of it.
        aspect: Middle side over longest.
        flatness: Shortest side over longest.
        pick: Which of the random objects.
        assets: The asset library's records.
    """
    by_name = {asset.name: asset for asset in assets if asset.kind != "hulls"}
    if kind == "random_object":
        hulled = [asset for asset in assets if asset.kind == "hulls"]
        asset = hulled[pick]
        if asset.nominal is not None and asset.nominal.keeps_size:
            return asset, np.ones(3)
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


def add_plan(world: World, plan: ObjectPlan) -> int:
    """Add an object to a world where and as its plan says; returns the body."""
    return add_asset(
        world,
        plan.asset,
        plan.scale,
        position=plan.position.tolist(),
        quaternion=plan.quaternion.tolist(),
        mass=plan.mass,
        surface=plan.surface,
        damping=plan.damping,
    )


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
