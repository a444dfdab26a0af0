"""Sensor mounts: which sensors a rig carries and where they are fixed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..kernels.camera_profile import CameraProfile
from ..kernels.lens import Lens
from ..kernels.observation_timing import ObservationTiming
from ..kernels.profile_json import profile_from_json, profile_to_json
from ..kernels.profiles import DepthProfile, load_camera_profile, load_depth_profile
from ..kernels.transforms import pose_from_position_quaternion
from ..renderers.view import MAX_SIDE, Camera
from .instruments.mount import INSTRUMENTS, InstrumentMount, check_rig_timing
from .space import nearest

_KEYS = (
    "camera", "depth", "width", "height", "mount", "position", "quaternion", "field_of_view", "intrinsics", "lens",
    "unit", "timing",
)  # fmt: skip


class Intrinsics(NamedTuple):
    """A camera matrix [px]; the centre of pixel (0, 0) is at (0, 0)."""

    fx: float
    """Focal length along x, > 0."""
    fy: float
    """Focal length along y, > 0."""
    cx: float
    """Principal point, x."""
    cy: float
    """Principal point, y."""


@dataclass(frozen=True, kw_only=True)
class SensorMount:
    """A camera of a rig: which readings it gives, how large, and what carries it.

    Raises:
        ValueError: If a name, size, mount or pose cannot be.

    Example:
        >>> SensorMount(name="wrist", camera=None, depth="realsense_d435", mount="panda/hand")
    """

    name: str
    """Name of the camera in the dataset: letters, digits and underscores."""
    camera: str | CameraProfile | None = "generic_rgb"
    """Profile of the colour camera or its name, None for no colour."""
    depth: str | DepthProfile | None = "realsense_d435"
    """Profile of the depth sensor or its name, None for no depth."""
    width: int = 320
    """Image width [px], range [1, 4096]."""
    height: int = 240
    """Image height [px], range [1, 4096]."""
    mount: str = "world"
    """`world`: the rig's own pose, placed anew for each view; `<robot>/<link>`: fixed to a link."""
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Camera centre in the frame of the mount [m]."""
    quaternion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    """Rotation from the camera's axes (x right, y down, z forward) to the mount's, xyzw."""
    field_of_view: float | None = None
    """Horizontal angle [rad], range (0, pi); None: the scene's `camera.field_of_view`."""
    intrinsics: Intrinsics | None = None
    """Camera matrix, as a calibration tells; None: square pixels and the principal point in the middle."""
    lens: Lens | None = None
    """Distortion; None: a pinhole. Depth sensors deliver rectified images and take none."""
    unit: int = 0
    """Which specimen of the camera it is, range [0, 2^31): each has a fixed pattern of its own."""
    timing: ObservationTiming | None = None
    """When its images arrive; None: at once, and all of them."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            raise ValueError(f"a sensor's name is letters, digits and underscores, got {self.name!r}")
        if self.camera is None and self.depth is None:
            raise ValueError(f"sensor {self.name!r} reads nothing; give it a camera or a depth profile")
        for side in ("width", "height"):
            value: object = getattr(self, side)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
                raise ValueError(
                    f"sensor {self.name!r}: {side} must be a whole number in [1, {MAX_SIDE}], got {value!r}"
                )
        if self.mount != "world" and not re.fullmatch(r"[^/\s]+/[^/\s]+", self.mount):
            raise ValueError(f"sensor {self.name!r}: mount is 'world' or '<robot>/<link>', got {self.mount!r}")
        if self.field_of_view is not None and not 0.0 < self.field_of_view < np.pi:
            raise ValueError(
                f"sensor {self.name!r}: field_of_view must be in (0, pi) rad, got {self.field_of_view}; was it degrees?"
            )
        if self.intrinsics is not None:
            if self.field_of_view is not None:
                raise ValueError(f"sensor {self.name!r}: field_of_view follows from intrinsics; give one of them")
            if not (np.isfinite(self.intrinsics).all() and min(self.intrinsics[:2]) > 0.0):
                raise ValueError(
                    f"sensor {self.name!r}: intrinsics must be finite, fx and fy above 0 px, got {self.intrinsics}"
                )
        if self.lens is not None and self.depth is not None:
            raise ValueError(
                f"sensor {self.name!r}: a depth sensor delivers rectified images; give the camera with the lens a "
                "sensor of its own"
            )
        camera: object = self.camera
        if not isinstance(camera, str | CameraProfile | None) or isinstance(self.depth, CameraProfile):
            raise ValueError(f"sensor {self.name!r}: camera takes a camera's profile, depth a depth sensor's")
        unit: object = self.unit
        if isinstance(unit, bool) or not isinstance(unit, int) or not 0 <= unit < 1 << 31:
            raise ValueError(f"sensor {self.name!r}: unit must be a whole number in [0, 2^31), got {self.unit!r}")
        check_rig_timing(self.name, self.timing)
        if np.shape(self.position) != (3,) or np.shape(self.quaternion) != (4,) or not np.isfinite(self.position).all():
            raise ValueError(f"sensor {self.name!r}: position has 3 finite numbers and quaternion 4 (xyzw)")
        _ = self.pose_mount_camera

    def profile(self, kind: str) -> Any:
        """Return the profile of its camera or its depth sensor, None where it has none.

        Raises:
            ValueError: If no such built-in profile exists, or it is of the other kind.
        """
        if kind == "camera":
            return load_camera_profile(self.camera) if isinstance(self.camera, str) else self.camera
        if kind != "depth":
            return None
        return load_depth_profile(self.depth) if isinstance(self.depth, str) else self.depth

    @property
    def pose_mount_camera(self) -> NDArray[np.float64]:
        """Maps camera to mount, shape (4, 4)."""
        return pose_from_position_quaternion(self.position, self.quaternion)

    def make_camera(self, pose_world_camera: NDArray[np.float64], field_of_view: float = 1.0) -> Camera:
        """Return the camera at a pose.

        Args:
            pose_world_camera: Maps camera to world, shape (4, 4).
            field_of_view: Horizontal angle where the mount states none [rad], range (0, pi).
        """
        if self.intrinsics is not None:
            return Camera(
                width=self.width,
                height=self.height,
                **self.intrinsics._asdict(),
                pose_world_camera=pose_world_camera,
                lens=self.lens,
            )
        camera = Camera.from_field_of_view(
            width=self.width,
            height=self.height,
            field_of_view=self.field_of_view or field_of_view,
            pose_world_camera=pose_world_camera,
        )
        return dataclasses.replace(camera, lens=self.lens)

    @classmethod
    def from_json(cls, name: str, given: Mapping[str, Any]) -> Self:
        """Read a mount from a recipe's `rig` entry.

        Args:
            name: The entry's key.
            given: The entry. Where it names a camera or a depth profile, what it does not name is left out.

        Returns:
            The mount.

        Raises:
            ValueError: If a key is unknown or a value cannot be.
        """
        for key in given:
            if key not in _KEYS:
                raise ValueError(f"sensor {name!r} has no setting {key!r}; {nearest(key, _KEYS)}")
        body = dict(given)
        if "camera" in body or "depth" in body:
            body.setdefault("camera", None)
            body.setdefault("depth", None)
        for key in ("position", "quaternion"):
            if key in body:
                body[key] = tuple(float(value) for value in body[key])
        try:
            for key in ("camera", "depth"):
                if isinstance(body.get(key), Mapping):
                    body[key] = profile_from_json(body[key])
            if isinstance(body.get("lens"), Mapping):
                lens = dict(body["lens"])
                for key in lens:
                    if key not in ("model", "coefficients"):
                        raise ValueError(f"a lens has no setting {key!r}; {nearest(key, ('model', 'coefficients'))}")
                body["lens"] = Lens(**lens | {"coefficients": tuple(lens.get("coefficients", (0.0,) * 4))})
            if isinstance(body.get("intrinsics"), Mapping):
                for key in body["intrinsics"]:
                    if key not in Intrinsics._fields:
                        raise ValueError(f"intrinsics have no setting {key!r}; {nearest(key, Intrinsics._fields)}")
                body["intrinsics"] = Intrinsics(**{key: float(value) for key, value in body["intrinsics"].items()})
            if isinstance(body.get("timing"), Mapping):
                body["timing"] = ObservationTiming.from_json(body["timing"])
        except (ValueError, TypeError) as error:
            raise ValueError(f"sensor {name!r}: {error}") from error
        return cls(name=name, **body)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe's `rig` entry, every setting written out."""
        entry = {key: getattr(self, key) for key in _KEYS}
        for key in ("camera", "depth"):
            if not isinstance(entry[key], str | None):
                entry[key] = profile_to_json(entry[key])
        if self.intrinsics is None:
            del entry["intrinsics"]  # recipes that were resolved before there were any keep their digest
        else:
            entry["intrinsics"] = self.intrinsics._asdict()
        if self.lens is not None:
            entry["lens"] = {"model": self.lens.model, "coefficients": list(self.lens.coefficients)}
        if self.timing is not None:
            entry["timing"] = self.timing.to_json()
        return entry | {"position": list(self.position), "quaternion": list(self.quaternion)}


@dataclass(frozen=True, kw_only=True)
class Rig:
    """All sensors of a row; those mounted to the world move together from view to view.

    Raises:
        ValueError: If there is no mount or two have one name.
    """

    mounts: tuple[SensorMount, ...] = field(default_factory=lambda: (SensorMount(name="head"),))
    """The cameras, in order."""
    instruments: tuple[InstrumentMount, ...] = ()
    """The sensors that take no images, in order."""

    def __post_init__(self) -> None:
        names = [mount.name for mount in self.sensors]
        if not names:
            raise ValueError("a rig needs at least one sensor, such as {head: {camera: generic_rgb}}")
        if len(set(names)) != len(names):
            raise ValueError(f"the sensors of a rig must have names of their own, got {', '.join(names)}")

    @classmethod
    def from_json(cls, given: Mapping[str, Mapping[str, Any]]) -> Self:
        """Read a rig from a recipe's `rig`: sensor name to its settings."""
        entries = {name: entry or {} for name, entry in given.items()}
        apart = {name for name, entry in entries.items() if any(entry.get(kind) is not None for kind in INSTRUMENTS)}
        instruments = {name: InstrumentMount.from_json(name, entries[name]) for name in entries if name in apart}
        mounts = {name: SensorMount.from_json(name, entries[name]) for name in entries if name not in apart}
        return cls(mounts=tuple(mounts.values()), instruments=tuple(instruments.values()))

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return the recipe's `rig`, every setting written out."""
        return {mount.name: mount.to_json() for mount in self.sensors}

    @property
    def sensors(self) -> tuple[SensorMount | InstrumentMount, ...]:
        """The cameras, then the instruments."""
        return (*self.mounts, *self.instruments)

    def find(self, name: str) -> SensorMount | InstrumentMount:
        """Return a sensor by its name.

        Raises:
            ValueError: If the rig has none of that name; the nearest is named.
        """
        sensors = {mount.name: mount for mount in self.sensors}
        if name not in sensors:
            raise ValueError(f"the rig has no sensor {name!r}; {nearest(name, sensors)}")
        return sensors[name]
