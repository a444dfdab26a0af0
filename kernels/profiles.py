"""Sensor profiles: the physical parameters of each kind of sensor, and where each value comes from."""

from __future__ import annotations

import difflib
import functools
import json
from dataclasses import fields
from importlib import resources
from typing import Any, ClassVar, Final, Literal, NamedTuple, Protocol

from .camera_profile import CameraProfile
from .encoder_profile import EncoderProfile
from .force_torque_profile import ForceTorqueProfile
from .gnss_profile import GnssProfile
from .inertial_profile import InertialProfile
from .lidar_profile import LidarProfile
from .odometry_profile import OdometryProfile
from .optical_ranger_profile import OpticalRangerProfile
from .stereo_profile import StereoProfile
from .structured_light_profile import StructuredLightProfile
from .tactile_profile import TactileProfile
from .time_of_flight_profile import TimeOfFlightProfile
from .ultrasonic_profile import UltrasonicProfile

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


DepthProfile = StereoProfile | StructuredLightProfile | TimeOfFlightProfile
"""The profile of a depth sensor of any kind."""


class Profile(Protocol):
    """What the profiles of all sensors share: each is a frozen dataclass with a name."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str:
        """Name of the profile."""


PROFILE_CLASSES: Final[dict[str, type[Any]]] = {
    "camera": CameraProfile,
    "imu": InertialProfile,
    "gnss": GnssProfile,
    "odometry": OdometryProfile,
    "optical_ranger": OpticalRangerProfile,
    "stereo": StereoProfile,
    "structured_light": StructuredLightProfile,
    "time_of_flight": TimeOfFlightProfile,
    "encoder": EncoderProfile,
    "lidar": LidarProfile,
    "force_torque": ForceTorqueProfile,
    "tactile": TactileProfile,
    "ultrasonic": UltrasonicProfile,
}
"""Class of each kind of profile, as the built-in profiles' files name it."""
SENSOR_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "camera": ("camera",),
    "depth": ("stereo", "structured_light", "time_of_flight"),
    "encoder": ("encoder",),
    "lidar": ("lidar",),
    "imu": ("imu",),
    "force_torque": ("force_torque",),
    "gnss": ("gnss",),
    "odometry": ("odometry",),
    "tactile": ("tactile",),
    "ranger": ("optical_ranger", "ultrasonic"),
}
"""What a sensor of a rig may be, and the kinds of profile that describe one."""


def list_profiles(kind: str | None = None) -> tuple[str, ...]:
    """Return the names of the built-in profiles.

    Args:
        kind: One of `SENSOR_KINDS`, such as "camera", for those alone; None for all.

    Raises:
        ValueError: If no such kind exists.

    Example:
        >>> "generic_rgb" in list_profiles("camera")
        True
    """
    if kind is not None and kind not in SENSOR_KINDS:
        raise ValueError(f"kind must be one of {', '.join(SENSOR_KINDS)} or None, got {kind!r}")
    names = sorted(entry.name[:-5] for entry in _folder().iterdir() if entry.name.endswith(".json"))
    return tuple(name for name in names if kind is None or _read(name)["kind"] in SENSOR_KINDS[kind])


@functools.lru_cache(maxsize=64)
def load_profile(name: str) -> Profile:
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
    cls = PROFILE_CLASSES[content["kind"]]
    known = {field.name for field in fields(cls)} - {"name"}
    if known != set(content["values"]):
        raise ValueError(f"profile {name!r} must give exactly {sorted(known)}, got {sorted(content['values'])}")
    values = {key: _plain(entry["value"]) for key, entry in content["values"].items()}
    profile: Profile = cls(name=name, **values)
    return profile


def is_profile_of(profile: object, sensor: str) -> bool:
    """Tell whether a profile describes a sensor of some kind, one of `SENSOR_KINDS`."""
    return any(isinstance(profile, PROFILE_CLASSES[kind]) for kind in SENSOR_KINDS[sensor])


def load_sensor_profile(sensor: str, name: str) -> Any:
    """Return a built-in profile of one kind of sensor.

    Args:
        sensor: One of `SENSOR_KINDS`, such as "imu".
        name: One of `list_profiles(sensor)`.

    Raises:
        ValueError: If there is no such profile, or it describes another kind of sensor.
    """
    if name not in list_profiles():
        mine = list_profiles(sensor)
        near = difflib.get_close_matches(str(name), mine, n=1, cutoff=0.0)
        raise ValueError(f"profile must be one of {', '.join(mine)}, got {name!r}; did you mean {near[0]!r}?")
    profile = load_profile(name)
    if not is_profile_of(profile, sensor):
        raise ValueError(
            f"profile {name!r} is not of kind {sensor!r}; choose one of {', '.join(list_profiles(sensor))}"
        )
    return profile


def load_camera_profile(name: str) -> CameraProfile:
    """Return a built-in camera profile.

    Raises:
        ValueError: If there is no such profile, or it is not a camera's.
    """
    profile: CameraProfile = load_sensor_profile("camera", name)
    return profile


def load_depth_profile(name: str) -> DepthProfile:
    """Return a built-in depth profile.

    Raises:
        ValueError: If there is no such profile, or it is not a depth sensor's.
    """
    profile: DepthProfile = load_sensor_profile("depth", name)
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


def summarize_profile(name: str) -> str:
    """Return one sentence about a built-in profile.

    Raises:
        ValueError: If there is no such profile.
    """
    return str(_read(name)["description"])


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
