"""Frames: what a renderer fills, struct of arrays with a leading view axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..kernels.device import on_device
from ..kernels.transfer import to_host

OUTPUTS = (
    "colour",
    "srgb",
    "albedo",
    "depth",
    "range",
    "instance",
    "class_id",
    "part",
    "normal",
    "object_coordinates",
    "flow_forward",
    "flow_backward",
    "flow_forward_occlusion",
    "flow_backward_occlusion",
    "keypoints",
    "visible_pixels",
    "in_frame_pixels",
    "total_pixels",
    "transparent_instance",
    "transparent_depth",
    "coverage",
)
"""What may be asked of a renderer; `total_pixels` brings `box_amodal`, `visible_pixels` brings `box_visible`,
`keypoints` brings `keypoint_state`."""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Rendered views; an output that was not asked for is None. V views, L looks, S instance ids from 1 on."""

    colour: NDArray[Any] | None = None
    """Scene-linear radiance [W/(sr m^2)], float32, shape (V, L, height, width, 3)."""
    srgb: NDArray[Any] | None = None
    """Colour over the renderer's `white` as sRGB bytes (IEC 61966-2-1), rounded to the nearest, uint8, shape (V, L,
    height, width, 3)."""
    albedo: NDArray[Any] | None = None
    """Albedo (metals: reflectance at normal incidence) of the surface at the pixel's centre [1], float32, shape (V, L,
    height, width, 3); never blended over silhouettes; 0 = nothing."""
    depth: NDArray[Any] | None = None
    """Distance along +z of the camera [m], float32, shape (V, height, width), 0 = nothing."""
    range: NDArray[Any] | None = None
    """Distance along the ray [m], float32, shape (V, height, width), 0 = nothing."""
    instance: NDArray[Any] | None = None
    """Instance id, uint16, shape (V, height, width), 0 = background."""
    class_id: NDArray[Any] | None = None
    """Class id, uint8, shape (V, height, width), 0 = nothing."""
    part: NDArray[Any] | None = None
    """Link within the instance, uint8, shape (V, height, width)."""
    normal: NDArray[Any] | None = None
    """Unit geometric normal towards the camera, camera frame, float32, shape (V, height, width, 3), 0 = nothing."""
    object_coordinates: NDArray[Any] | None = None
    """Surface point in its object's frame [m], float32, shape (V, height, width, 3), 0 = nothing."""
    transparent_instance: NDArray[Any] | None = None
    """Instance id of the nearest transparent surface that nothing opaque hides, uint16, shape (V, height, width)."""
    transparent_depth: NDArray[Any] | None = None
    """Its depth along +z [m], float32, shape (V, height, width), 0 = nothing. The other labels look through it."""
    coverage: NDArray[Any] | None = None
    """Its opacity [1], float32, shape (V, L, height, width), 0 = nothing."""
    flow_forward: NDArray[Any] | None = None
    """(dx, dy) from each pixel to where the surface point under its centre is seen one step later [px], float32, shape
    (V, height, width, 2). Where nothing is seen, the same of a point at infinity; 0 where the point is then nearer than
    `near`, or behind the camera."""
    flow_backward: NDArray[Any] | None = None
    """The same to one step earlier."""
    flow_forward_occlusion: NDArray[Any] | None = None
    """What is then of the point, uint8, shape (V, height, width): 0 = seen, 1 = hidden by something nearer, 2 = outside
    the frame or the range of depth, 3 = there is no point. What is seen at the
    nearest pixel's centre hides a point where it is nearer, than the point and than its own plane there, by more than
    two footprints of a pixel."""
    flow_backward_occlusion: NDArray[Any] | None = None
    """The same one step earlier."""
    keypoints: NDArray[Any] | None = None
    """Where the snapshot's keypoints are seen: x, y [px] (0 where nearer than `near` or behind the camera) and depth
    [m], float32, shape (V, P, 3), P = the most keypoints of any snapshot of the call; 0 beyond a snapshot's own."""
    keypoint_state: NDArray[Any] | None = None
    """Whether they are, uint8, shape (V, P): 0 = outside the frame or the range of depth, 1 = hidden by another
    instance, 2 = by their own (behind it or within it), 3 = seen. A keypoint is hidden where the centre of its pixel
    sees something nearer by more than two footprints of a pixel plus 1 mm; ids tell instances apart."""
    visible_pixels: NDArray[Any] | None = None
    """Pixels in which each instance id is seen, int32, shape (V, S)."""
    in_frame_pixels: NDArray[Any] | None = None
    """Pixels each instance id would fill in the frame were it alone, int32, shape (V, S)."""
    total_pixels: NDArray[Any] | None = None
    """Pixels each instance id would fill were it alone, also outside the frame: on a canvas of 3x3 frames around it,
    beyond which it is cut off; int32, shape (V, S)."""
    box_visible: NDArray[Any] | None = None
    """Tight box of the seen pixels (x_min, y_min, x_max, y_max) [px], max exclusive, shape (V, S, 4), 0 = unseen."""
    box_amodal: NDArray[Any] | None = None
    """Tight box of `total_pixels`, in the frame's pixels: it may begin below 0 and end beyond the size; shape
    (V, S, 4), 0 = nothing on the canvas."""

    def to_host(self) -> Frames:
        """Return the frames as NumPy arrays: themselves where they are, or a copy of what lies on a CUDA device.

        Example:
            >>> Frames(depth=np.zeros((1, 2, 3))).to_host().depth.shape
            (1, 2, 3)
        """
        if not any(on_device(array) for array in vars(self).values()):
            return self
        return Frames(**{name: to_host(array) for name, array in vars(self).items()})
