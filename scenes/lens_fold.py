"""Lens folds: distortion that turns back within the image, where one point of the world would be seen twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..renderers.view import Camera
from .sensors import Rig


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
        fold = lens.max_radius
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
