"""Cameras in replay files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..kernels.lens import Lens
from .replay_checks import check_poses, take_array
from .shutter import Shutter
from .view import Camera

INSTANTS = ("previous_pose", "next_pose")
_LENS_MODELS: tuple[Literal["brown_conrady", "kannala_brandt"], ...] = ("brown_conrady", "kannala_brandt")
_NUMBERS = ("fx", "fy", "cx", "cy", "near", "far")


def _pack_lens(lens: Lens | None) -> list[float]:
    """Return the place of the model in `_LENS_MODELS` (0 = pinhole), the number of coefficients, and 14 of them."""
    if lens is None:
        return [0.0] * 16
    c = lens.coefficients
    return [1.0 + _LENS_MODELS.index(lens.model), float(len(c)), *c, *[0.0] * (14 - len(c))]


def _unpack_lens(row: NDArray[np.float64]) -> Lens | None:
    kind, count = float(row[0]), float(row[1])
    if kind == 0.0:
        return None
    if kind not in (1.0, 2.0) or count not in range(15):
        raise ValueError(f"a lens of the replay file has model {kind} and {count} coefficients; it is damaged")
    return Lens(model=_LENS_MODELS[int(kind) - 1], coefficients=tuple(row[2 : 2 + int(count)].tolist()))


def _gather_motion(cameras: Sequence[Camera]) -> dict[str, NDArray[Any]]:
    """Lay out the cameras' other poses; a file whose cameras stand still has none."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in INSTANTS:
        poses = [getattr(camera, f"{name}_world_camera") for camera in cameras]
        if any(pose is not None for pose in poses):
            still = [c.pose_world_camera if p is None else p for c, p in zip(cameras, poses, strict=True)]
            arrays[f"camera/{name}"] = np.array(still, np.float64)
    return arrays


def _pack_shutter(shutter: Shutter | None) -> tuple[float, ...]:
    """Return whether there is one, and its numbers."""
    if shutter is None:
        return 0.0, 0.0, 0.0, 1.0, 1.0
    return 1.0, shutter.exposure, shutter.readout, float(shutter.instants), float(shutter.bands)


def _unpack_shutter(row: NDArray[np.float64]) -> Shutter | None:
    present, exposure, readout, instants, bands = row.tolist()
    if present == 0.0:
        return None
    if present != 1.0 or instants != int(instants) or bands != int(bands):
        raise ValueError(f"a shutter of the replay file holds {row.tolist()}; it is damaged")
    return Shutter(exposure=exposure, readout=readout, instants=int(instants), bands=int(bands))


def gather_cameras(cameras: Sequence[Camera]) -> dict[str, NDArray[Any]]:
    """Lay out cameras as arrays.

    Args:
        cameras: V cameras.

    Returns:
        Arrays by name; those of motion and shutters are there only where a camera has them.
    """
    arrays: dict[str, NDArray[Any]] = {
        "camera/size": np.array([(c.width, c.height) for c in cameras], np.int32).reshape(-1, 2),
        "camera/numbers": np.array([[getattr(c, n) for n in _NUMBERS] for c in cameras], np.float64).reshape(-1, 6),
        "camera/pose": np.array([c.pose_world_camera for c in cameras], np.float64).reshape(-1, 4, 4),
        "camera/lens": np.array([_pack_lens(c.lens) for c in cameras], np.float64).reshape(-1, 16),
    }
    if any(camera.shutter is not None for camera in cameras):
        arrays["camera/shutter"] = np.array([_pack_shutter(c.shutter) for c in cameras], np.float64)
    return arrays | _gather_motion(cameras)


def take_cameras(stored: dict[str, NDArray[Any]]) -> tuple[Camera, ...]:
    """Take the cameras out of what a file holds.

    Args:
        stored: The arrays of the file by name; those taken are removed.

    Returns:
        The cameras.

    Raises:
        ValueError: If anything is missing or out of range.
    """
    size = take_array(stored, "camera/size", np.int32, (None, 2))
    numbers = take_array(stored, "camera/numbers", np.float64, (len(size), 6))
    poses = take_array(stored, "camera/pose", np.float64, (len(size), 4, 4))
    lenses = take_array(stored, "camera/lens", np.float64, (len(size), 16))
    check_poses("camera/pose", poses)
    other: dict[str, NDArray[Any]] = {}
    for name in INSTANTS:
        if f"camera/{name}" in stored:
            other[name] = take_array(stored, f"camera/{name}", np.float64, (len(size), 4, 4))
            check_poses(f"camera/{name}", other[name])
    shutters = np.zeros((len(size), 5))
    if "camera/shutter" in stored:
        shutters = take_array(stored, "camera/shutter", np.float64, (len(size), 5))
    return tuple(
        Camera(
            width=int(size[row, 0]),
            height=int(size[row, 1]),
            pose_world_camera=poses[row],
            lens=_unpack_lens(lenses[row]),
            shutter=_unpack_shutter(shutters[row]),
            **{f"{name}_world_camera": array[row] for name, array in other.items()},
            **dict(zip(_NUMBERS, numbers[row].tolist(), strict=True)),
        )
        for row in range(len(size))
    )
