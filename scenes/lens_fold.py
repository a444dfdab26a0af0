"""Lens folds: distortion that turns back within the image, where one point of the world would be seen twice."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..kernels.lens import Lens
from ..renderers.view import Camera
from .sensors import Rig


def fold_radius(lens: Lens) -> float:
    """Return how far from the axis a lens can image anything, in focal lengths.

    Args:
        lens: The lens.

    Returns:
        The distorted radius where its polynomial in the radius stops growing; infinity where it grows on. Tangential
        and prism terms are left out.

    Example:
        >>> round(fold_radius(Lens(coefficients=(-8.0, 0.0, 0.0, 0.0))), 4)
        0.1361
    """
    c = (*lens.coefficients, *(0.0,) * (14 - len(lens.coefficients)))
    angle = lens.max_angle
    if lens.model == "kannala_brandt":
        s = angle * angle
        grown = 1.0 + s * (c[0] + s * (c[1] + s * (c[2] + s * c[3])))
        return angle * grown if angle < math.pi else math.inf
    radius = math.tan(angle)
    if radius > 0.999e3:  # the kernels' own bound: it grows on
        return math.inf
    s = radius * radius
    above = 1.0 + s * (c[0] + s * (c[1] + s * c[4]))
    below = 1.0 + s * (c[5] + s * (c[6] + s * c[7]))
    return radius * above / below if below > 0.0 else math.inf


def note_folds(rig: Rig) -> tuple[str, ...]:
    """Say which cameras have pixels beyond the fold of their lens.

    Args:
        rig: The sensors; those whose field of view is drawn are left out.

    Returns:
        A sentence for each camera whose corners see nothing.

    Raises:
        ValueError: If Brown-Conrady's polynomial turns before the nearest edge of the image: a calibration never says
            so. A fisheye's image may be a circle.
    """
    notes = []
    for mount in rig.mounts:
        lens = mount.lens
        if lens is None or (mount.intrinsics is None and mount.field_of_view is None):
            continue
        camera = mount.make_camera(np.eye(4))
        fold = fold_radius(lens)
        nearest, radius = _reach(camera)
        if fold < nearest and lens.model == "brown_conrady":
            raise ValueError(
                f"sensor {mount.name!r}: the lens's distortion turns at {fold * camera.fx:.0f} px from the principal "
                f"point, and the nearest edge is {nearest * camera.fx:.0f} px away: the image would fold over; "
                "check its coefficients"
            )
        beyond = float((radius > fold).mean())
        if beyond > 0.0:
            notes.append(
                f"sensor {mount.name!r}: the lens's distortion turns at {fold * camera.fx:.0f} px from the principal "
                f"point; {100.0 * beyond:.2g} % of the pixels are beyond and see nothing"
            )
    return tuple(notes)


def _reach(camera: Camera) -> tuple[float, NDArray[np.float64]]:
    """Return the distance of the nearest edge and of every pixel from the axis, in focal lengths."""
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    nearest = min(abs(float(x[0])), abs(float(x[-1])), abs(float(y[0])), abs(float(y[-1])))
    return nearest, np.sqrt(x[None, :] ** 2 + y[:, None] ** 2)
