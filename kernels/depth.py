"""Depth sensors of every kind behind one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from numpy.typing import ArrayLike

from .depth_images import DepthImages, prepare_depth_images
from .depth_reading import DepthReading
from .profile_rows import find_profile_rows
from .profiles import DepthProfile, load_depth_profile
from .stereo import measure_stereo
from .stereo_profile import StereoProfile
from .structured_light import measure_structured_light
from .structured_light_profile import StructuredLightProfile
from .time_of_flight import measure_time_of_flight
from .time_of_flight_profile import TimeOfFlightProfile

_MEASURES: Final[dict[type, Callable[..., tuple[Any, Any]]]] = {
    StereoProfile: measure_stereo,
    StructuredLightProfile: measure_structured_light,
    TimeOfFlightProfile: measure_time_of_flight,
}


def apply_depth(
    depth: Any,
    profile: str | DepthProfile | Sequence[str | DepthProfile] = "realsense_d435",
    *,
    fx: ArrayLike,
    fy: ArrayLike | None = None,
    center: ArrayLike | None = None,
    seed: int,
    index: ArrayLike,
    infrared: Any = None,
    cosine: Any = None,
    intensity: Any = None,
    sensor: int = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> DepthReading:
    """Measure each depth image with a depth sensor.

    Args:
        depth: True depth along +z of the (left) imager [m], float32, shape (N, H, W); 0, NaN or infinity where there is
            no surface. NumPy, torch, or any array that shows `__cuda_array_interface__`; the reading is of that kind.
        profile: Built-in name or a profile, or one of either for each image, all of one kind of sensor.
        fx: Focal length [px], a number or shape (N,).
        fy: The same along y; None for fx.
        center: Principal point (cx, cy) [px], shape (2,) or (N, 2); None for the image's centre.
        seed: Seed of the noise, [0, 2^64).
        index: Global row index of each image, int64, shape (N,).
        infrared: Infrared reflectance of the surfaces, [0, 1], shape (N, H, W); None where none is too dark.
        cosine: Cosine of incidence, shape (N, H, W), see `cosine_of_incidence`; None where none is grazing.
        intensity: What the imager sees without a projector, any scale, shape (N, H, W); None for no texture.
        sensor: Number of the sensor within its rig, [0, 2^16); sensors of one rig need different ones.
        device: "cpu" or "cuda"; tensors that are on a device are measured there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Depth images, the status of each pixel, and the truth.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> reading = apply_depth(np.full((1, 4, 60), 2.0, np.float32), fx=446.8, seed=1, index=[0])
        >>> STATUS_NAMES[reading.status[0, 0, 0]]
        'out_of_overlap'
    """
    profiles = find_profile_rows(profile, len(depth), load_depth_profile)
    kinds = {type(one) for one in profiles.profiles}
    if not kinds:
        raise ValueError("profile must name at least one profile, got none; give one for all images")
    if len(kinds) > 1:
        raise ValueError(f"the profiles of a batch must be of one kind, got {', '.join(k.__name__ for k in kinds)}")
    images: DepthImages[Any] = prepare_depth_images(
        depth, profiles, fx=fx, fy=fy, center=center, index=index, cosine=cosine, infrared=infrared,
        intensity=intensity, sensor=sensor, device=device,
    )  # fmt: skip
    measured, status = _MEASURES[kinds.pop()](images, seed=seed, threads=threads)
    shape, place, one_for_all = tuple(depth.shape), images.place, len(profiles.profiles) == 1
    return DepthReading(
        depth=place.give(measured.reshape(shape)),
        status=place.give(status.reshape(shape)),
        truth=depth,
        profiles=profiles.profiles if one_for_all else tuple(profiles.profiles[k] for k in profiles.which),
    )
