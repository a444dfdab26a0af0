"""The rig of a recipe: which sensors there are, what they read and what carries them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator  # noqa: TID253 (one of its homes)

from ..kernels.profile_json import profile_to_json
from .errors import UsageError
from .profile_file import load_profile_file


class RecipeModel(BaseModel):
    """What every part of a recipe is: frozen, its keys known, its numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class RigSensor(RecipeModel):
    """One sensor of the rig: a colour camera, a depth camera, or both behind one pinhole."""

    camera: str | dict[str, Any] | None = None
    """Profile of the colour camera: a name that `simloom profiles` lists, a profile file, or what such a file holds."""
    depth: str | dict[str, Any] | None = None
    """Profile of the depth camera, likewise."""
    width: int = Field(default=128, ge=8, le=4096)
    """Image width [px]."""
    height: int = Field(default=128, ge=8, le=4096)
    """Image height [px]."""
    mount: str = "world"
    """What carries it: `world`, where each view places it anew, or `<robot>/<link>`."""
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Camera centre in the frame of the mount [m]."""
    quaternion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    """Rotation from the camera's axes to the mount's, xyzw."""
    field_of_view: float | None = Field(default=None, gt=0.0, lt=3.14159)
    """Horizontal angle [rad]; null: drawn by the scene."""
    lens: dict[str, Any] | None = None
    """Distortion, e.g. {model: brown_conrady, coefficients: [-0.1, 0.02, 0, 0]}; null: a pinhole."""
    unit: int = Field(default=0, ge=0, lt=1 << 31)
    """Which specimen of the camera it is: each has a fixed pattern of its own."""

    @field_validator("camera", "depth", mode="before")
    @classmethod
    def _read_profile_file(cls, given: Any) -> Any:
        # A recipe holds the profile itself, so that a dataset can be made again without the file.
        if isinstance(given, str) and given.endswith((".yaml", ".yml")):
            try:
                return profile_to_json(load_profile_file(given))
            except UsageError as error:
                raise ValueError(str(error)) from error
        return given

    @model_validator(mode="after")
    def _has_a_reading(self) -> RigSensor:
        if self.camera is None and self.depth is None:
            raise ValueError("a sensor of the rig needs a profile: camera: generic_rgb, depth: realsense_d435, or both")
        return self
