"""Shutters: motion blur and rolling shutters, from previous, present and next poses.

Time runs in steps: -1 is the previous pose, 0 the present one, 1 the next. A rolling shutter is drawn as bands of rows,
each at the instant of its own middle; motion blur is the mean of the radiance at instants spread over the exposure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import interpolate_pose
from .frames import Frames
from .snapshot import Snapshot

if TYPE_CHECKING:
    from .view import Camera

COLOURS = ("colour", "srgb")
"""Outputs that an exposure blurs; all others belong to its middle."""
GLOBAL_ONLY = (
    "total_pixels", "keypoints", "flow_forward", "flow_backward", "flow_forward_occlusion", "flow_backward_occlusion",
)  # fmt: skip
"""Outputs of one instant for the whole image, which a rolling shutter does not have."""


@dataclass(frozen=True, kw_only=True)
class Shutter:
    """When the rows of an image are exposed, in steps from the previous to the present pose and on to the next.

    Raises:
        ValueError: If a time or a number is out of range.

    Example:
        >>> Shutter(exposure=0.5, readout=0.3)
    """

    exposure: float = 0.0
    """How long each row collects light [steps], >= 0."""
    readout: float = 0.0
    """From the middle of the first row's exposure to that of the last [steps], >= 0; 0 = a global shutter."""
    instants: int = 8
    """Pictures that an exposure is averaged from, range [1, 64]."""
    bands: int = 16
    """Groups of rows that share an instant, range [1, 4096]."""

    def __post_init__(self) -> None:
        for name in ("exposure", "readout"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} of a shutter must be >= 0 steps, got {value}")
        if self.exposure + self.readout > 2.0:
            raise ValueError(
                f"exposure + readout must be at most 2 steps, previous to next pose, got {self.exposure + self.readout}"
            )
        if not 1 <= self.instants <= 64 or not 1 <= self.bands <= 4096:
            raise ValueError(f"instants must be in [1, 64], bands in [1, 4096], got {self.instants} and {self.bands}")


class Renders(Protocol):
    """A renderer's method that draws views of one instant."""

    def __call__(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        *,
        view_snapshot: NDArray[np.int64],
        outputs: Sequence[str],
        instance_count: int,
    ) -> Frames:
        """Render views."""


def interpolate_snapshot(snapshot: Snapshot, time: float) -> Snapshot:
    """Move a snapshot's instances to another instant.

    Args:
        snapshot: The snapshot, with its previous and next poses.
        time: Instant [steps], range [-1, 1].

    Returns:
        The same snapshot where nothing moves or `time` is 0.
    """
    other = snapshot.next_pose if time > 0 else snapshot.previous_pose
    if time == 0 or np.array_equal(other, snapshot.pose_world_instance):
        return snapshot
    return replace(snapshot, pose_world_instance=interpolate_pose(snapshot.pose_world_instance, other, abs(time)))


def _interpolate_camera(camera: Camera, time: float) -> NDArray[np.float64]:
    other = camera.next_pose_world_camera if time > 0 else camera.previous_pose_world_camera
    if time == 0 or other is None:
        return camera.pose_world_camera
    return interpolate_pose(camera.pose_world_camera, other, abs(time))


@dataclass(frozen=True, kw_only=True)
class _Bands:
    """The views of one call cut into bands of rows."""

    snapshots: Sequence[Snapshot]
    cameras: Sequence[Camera]
    view_snapshot: NDArray[np.int64]
    rows: int
    count: int
    readout: float

    def draw(
        self, render: Renders, time: float, margin: int, outputs: Sequence[str], instance_count: int
    ) -> dict[str, NDArray[Any]]:
        """Draw all bands at `time` after their own instants; arrays lead with (views, bands)."""
        snapshots: list[Snapshot] = []
        cameras: list[Camera] = []
        place: dict[int, int] = {}
        views: list[int] = []
        for camera, world in zip(self.cameras, self.view_snapshot.tolist(), strict=True):
            for band in range(self.count):
                at = time + self.readout * ((band + 0.5) / self.count - 0.5)
                moved = interpolate_snapshot(self.snapshots[world], at)
                # Where nothing moves all bands share one snapshot, and so its shadow maps.
                key = id(moved) if moved is self.snapshots[world] else -1 - len(snapshots)
                if key not in place:
                    place[key] = len(snapshots)
                    snapshots.append(moved)
                views.append(place[key])
                cameras.append(
                    replace(
                        camera,
                        height=self.rows + 2 * margin,
                        cy=camera.cy - band * self.rows + margin,
                        pose_world_camera=_interpolate_camera(camera, at),
                        previous_pose_world_camera=None,
                        next_pose_world_camera=None,
                        shutter=None,
                    )
                )
        frames = render(
            snapshots, cameras, view_snapshot=np.array(views), outputs=outputs, instance_count=instance_count
        )
        return {
            name: array.reshape(len(self.cameras), self.count, *array.shape[1:])
            for name, array in vars(frames).items()
            if array is not None
        }


def _join_boxes(box: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Join the boxes (V, B, S, 4) of all bands; an empty one has no width."""
    shifted = box.copy()
    shifted[..., 1::2] += (np.arange(box.shape[1]) * rows)[None, :, None, None]
    seen = (box[..., 2] > box[..., 0])[..., None]
    low = np.where(seen, shifted[..., :2], np.inf).min(axis=1)
    high = np.where(seen, shifted[..., 2:], -np.inf).max(axis=1)
    return np.where(seen.any(axis=1), np.concatenate([low, high], axis=-1), 0.0).astype(np.float32)


def _stack_rows(array: NDArray[Any], rows: int, height: int, margin: int, axis: int) -> NDArray[Any]:
    """Put bands (V, B, ..., rows, ...) under one another; `axis` is that of the rows."""
    inner = np.moveaxis(array, axis, 2)[:, :, margin : margin + rows]
    whole = inner.reshape(inner.shape[0], -1, *inner.shape[3:])[:, :height]
    return np.ascontiguousarray(np.moveaxis(whole, 1, axis - 1))


def render_exposure(
    render: Renders,
    snapshots: Sequence[Snapshot],
    cameras: Sequence[Camera],
    *,
    view_snapshot: NDArray[np.int64],
    outputs: Sequence[str],
    instance_count: int,
    margin: int,
) -> Frames:
    """Render views through their shutter.

    Args:
        render: Draws views of one instant.
        snapshots: The worlds.
        cameras: One camera per view, all with one size and one shutter.
        view_snapshot: Row of the snapshot that each view shows, shape (V,).
        outputs: Names out of `frames.OUTPUTS`.
        instance_count: Instance ids that pixels are counted for.
        margin: Rows beyond a band that its colour depends on [px].

    Returns:
        The frames: colour averaged over the exposure, labels of its middle, each row at its own time.

    Raises:
        ValueError: If shutters differ, or a rolling one is asked for what has one instant only.
    """
    shutter = cameras[0].shutter
    if shutter is None or any(camera.shutter != shutter for camera in cameras):
        raise ValueError("all cameras of one call must have one shutter; call once per shutter")
    rolling = shutter.readout > 0
    refused = [name for name in outputs if name in GLOBAL_ONLY]
    if rolling and refused:
        raise ValueError(f"a rolling shutter has no {', '.join(refused)}: its rows differ in time; leave them out")
    height = cameras[0].height
    rows = -(-height // shutter.bands) if rolling else height
    bands = _Bands(
        snapshots=snapshots,
        cameras=cameras,
        view_snapshot=view_snapshot,
        rows=rows,
        count=-(-height // rows),
        readout=shutter.readout,
    )
    filled: dict[str, NDArray[Any]] = {}
    labels = [name for name in outputs if name not in COLOURS]
    if labels and not rolling:
        plain = [replace(camera, shutter=None) for camera in cameras]
        frames = render(snapshots, plain, view_snapshot=view_snapshot, outputs=labels, instance_count=instance_count)
        filled |= {name: array for name, array in vars(frames).items() if array is not None}
    elif labels:
        for name, array in bands.draw(render, 0.0, 0, labels, instance_count).items():
            if name in ("visible_pixels", "in_frame_pixels"):
                filled[name] = array.sum(axis=1, dtype=np.int32)
            elif name.startswith("box_"):
                filled[name] = _join_boxes(array, rows)
            else:
                filled[name] = _stack_rows(array, rows, height, 0, 3 if name in ("albedo", "coverage") else 2)
    colours = [name for name in outputs if name in COLOURS]
    if colours:
        instants = shutter.instants if shutter.exposure > 0 else 1
        border = margin if rolling else 0
        total: NDArray[Any] | None = None
        for k in range(instants):
            time = shutter.exposure * ((k + 0.5) / instants - 0.5)
            part = bands.draw(render, time, border, ("colour",), instance_count)["colour"]
            image = _stack_rows(part, rows, height, border, 3)
            total = image if total is None else total + image
        assert total is not None
        filled["colour"] = total * np.float32(1.0 / instants)
    return Frames(**{name: array for name, array in filled.items() if name != "colour" or "colour" in colours})
