"""What stands in the yard, and where: pure functions of the driving scene's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion
from .asset_library import Asset
from .distractors import CLASS, plan_distractors
from .driving_space import OBSTACLE_KINDS
from .instance_rows import at
from .object_plan import ObjectPlan, body_depth, choose_shape, nominal_mass, nominal_surface
from .physics import Surface

Array = NDArray[np.float64]
CLASSES: Final = ("background", "ground", "wall", "robot", "box", "pillar", "random_object", "distractor")
"""Class names; the row is the class id."""
FREE: Final = 1.0
"""Radius around the robot's start that is left free [m]."""
_APART: Final = 0.05
_EDGE: Final = 0.5
_TRIES: Final = 400
_GOLDEN: Final = math.pi * (3.0 - math.sqrt(5.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Wall:
    """A wall: a box that stands fast."""

    pose: Array
    """Maps the wall's frame (middle of the box, x along it) to the world, shape (4, 4)."""
    sides: Array
    """Length, thickness, height [m], shape (3,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Yard:
    """All that stands in a yard."""

    side: float
    """Side of the square [m]; its middle is the world's origin."""
    start: Array
    """Where the robot's base starts, shape (4, 4)."""
    walls: tuple[Wall, ...]
    """The walls."""
    plans: tuple[ObjectPlan, ...]
    """Boxes, pillars and random objects."""
    clutter: tuple[ObjectPlan, ...] = ()
    """Distractors."""


def plan_yard(first: Mapping[str, Array], assets: Sequence[Asset], classes: Sequence[str] = CLASSES) -> Yard:
    """Decide what stands where, so that nothing overlaps and the robot's start is free.

    What would overlap goes to the nearest free point of a spiral around where it was to stand; what finds none within
    the yard is left out.

    Args:
        first: The scenario's values by name.
        assets: The asset library's records.
        classes: The scene's classes and those of its assets.

    Returns:
        The yard.
    """
    side = float(first["yard.side"])
    place = 0.5 * side - _EDGE

    def across(name: str, k: int) -> float:
        return (2.0 * float(first[name].reshape(-1)[k]) - 1.0) * place

    start = at(across("start.x", 0), across("start.y", 0), 0.0, float(first["start.heading"]))
    x, y = float(start[0, 3]), float(start[1, 3])
    walls = tuple(_plan_wall(first, k, across("wall.x", k), across("wall.y", k), (x, y)) for k in _count(first, "wall"))
    plans: list[ObjectPlan] = []
    discs = [(x, y, FREE)]
    for k in _count(first, "object"):
        plan, reach = _plan_object(first, k, assets, classes)
        point = _find_place((across("object.x", k), across("object.y", k)), reach, place, discs, walls)
        if point is None:
            continue
        discs.append((*point, reach))
        plan.position[:2] = point
        plans.append(plan)

    def is_free(x: float, y: float, reach: float) -> bool:
        inside = max(abs(x), abs(y)) <= place
        return inside and all(_wall_distance(wall, x, y) > reach + _APART for wall in walls)

    clutter = plan_distractors(
        first,
        assets,
        CLASSES.index(CLASS),
        discs,
        lambda k: ((across("distractor.x", k), across("distractor.y", k)), 0.0, is_free),
    )
    return Yard(side=side, start=start, walls=walls, plans=tuple(plans), clutter=clutter)


def _count(first: Mapping[str, Array], what: str) -> range:
    return range(int(first[f"{what}_count"]))


def _plan_wall(first: Mapping[str, Array], k: int, x: float, y: float, start: tuple[float, float]) -> Wall:
    sides = np.array([float(first[f"wall.{name}"].reshape(-1)[k]) for name in ("length", "thickness", "height")])
    turn = float(first["wall.heading"].reshape(-1)[k])
    along, normal = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
    # Where it would cross the robot's start, it is shifted away sideways.
    ahead = (start[0] - x) * along[0] + (start[1] - y) * along[1]
    aside = (start[0] - x) * normal[0] + (start[1] - y) * normal[1]
    keep = FREE + 0.5 * float(sides[1])
    if abs(ahead) < 0.5 * float(sides[0]) + FREE and abs(aside) < keep:
        shift = aside - math.copysign(keep, aside)
        x, y = x + shift * normal[0], y + shift * normal[1]
    return Wall(pose=at(x, y, 0.5 * float(sides[2]), turn), sides=sides)


def _plan_object(
    first: Mapping[str, Array], k: int, assets: Sequence[Asset], classes: Sequence[str]
) -> tuple[ObjectPlan, float]:
    """Return an object at the yard's middle, resting on or just above the ground, and its reach around its origin."""

    def of(name: str) -> float:
        return float(first[name].reshape(-1)[k])

    kind = OBSTACLE_KINDS[int(of("object.kind"))]
    half = 0.5 * of("object.heading")
    quaternion = np.array([0.0, 0.0, math.sin(half), math.cos(half)])
    if kind == "random_object":
        quaternion = first["object.orientation"].reshape(-1, 4)[k]
        asset, scale = choose_shape(kind, of("random_object.size"), 1.0, 1.0, int(of("object.asset")), assets)
    elif kind == "box":
        asset, _ = choose_shape("box", 1.0, 1.0, 1.0, 0, assets)
        scale = of("box.size") * np.array([1.0, of("box.aspect"), of("box.flatness")])
    else:
        asset, _ = choose_shape("cylinder", 1.0, 1.0, 1.0, 0, assets)
        scale = np.array([2.0 * of("pillar.radius"), 2.0 * of("pillar.radius"), of("pillar.height")])
    pose = pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)
    height = body_depth(asset, scale, pose) + (0.01 if kind == "random_object" else 0.0)
    corner = np.abs(asset.center * scale) + 0.5 * asset.extent * scale
    flat = float(corner[0]) ** 2 + float(corner[1]) ** 2
    reach = math.sqrt(flat + float(corner[2]) ** 2 if kind == "random_object" else flat)
    plan = ObjectPlan(
        asset=asset,
        class_id=asset.class_in(classes, kind),
        scale=scale,
        quaternion=quaternion,
        position=np.array([0.0, 0.0, height]),
        mass=0.0 if kind == "pillar" else nominal_mass(asset, scale, of("object.mass"), of("object.mass_scale")),
        surface=nominal_surface(
            asset,
            Surface(friction=of("friction"), rolling_friction=0.01 if kind == "random_object" else 0.001),
            of("friction_scale"),
            of("restitution_offset"),
        ),
        damping=(of("object.linear_damping"), of("object.angular_damping")),
    )
    return plan, reach


def _find_place(
    wanted: tuple[float, float],
    reach: float,
    place: float,
    discs: Sequence[tuple[float, float, float]],
    walls: Sequence[Wall],
) -> tuple[float, float] | None:
    """Return the first free point of a spiral of even density around a point."""
    for step in range(_TRIES):
        away = 0.35 * math.sqrt(step)
        x = wanted[0] + away * math.cos(step * _GOLDEN)
        y = wanted[1] + away * math.sin(step * _GOLDEN)
        if max(abs(x), abs(y)) > place:
            continue
        if any((x - a) ** 2 + (y - b) ** 2 < (reach + other + _APART) ** 2 for a, b, other in discs):
            continue
        if all(_wall_distance(wall, x, y) > reach + _APART for wall in walls):
            return x, y
    return None


def _wall_distance(wall: Wall, x: float, y: float) -> float:
    """Return the distance of a point on the ground to a wall [m]."""
    dx, dy = x - float(wall.pose[0, 3]), y - float(wall.pose[1, 3])
    cosine, sine = float(wall.pose[0, 0]), float(wall.pose[1, 0])
    beyond = abs(cosine * dx + sine * dy) - 0.5 * float(wall.sides[0])
    aside = abs(cosine * dy - sine * dx) - 0.5 * float(wall.sides[1])
    return math.hypot(max(beyond, 0.0), max(aside, 0.0))
