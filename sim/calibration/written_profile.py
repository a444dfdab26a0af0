"""Written profiles: what a calibration found, as the values of a profile file over a built-in base."""

from __future__ import annotations

import math
from typing import Final

from ...kernels.camera_profile import CameraProfile
from ...kernels.profiles import describe_profile, list_profiles, load_profile
from ..errors import UsageError
from ..profile_file import FileValue, ProfileFile, profile_kind
from .depth_noise import DepthNoise
from .estimate import Estimate
from .inertial_noise import InertialNoise
from .photon_transfer import PhotonTransfer

_CAMERA_FIELDS: Final = (
    "gain", "black_level", "full_well", "read_noise", "row_noise", "column_noise", "dark_current",
    "dark_signal_nonuniformity", "photo_response_nonuniformity", "row_pattern", "column_pattern", "hot_pixel_fraction",
    "hot_pixel_current",
)  # fmt: skip
_DEPTH_BASES: Final = {"stereo": "realsense_d435", "quadratic": "kinect_v1"}
_DEPTH_KINDS: Final = {"stereo": ("stereo", "structured_light"), "quadratic": ("structured_light",)}
_HOW: Final = "simloom calibrate, 95 % interval by"


def write_camera_profile(
    result: PhotonTransfer, *, name: str, base: str = "generic_rgb", temperature: float | None = None
) -> ProfileFile:
    """Turn a measured camera into a profile.

    Args:
        result: What was measured.
        name: Name of the profile.
        base: Built-in camera profile that gives what was not measured.
        temperature: Temperature of the sensor while it was recorded [deg C]; None: that of the base.

    Returns:
        The profile file; `write_profile_file` writes it.

    Raises:
        UsageError: If the base is not a camera.
    """
    camera = _load_base(base)
    height, width = result.shape
    frames = f"{len(result.exposure_time)} exposures and {len(result.dark_time)} darks of {width}x{height}"
    values = [
        FileValue("mosaic", result.mosaic, "1", "as given with the recordings", "measured"),
        FileValue("bit_depth", result.bit_depth, "bit", "largest value of the recordings, or as given", "measured"),
    ]
    values += [
        _from_estimate(result.estimates[field], f"photon transfer of {frames}; {_HOW} bootstrap of blocks")
        for field in _CAMERA_FIELDS
        if field in result.estimates
    ]
    if "full_well" not in result.estimates:
        gain, black = result.estimates["gain"].value, result.estimates["black_level"].value
        end = (2.0**result.bit_depth - 1.0 - black) / gain
        source = "not reached by the recordings: the charge at the converter's end"
        values.append(FileValue("full_well", float(f"{end:.6g}"), "e-", source, "typical"))
    if "dark_current" in result.estimates:
        warm = camera.temperature if temperature is None else temperature
        source = "temperature of the recordings" + (", assumed" if temperature is None else "")
        confidence = "typical" if temperature is None else "measured"
        for field in ("dark_reference_temperature", "temperature"):
            values.append(FileValue(field, float(warm), "deg C", source, confidence))
    return ProfileFile(kind="camera", name=name, base=base, values=tuple(values))


def write_depth_profile(result: DepthNoise, *, name: str, base: str | None = None) -> ProfileFile:
    """Turn a measured depth sensor into a profile.

    Args:
        result: What was measured.
        name: Name of the profile.
        base: Built-in profile that gives what was not measured: a stereo or structured-light sensor for the stereo law,
            structured light for the quadratic one; None for realsense_d435 or kinect_v1.

    Returns:
        The profile file; `write_profile_file` writes it.

    Raises:
        UsageError: If the base's kind does not know the law.
    """
    chosen = base or _DEPTH_BASES[result.law]
    kind = _check_kind(chosen, *_DEPTH_KINDS[result.law])
    walls = ", ".join(f"{wall.distance:g}" for wall in result.walls)
    source = f"flat wall at {walls} m; {_HOW} bootstrap of blocks"
    values = []
    if kind == "structured_light":
        law = "disparity" if result.law == "stereo" else "nguyen"
        values.append(FileValue("noise_law", law, "1", "the law that was fitted", "measured"))
    if result.baseline is not None and result.fx is not None:
        values.append(FileValue("baseline", result.baseline, "m", "as given with the recordings", "measured"))
        source = source.replace(" m;", f" m, fx {result.fx:g} px;")
    for field in ("disparity_noise", "disparity_step", "axial_floor", "axial_growth", "axial_nearest"):
        if field in result.estimates:
            values.append(_from_estimate(result.estimates[field], source))
    return ProfileFile(kind=kind, name=name, base=chosen, values=tuple(values))


def write_inertial_profile(result: InertialNoise, *, name: str, base: str = "bosch_bmi088") -> ProfileFile:
    """Turn a measured inertial unit into a profile.

    Args:
        result: What was measured.
        name: Name of the profile.
        base: Built-in profile of an inertial unit that gives what was not measured.

    Returns:
        The profile file; `write_profile_file` writes it.

    Raises:
        UsageError: If the base is not an inertial unit.
    """
    _check_kind(base, "imu")
    source = f"Allan deviation of {result.samples} samples at {result.rate:.4g} Hz; {_HOW} its covariance"
    values = [FileValue("rate", float(f"{result.rate:.6g}"), "Hz", "stamps of the log", "measured")]
    for part, times in result.flicker_time.items():
        for field in ("noise_density", "bias_instability", "random_walk", "turn_on_bias"):
            estimate = result.estimates.get(f"{part}_{field}")
            # What the log cannot tell from nothing stays the base's.
            if estimate is not None and estimate.low > 0.0:
                how = "mean of the log's axes" if field == "turn_on_bias" else source
                values.append(_from_estimate(estimate, how))
        values.append(
            FileValue(f"{part}_bias_deviation", 0.0, _unit(base, f"{part}_bias_deviation"), source, "typical")
        )
        if times is not None:
            how = "about where flicker stands out of the log's Allan deviation"
            values.append(FileValue(f"{part}_flicker_time", times, "s", how, "measured"))
        if (step := result.estimates.get(f"{part}_resolution")) is not None:
            how = "distance of the log's readings"
            values.append(FileValue(step.name, float(f"{step.value:.9g}"), step.unit, how, "measured"))
        else:
            field = f"{part}_resolution"
            values.append(FileValue(field, 0.0, _unit(base, field), "the log shows no counts", "measured"))
    return ProfileFile(kind="imu", name=name, base=base, values=tuple(values))


def _unit(base: str, field: str) -> str:
    return next(value.unit for value in describe_profile(base) if value.name == field)


def _from_estimate(estimate: Estimate, source: str) -> FileValue:
    """Round to a hundredth of the interval, and to what a physical value may be: at least zero."""

    def short(value: float) -> float:
        width = estimate.high - estimate.low
        digits = 2 - math.floor(math.log10(width)) if width > 0.0 else 9
        return float(round(max(value, 0.0), min(max(digits, 0), 12)))

    ends = (short(estimate.low), short(estimate.high))
    return FileValue(estimate.name, short(estimate.value), estimate.unit, source, "measured", ends)


def _load_base(base: str) -> CameraProfile:
    _check_kind(base, "camera")
    profile = load_profile(base)
    assert isinstance(profile, CameraProfile)
    return profile


def _check_kind(base: str, *kinds: str) -> str:
    try:
        found = profile_kind(base)
    except ValueError as error:
        raise UsageError(f"base: {error}") from None
    if found not in kinds:
        fit = ", ".join(name for name in list_profiles() if profile_kind(name) in kinds)
        raise UsageError(f"base {base!r} is of kind {found}, which does not take these values; choose one of {fit}")
    return found
