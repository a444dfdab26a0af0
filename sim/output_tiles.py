"""Tiles of what a renderer gives: one labelled picture for every output of one view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import cv2  # noqa: TID253 (drawing is what this module is for)
import numpy as np
from numpy.typing import NDArray

from ..renderers.frames import Frames
from .contact_sheet import (
    class_picture,
    colour_picture,
    coordinate_picture,
    depth_limits,
    depth_picture,
    mask_picture,
    normal_picture,
)
from .drawing import Image, Tile, instance_colours

_GREY: Final = (46, 48, 54)
_HIDDEN: Final = (226, 86, 70)
_OUTSIDE: Final = (246, 206, 92)
_SEEN: Final = (108, 196, 128)
_STATUS_COLOURS: Final = np.array(
    [(62, 66, 74), (20, 20, 24), (86, 166, 232), (150, 110, 220), (246, 206, 92), (226, 86, 70), (240, 134, 78)],
    np.uint8,
)
_KEYPOINT_COLOURS: Final = ((120, 124, 132), _HIDDEN, _OUTSIDE, _SEEN)


def frame_tiles(frames: Frames, *, look: int = 0, moved: str = "") -> list[Tile]:
    """Draw every output that one rendered view holds.

    Args:
        frames: Frames of one view (those of more views are not looked at).
        look: The look that is shown.
        moved: What moved between the steps, for the captions of flow.

    Returns:
        (caption, sRGB picture) of each output, in a fixed order.

    Example:
        >>> tiles = frame_tiles(raster.render([snapshot], [camera], outputs=OUTPUTS))
    """
    tiles: list[Tile] = []
    base = _base(frames, look)
    if frames.colour is not None:
        tiles.append(("colour, as sRGB", colour_picture(frames.colour[0, look])))
    if frames.srgb is not None:
        tiles.append(("srgb, 99 % below white", np.asarray(frames.srgb[0, look], np.uint8)))
    if frames.albedo is not None:
        tiles.append(("albedo", albedo_picture(frames.albedo[0, look])))
    tiles += _distance_tiles(frames)
    if frames.instance is not None:
        tiles.append(("instance", mask_picture(base, frames.instance[0], None)))
    if frames.class_id is not None:
        tiles.append(("class", class_picture(frames.class_id[0])))
    if frames.part is not None:
        tiles.append(("part", palette_picture(frames.part[0], frames.instance)))
    if frames.normal is not None:
        tiles.append(("normal", normal_picture(frames.normal[0])))
    if frames.object_coordinates is not None:
        tiles.append(("object coordinates, mod 10 cm", coordinate_picture(frames.object_coordinates[0])))
    tiles += _flow_tiles(frames, moved)
    if frames.transparent_instance is not None:
        ids = frames.transparent_instance[0]
        tiles.append((f"transparent instance, {_count(ids)}", palette_picture(ids)))
    if frames.coverage is not None:
        share = frames.coverage[0, look]
        tiles.append((f"coverage, up to {float(share.max()):.2f}", _grey_picture(share)))
    if frames.box_visible is not None or frames.box_amodal is not None:
        tiles.append(("boxes: visible, amodal thin", box_picture(base, frames.box_visible, frames.box_amodal)))
    if frames.visible_pixels is not None:
        tiles.append(("pixels: visible of total", _count_picture(frames, base.shape)))
    if frames.keypoints is not None and frames.keypoint_state is not None and frames.keypoints.shape[1]:
        picture = keypoint_picture(base, frames.keypoints[0], frames.keypoint_state[0])
        tiles.append(("keypoints: green seen, yellow own, red hidden", picture))
    return tiles


def sensor_tiles(rgb: NDArray[Any] | None, depth: NDArray[Any] | None, status: NDArray[Any] | None) -> list[Tile]:
    """Draw what a camera's sensors read.

    Args:
        rgb: Colour image, bytes, shape (H, W, 3), or None.
        depth: Depth image [m], shape (H, W), or None.
        status: Why a pixel has no depth (`kernels.depth`), shape (H, W), or None.

    Returns:
        (caption, sRGB picture) of each reading.
    """
    tiles: list[Tile] = []
    if rgb is not None:
        tiles.append(("sensor rgb", np.asarray(rgb, np.uint8)))
    if depth is not None:
        near, far = depth_limits(depth)
        tiles.append((f"sensor depth {near:.2f} - {far:.2f} m", depth_picture(depth, (near, far))))
    if status is not None:
        valid = 100.0 * float(np.mean(np.asarray(status) == 0))
        tiles.append((f"depth status, {valid:.0f} % valid", status_picture(status)))
    return tiles


def albedo_picture(albedo: NDArray[Any]) -> Image:
    """Show albedo as sRGB; 1 is white."""
    linear = np.clip(np.asarray(albedo, np.float64), 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


def palette_picture(labels: NDArray[Any], instance: NDArray[Any] | None = None) -> Image:
    """Show each label in a colour of its own.

    Args:
        labels: Numbers, shape (H, W); 0 is dark, unless `instance` says where something is.
        instance: Instance ids, shape (1, H, W), or None.

    Returns:
        sRGB bytes, shape (H, W, 3).
    """
    numbers = np.asarray(labels, np.int64)
    inside = numbers > 0 if instance is None else np.asarray(instance[0]) > 0
    picture = np.full((*numbers.shape, 3), _GREY, np.uint8)
    picture[inside] = instance_colours(int(numbers.max(initial=0)) + 1)[numbers[inside]].astype(np.uint8)
    return picture


def flow_picture(flow: NDArray[Any], longest: float) -> Image:
    """Show flow by the colour wheel: hue is the direction, saturation the length; the wheel stands in the corner.

    Args:
        flow: (dx, dy) [px], shape (H, W, 2).
        longest: Length of full saturation [px], > 0.

    Returns:
        sRGB bytes, shape (H, W, 3).
    """
    picture = _wheel(np.asarray(flow, np.float64) / longest)
    side = max(9, min(picture.shape[:2]) // 5) | 1
    axis = np.linspace(-1.2, 1.2, side)
    disc = np.stack(np.meshgrid(axis, axis), axis=-1)
    inside = np.hypot(disc[..., 0], disc[..., 1]) <= 1.0
    picture[-side:, -side:][inside] = _wheel(disc)[inside]
    return picture


def occlusion_picture(state: NDArray[Any]) -> Image:
    """Show what becomes of each point: seen green, hidden red, outside yellow, nothing dark."""
    colours = np.array([_SEEN, _HIDDEN, _OUTSIDE, _GREY], np.uint8)
    return np.asarray(colours[np.minimum(np.asarray(state, np.int64), 3)])


def status_picture(status: NDArray[Any]) -> Image:
    """Show why pixels have no depth: a measured one is grey, each reason has a colour."""
    return np.asarray(_STATUS_COLOURS[np.minimum(np.asarray(status, np.int64), len(_STATUS_COLOURS) - 1)])


def box_picture(base: Image, visible: NDArray[Any] | None, amodal: NDArray[Any] | None) -> Image:
    """Draw each instance's boxes over a picture: what is seen in its colour, the whole one in the same, dimmed.

    Args:
        base: sRGB bytes, shape (H, W, 3).
        visible: Boxes [px], shape (1, S, 4), or None.
        amodal: Boxes [px], shape (1, S, 4), or None.

    Returns:
        A new picture.
    """
    picture = base.copy()
    for boxes, share in ((amodal, 0.55), (visible, 1.0)):
        for slot, corners in enumerate(() if boxes is None else np.asarray(boxes[0], np.float64)):
            x_min, y_min, x_max, y_max = (round(float(value)) for value in corners)
            if x_max > x_min:
                colour = (share * instance_colours(slot + 2)[slot + 1]).astype(int).tolist()
                cv2.rectangle(picture, (x_min, y_min), (x_max - 1, y_max - 1), colour, 1)
    return picture


def keypoint_picture(base: Image, points: NDArray[Any], state: NDArray[Any]) -> Image:
    """Draw keypoints over a picture, coloured by their state.

    Args:
        base: sRGB bytes, shape (H, W, 3).
        points: x, y [px] and depth [m], shape (P, 3).
        state: 0 = outside, 1 = hidden by another instance, 2 = by their own, 3 = seen; shape (P,).

    Returns:
        A new picture.
    """
    picture = base.copy()
    height, width = picture.shape[:2]
    radius = max(2, width // 120)
    for (x, y, _), code in zip(np.asarray(points, np.float64), np.asarray(state, np.int64), strict=True):
        if -radius <= x < width + radius and -radius <= y < height + radius and code:
            place = round(float(x)), round(float(y))
            cv2.circle(picture, place, radius, _KEYPOINT_COLOURS[int(code)], -1 if code == 3 else 1, cv2.LINE_AA)
    return picture


def _base(frames: Frames, look: int) -> Image:
    if frames.colour is not None:
        return colour_picture(frames.colour[0, look])
    for array in (frames.instance, frames.depth):
        if array is not None:
            return np.full((*array.shape[1:3], 3), 90, np.uint8)
    return np.full((120, 160, 3), 90, np.uint8)


def _distance_tiles(frames: Frames) -> list[Tile]:
    tiles = []
    named = (("depth", frames.depth), ("range", frames.range), ("transparent depth", frames.transparent_depth))
    for name, values in named:
        if values is not None:
            near, far = depth_limits(values[0])
            caption = f"{name} {near:.2f} - {far:.2f} m" if (values[0] > 0).any() else f"{name}, none"
            tiles.append((caption, depth_picture(values[0], (near, far))))
    return tiles


def _flow_tiles(frames: Frames, moved: str) -> list[Tile]:
    tiles: list[Tile] = []
    for direction, flow, state in (
        ("forward", frames.flow_forward, frames.flow_forward_occlusion),
        ("backward", frames.flow_backward, frames.flow_backward_occlusion),
    ):
        if flow is not None:
            length = np.hypot(flow[0, ..., 0], flow[0, ..., 1])
            longest = max(float(np.percentile(length, 99.0)), 1e-3)
            caption = f"flow {direction}, {longest:.1f} px{moved}"
            tiles.append((caption, flow_picture(flow[0], longest)))
        if state is not None:
            hidden = 100.0 * float(np.mean(state[0] == 1))
            tiles.append((f"{direction} occlusion, {hidden:.1f} % hidden", occlusion_picture(state[0])))
    return tiles


def _wheel(flow: NDArray[np.float64]) -> Image:
    angle = np.arctan2(flow[..., 1], flow[..., 0])
    hsv = np.empty((*angle.shape, 3), np.uint8)
    hsv[..., 0] = np.mod(angle * (90.0 / math.pi), 180.0).astype(np.uint8)
    hsv[..., 1] = (255.0 * np.clip(np.hypot(flow[..., 0], flow[..., 1]), 0.0, 1.0)).astype(np.uint8)
    hsv[..., 2] = 245
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)


def _grey_picture(share: NDArray[Any]) -> Image:
    values = (255.0 * np.clip(np.asarray(share, np.float64), 0.0, 1.0)).astype(np.uint8)
    return np.repeat(values[..., None], 3, axis=-1)


def _count(ids: NDArray[Any]) -> str:
    found = len(np.unique(np.asarray(ids)[np.asarray(ids) > 0]))
    return f"{found} seen" if found else "none"


def _count_picture(frames: Frames, shape: Sequence[int]) -> Image:
    """Draw a bar for each instance: its pixels in view over those it would have alone."""
    assert frames.visible_pixels is not None
    seen = np.asarray(frames.visible_pixels[0], np.float64)
    total = seen if frames.total_pixels is None else np.asarray(frames.total_pixels[0], np.float64)
    height, width = int(shape[0]), int(shape[1])
    picture = np.full((height, width, 3), _GREY, np.uint8)
    most = max(float(np.sqrt(total.max(initial=1.0))), 1.0)
    pitch = height / max(len(seen), 1)
    colours = instance_colours(len(seen) + 1)
    for slot, (part, whole) in enumerate(zip(seen, total, strict=True)):
        top, bottom = round(slot * pitch), max(round((slot + 0.8) * pitch), round(slot * pitch) + 1)
        # Lengths are square roots: small objects would not be seen beside a robot.
        picture[top:bottom, : round(width * math.sqrt(whole) / most)] = (0.35 * colours[slot + 1]).astype(np.uint8)
        picture[top:bottom, : round(width * math.sqrt(part) / most)] = colours[slot + 1].astype(np.uint8)
    return picture
