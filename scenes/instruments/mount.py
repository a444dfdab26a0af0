"""Instrument mounts: which sensors beside cameras a rig carries, where they are fixed, and when they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from ...kernels.observation_timing import ObservationTiming
from ...kernels.profile_json import profile_from_json, profile_to_json
from ...kernels.profiles import SENSOR_KINDS, Profile, is_profile_of, load_sensor_profile
from ...kernels.transforms import pose_from_position_quaternion
from ..space import nearest


def check_rig_timing(name: str, timing: ObservationTiming | None) -> None:
    """Check that a sensor's timing asks for nothing that only observers have.

    Raises:
        ValueError: If it does.
    """
    if timing is not None and timing.buffer_size is not None:
        raise ValueError(f"sensor {name!r}: buffer_size is for observers; a dataset keeps every sample, leave it out")


INSTRUMENTS: Final = tuple(kind for kind in SENSOR_KINDS if kind not in ("camera", "depth"))
"""Kinds of sensor that take no images."""
_WHOLE_ROBOT: Final = ("encoder", "odometry")
_ANYWHERE: Final = ("lidar", "ranger")
_KEYS: Final = ("mount", "position", "quaternion", "unit", "timing")


@dataclass(frozen=True, kw_only=True)
class InstrumentMount:
    """A sensor of a rig that takes no images.

    Raises:
        ValueError: If a name, kind, profile, mount or pose cannot be.

    Example:
        >>> InstrumentMount(name="wrist_imu", kind="imu", given="bosch_bmi088", mount="panda/hand")
    """

    name: str
    """Name of the sensor in the dataset: letters, digits and underscores."""
    kind: str
    """One of `INSTRUMENTS`."""
    given: str | Profile
    """Its profile, or the name of a built-in one."""
    mount: str = "world"
    """`<robot>/<link>`: fixed to a link; `world`: stands still (LiDARs and rangers). Encoders and odometry read the
    whole robot and need none."""
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Its origin in the frame of the mount [m]."""
    quaternion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    """Rotation from its axes (x forward, y left, z up) to the mount's, xyzw."""
    unit: int = 0
    """Which specimen it is, range [0, 2^31): each has errors of its own."""
    timing: ObservationTiming | None = None
    """When it is read; None: at its profile's rate, without delay or loss."""

    def __post_init__(self) -> None:
        who = f"sensor {self.name!r}"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            raise ValueError(f"a sensor's name is letters, digits and underscores, got {self.name!r}")
        if self.kind not in INSTRUMENTS:
            raise ValueError(f"{who}: kind must be one of {', '.join(INSTRUMENTS)}, got {self.kind!r}")
        if not isinstance(self.given, str) and not is_profile_of(self.given, self.kind):
            raise ValueError(f"{who}: {type(self.given).__name__} does not describe a sensor of kind {self.kind!r}")
        if self.mount != "world" and not re.fullmatch(r"[^/\s]+/[^/\s]+", self.mount):
            raise ValueError(f"{who}: mount is 'world' or '<robot>/<link>', got {self.mount!r}")
        if self.mount == "world" and self.kind not in (*_ANYWHERE, *_WHOLE_ROBOT):
            raise ValueError(f"{who}: {self.kind} is fixed to a robot; set mount to '<robot>/<link>'")
        if self.mount != "world" and self.kind in _WHOLE_ROBOT:
            raise ValueError(f"{who}: {self.kind} reads the whole robot; leave mount out")
        unit: object = self.unit
        if isinstance(unit, bool) or not isinstance(unit, int) or not 0 <= unit < 1 << 31:
            raise ValueError(f"{who}: unit must be a whole number in [0, 2^31), got {self.unit!r}")
        if self.kind in _WHOLE_ROBOT and (self.position != (0.0, 0.0, 0.0) or self.quaternion != (0.0, 0.0, 0.0, 1.0)):
            raise ValueError(f"{who}: {self.kind} reads the whole robot; leave position and quaternion out")
        check_rig_timing(self.name, self.timing)
        if self.kind == "lidar" and self.timing is not None and self.timing.sampling_jitter > 0.0:
            raise ValueError(f"{who}: a LiDAR fires by its pattern; leave sampling_jitter out")
        if np.shape(self.position) != (3,) or np.shape(self.quaternion) != (4,) or not np.isfinite(self.position).all():
            raise ValueError(f"{who}: position has 3 finite numbers and quaternion 4 (xyzw)")
        try:
            _ = self.pose_mount_sensor
        except ValueError as error:
            raise ValueError(f"{who}: {error}") from error

    def profile(self, kind: str) -> Any:
        """Return its profile, None where it is another kind of sensor.

        Raises:
            ValueError: If no such built-in profile exists, or it describes another kind of sensor.
        """
        if kind != self.kind:
            return None
        return load_sensor_profile(self.kind, self.given) if isinstance(self.given, str) else self.given

    @property
    def is_worldly(self) -> bool:
        """Whether it is fixed to no robot."""
        return self.mount == "world" and self.kind in _ANYWHERE

    @property
    def pose_mount_sensor(self) -> NDArray[np.float64]:
        """Maps sensor to mount, shape (4, 4)."""
        return pose_from_position_quaternion(self.position, self.quaternion)

    @classmethod
    def from_json(cls, name: str, given: Mapping[str, Any]) -> Self:
        """Read a mount from a recipe's `rig` entry.

        Args:
            name: The entry's key.
            given: The entry: its kind with a profile, such as `imu: bosch_bmi088`, and what else is not the default.

        Raises:
            ValueError: If a key is unknown or a value cannot be.
        """
        kinds = [kind for kind in INSTRUMENTS if given.get(kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"sensor {name!r} is one of {', '.join(INSTRUMENTS)}, got {', '.join(kinds) or 'none'}")
        for key in given:
            if key != kinds[0] and key not in _KEYS:
                raise ValueError(f"sensor {name!r} has no setting {key!r}; {nearest(key, (kinds[0], *_KEYS))}")
        body = {key: value for key, value in given.items() if key in _KEYS and value is not None}
        try:
            for key in ("position", "quaternion"):
                if key in body:
                    body[key] = tuple(float(value) for value in body[key])
            if isinstance(body.get("timing"), Mapping):
                body["timing"] = ObservationTiming.from_json(body["timing"])
            profile = given[kinds[0]]
            profile = profile_from_json(profile) if isinstance(profile, Mapping) else profile
        except (ValueError, TypeError) as error:
            raise ValueError(f"sensor {name!r}: {error}") from error
        return cls(name=name, kind=kinds[0], given=profile, **body)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of a recipe's `rig`, every setting written out."""
        return {
            self.kind: self.given if isinstance(self.given, str) else profile_to_json(self.given),
            "mount": self.mount,
            "position": list(self.position),
            "quaternion": list(self.quaternion),
            "unit": self.unit,
            "timing": None if self.timing is None else self.timing.to_json(),
        }
