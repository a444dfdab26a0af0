"""The RGB camera behind one function: radiance in, an 8-bit image and its digital numbers out.

    radiance ─ lens ─► light ─ exposure ─► digital numbers ─ development ─► image ─ sharpening, JPEG ─► image

`optics.py` blurs and parts the colours, `exposure.py` is the sensor, `fixed_pattern.py` what sets one camera apart from
another, `metering.py` the automatic exposure, `develop.py` the image pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera_profile import CameraProfile
from .develop import develop, prepare_looks
from .exposure import expose, prepare_sensors
from .fixed_pattern import Patterns
from .image_rows import check_rows, check_sensor, spread_centers, spread_numbers
from .jpeg import compress_jpeg
from .metering import meter_exposure
from .optics import apply_optics
from .profile_rows import find_profile_rows
from .profiles import load_camera_profile
from .sharpen import sharpen_image
from .tensors import find_place

_WORKING_PIXELS: Final = 1 << 18
_CUDA_PIXELS: Final = 1 << 28


@dataclass(frozen=True, kw_only=True, eq=False)
class CameraReading:
    """What an RGB camera reports, and the truth it departs from."""

    rgb: Any
    """Image, sRGB, uint8, shape (N, H, W, 3)."""
    raw: Any
    """Digital numbers of the mosaic, before the image pipeline, uint16, shape (N, H, W); None unless asked for."""
    exposure_time: Any
    """Exposure time [s], float64, shape (N,): NumPy; where images on a device were metered, of their kind."""
    truth: Any
    """The radiance it was given."""
    profiles: CameraProfile | tuple[CameraProfile, ...]
    """The camera, or each image's."""


def apply_camera(
    radiance: Any,
    profile: str | CameraProfile | Sequence[str | CameraProfile] = "generic_rgb",
    *,
    seed: int,
    pattern_seed: int | None = None,
    index: ArrayLike,
    exposure_time: ArrayLike | None = None,
    depth: Any = None,
    fx: ArrayLike | None = None,
    center: ArrayLike | None = None,
    unit: ArrayLike = 0,
    white_balance: ArrayLike | None = None,
    sensor: int = 0,
    raw: bool = False,
    device: str = "cpu",
    threads: int | None = None,
) -> CameraReading:
    """Take a picture of each radiance image.

    Args:
        radiance: Scene-linear radiance per sRGB primary [W sr^-1 m^-2], float32, shape (N, H, W, 3). Negative or NaN is
            dark. NumPy, torch, or any array that shows `__cuda_array_interface__`; the images are of that kind.
        profile: Built-in name or a profile, or one of either for each image.
        seed: Seed of the noise, and of the fixed patterns too where `pattern_seed` is None, [0, 2^64).
        pattern_seed: Seed of the fixed patterns, [0, 2^64); None for that of the noise.
        index: Global row index of each image, int64, shape (N,): it addresses the noise, so an image's noise does not
            depend on the batch it is in.
        exposure_time: Exposure time [s], a number or shape (N,); None for automatic exposure of each image alone.
        depth: Depth along +z [m], shape (N, H, W), 0 is infinitely far: what is out of focus is blurred. Needed where
            a profile has a focus distance.
        fx: Focal length [px], a number or shape (N,): light falls off with the angle to the axis; None for the
            profile's focal length over its pixel pitch.
        center: Principal point (cx, cy) [px], shape (2,) or (N, 2); None for the image's centre.
        unit: Which of the cameras of its make takes the image, [0, 2^63), a number or shape (N,): another unit has
            other fixed patterns.
        white_balance: Gains of red, green and blue, shape (3,) or (N, 3), instead of the profile's; where one is
            below 1, all are raised until none is.
        sensor: Number of the camera within its rig, [0, 2^16); cameras of one rig need different ones.
        raw: Whether to return the digital numbers too.
        device: "cpu" or "cuda"; tensors that are on a device are sensed there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Images, exposure times, the truth and, on request, digital numbers.

    Raises:
        ValueError: If a shape, a profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Source: EMVA 1288 release 4.0 linear; Malvar, He, Cutler, ICASSP 2004; IEC 61966-2-1.

    Example:
        >>> radiance = np.full((2, 4, 6, 3), 2.0, np.float32)
        >>> reading = apply_camera(radiance, seed=1, index=np.arange(2))
        >>> reading.rgb.shape
        (2, 4, 6, 3)
    """
    shape = tuple(radiance.shape)
    if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:]:
        raise ValueError(f"radiance must have shape (N, H, W, 3) with H, W > 0, got {shape}")
    count, height, width, _ = shape
    place = find_place(radiance, device)
    profiles = find_profile_rows(profile, count, load_camera_profile)
    one_for_all = len(profiles.profiles) == 1
    each = profiles.profiles if one_for_all else tuple(profiles.profiles[k] for k in profiles.which.tolist())
    images = apply_optics(
        place.borrow(radiance, np.float32), each[0] if one_for_all else each, depth=depth, fx=fx, center=center,
        device=device, threads=threads,
    )  # fmt: skip
    rows, rig_number = check_rows(index, count), check_sensor(sensor)
    if exposure_time is None:
        times: Any = meter_exposure(place, images.reshape(count * height, width * 3), profiles, threads)
    else:
        times = spread_numbers(exposure_time, count, "exposure_time")
    focal = [p.focal_length / p.pixel_pitch for p in profiles.profiles]
    optics = np.empty((count, 3))
    optics[:, 0] = np.array(focal)[profiles.which] if fx is None else spread_numbers(fx, count, "fx")
    optics[:, 1:] = spread_centers(center, count, height, width)
    sensors = prepare_sensors(
        place,
        profiles,
        row=rows,
        time=times,
        optics=optics,
        unit=_spread_units(unit, count),
        seed=seed,
        sensor=rig_number,
    )
    looks = prepare_looks(place, profiles, _spread_gains(white_balance, count), height, width)
    patterns = Patterns(place, seed=seed if pattern_seed is None else pattern_seed, height=height, width=width)
    lines = images.reshape(count * height, width * 3)
    rgb = place.allocate((count * height, width * 3), np.uint8)
    # A few images at a time keep the working space small and in the cache.
    step = max(1, (_CUDA_PIXELS if place.device == "cuda" else _WORKING_PIXELS) // (height * width))
    # On the host, numbers that nobody asked for lie where the picture will be, until they are arranged for development:
    # fresh memory costs more than the work on it.
    borrows = not raw and isinstance(rgb, np.ndarray) and (height * width % 2 == 0 or step >= count)
    numbers: Any = None
    if not borrows:
        numbers = place.allocate(((count if raw else min(step, count)) * height, width), np.uint16)
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        block = slice(part.start * height, part.stop * height)
        lines_here = block.stop - block.start
        if numbers is None:
            kept = rgb[block].reshape(-1)[: 2 * lines_here * width].view(np.uint16).reshape(lines_here, width)
        else:
            kept = numbers[block] if raw else numbers[:lines_here]
        expose(place, lines[block], sensors, part, patterns, kept, threads)
        develop(place, kept, looks, part, rgb[block], threads)
    picture = rgb.reshape(shape)
    sharpening = each[0].sharpening if one_for_all else np.array([camera.sharpening for camera in each], np.float64)
    quality = each[0].jpeg_quality if one_for_all else np.array([camera.jpeg_quality for camera in each], np.int64)
    picture = sharpen_image(picture, sharpening, device=device, threads=threads)
    picture = compress_jpeg(picture, quality, device=device, threads=threads)
    return CameraReading(
        rgb=place.give(picture),
        raw=place.give(numbers.reshape(shape[:3])) if numbers is not None and raw else None,
        exposure_time=times if isinstance(times, np.ndarray) else place.give(times),
        truth=radiance,
        profiles=each[0] if one_for_all else each,
    )


def _spread_units(unit: ArrayLike, count: int) -> NDArray[np.int64]:
    value = np.asarray(unit)
    if value.shape not in ((), (count,)) or value.dtype.kind not in "iu" or (value.size and int(value.min()) < 0):
        raise ValueError(f"unit must be a whole number ≥ 0 or {count} of them, got {unit!r}")
    return np.broadcast_to(value.astype(np.int64), (count,)).copy()


def _spread_gains(white_balance: ArrayLike | None, count: int) -> NDArray[np.float64] | None:
    if white_balance is None:
        return None
    value = np.asarray(white_balance, dtype=np.float64)
    if value.shape not in ((3,), (count, 3)) or not (np.isfinite(value).all() and (value > 0.0).all()):
        raise ValueError(
            f"white_balance must be three positive gains or an array of shape ({count}, 3), got {white_balance!r}"
        )
    return np.broadcast_to(value, (count, 3)).copy()
