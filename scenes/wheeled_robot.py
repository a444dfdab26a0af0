"""Wheeled robots: a URDF made fit for rolling, and skid steering."""

from __future__ import annotations

import copy
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .physics import Joint, WorldError
from .world import World

Array = NDArray[np.float64]
GUARD: Final = 0.93
"""Radius of the guards that stand in for the wheels where they meet obstacles, over that of the wheels."""
WHEEL_TORQUE: Final = 40.0
"""Largest torque of a wheel's motor [Nm]."""
STIFFNESS: Final = 120e3
"""Stiffness of a wheel against the ground [N/m]; a Husky's wheel gives way by 1 mm."""
DAMPING: Final = 2e3
"""Damping of a wheel against the ground [N s/m]."""
ROTOR: Final = 0.4
"""Inertia of a motor's rotor as its wheel feels it through the gear [kg m^2]: a rotor of 0.65 kg cm^2, a gear of 79.

Typical figures. Without it a wheel spins up so much easier than it is pushed sideways that Bullet's friction, whose
direction is weighed by such inertias, pulls across the slip.
"""


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """The wheels of a robot that steers by its sides."""

    joints: tuple[Joint, ...]
    """Joints of the wheels, in PyBullet's order."""
    is_left: tuple[bool, ...]
    """Which of them are on the left."""
    radius: float
    """Radius [m]."""
    track: float
    """Distance between the middles of left and right wheels [m]."""


def fit_for_rolling(root: ElementTree.Element) -> None:
    """Change a wheeled robot's URDF for physics; names and order of its links stay.

    Bullet rolls a cylinder on the corners of its contact patch, which shakes the robot with 4 m/s^2; a sphere has one
    point. So each wheel (the child of a continuous joint, with a cylinder) becomes a sphere, which is to meet the
    ground alone, and its carrier gets a cylinder in its place, a little smaller, that meets all else. Links without
    inertia, to which Bullet would give 1 kg each, get none.

    Args:
        root: The URDF's root; changed in place.

    Raises:
        WorldError: If there are no such wheels.
    """
    links = {link.get("name", ""): link for link in root.findall("link")}
    children = {_child(joint) for joint in root.findall("joint")}
    for name, link in links.items():
        if link.find("inertial") is None:
            # The base must weigh something, or it is nailed down.
            mass, inertia = ("0", "0") if name in children else ("0.001", "0.000001")
            more = "".join(f'{axis}="{inertia if axis[1] == axis[2] else 0}" ' for axis in _AXES)
            link.append(ElementTree.fromstring(f'<inertial><mass value="{mass}"/><inertia {more}/></inertial>'))
    found = 0
    for joint, cylinder in _wheels(root):
        collision = links[_child(joint)].find("collision")
        parent = joint.find("parent")
        assert collision is not None
        assert parent is not None
        guard = copy.deepcopy(collision)
        shape = guard.find("geometry/cylinder")
        assert shape is not None
        radius = float(cylinder.get("radius", "0"))
        shape.set("radius", f"{GUARD * radius:.9g}")
        _shift(guard, joint)
        links[parent.get("link", "")].append(guard)
        geometry = collision.find("geometry")
        assert geometry is not None
        geometry.remove(geometry[0])
        geometry.append(ElementTree.Element("sphere", {"radius": f"{radius:.9g}"}))
        _soften(links[_child(joint)])
        found += 1
    if not found:
        raise WorldError("the robot has no wheels: continuous joints that carry links with a cylinder to collide with")


_AXES: Final = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")


def find_wheels(world: World, robot: int, root: ElementTree.Element) -> Wheels:
    """Find the wheels of a robot that was added as `fit_for_rolling` makes it.

    Args:
        world: The world.
        robot: The robot.
        root: Its URDF as it was.

    Returns:
        The wheels.

    Raises:
        WorldError: If they differ in size, or are not on two sides.
    """
    sizes, sides = {}, {}
    for joint, cylinder in _wheels(root):
        name = joint.get("name", "")
        sizes[name] = float(cylinder.get("radius", "0"))
        sides[name] = _origin(joint)[1]
    joints = tuple(joint for joint in world.joints(robot) if joint.name in sizes)
    left = [sides[joint.name] for joint in joints if sides[joint.name] > 0]
    right = [sides[joint.name] for joint in joints if sides[joint.name] < 0]
    radii = sorted(sizes.values())
    if not left or not right or len(left) + len(right) < len(joints) or radii[-1] - radii[0] > 1e-6:
        raise WorldError("a robot that steers by its sides has wheels of one radius, left and right of its middle")
    return Wheels(
        joints=joints,
        is_left=tuple(sides[joint.name] > 0 for joint in joints),
        radius=radii[0],
        track=sum(left) / len(left) - sum(right) / len(right),
    )


def wheel_speeds(wheels: Wheels, speed: float, turn: float) -> list[float]:
    """Return the wheels' turn rates for a motion without slip.

    Args:
        wheels: The wheels.
        speed: Speed forwards [m/s].
        turn: Turn rate about z, to the left [rad/s].

    Returns:
        Turn rates [rad/s], one per wheel.

    Source: kinematics of a differential drive, v = r (w_left + w_right) / 2, w = r (w_right - w_left) / track.
    """
    half = 0.5 * turn * wheels.track
    return [(speed - half if left else speed + half) / wheels.radius for left in wheels.is_left]


def follow_commands(
    speeds: Sequence[float], turns: Sequence[float], total: float, acceleration: float, times: Array
) -> Array:
    """Return what a robot is told at some times: equal pieces of constant commands, reached at a limited rate.

    Args:
        speeds: Speed of each piece [m/s].
        turns: Turn rate of each piece [rad/s].
        total: Duration of all pieces together [s], > 0; afterwards the last one holds.
        acceleration: Largest change of the speed [m/s^2], and of the turn rate [rad/s^2]; the robot starts at rest.
        times: Evenly spaced times [s], shape (T,).

    Returns:
        Speed and turn rate at each time, shape (T, 2).
    """
    out = []
    speed, turn, before = 0.0, 0.0, 0.0
    for time in times.tolist():
        piece = min(int(time / total * len(speeds)), len(speeds) - 1)
        most = acceleration * (time - before)
        speed += min(max(float(speeds[piece]) - speed, -most), most)
        turn += min(max(float(turns[piece]) - turn, -most), most)
        out.append((speed, turn))
        before = time
    return np.array(out, np.float64).reshape(-1, 2)


def _wheels(root: ElementTree.Element) -> list[tuple[ElementTree.Element, ElementTree.Element]]:
    """Return the wheels' joints and cylinders."""
    links = {link.get("name", ""): link for link in root.findall("link")}
    found = []
    for joint in root.findall("joint"):
        if joint.get("type") == "continuous":
            cylinder = links[_child(joint)].find("collision/geometry/cylinder")
            if cylinder is not None:
                found.append((joint, cylinder))
    return found


def _soften(wheel: ElementTree.Element) -> None:
    """Give a wheel's contact its stiffness and damping; friction stays the file's."""
    contact = wheel.find("contact")
    if contact is None:
        contact = ElementTree.SubElement(wheel, "contact")
    for name, value in (("stiffness", STIFFNESS), ("damping", DAMPING)):
        element = contact.find(name)
        if element is None:
            element = ElementTree.SubElement(contact, name)
        element.set("value", f"{value:.9g}")


def _child(joint: ElementTree.Element) -> str:
    child = joint.find("child")
    return "" if child is None else child.get("link", "")


def _origin(element: ElementTree.Element) -> tuple[float, float, float]:
    origin = element.find("origin")
    x, y, z = ((0.0,) * 3) if origin is None else (float(word) for word in origin.get("xyz", "0 0 0").split())
    return x, y, z


def _shift(collision: ElementTree.Element, joint: ElementTree.Element) -> None:
    """Move a collision shape from a wheel's frame to its carrier's; wheels' joints are not turned."""
    turned = joint.find("origin")
    angles = [0.0] if turned is None else [float(word) for word in turned.get("rpy", "0 0 0").split()]
    if any(not math.isclose(angle, 0.0, abs_tol=1e-6) for angle in angles):
        raise WorldError(f"the wheel joint {joint.get('name')!r} is turned (rpy); only plain ones are understood")
    place = [a + b for a, b in zip(_origin(collision), _origin(joint), strict=True)]
    origin = collision.find("origin")
    if origin is None:
        origin = ElementTree.SubElement(collision, "origin")
    origin.set("xyz", " ".join(f"{value:.9g}" for value in place))
