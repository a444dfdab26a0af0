"""Cameras: a pinhole or a lens, and where it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..kernels.lens import Lens
from .shutter import Shutter

MAX_SIDE = 4096
"""Largest image side [px]; projected coordinates are kept in 20 + 8 bits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Camera:
    """A camera at a pose. OpenCV axes: x right, y down, z forward; pixel (0, 0) is centred at (0, 0).

    Raises:
        ValueError: If a side, a focal length or the range of depth is out of bounds.

    Example:
        >>> camera = Camera.from_field_of_view(width=640, height=480, field_of_view=1.0, pose_world_camera=np.eye(4))
    """

    width: int
    """Image width [px], range [1, 4096]."""
    height: int
    """Image height [px], range [1, 4096]."""
    fx: float
    """Focal length along x [px], > 0."""
    fy: float
    """Focal length along y [px], > 0."""
    cx: float
    """Principal point x [px]."""
    cy: float
    """Principal point y [px]."""
    pose_world_camera: NDArray[np.float64]
    """Maps camera to world, rigid, shape (4, 4)."""
    previous_pose_world_camera: NDArray[np.float64] | None = None
    """`pose_world_camera` one step earlier, for flow; None = the same as now."""
    next_pose_world_camera: NDArray[np.float64] | None = None
    """`pose_world_camera` one step later; None = the same as now."""
    near: float = 0.02
    """Nearest depth drawn [m], > 0; through a wide lens along the axis of the drawn face, up to 1.74 times as far."""
    far: float = 100.0
    """Farthest depth drawn [m], > near; with a lens the farthest range."""
    lens: Lens | None = None
    """Distortion, None = pinhole; fx, fy, cx and cy map the distorted, normalised point to its pixel."""
    shutter: Shutter | None = None
    """Motion blur and rolling shutter, None = every row at the present instant."""

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not 1 <= value <= MAX_SIDE:
                raise ValueError(f"{name} must be in [1, {MAX_SIDE}], got {value}; set Camera.{name}")
        for name in ("fx", "fy"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number of pixels, got {value}")
        for name in ("cx", "cy"):
            value = getattr(self, name)
            if not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number of pixels, got {value}")
        if not 0 < self.near < self.far:
            raise ValueError(f"near and far must satisfy 0 < near < far, got {self.near} and {self.far}")
        for name in ("pose_world_camera", "previous_pose_world_camera", "next_pose_world_camera"):
            pose = getattr(self, name)
            if pose is None and name != "pose_world_camera":
                continue
            if pose.shape != (4, 4) or not np.isfinite(pose).all():
                raise ValueError(f"{name} must be a finite (4, 4) matrix, got {pose!r}")

    @classmethod
    def from_field_of_view(
        cls, *, width: int, height: int, field_of_view: float, pose_world_camera: NDArray[np.float64]
    ) -> Self:
        """Make a camera from its horizontal field of view.

        Args:
            width: Image width [px].
            height: Image height [px].
            field_of_view: Horizontal angle between the outer pixel edges [rad], range (0, pi).
            pose_world_camera: Maps camera to world, shape (4, 4).

        Returns:
            A camera with square pixels and the principal point in the middle of the image.
        """
        if not 0 < field_of_view < math.pi:
            raise ValueError(f"field_of_view must be in (0, pi) rad, got {field_of_view}; degrees were meant?")
        focal = 0.5 * width / math.tan(0.5 * field_of_view)
        return cls(
            width=width,
            height=height,
            fx=focal,
            fy=focal,
            cx=0.5 * (width - 1),
            cy=0.5 * (height - 1),
            pose_world_camera=pose_world_camera,
        )

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """The matrix K [px], shape (3, 3)."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])
