"""Hanging objects: a bar over the table, and what hangs from it, each in its equilibrium."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, pose_from_position_quaternion, quaternion_from_pose, transform_points
from .asset_library import Asset
from .distribution import Distribution
from .distributions import Choice, Uniform
from .object_plan import Hold, ObjectPlan, body_depth
from .parameter import Parameter
from .placement import reach_of
from .strings import along, turn_onto
from .world import World

Array = NDArray[np.float64]
HELD_DAMPING: Final = (0.9, 0.95)
"""Least damping of what hangs, as of `ObjectPlan.damping`: a knock of 5 rad/s has died away after about 2 s."""
_BAR: Final = 0.01
"""Half of the bar's and the posts' thickness [m]."""
_BESIDE: Final = 0.04
"""Distance from the table's edge to the posts [m]."""
_SPAN: Final = 0.45
"""Farthest along the bar from its middle that something hangs [m]."""
_STEP: Final = 0.01
"""Distance along the bar between the places that are tried [m]."""
_APART: Final = 0.01
"""Least distance between the circles that hanging objects can turn in [m]."""
_SHORTEST: Final = 0.02
"""Shortest string [m]."""


def hanging_parameters(objects: int) -> list[Parameter]:
    """Return how objects hang as parameters; they matter where `placement` is hanging.

    Args:
        objects: Objects, >= 1.
    """

    def make(name: str, distribution: Distribution, unit: str, meaning: str, **more: Any) -> Parameter:
        return Parameter(name=name, distribution=distribution, unit=unit, meaning=meaning, group="placement", **more)

    return [
        make(
            "object.hangs",
            Choice(options=("dropped", "hangs"), weights=(0.3, 0.7)),
            "1",
            "Whether each object hangs where placement is hanging, if there is room along the bar; else it is dropped",
            nominal=1,
            count=objects,
        ),
        make(
            "object.hang_height",
            Uniform(low=0.03, high=0.25),
            "m",
            "Height of a hanging object's lowest point over the table",
            nominal=0.12,
            count=objects,
            allowed=(0.005, 2.0),
        ),
        make(
            "rack.height",
            Uniform(low=0.7, high=1.0),
            "m",
            "Height of the bar's lower side over the table, where objects hang",
            nominal=0.8,
            allowed=(0.2, 3.0),
        ),
        make(
            "rack.x",
            Uniform(low=0.42, high=0.58),
            "m",
            "Place of the bar forward of the robot",
            nominal=0.5,
            allowed=(0.2, 0.9),
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class Rack:
    """A bar along y over the table, on two posts beside it."""

    x: float
    """Where it is along x [m], world."""
    height: float
    """Height of the bar's lower side [m], world."""
    half_width: float
    """Half of the table's width [m]."""
    top: float
    """Height of the table's top [m]."""
    up: tuple[float, float, float]
    """Direction against gravity, unit: strings point along it."""

    @property
    def beams(self) -> tuple[tuple[Array, Array], ...]:
        """Middle and half sides [m], world axes, of the bar and its posts."""
        aside = self.half_width + _BESIDE
        bar = (np.array([self.x, 0.0, self.height + _BAR]), np.array([_BAR, aside + _BAR, _BAR]))
        half = np.array([_BAR, _BAR, 0.5 * self.height])
        posts = [(np.array([self.x, side * aside, 0.5 * self.height]), half) for side in (-1.0, 1.0)]
        return (bar, *posts)

    @property
    def feet(self) -> tuple[tuple[float, float, float], ...]:
        """What the posts take of the floor: x, y, radius [m]."""
        return tuple((float(middle[0]), float(middle[1]), 2.0 * _BAR) for middle, _ in self.beams[1:])


def plan_rack(values: Mapping[str, Array]) -> Rack:
    """Return the bar and how strings hang from it, by a scenario's values by name."""
    tilt, toward = (float(values.get(f"gravity.{name}", 0.0)) for name in ("tilt", "direction"))
    top = float(values["table.height"])
    aside = math.sin(tilt)
    return Rack(
        x=float(values["rack.x"]),
        height=top + float(values["rack.height"]),
        half_width=0.5 * float(values["table.width"]),
        top=top,
        up=(-aside * math.cos(toward), -aside * math.sin(toward), math.cos(tilt)),
    )


def hang_object(
    asset: Asset,
    scale: Array,
    quaternion: Array,
    rack: Rack,
    place: tuple[float, float],
    taken: Sequence[tuple[float, float, float]],
) -> tuple[Array, Array, Hold] | None:
    """Hang an object from the bar in its equilibrium: its mass centre straight below the point that holds it.

    It is held at the point of its hull that is highest as it is turned, and turned on by the least that brings its mass
    centre below that.

    Args:
        asset: What it is; the origin of its frame is its mass centre.
        scale: Scale along the mesh's axes, shape (3,).
        quaternion: Rotation from which to turn, xyzw, shape (4,).
        rack: What it hangs from.
        place: Wanted place y along the bar, height of its lowest point over the table [m].
        taken: What hangs already: x, y, radius [m].

    Returns:
        Its rotation, xyzw, its position [m] and what holds it; None where there is no room along the bar, or under it.
    """
    pose = pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)
    up = rack.up
    point = highest_point(asset, scale, [along(pose[:3, k], up) for k in range(3)])
    lever = math.sqrt(along(point, point))
    raised = transform_points(pose, point[None])[0] / lever
    if along(raised, up) <= 0.0:  # the mass centre lies outside the hull
        return None
    pose = compose_pose(turn_onto(raised, up), pose)
    turned = quaternion_from_pose(pose)
    z = rack.top + place[1] + body_depth(asset, scale, pose)
    length = (rack.height - z) / up[2] - lever
    if length < _SHORTEST:
        return None
    away = length + lever
    x, shift = rack.x - away * up[0], -away * up[1]
    reach, limit = reach_of(asset, scale, turned), min(_SPAN, rack.half_width - 0.1)
    for step in range(2 * math.ceil(2.0 * limit / _STEP)):
        y = place[0] + (_STEP if step % 2 else -_STEP) * ((step + 1) // 2)
        if abs(y) <= limit and all(
            (x - a) ** 2 + (y + shift - b) ** 2 >= (reach + r + _APART) ** 2 for a, b, r in taken
        ):
            hold = Hold(point=point, anchor=np.array([rack.x, y, rack.height]), length=length)
            return turned, np.array([x, y + shift, z]), hold
    return None


def highest_point(asset: Asset, scale: Array, up: Sequence[float]) -> Array:
    """Return the point of an object that lies farthest in a direction, in its own frame [m], shape (3,).

    Args:
        asset: What it is; a box, sphere, cylinder and capsule by its form, all else by its hull.
        scale: Scale along the mesh's axes, shape (3,).
        up: The direction in the object's frame, unit, three numbers.

    Returns:
        The point; one of several that lie equally far.
    """
    a, b, c = (0.5 * float(side) for side in asset.extent * scale)
    x, y, z = up
    if asset.kind == "box":
        return np.array([math.copysign(a, x), math.copysign(b, y), math.copysign(c, z)])
    if asset.kind == "sphere":
        return np.array([a * x, a * y, a * z])
    across = math.hypot(x, y)
    if asset.kind == "cylinder":
        level = (1.0, 0.0) if across < 1e-12 else (x / across, y / across)
        return np.array([a * level[0], a * level[1], math.copysign(c, z)])
    if asset.kind == "capsule":
        return np.array([a * x, a * y, a * z + math.copysign(c - a, z)])
    assert asset.hulls is not None
    points = asset.hulls.points * scale
    heights = points[:, 0] * x + points[:, 1] * y + points[:, 2] * z
    return np.asarray(points[int(np.argmax(heights))], np.float64)


def add_rack(world: World, rack: Rack, plans: Sequence[ObjectPlan], bodies: Sequence[int]) -> list[int]:
    """Add a bar and its posts to a world, and hang from the bar what is to hang.

    Args:
        world: The world.
        rack: The bar.
        plans: The objects.
        bodies: Their bodies.

    Returns:
        The bodies of the bar and its posts.
    """
    beams = [world.add_box(half.tolist(), position=middle.tolist()) for middle, half in rack.beams]
    for plan, body in zip(plans, bodies, strict=True):
        if plan.hold is not None:
            end = [float(plan.hold.anchor[k]) - plan.hold.length * rack.up[k] for k in range(3)]
            place = (np.array(end) - rack.beams[0][0]).tolist()
            world.hold_body(body, plan.hold.point.tolist(), beams[0], place)
    return beams
