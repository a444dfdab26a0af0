"""Reading a scene out: the arrays of objects and of state that a row holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import transform_points
from .object_plan import ObjectPlan
from .physics import Contacts

Array = NDArray[np.float64]


def empty_objects(slots: int) -> dict[str, NDArray[Any]]:
    """Return the arrays `object/<name>` of M empty slots."""
    m = slots
    poses = np.zeros((m, 4, 4))
    poses[:] = np.eye(4)
    return {
        "valid": np.zeros(m, np.uint8),
        "class": np.zeros(m, np.int32),
        "asset": np.full(m, -1, np.int32),
        "pose_world_object": poses,
        "extent": np.zeros((m, 3)),
        "box_center": np.zeros((m, 3)),
        "box_corners": np.zeros((m, 8, 3)),
        "scale": np.zeros((m, 3)),
        "mass": np.zeros(m),
        "friction": np.zeros(m),
    }


def empty_state(contacts: int, joints: int) -> dict[str, NDArray[Any]]:
    """Return the arrays `state/<name>` before anything is known."""
    c, j = contacts, joints
    return {
        "joint_position": np.zeros(j),
        "joint_velocity": np.zeros(j),
        "joint_reported": np.zeros(j),
        "time": np.zeros(()),
        "settle_steps": np.zeros((), np.int32),
        "contact_count": np.zeros((), np.int32),
        "contact_instances": np.zeros((c, 2), np.int32),
        "contact_position": np.zeros((c, 3)),
        "contact_normal": np.zeros((c, 3)),
        "contact_force": np.zeros(c),
        "contact_distance": np.zeros(c),
    }


def fill_objects(
    objects: dict[str, NDArray[Any]],
    plans: Sequence[ObjectPlan],
    poses: Sequence[Array],
    robot_pose: Array,
    robot_box: tuple[Array, Array],
    robot_class: int,
) -> None:
    """Fill the robot's slot and the objects'."""
    lower, upper = robot_box
    rows: list[tuple[int, int, Array, Array, Array, Array, float, float]] = [
        (robot_class, -1, robot_pose, upper - lower, 0.5 * (upper + lower), np.ones(3), 0.0, 0.5)
    ]
    for plan, pose in zip(plans, poses, strict=True):
        rows.append(
            (
                plan.class_id,
                plan.asset.index,
                pose,
                plan.extent,
                plan.box_center,
                plan.scale,
                plan.mass,
                plan.surface.friction,
            )
        )
    signs = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    for slot, (class_id, asset, pose, extent, center, scale, mass, friction) in enumerate(rows):
        objects["valid"][slot] = 1
        objects["class"][slot] = class_id
        objects["asset"][slot] = asset
        objects["pose_world_object"][slot] = pose
        objects["extent"][slot] = extent
        objects["box_center"][slot] = center
        objects["box_corners"][slot] = transform_points(pose, center + signs * extent)
        objects["scale"][slot] = scale
        objects["mass"][slot] = mass
        objects["friction"][slot] = friction


def fill_state(
    state: dict[str, NDArray[Any]],
    joints: Array,
    rates: Array,
    touching: Contacts,
    *,
    steps: int,
    time: float,
    instances: Mapping[int, int],
    offsets: Array | None = None,
) -> None:
    """Fill joints, time and contacts.

    Args:
        state: Arrays of `empty_state`.
        joints: Positions of the joints [rad or m], shape (J,).
        rates: Their velocities, shape (J,).
        touching: Contacts; of more than there is room for, the first.
        steps: Steps until things were at rest.
        time: Simulated time [s].
        instances: Instance id of each body; that of all others is 0.
        offsets: Positions less those that the robot reports, shape (J,); None = none.
    """
    count = min(touching.distance.size, state["contact_force"].size)
    state["joint_position"][:] = joints
    state["joint_velocity"][:] = rates
    state["joint_reported"][:] = joints if offsets is None else joints - offsets
    state["time"][...] = time
    state["settle_steps"][...] = steps
    state["contact_count"][...] = touching.distance.size
    ids = [[instances.get(int(body), 0) for body in pair] for pair in touching.bodies[:count]]
    state["contact_instances"][:count] = np.array(ids, np.int32).reshape(-1, 2)
    state["contact_position"][:count] = touching.position[:count]
    state["contact_normal"][:count] = touching.normal[:count]
    state["contact_force"][:count] = touching.force[:count]
    state["contact_distance"][:count] = touching.distance[:count]
