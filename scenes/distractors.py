"""Planning distractors: what they are and where they stand; pure functions of a scene's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, pose_from_position_quaternion, quaternion_from_pose
from .asset_library import Asset
from .distractor_space import DISTRACTOR_KINDS, STAND_INS
from .object_plan import ObjectPlan, body_depth, choose_shape
from .physics import Surface
from .placement import find_spot, lay_stable, reach_of

Array = NDArray[np.float64]
CLASS: Final = "distractor"
"""Class of all distractors; their instance id is 0, that of the background."""
_GAP: Final = 0.0005
Place = tuple[tuple[float, float], float, Callable[[float, float, float], bool]]
"""Where a distractor may stand: wanted point x, y [m], height of the surface [m], whether x, y and a reach fit."""


def plan_distractors(
    values: Mapping[str, Array],
    assets: Sequence[Asset],
    class_id: int,
    discs: Sequence[tuple[float, float, float]],
    place: Callable[[int], Place],
) -> tuple[ObjectPlan, ...]:
    """Decide what stands where, each on a stable side, so that nothing overlaps; what finds no room is left out.

    A user's own objects are never distractors: they would be seen as targets and labelled as background.

    Args:
        values: The scenario's values by name.
        assets: The asset library's records.
        class_id: Row of `CLASS` in the scene's classes.
        discs: What is taken already: x, y, radius [m].
        place: Distractor to where it may stand.

    Returns:
        The plans; `element` says which distractor each is. None where the scene has no such parameters.
    """
    if "distractor_count" not in values:
        return ()
    plans: list[ObjectPlan] = []
    taken = list(discs)
    own = any(asset.nominal is not None for asset in assets)

    def of(name: str, k: int) -> float:
        return float(values[f"distractor.{name}"].reshape(-1)[k])

    for k in range(int(values["distractor_count"])):
        kind, pick = DISTRACTOR_KINDS[int(of("kind", k))], int(of("asset", k))
        if own and kind == "random_object":
            kind = STAND_INS[pick % len(STAND_INS)]
        size, aspect, flatness = of("size", k), of("aspect", k), of("flatness", k)
        asset, scale = choose_shape(kind, size, aspect, flatness, pick, assets)
        quaternion = lay_stable(asset, _turn(of("roll", k), of("pitch", k), of("heading", k)))
        reach = reach_of(asset, scale, quaternion)
        wanted, height, fits = place(k)
        spot = find_spot(wanted, reach, taken, lambda x, y, fits=fits, reach=reach: fits(x, y, reach))  # type: ignore[misc]
        if spot is None:
            continue
        taken.append((*spot, reach))
        z = height + body_depth(asset, scale, pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)) + _GAP
        plans.append(
            ObjectPlan(
                asset=asset,
                class_id=class_id,
                scale=scale,
                quaternion=quaternion,
                position=np.array([*spot, z]),
                mass=of("mass", k),
                surface=Surface(friction=of("friction", k), rolling_friction=0.01, spinning_friction=0.001),
                element=k,
            )
        )
    return tuple(plans)


def _turn(roll: float, pitch: float, heading: float) -> Array:
    """Return the quaternion xyzw of turns about x, then y, then z [rad]."""
    pose = np.eye(4)
    for axis, angle in enumerate((roll, pitch, heading)):
        quaternion = [0.0, 0.0, 0.0, math.cos(0.5 * angle)]
        quaternion[axis] = math.sin(0.5 * angle)
        pose = compose_pose(pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion), pose)
    return quaternion_from_pose(pose)
