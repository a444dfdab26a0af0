"""Calibration: the values of a sensor's profile from a team's own recordings, each with its interval."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .camera_info import load_camera_info as load_camera_info
    from .camera_info import write_camera_info as write_camera_info
    from .depth_noise import WallRecording as WallRecording
    from .depth_noise import measure_depth_noise as measure_depth_noise
    from .inertial_log import InertialLog as InertialLog
    from .inertial_log import load_inertial_log as load_inertial_log
    from .inertial_noise import measure_inertial_noise as measure_inertial_noise
    from .lens_calibration import calibrate_lens as calibrate_lens
    from .lens_calibration import calibrate_lens_from_folder as calibrate_lens_from_folder
    from .photon_transfer import Recording as Recording
    from .photon_transfer import measure_photon_transfer as measure_photon_transfer

_HOMES = {
    "InertialLog": "inertial_log",
    "Recording": "photon_transfer",
    "WallRecording": "depth_noise",
    "calibrate_lens": "lens_calibration",
    "calibrate_lens_from_folder": "lens_calibration",
    "load_camera_info": "camera_info",
    "load_inertial_log": "inertial_log",
    "measure_depth_noise": "depth_noise",
    "measure_inertial_noise": "inertial_noise",
    "measure_photon_transfer": "photon_transfer",
    "write_camera_info": "camera_info",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
