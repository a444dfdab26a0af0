"""Which of a link's contacts press on a pad that is fixed to it, and where.

The pad is a rectangle in the plane z = 0 of its own frame, whose z points out of the link. All arrays are the host's.

Source: a change of frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def contacts_on_pad(
    touch: ArrayLike, pose_link_pad: ArrayLike, *, width: float, height: float, reach: float = 0.002
) -> NDArray[np.float64]:
    """Return contacts as `apply_tactile` takes them.

    Args:
        touch: Contact points of a link: position in its frame [m] and force on it along its axes [N], 0 padding,
            shape (..., C, 6).
        pose_link_pad: Maps the pad's frame to the link's, shape (4, 4).
        width: Size of the pad along its x [m].
        height: Size of the pad along its y [m].
        reach: How far off the pad's plane a point may lie [m]: collision shapes are not exact.

    Returns:
        x and y on the pad [m], force along its inward normal [N], and 1 where the contact counts, shape (..., C, 4);
        0 where it does not.

    Raises:
        ValueError: If a shape is wrong.

    Example:
        >>> contacts_on_pad([[0.01, 0.0, 0.0, 0.0, 0.0, -3.0]], np.eye(4), width=0.02, height=0.02).tolist()
        [[0.01, 0.0, 3.0, 1.0]]
    """
    points, pose = np.asarray(touch, np.float64), np.asarray(pose_link_pad, np.float64)
    if points.ndim < 2 or points.shape[-1] != 6:
        raise ValueError(f"touch must have shape (..., contacts, 6), got {points.shape}")
    if pose.shape != (4, 4):
        raise ValueError(f"pose_link_pad must have shape (4, 4), got {pose.shape}")
    arm = points[..., :3] - pose[:3, 3]
    # Written out, as a library's products may take another order for another shape.
    x, y, z = (sum(arm[..., i] * pose[i, k] for i in range(3)) for k in range(3))
    force = -sum(points[..., 3 + i] * pose[i, 2] for i in range(3))
    counts = (force > 0.0) & (abs(x) <= 0.5 * width) & (abs(y) <= 0.5 * height) & (abs(z) <= reach)
    return np.stack([np.where(counts, part, 0.0) for part in (x, y, force, 1.0)], axis=-1)
