"""The rig of a recipe: which sensors there are, what they read and what carries them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator  # noqa: TID253 (one of its homes)

from ..kernels.profile_json import profile_to_json
from .errors import UsageError
from .profile_file import load_profile_file


class RecipeModel(BaseModel):
    """What every part of a recipe is: frozen, its keys known, its numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


_INSTRUMENTS = ("lidar", "imu", "encoder", "force_torque", "tactile", "ranger", "gnss", "odometry")
_IMAGE_KEYS = ("width", "height", "field_of_view", "intrinsics", "lens", "camera_info")
_TOLD = ("width", "height", "field_of_view", "intrinsics", "lens")
"""What a camera info tells."""


class RigSensor(RecipeModel):
    """One sensor of the rig: a camera (colour, depth, or both behind one pinhole) or one that takes no images."""

    camera: str | dict[str, Any] | None = None
    """Profile of the colour camera: a name that `simloom profiles` lists, a profile file, or what such a file holds."""
    depth: str | dict[str, Any] | None = None
    """Profile of the depth camera, likewise."""
    lidar: str | dict[str, Any] | None = None
    """Profile of a LiDAR, likewise."""
    imu: str | dict[str, Any] | None = None
    """Profile of an inertial measurement unit, likewise."""
    encoder: str | dict[str, Any] | None = None
    """Profile of the encoders of all joints, likewise."""
    force_torque: str | dict[str, Any] | None = None
    """Profile of a force/torque sensor between a link and what carries it, likewise."""
    tactile: str | dict[str, Any] | None = None
    """Profile of a tactile pad on a link, likewise."""
    ranger: str | dict[str, Any] | None = None
    """Profile of an ultrasonic or optical ranger, likewise."""
    gnss: str | dict[str, Any] | None = None
    """Profile of a satellite receiver, likewise."""
    odometry: str | dict[str, Any] | None = None
    """Profile of the wheel odometry, likewise."""
    width: int = Field(default=128, ge=8, le=4096)
    """Image width [px]."""
    height: int = Field(default=128, ge=8, le=4096)
    """Image height [px]."""
    mount: str = "world"
    """What carries it: `world`, where each view places it anew, or `<robot>/<link>`."""
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Camera centre, or the sensor's origin, in the frame of the mount [m]."""
    quaternion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    """Rotation from the sensor's axes to the mount's, xyzw; cameras: x right, y down; others: x forward, z up."""
    field_of_view: float | None = Field(default=None, gt=0.0, lt=3.14159)
    """Horizontal angle [rad]; null: drawn by the scene."""
    intrinsics: dict[str, float] | None = None
    """Camera matrix {fx, fy, cx, cy} [px]; null: square pixels and the principal point in the middle."""
    camera_info: dict[str, Any] | None = None
    """ROS camera info file, which tells width, height, intrinsics and lens; or what such a file tells."""
    lens: dict[str, Any] | None = None
    """Distortion, e.g. {model: brown_conrady, coefficients: [-0.1, 0.02, 0, 0]}; null: a pinhole."""
    unit: int = Field(default=0, ge=0, lt=1 << 31)
    """Which specimen of the sensor it is: each has fixed errors of its own."""
    timing: dict[str, Any] | None = None
    """When it is read: sampling_rate, phase, delay, jitter, dropout, missing; null: the profile's rate, no delay."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, given: Any) -> Any:
        """Take null for a size that is not given, as one writes over a recipe that gives it."""
        if not isinstance(given, Mapping):
            return given
        return {key: value for key, value in given.items() if key not in ("width", "height") or value is not None}

    @field_validator("camera", "depth", *_INSTRUMENTS, mode="before")
    @classmethod
    def _read_profile_file(cls, given: Any) -> Any:
        # A recipe holds the profile itself, so that a dataset can be made again without the file.
        if isinstance(given, str) and given.endswith((".yaml", ".yml")):
            try:
                return profile_to_json(load_profile_file(given))
            except UsageError as error:
                raise ValueError(str(error)) from error
        return given

    @field_validator("camera_info", mode="before")
    @classmethod
    def _read_camera_info(cls, given: Any) -> Any:
        # Likewise: the recipe holds what the file tells.
        if not isinstance(given, str):
            return given
        from .calibration.camera_info import load_camera_info

        try:
            info = load_camera_info(given)
        except UsageError as error:
            raise ValueError(str(error)) from error
        lens = {"model": info.lens.model, "coefficients": list(info.lens.coefficients)}
        return {
            "width": info.width,
            "height": info.height,
            "intrinsics": {"fx": info.fx, "fy": info.fy, "cx": info.cx, "cy": info.cy},
            "lens": lens if any(info.lens.coefficients) or info.lens.model != "brown_conrady" else None,
        }

    @model_validator(mode="after")
    def _is_one_sensor(self) -> RigSensor:
        instruments = [kind for kind in _INSTRUMENTS if getattr(self, kind) is not None]
        is_camera = self.camera is not None or self.depth is not None
        if not is_camera and not instruments:
            raise ValueError(
                "a sensor of the rig needs a profile: camera: generic_rgb, depth: realsense_d435, or both; or one of "
                f"{', '.join(_INSTRUMENTS)}"
            )
        if len(instruments) + is_camera > 1:
            given = [*(["a camera"] if is_camera else []), *instruments]
            raise ValueError(
                f"a sensor of the rig is one thing, got {' and '.join(given)}; give each a name of its own"
            )
        if wrong := [key for key in _IMAGE_KEYS if instruments and key in self.model_fields_set]:
            raise ValueError(f"{wrong[0]} is for cameras; leave it out for {instruments[0]}")
        if self.camera_info is not None:
            if sorted(self.camera_info) != sorted({*_TOLD} - {"field_of_view"}):
                raise ValueError("camera_info is the path of a ROS camera info file, e.g. camera_info: head.yaml")
            default = {key: type(self).model_fields[key].default for key in _TOLD}
            if wrong := [key for key in _TOLD if getattr(self, key) != default[key]]:
                raise ValueError(
                    f"camera_info tells {wrong[0]}; leave {wrong[0]} or camera_info out ({wrong[0]}: null takes back "
                    "what a recipe gives)"
                )
        return self

    def settings(self) -> dict[str, Any]:
        """Return what a scene's rig takes of it: the keys that its kind of sensor has."""
        given = self.model_dump(mode="json")
        given |= given.pop("camera_info") or {}
        kind = next((kind for kind in _INSTRUMENTS if given[kind] is not None), None)
        if kind is None:
            return {key: value for key, value in given.items() if key not in _INSTRUMENTS}
        shared = ("mount", "position", "quaternion", "unit", "timing")
        return {kind: given[kind], **{key: given[key] for key in shared}}
