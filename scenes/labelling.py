"""Labelling: what the renderer's frames and cameras put into the rows of all looks of a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.frames import Frames
from ..renderers.view import Camera
from .pending_capture import PendingCapture

_MOST_HALF: Final = 65504.0


def fill_labels(
    pending: PendingCapture,
    name: str,
    frames: Frames,
    cameras: Sequence[Camera],
    believed: Sequence[Camera],
    place: NDArray[np.int64],
) -> None:
    """Fill the labels, the ideal signals and the camera of a sensor.

    Args:
        pending: Takes what is filled in.
        name: The sensor's name.
        frames: What was rendered for it, V views.
        cameras: Its camera in each view.
        believed: What is believed of them.
        place: Row of each view and look, shape (V L,).
    """
    values: dict[str, Any] = {
        f"label/{name}/instance": frames.instance,
        f"label/{name}/class": frames.class_id,
        f"label/{name}/normal": frames.normal,
        f"label/{name}/object_coordinates": frames.object_coordinates,
        f"label/{name}/box_visible": frames.box_visible,
        f"label/{name}/box_amodal": frames.box_amodal,
        f"label/{name}/visible_pixels": frames.visible_pixels,
        f"label/{name}/in_frame_pixels": frames.in_frame_pixels,
        f"label/{name}/total_pixels": frames.total_pixels,
        f"ideal/{name}/depth": frames.depth,
        f"ideal/{name}/range": frames.range,
        f"camera/{name}/intrinsics": np.stack([camera.intrinsics for camera in cameras]),
        f"camera/{name}/pose_world_camera": np.stack([camera.pose_world_camera for camera in cameras]),
        f"camera/{name}/nominal_intrinsics": [camera.intrinsics for camera in believed],
        f"camera/{name}/nominal_pose_world_camera": [camera.pose_world_camera for camera in believed],
    }
    for array, per_view in values.items():
        pending.put_views(array, place, per_view)
    fraction = f"label/{name}/visible_fraction"
    if fraction in pending.rows:
        pending.after(lambda: _fill_fraction(pending, name, place))
    if f"ideal/{name}/colour" in pending.rows:
        assert frames.colour is not None
        # float16 ends at 65504; brighter than that is clipped, not infinite.
        pending.put(f"ideal/{name}/colour", place, frames.colour.reshape(-1, *frames.colour.shape[2:]), most=_MOST_HALF)


def _fill_fraction(pending: PendingCapture, name: str, place: NDArray[np.int64]) -> None:
    rows = pending.rows
    visible, total = rows[f"label/{name}/visible_pixels"][place], rows[f"label/{name}/total_pixels"][place]
    rows[f"label/{name}/visible_fraction"][place] = visible / np.maximum(total, 1)
