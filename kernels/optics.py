"""What a lens does to light before the sensor: defocus, diffraction and lateral chromatic aberration, in this order.

All is linear in the light, and done on scene-linear radiance. Red and blue are magnified about the principal point by
1 + c against green, and resampled bilinearly:

    red(x, y) = red0(cx + (x - cx) / (1 + c), cy + (y - cy) / (1 + c))

Beyond its edges the image continues as its last pixels. Where a profile asks for nothing, nothing is changed.

Distortion is not made here: it is geometry, and belongs to the renderer.

Source: the thin lens for defocus (`defocus.py`), Born and Wolf for diffraction (`diffraction.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera_profile import CameraProfile
from .defocus import BLUR_TILES, GATHER_LINES, GATHER_PIXELS, TILE, disc_areas
from .device import Kernel, allocate, scalar
from .diffraction import DIFFRACT, pack_kernels
from .image_rows import borrow_pixels, spread_numbers
from .profile_rows import ProfileRows, find_profile_rows
from .profiles import load_camera_profile
from .tensors import find_place

_WORKING_PIXELS: Final = 1 << 21
_ZERO: Final = np.float32(0.0)


@scalar(forceinline=True)
def _light(value: Any) -> Any:
    # False for NaN too: a hole in the radiance is dark.
    return value if value > _ZERO else _ZERO


@scalar
def _split_line(index: Any, radiance_in: Any, plane_out: Any) -> None:
    red, green, blue = plane_out[index, 0], plane_out[index, 1], plane_out[index, 2]
    for x in range(plane_out.shape[2]):
        red[x] = _light(radiance_in[index, 3 * x])
        green[x] = _light(radiance_in[index, 3 * x + 1])
        blue[x] = _light(radiance_in[index, 3 * x + 2])


_SPLIT: Final = Kernel(_split_line)


@scalar(forceinline=True)
def _mix(above_left: Any, above_right: Any, below_left: Any, below_right: Any, part_x: Any, part_y: Any) -> Any:
    up, down = _light(above_left), _light(below_left)
    up += part_x * (_light(above_right) - up)
    down += part_x * (_light(below_right) - down)
    return up + part_y * (down - up)


@scalar(forceinline=True)
def _mix_run(above: Any, below: Any, offset: Any, slope: Any, part_y: Any, step: Any, target: Any) -> None:
    """Write a run of pixels from as many and one more of two lines, `step` numbers (1 or 3) apart."""
    # Views that begin where they are read: no test for an index from the end. Each step has a loop of its own, since
    # the compiler does several pixels at once only where it knows the step.
    above_right, below_right = above[step:], below[step:]
    if step == 1:
        for x in range(target.shape[0]):
            part_x = offset - slope * np.float32(np.int32(x))
            target[x] = _mix(above[x], above_right[x], below[x], below_right[x], part_x, part_y)
    else:
        for x in range(target.shape[0]):
            part_x = offset - slope * np.float32(np.int32(x))
            target[x] = _mix(above[3 * x], above_right[3 * x], below[3 * x], below_right[3 * x], part_x, part_y)


@scalar(forceinline=True)
def _resample(above: Any, below: Any, part_y: Any, middle: Any, pull: Any, step: Any, target: Any) -> None:
    """Write a channel at x + pull (middle - x), from two lines whose pixels are `step` numbers apart."""
    width = target.shape[0]
    last = step * (width - 1)
    x = 0
    while x < width:
        # Over a run of pixels the shift's whole part is the same: no pixel looks up its own place.
        whole = np.int64(math.floor(pull * (middle - x)))
        end = width
        if pull != 0.0:
            limit = middle - whole / pull if pull > 0.0 else middle - (whole + 1) / pull
            end = np.int64(math.ceil(min(max(limit, x + 1.0), np.float64(width))))
        start, stop = min(max(x, -whole), end), min(max(width - 1 - whole, x), end)
        for k in range(x, start):
            target[k] = _mix(above[0], above[0], below[0], below[0], _ZERO, part_y)
        if start < stop:
            first = step * (start + whole)
            offset, slope = np.float32(pull * (middle - start) - whole), np.float32(pull)
            _mix_run(above[first:], below[first:], offset, slope, part_y, step, target[start:stop])
        for k in range(max(start, stop), end):
            target[k] = _mix(above[last], above[last], below[last], below[last], _ZERO, part_y)
        x = end


@scalar
def _magnify_line(
    index: Any, light_in: Any, shrink_in: Any, center_in: Any, height: Any, is_planar: Any, work_out: Any,
    radiance_out: Any,
) -> None:  # fmt: skip
    """Resample red and blue of a line, and put the colours together.

    A line of `light_in` holds three runs of one colour each where `is_planar`, else pixels of three colours.
    """
    index = np.int64(index)
    width = radiance_out.shape[1] // 3
    image = index // height
    y = index - image * height
    here, result = light_in[index], radiance_out[index]
    if shrink_in[image, 0] == 1.0 and shrink_in[image, 1] == 1.0:
        if is_planar:
            red, green, blue = here, here[width:], here[2 * width :]
            for x in range(width):
                result[3 * x], result[3 * x + 1], result[3 * x + 2] = _light(red[x]), _light(green[x]), _light(blue[x])
        else:
            for k in range(3 * width):
                result[k] = _light(here[k])
        return
    for side in range(2):
        shrink, middle_y = shrink_in[image, side], center_in[image, 1]
        at_y = min(max(middle_y + (y - middle_y) * shrink, 0.0), height - 1.0)
        upper = np.int64(at_y)
        lower, part_y = min(upper + 1, height - 1), np.float32(at_y - upper)
        above, below = light_in[image * height + upper], light_in[image * height + lower]
        middle, pull = center_in[image, 0], 1.0 - shrink
        target = work_out[index, side]
        if is_planar:
            _resample(above[2 * side * width :], below[2 * side * width :], part_y, middle, pull, 1, target)
        else:
            _resample(above[2 * side :], below[2 * side :], part_y, middle, pull, 3, target)
    red, blue = work_out[index, 0], work_out[index, 1]
    if is_planar:
        green = here[width:]
        for x in range(width):
            result[3 * x], result[3 * x + 1], result[3 * x + 2] = red[x], _light(green[x]), blue[x]
    else:
        for x in range(width):
            result[3 * x], result[3 * x + 1], result[3 * x + 2] = red[x], _light(here[3 * x + 1]), blue[x]


_MAGNIFY: Final = Kernel(_magnify_line)


def apply_optics(
    radiance: Any,
    profile: str | CameraProfile | Sequence[str | CameraProfile],
    *,
    depth: Any = None,
    fx: ArrayLike | None = None,
    center: ArrayLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Any:
    """Blur images by defocus and diffraction and shift their colours, as their profiles ask.

    Args:
        radiance: Scene-linear radiance [W sr^-1 m^-2], float32, shape (N, H, W, 3), NumPy, torch or on CUDA. Negative
            or NaN becomes dark.
        profile: Built-in name or a profile, or one of either for each image.
        depth: Depth along +z [m], shape (N, H, W); 0, NaN or infinity is infinitely far. Needed where a profile has a
            focus distance.
        fx: Focal length of the images [px], a number or shape (N,): their pixels are focal_length / fx wide on the
            sensor. None: as wide as the profile's.
        center: Principal point (cx, cy) [px], shape (2,) or (N, 2); None for the middle of the image.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Radiance of the same kind and shape; the given one where no profile asks for anything.

    Raises:
        ValueError: If a shape, a name or a value is wrong, or depth is missing.
        RuntimeError: If the device is not here.

    Source: the thin lens equation; Born and Wolf, "Principles of Optics", section 8.5.2.

    Example:
        >>> lens = dataclasses.replace(load_camera_profile("generic_rgb"), diffraction=True)
        >>> apply_optics(np.ones((1, 8, 10, 3), np.float32), lens).shape
        (1, 8, 10, 3)
    """
    shape = tuple(radiance.shape)
    if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:]:
        raise ValueError(f"radiance must have shape (N, H, W, 3) with H, W > 0, got {shape}")
    count, height, width, _ = shape
    rows = find_profile_rows(profile, count, load_camera_profile)
    pitches = None if fx is None else spread_numbers(fx, count, "fx")
    lenses, scales, shrinks = _per_image(rows, pitches)
    place = find_place(radiance, device)
    defocus, diffraction = bool((lenses[:, 0] > 0.0).any()), bool((scales > 0.0).any())
    if not (defocus or diffraction or bool((shrinks != 1.0).any())):
        return radiance
    if defocus and depth is None:
        raise ValueError("depth must be given where a profile has a focus_distance; or set focus_distance to 0")
    middle = ((width - 1) / 2.0, (height - 1) / 2.0) if center is None else center
    centers = np.broadcast_to(np.asarray(middle, dtype=np.float64), (count, 2))
    lines = place.borrow(radiance, np.float32).reshape(count * height, 3 * width)
    depths = borrow_pixels(place, depth if defocus else None, (count, height, width), "depth")
    kernels = pack_kernels(scales)
    result = place.allocate((count * height, 3 * width), np.float32)
    # A few images at a time keep the working space small; it lies where the kernels run.
    step = min(count, max(1, _WORKING_PIXELS // (height * width)))
    blurred = defocus or diffraction
    there = place.device == "cuda"
    planes = [allocate((step * height, 3, width), np.float32, there) for _ in range(2)]
    options: dict[str, Any] = {"device": place.device, "threads": threads}
    for start in range(0, count, step):
        some = slice(start, min(start + step, count))
        part = slice(some.start * height, some.stop * height)
        size = part.stop - part.start
        source, target = planes[0][:size], planes[1][:size]
        if blurred:
            _SPLIT.launch(size, lines[part], source, **options)
        if defocus:
            _defocus(there, source, depths[part], lenses[some], height, target, options)
            source, target = target, source
        if diffraction:
            DIFFRACT.launch(size, source, kernels[0], kernels[1], kernels[2][some], height, target, **options)
            source, target = target, source
        light = source.reshape(size, 3 * width) if blurred else lines[part]
        _MAGNIFY.launch(size, light, shrinks[some], centers[some], height, blurred, target, result[part], **options)
    return place.give(result.reshape(shape))


def _defocus(
    there: bool, source: Any, depth: Any, lens: Any, height: int, target: Any, options: dict[str, Any]
) -> None:
    lines, _, width = source.shape
    tiles_y, tiles_x = -(-height // TILE), -(-width // TILE)
    tile_rows = lines // height * tiles_y
    blur = allocate((lines, 2, width), np.float32, there)
    radius = allocate((tile_rows, tiles_x), np.float32, there)
    BLUR_TILES.launch(tile_rows * tiles_x, depth, lens, disc_areas(), height, tiles_y, blur, radius, **options)
    if there:
        nothing = allocate((1, 1), np.float32, there)
        GATHER_PIXELS.launch(lines * width, source, blur, radius, height, tiles_y, nothing, target, **options)
        return
    work = np.empty((lines, 8 * TILE), np.float32)
    GATHER_LINES.launch(lines, source, blur, radius, height, tiles_y, work, target, **options)


def _per_image(
    rows: ProfileRows[CameraProfile], fx: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return each image's blur scale [px] and focus [m]; lambda N / p of the channels; 1 / (1 + c) of red and blue."""
    count = len(rows.which)
    lenses, scales, shrinks = np.zeros((count, 2)), np.zeros((count, 3)), np.ones((count, 2))
    for k, camera in enumerate(rows.profiles):
        mine: Any = rows.which == k if len(rows.profiles) > 1 else slice(None)
        pitch: Any = camera.pixel_pitch if fx is None else camera.focal_length / fx[mine]
        if camera.focus_distance > 0.0:
            spread = camera.f_number * (camera.focus_distance - camera.focal_length)
            lenses[mine, 0] = math.pow(camera.focal_length, 2) / spread / pitch
            lenses[mine, 1] = camera.focus_distance
        if camera.diffraction:
            for channel, wavelength in enumerate(camera.wavelength):
                scales[mine, channel] = wavelength * camera.f_number / pitch
        red, blue = camera.chromatic_aberration
        shrinks[mine] = (1.0 / (1.0 + red), 1.0 / (1.0 + blue))
    return lenses, scales, shrinks
