"""Sensor profiles: the physical parameters of a camera or a depth sensor, and where each value comes from."""

from __future__ import annotations

import difflib
import functools
import json
import math
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any, Final, Literal, NamedTuple

Triple = tuple[float, float, float]
Confidence = Literal["datasheet", "paper", "typical"]

CONFIDENCES: Final = ("datasheet", "paper", "typical")


class ProfileValue(NamedTuple):
    """One value of a built-in profile with its origin."""

    name: str
    """Field of the profile."""
    value: Any
    """The value, in `unit`."""
    unit: str
    """Unit; "1" for a pure number."""
    source: str
    """Where the value comes from."""
    confidence: Confidence
    """"datasheet", "paper" or "typical"."""


@dataclass(frozen=True, kw_only=True)
class CameraProfile:
    """An EMVA 1288 linear camera with automatic exposure; three values per pixel, no mosaic.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> import dataclasses
        >>> bright = dataclasses.replace(load_camera_profile("generic_rgb"), f_number=1.4)
    """

    name: str
    """Name of the profile."""
    f_number: float
    """Focal length over aperture, (0, 100]."""
    pixel_pitch: float
    """Side of a square pixel [m], (0, 1e-3]."""
    quantum_efficiency: Triple
    """Electrons per photon for red, green and blue, each in (0, 1]."""
    wavelength: Triple
    """Wavelength at which each channel's light is counted as photons [m], each in [1e-7, 1e-5]."""
    full_well: float
    """Largest charge [e-], [1, 1e7]."""
    dark_current: float
    """Charge made without light [e-/s], ≥ 0."""
    read_noise: float
    """Standard deviation of the dark signal [e-], ≥ 0."""
    gain: float
    """System gain K [DN/e-], > 0."""
    black_level: float
    """Digital value of no charge [DN], within the converter's range."""
    bit_depth: int
    """Bits of the converter, 8 to 16."""
    exposure_time_min: float
    """Shortest automatic exposure [s], > 0."""
    exposure_time_max: float
    """Longest automatic exposure [s], at least the shortest."""
    exposure_target: float
    """Mean luminance that automatic exposure aims at, as a fraction of saturation, (0, 1)."""
    exposure_highlight: float
    """Fraction of saturation that at most 2 % of the pixels may pass in automatic exposure, (0, 1]."""

    def __post_init__(self) -> None:
        owner = "CameraProfile"
        _check_range(owner, self, "f_number", 1e-6, 100.0)
        _check_range(owner, self, "pixel_pitch", 1e-9, 1e-3)
        _check_range(owner, self, "full_well", 1.0, 1e7)
        _check_range(owner, self, "dark_current", 0.0, 1e9)
        _check_range(owner, self, "read_noise", 0.0, 1e6)
        _check_range(owner, self, "gain", 1e-9, 1e6)
        _check_range(owner, self, "bit_depth", 8, 16)
        _check_range(owner, self, "black_level", 0.0, 2.0**self.bit_depth - 2.0)
        _check_range(owner, self, "exposure_time_min", 1e-9, 1e4)
        _check_range(owner, self, "exposure_time_max", self.exposure_time_min, 1e4)
        _check_range(owner, self, "exposure_target", 1e-6, 1.0)
        _check_range(owner, self, "exposure_highlight", 1e-6, 1.0)
        for name, low, high in (("quantum_efficiency", 1e-9, 1.0), ("wavelength", 1e-7, 1e-5)):
            values = getattr(self, name)
            if len(values) != 3 or not all(low <= value <= high for value in values):
                raise ValueError(f"{name} must be three numbers in [{low}, {high}], got {values}; set {owner}.{name}")


@dataclass(frozen=True, kw_only=True)
class DepthProfile:
    """An active stereo depth sensor: the depth image is the left imager's, the other stands to its right.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    baseline: float
    """Distance of the imagers [m], (0, 10]."""
    disparity_noise: float
    """Standard deviation of a pixel's disparity [px], [0, 10]."""
    disparity_step: float
    """Disparities are whole multiples of this [px], (0, 1]."""
    disparity_max: float
    """Largest disparity that is searched [px]; it sets the nearest depth."""
    range_max: float
    """Farthest depth that is reported [m]."""
    noise_cell: int
    """Pixels per cell of the grid on which disparity noise is drawn, [1, 64]."""
    occlusion_step: float
    """Disparity by which a surface must be nearer to hide another from the second imager [px], > 0."""
    cosine_full: float
    """Cosine of incidence from which every pixel returns, (cosine_none, 1]."""
    cosine_none: float
    """Cosine of incidence below which no pixel returns, [0, 1)."""
    infrared_full: float
    """Infrared reflectance from which every pixel returns, > infrared_none."""
    infrared_none: float
    """Infrared reflectance below which no pixel returns, ≥ 0."""

    def __post_init__(self) -> None:
        owner = "DepthProfile"
        _check_range(owner, self, "baseline", 1e-6, 10.0)
        _check_range(owner, self, "disparity_noise", 0.0, 10.0)
        _check_range(owner, self, "disparity_step", 1e-6, 1.0)
        _check_range(owner, self, "disparity_max", 1.0, 4096.0)
        _check_range(owner, self, "range_max", 1e-3, 1e6)
        _check_range(owner, self, "noise_cell", 1, 64)
        _check_range(owner, self, "occlusion_step", 1e-3, 64.0)
        _check_range(owner, self, "cosine_none", 0.0, 1.0)
        _check_range(owner, self, "cosine_full", self.cosine_none + 1e-9, 1.0)
        _check_range(owner, self, "infrared_none", 0.0, 1e6)
        _check_range(owner, self, "infrared_full", self.infrared_none + 1e-9, 1e9)


def _check_range(owner: str, profile: Any, name: str, low: float, high: float) -> None:
    value = getattr(profile, name)
    if not (isinstance(value, int | float) and math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must be a number in [{low}, {high}], got {value!r}; set {owner}.{name}")


_KINDS: Final[dict[str, type[CameraProfile] | type[DepthProfile]]] = {"camera": CameraProfile, "depth": DepthProfile}


def list_profiles(kind: str | None = None) -> tuple[str, ...]:
    """Return the names of the built-in profiles.

    Args:
        kind: "camera" or "depth" for those alone; None for all.

    Raises:
        ValueError: If no such kind exists.

    Example:
        >>> "generic_rgb" in list_profiles("camera")
        True
    """
    if kind is not None and kind not in _KINDS:
        raise ValueError(f"kind must be one of {sorted(_KINDS)} or None, got {kind!r}")
    names = sorted(entry.name[:-5] for entry in _folder().iterdir() if entry.name.endswith(".json"))
    return tuple(name for name in names if kind is None or _read(name)["kind"] == kind)


def load_profile(name: str) -> CameraProfile | DepthProfile:
    """Return a built-in profile.

    Args:
        name: One of `list_profiles()`.

    Raises:
        ValueError: If there is no such profile.

    Example:
        >>> load_profile("realsense_d435").name
        'realsense_d435'
    """
    content = _read(name)
    cls = _KINDS[content["kind"]]
    known = {field.name for field in fields(cls)} - {"name"}
    if known != set(content["values"]):
        raise ValueError(f"profile {name!r} must give exactly {sorted(known)}, got {sorted(content['values'])}")
    values = {key: _plain(entry["value"]) for key, entry in content["values"].items()}
    return cls(name=name, **values)


def load_camera_profile(name: str) -> CameraProfile:
    """Return a built-in camera profile.

    Raises:
        ValueError: If there is no such profile, or it is not a camera's.
    """
    profile = load_profile(name)
    if not isinstance(profile, CameraProfile):
        raise ValueError(f"profile {name!r} is not a camera; choose one of {', '.join(list_profiles('camera'))}")
    return profile


def load_depth_profile(name: str) -> DepthProfile:
    """Return a built-in depth profile.

    Raises:
        ValueError: If there is no such profile, or it is not a depth sensor's.
    """
    profile = load_profile(name)
    if not isinstance(profile, DepthProfile):
        raise ValueError(f"profile {name!r} is not a depth sensor; choose one of {', '.join(list_profiles('depth'))}")
    return profile


def describe_profile(name: str) -> tuple[ProfileValue, ...]:
    """Return every value of a built-in profile with its unit, its source and how sure it is.

    Raises:
        ValueError: If there is no such profile.

    Example:
        >>> [value.unit for value in describe_profile("realsense_d435") if value.name == "baseline"]
        ['m']
    """
    values = _read(name)["values"]
    return tuple(
        ProfileValue(key, _plain(v["value"]), v["unit"], v["source"], v["confidence"]) for key, v in values.items()
    )


def _folder() -> Any:
    return resources.files(__package__).joinpath("profiles")


@functools.lru_cache(maxsize=64)
def _read(name: str) -> dict[str, Any]:
    names = sorted(entry.name[:-5] for entry in _folder().iterdir() if entry.name.endswith(".json"))
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.0)
        raise ValueError(f"profile must be one of {', '.join(names)}, got {name!r}; did you mean {near[0]!r}?")
    content: dict[str, Any] = json.loads(_folder().joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return content


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
