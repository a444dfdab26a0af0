"""Lens faces: the pinhole images that a lens view is drawn on, and the rays of its samples.

A view of at most `SINGLE_ANGLE` to every side of its axis has one face, a wider one the faces of a cube, each cut to
what the lens sees of it. A face's samples lie as close to each other as the view's samples do where they are closest.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from ...kernels.lens import pack_lenses
from ..view import Camera
from .lens_warp import MEASURE_FACES, MEASURES, TRACE_LENS

SINGLE_ANGLE: Final = math.radians(55.0)
"""Largest angle off the axis that one face is made for [rad]."""
OVERSAMPLE: Final = 2
"""Face samples per pixel and side, where the view itself has fewer samples."""
MAX_FACE_SIDE: Final = 4096
"""Largest side of a face [samples]; beyond, faces are coarser than the view."""
GROUP_BYTES: Final = 64 * 2**20
"""Working memory for the faces of views that are drawn together."""
AXES: Final = np.array(
    [
        [1, 0, 0, 0, 1, 0, 0, 0, 1],
        [0, 0, -1, 0, 1, 0, 1, 0, 0],
        [0, 0, 1, 0, 1, 0, -1, 0, 0],
        [1, 0, 0, 0, 0, -1, 0, 1, 0],
        [1, 0, 0, 0, 0, 1, 0, -1, 0],
        [-1, 0, 0, 0, 1, 0, 0, 0, -1],
    ],
    np.float64,
)
"""Right, down and forward of each face (`lens_warp.find_face`) in the camera's axes, shape (6, 9)."""


class Face(NamedTuple):
    """One pinhole image."""

    number: int
    """Which of the cube's."""
    focal: float
    """Focal length [samples]."""
    cx: float
    """Principal point [samples]."""
    cy: float
    width: int
    height: int


class LensRays(NamedTuple):
    """What is known of one lens in front of one grid of samples."""

    ray: NDArray[np.float32]
    """Unit rays, row by row, (0, 0, 0) where the lens has none; shape (rows * columns, 3)."""
    density: float
    """Samples per radian where they are closest."""
    single: bool
    """Whether the front face is the only one."""
    faces: tuple[Face, ...]

    def split(self, members: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Cut a list of views into runs whose faces are drawn together, within `GROUP_BYTES`."""
        largest = 8 * max((face.width * face.height for face in self.faces), default=1)
        step = max(1, GROUP_BYTES // largest)
        return [members[first : first + step] for first in range(0, len(members), step)]


class LensGrid(NamedTuple):
    """The lenses of some views, for one number of samples per pixel side."""

    ray: NDArray[np.float32]
    """Rays of all distinct lenses, shape (R, 3)."""
    ray_start: NDArray[np.int64]
    """First ray of each view, -1 for a pinhole, shape (V,)."""
    density: NDArray[np.float64]
    """Samples per radian of each view, 0 for a pinhole, shape (V,)."""
    groups: tuple[tuple[LensRays, NDArray[np.int64]], ...]
    """Each distinct lens, and the views that have it."""


Launch = Callable[..., None]


def _trace(camera: Camera, samples: int, launch: Launch) -> LensRays:
    """Trace a camera's samples through its lens, and fit the faces."""
    columns, rows = camera.width * samples, camera.height * samples
    ray = np.empty((rows * columns, 3), np.float32)
    middle = 0.5 * (samples - 1)
    numbers = (camera.fx * samples, camera.fy * samples, camera.cx * samples + middle, camera.cy * samples + middle)
    launch(TRACE_LENS, rows, columns, *numbers, pack_lenses([camera.lens]), ray)
    seen = (ray != 0.0).any(axis=1)
    single = bool((ray[seen, 2] >= math.cos(SINGLE_ANGLE)).all())
    measures = np.empty((rows, 6, MEASURES))
    launch(MEASURE_FACES, rows, columns, rows, int(single), AXES, ray, measures)
    least, most = measures.min(axis=0), measures.max(axis=0)
    coarsest = max(numbers[:2])  # of a face without neighbours
    density = 1.0 / math.sqrt(min(float(least[:, 5].min()), 1.0)) if np.isfinite(least[:, 5]).any() else coarsest
    share = max(OVERSAMPLE / samples, 1.0) * coarsest / min(numbers[:2])
    faces = []
    for number in range(6):
        left, right, top, bottom = least[number, 0], most[number, 1], least[number, 2], most[number, 3]
        if not left <= right:
            continue
        focal = share / math.sqrt(least[number, 4]) if np.isfinite(least[number, 4]) else coarsest
        extent = max(right - left, bottom - top)
        focal = min(focal, (MAX_FACE_SIDE - 3) / extent) if extent > 0.0 else focal
        faces.append(
            Face(
                number=number,
                focal=float(focal),
                cx=float(1.0 - left * focal),
                cy=float(1.0 - top * focal),
                width=math.ceil((right - left) * focal) + 3,
                height=math.ceil((bottom - top) * focal) + 3,
            )
        )
    ray.flags.writeable = False
    return LensRays(ray=ray, density=density, single=single, faces=tuple(faces))


@final
class LensCache(threading.local):
    """The traced lenses of the last views, since a call often has the lenses of the one before."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], LensRays] = {}

    def trace(self, cameras: Sequence[Camera], grids: Sequence[int], launch: Launch) -> dict[int, LensGrid]:
        """Trace the lenses of some views.

        Args:
            cameras: One camera for each view.
            grids: Samples per pixel side, one or more numbers.
            launch: Launches a kernel: takes it, the number of elements and its arguments.

        Returns:
            The grid for each number of samples.
        """
        before, self._known = self._known, {}
        found = {}
        for samples in grids:
            views: dict[tuple[Any, ...], list[int]] = {}
            for i, c in enumerate(cameras):
                if c.lens is not None:
                    key = (c.fx, c.fy, c.cx, c.cy, c.width, c.height, c.lens, samples)
                    views.setdefault(key, []).append(i)
            start, density = np.full(len(cameras), -1, np.int64), np.zeros(len(cameras))
            groups, first = [], 0
            for key, rows in views.items():
                rays = before.get(key)
                rays = self._known[key] = _trace(cameras[rows[0]], samples, launch) if rays is None else rays
                start[rows], density[rows] = first, rays.density
                first += len(rays.ray)
                groups.append((rays, np.array(rows, np.int64)))
            tables = [rays.ray for rays, _ in groups]
            joined = tables[0] if len(tables) == 1 else np.concatenate([np.zeros((0, 3), np.float32), *tables])
            found[samples] = LensGrid(ray=joined, ray_start=start, density=density, groups=tuple(groups))
        return found

    def __reduce__(self) -> tuple[type[LensCache], tuple[()]]:
        """Travel to another process empty."""
        return LensCache, ()


def face_cameras(camera: NDArray[np.float64], face: Face) -> NDArray[np.float64]:
    """Return the rows of `packing.pack_cameras` for one face of some views.

    Args:
        camera: The views' own rows.
        face: The face.

    Returns:
        As many rows, each a pinhole camera.
    """
    table = camera.copy()
    table[:, 0] = table[:, 1] = face.focal
    table[:, 2], table[:, 3] = face.cx, face.cy
    table[:, 30] = 0.0
    axes = AXES[face.number].reshape(3, 3)
    own = camera[:, 6:18].reshape(-1, 3, 4)
    back = camera[:, 21:30].reshape(-1, 3, 3)
    turned, turned_back = np.empty_like(own), np.empty_like(back)
    for i in range(3):
        # One of the three is ±1, the others are 0: nothing is rounded.
        turned[:, i] = axes[i, 0] * own[:, 0] + axes[i, 1] * own[:, 1] + axes[i, 2] * own[:, 2]
        turned_back[:, :, i] = axes[i, 0] * back[:, :, 0] + axes[i, 1] * back[:, :, 1] + axes[i, 2] * back[:, :, 2]
    table[:, 6:18], table[:, 21:30] = turned.reshape(-1, 12), turned_back.reshape(-1, 9)
    return table
