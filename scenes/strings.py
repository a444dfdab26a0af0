"""Strings that objects hang from: where they are, what they carry, and which objects of a row they hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import quaternion_from_pose, transform_points
from .object_plan import Hold, ObjectPlan
from .physics import Contacts
from .world import World

Array = NDArray[np.float64]
STRING_RADIUS: Final = 0.001
"""Radius of the strings [m]."""


def along(a: Sequence[float] | Array, b: Sequence[float] | Array) -> float:
    """Return the product of two vectors, shape (3,) each, summed in their order."""
    return float(a[0]) * float(b[0]) + float(a[1]) * float(b[1]) + float(a[2]) * float(b[2])


def turn_onto(start: Sequence[float] | Array, end: Sequence[float] | Array) -> Array:
    """Return the least turn, shape (4, 4), that brings a unit direction onto another that is not opposite to it."""
    a, b = ([float(value) for value in direction] for direction in (start, end))
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    cosine = along(a, b)
    more = 1.0 / (1.0 + cosine)
    pose = np.eye(4)
    pose[:3, :3] = (
        (cosine + more * x * x, more * x * y - z, more * x * z + y),
        (more * x * y + z, cosine + more * y * y, more * y * z - x),
        (more * x * z - y, more * y * z + x, cosine + more * z * z),
    )
    return pose


def _reach(hold: Hold, pose: Array) -> tuple[Array, Array, float]:
    """Return where a string holds an object in a pose, the way from there to its anchor, and how long that is [m]."""
    end = transform_points(pose, hold.point[None])[0]
    way = hold.anchor - end
    return end, way, math.sqrt(along(way, way))


def find_slack(hold: Hold, pose: Array) -> float:
    """Return by how much an object in a pose is nearer to its anchor than the string is long [m]; < 0: farther."""
    return hold.length - _reach(hold, pose)[2]


def place_strings(plans: Sequence[ObjectPlan], poses: Sequence[Array]) -> list[tuple[Array, float]]:
    """Return where the strings are: the pose of each one's middle, z along it, shape (4, 4), and its length [m]."""
    found = []
    for plan, pose in zip(plans, poses, strict=True):
        if plan.hold is None:
            continue
        end, way, length = _reach(plan.hold, pose)
        string = turn_onto((0.0, 0.0, 1.0), way / length)
        string[:3, 3] = end + 0.5 * way
        found.append((string, length))
    return found


def add_strings(world: World, plans: Sequence[ObjectPlan], poses: Sequence[Array]) -> list[int]:
    """Add strings to a world as bodies that stand still, for what is to keep clear of them."""
    bodies = []
    for pose, length in place_strings(plans, poses):
        straight = max(length - 0.01, STRING_RADIUS)  # free of what it ends at
        position, quaternion = pose[:3, 3].tolist(), quaternion_from_pose(pose).tolist()
        bodies.append(world.add_capsule(STRING_RADIUS, straight, position=position, quaternion=quaternion))
    return bodies


def string_contacts(
    plans: Sequence[ObjectPlan],
    poses: Sequence[Array],
    bodies: Sequence[int],
    holder: int,
    gravity: Sequence[float],
    touching: Contacts,
) -> Contacts:
    """Return where strings hold objects, the normal up the string, and after that all other contacts.

    The force is the weight, less what other contacts carry of it along the string by their normal forces.

    Args:
        plans: The objects.
        poses: Their poses, shape (4, 4) each.
        bodies: Their bodies.
        holder: The bar.
        gravity: Acceleration [m/s^2], world.
        touching: All other contacts.
    """
    held = [k for k, plan in enumerate(plans) if plan.hold is not None]
    strings = place_strings(plans, poses)
    normals = np.array([pose[:3, 2] for pose, _ in strings]).reshape(-1, 3)
    ends = np.array([pose[:3, 3] - 0.5 * length * pose[:3, 2] for pose, length in strings]).reshape(-1, 3)
    forces = []
    for k, normal in zip(held, normals, strict=True):
        force = -plans[k].mass * along(gravity, normal)
        for side, sign in ((0, 1.0), (1, -1.0)):
            for row in np.flatnonzero(touching.bodies[:, side] == bodies[k]).tolist():
                force -= sign * float(touching.force[row]) * along(touching.normal[row], normal)
        forces.append(max(force, 0.0))
    pairs = np.array([(bodies[k], holder) for k in held], np.int64).reshape(-1, 2)
    return Contacts(
        bodies=np.concatenate((pairs, touching.bodies)),
        links=np.concatenate((np.full_like(pairs, -1), touching.links)),
        position=np.concatenate((ends, touching.position)),
        normal=np.concatenate((normals, touching.normal)),
        force=np.concatenate((np.array(forces), touching.force)),
        distance=np.concatenate((np.zeros(len(forces)), touching.distance)),
    )


def held_slots(pose_world_object: Array, state: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Tell which objects of a row hang: those that the background pulls up at a point above their mass centre.

    Args:
        pose_world_object: Poses of the slots' objects, shape (M, 4, 4).
        state: The arrays `state/<name>` of the row.

    Returns:
        One for each slot, shape (M,).
    """
    found = np.zeros(len(pose_world_object), np.bool_)
    for row in range(min(int(state["contact_count"]), len(state["contact_force"]))):
        first, second = (int(value) for value in state["contact_instances"][row])
        above = first > 0 and float(state["contact_position"][row][2]) > float(pose_world_object[first - 1, 2, 3])
        if second == 0 and above and float(state["contact_normal"][row][2]) > 0.8:
            found[first - 1] = True
    return found
