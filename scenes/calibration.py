"""Calibration error of cameras: where they truly stand and what they truly map, beside what is believed of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, pose_from_position_quaternion
from ..renderers.view import Camera
from .distribution import Distribution
from .distributions import Fixed, TruncatedNormal
from .space import Parameter, ParameterSpace

Array = NDArray[np.float64]
PREFIX: Final = "calibration."
"""What the names of calibration errors begin with."""
_DEGREE: Final = math.pi / 180.0


def camera_parameters(cameras: int) -> list[Parameter]:
    """Return the errors of a rig's calibration, drawn for every scenario; none while their group stands still.

    Args:
        cameras: Cameras of the rig, >= 0; each has errors of its own.

    Returns:
        The parameters, for `miscalibrate` to apply.
    """

    def make(name: str, distribution: Distribution, unit: str, meaning: str, size: int, bound: float) -> Parameter:
        return Parameter(
            name=PREFIX + name,
            distribution=distribution,
            unit=unit,
            meaning=meaning,
            when="reset",
            count=size * cameras,
            group="calibration",
            nominal=0.0,
            allowed=(-bound, bound),
        )

    def about_zero(deviation: float) -> TruncatedNormal:
        return TruncatedNormal(mean=0.0, deviation=deviation, low=-3.0 * deviation, high=3.0 * deviation)

    if cameras == 0:
        return []
    return [
        make("focal", about_zero(0.006), "1", "Each camera's true focal length over the nominal one, less 1", 1, 0.5),
        make("aspect", about_zero(0.001), "1", "Each camera's true fy over fx, less 1", 1, 0.5),
        make(
            "center", about_zero(0.006), "1", "Each camera's true principal point x, y less the nominal one, "
            "over the image's width", 2, 0.5,
        ),
        make("position", about_zero(0.003), "m", "Each camera's true place in its nominal frame x, y, z", 3, 0.5),
        make(
            "rotation", about_zero(0.4 * _DEGREE), "rad", "Each camera's true turn from its nominal frame, as a "
            "rotation vector x, y, z", 3, 0.5,
        ),
    ]  # fmt: skip


def has_errors(space: ParameterSpace, name: str = "") -> bool:
    """Tell whether a space's calibration errors, or those of a name, are drawn, or fixed off zero."""
    return any(p.name.startswith(PREFIX + name) and p.distribution != Fixed(value=0.0) for p in space)


def miscalibrate(camera: Camera, param: Mapping[str, Array], view: int, number: int) -> Camera:
    """Return the true camera of a nominal one.

    Args:
        camera: The nominal camera: what a calibration says.
        param: Values by name, shape (V, L[, K]); without those of `camera_parameters` nothing changes.
        view: The view.
        number: Place of the camera in its rig.

    Returns:
        The camera that takes the pictures; the same object where all errors are zero.
    """

    def of(name: str, size: int) -> list[float]:
        given = param[PREFIX + name][view, 0].reshape(-1)
        return [float(value) for value in given[size * number : size * (number + 1)]]

    if PREFIX + "focal" not in param:
        return camera
    (focal,), (aspect,) = of("focal", 1), of("aspect", 1)
    center, position, rotation = of("center", 2), of("position", 3), of("rotation", 3)
    changes: dict[str, Any] = {}
    if focal or aspect:
        changes["fx"] = camera.fx * (1.0 + focal)
        changes["fy"] = camera.fy * (1.0 + focal) * (1.0 + aspect)
    if any(center):
        changes["cx"] = camera.cx + center[0] * camera.width
        changes["cy"] = camera.cy + center[1] * camera.width
    if any(position) or any(rotation):
        error = pose_from_position_quaternion(position, quaternion_of(rotation))
        changes["pose_world_camera"] = compose_pose(camera.pose_world_camera, error)
    return dataclasses.replace(camera, **changes) if changes else camera


def quaternion_of(rotation: Collection[float]) -> tuple[float, float, float, float]:
    """Return the quaternion xyzw of a rotation vector [rad], shape (3,)."""
    x, y, z = rotation
    angle = math.sqrt(x * x + y * y + z * z)
    share = 0.5 if angle < 1e-12 else math.sin(0.5 * angle) / angle
    return share * x, share * y, share * z, math.cos(0.5 * angle)
