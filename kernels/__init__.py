"""Ground floor: arrays in, arrays out. Random streams, sensor physics, and their launch on CPU and CUDA.

Names are resolved when they are first used, so that importing the room costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .augment import CameraAugment as CameraAugment
    from .augment import DepthAugment as DepthAugment
    from .camera import CameraReading as CameraReading
    from .camera import apply_camera as apply_camera
    from .camera_laws import draw_eld_profiles as draw_eld_profiles
    from .camera_laws import draw_unprocessing_profiles as draw_unprocessing_profiles
    from .camera_profile import CameraProfile as CameraProfile
    from .depth import apply_depth as apply_depth
    from .depth_filters import DepthFilters as DepthFilters
    from .depth_filters import DepthHistory as DepthHistory
    from .depth_filters import FilteredDepth as FilteredDepth
    from .depth_filters import filter_depth as filter_depth
    from .depth_reading import STATUS_NAMES as STATUS_NAMES
    from .depth_reading import DepthReading as DepthReading
    from .device import Device as Device
    from .device import Kernel as Kernel
    from .device import available_devices as available_devices
    from .device import describe_devices as describe_devices
    from .device import platform_key as platform_key
    from .device import scalar as scalar
    from .exposure_control import ExposureControl as ExposureControl
    from .exposure_control import advance_exposure as advance_exposure
    from .geodesy import enu_from_geodetic as enu_from_geodetic
    from .geodesy import geodetic_from_enu as geodetic_from_enu
    from .gnss import GNSS_STATUS_NAMES as GNSS_STATUS_NAMES
    from .gnss import GnssHistory as GnssHistory
    from .gnss import GnssReading as GnssReading
    from .gnss import apply_gnss as apply_gnss
    from .gnss_profile import GnssProfile as GnssProfile
    from .incidence import cosine_of_incidence as cosine_of_incidence
    from .infrared_imager import InfraredImager as InfraredImager
    from .infrared_imager import expose_infrared as expose_infrared
    from .jpeg import compress_jpeg as compress_jpeg
    from .lens import Lens as Lens
    from .lens import distort_points as distort_points
    from .lens import project_directions as project_directions
    from .lens import undistort_points as undistort_points
    from .lens import unproject_points as unproject_points
    from .observation_timing import ObservationTiming as ObservationTiming
    from .odometry import OdometryHistory as OdometryHistory
    from .odometry import OdometryReading as OdometryReading
    from .odometry import apply_odometry as apply_odometry
    from .odometry_profile import OdometryProfile as OdometryProfile
    from .optical_ranger_profile import OpticalRangerProfile as OpticalRangerProfile
    from .optics import apply_optics as apply_optics
    from .philox import philox_uniforms as philox_uniforms
    from .philox import stream_key as stream_key
    from .profile_json import profile_from_json as profile_from_json
    from .profile_json import profile_to_json as profile_to_json
    from .profiles import describe_profile as describe_profile
    from .profiles import list_profiles as list_profiles
    from .profiles import load_profile as load_profile
    from .ranger import apply_ranger as apply_ranger
    from .ranger_beam import RangerBeam as RangerBeam
    from .ranger_beam import ranger_directions as ranger_directions
    from .ranger_reading import RANGER_STATUS_NAMES as RANGER_STATUS_NAMES
    from .ranger_reading import RangerReading as RangerReading
    from .schedule import Observation as Observation
    from .schedule import Schedule as Schedule
    from .schedule import observe as observe
    from .schedule import sample_times as sample_times
    from .sharpen import sharpen_image as sharpen_image
    from .stereo_matching import SemiGlobalMatcher as SemiGlobalMatcher
    from .stereo_matching import match_stereo as match_stereo
    from .stereo_profile import StereoProfile as StereoProfile
    from .structured_light_profile import StructuredLightProfile as StructuredLightProfile
    from .time_of_flight_profile import TimeOfFlightProfile as TimeOfFlightProfile
    from .transforms import compose_pose as compose_pose
    from .transforms import invert_pose as invert_pose
    from .transforms import look_at as look_at
    from .transforms import pose_from_position_quaternion as pose_from_position_quaternion
    from .transforms import quaternion_from_pose as quaternion_from_pose
    from .transforms import transform_points as transform_points
    from .ultrasonic_profile import UltrasonicProfile as UltrasonicProfile
    from .white_balance import WhiteBalanceControl as WhiteBalanceControl
    from .white_balance import advance_white_balance as advance_white_balance
    from .white_balance import balance_levels as balance_levels
    from .white_balance import estimate_white_balance as estimate_white_balance

_HOMES = {
    "DepthFilters": "depth_filters",
    "DepthHistory": "depth_filters",
    "FilteredDepth": "depth_filters",
    "filter_depth": "depth_filters",
    "apply_optics": "optics",
    "sharpen_image": "sharpen",
    "compress_jpeg": "jpeg",
    "ExposureControl": "exposure_control",
    "advance_exposure": "exposure_control",
    "WhiteBalanceControl": "white_balance",
    "advance_white_balance": "white_balance",
    "balance_levels": "white_balance",
    "estimate_white_balance": "white_balance",
    "draw_eld_profiles": "camera_laws",
    "draw_unprocessing_profiles": "camera_laws",
    "CameraAugment": "augment",
    "DepthAugment": "augment",
    "DepthReading": "depth_reading",
    "STATUS_NAMES": "depth_reading",
    "apply_depth": "depth",
    "cosine_of_incidence": "incidence",
    "CameraReading": "camera",
    "apply_camera": "camera",
    "Device": "device",
    "Kernel": "device",
    "available_devices": "device",
    "describe_devices": "device",
    "platform_key": "device",
    "scalar": "device",
    "InfraredImager": "infrared_imager",
    "expose_infrared": "infrared_imager",
    "Lens": "lens",
    "distort_points": "lens",
    "project_directions": "lens",
    "undistort_points": "lens",
    "unproject_points": "lens",
    "enu_from_geodetic": "geodesy",
    "geodetic_from_enu": "geodesy",
    "GNSS_STATUS_NAMES": "gnss",
    "GnssHistory": "gnss",
    "GnssReading": "gnss",
    "apply_gnss": "gnss",
    "GnssProfile": "gnss_profile",
    "OdometryHistory": "odometry",
    "OdometryReading": "odometry",
    "apply_odometry": "odometry",
    "OdometryProfile": "odometry_profile",
    "OpticalRangerProfile": "optical_ranger_profile",
    "apply_ranger": "ranger",
    "RangerBeam": "ranger_beam",
    "ranger_directions": "ranger_beam",
    "RANGER_STATUS_NAMES": "ranger_reading",
    "RangerReading": "ranger_reading",
    "UltrasonicProfile": "ultrasonic_profile",
    "ObservationTiming": "observation_timing",
    "Observation": "schedule",
    "Schedule": "schedule",
    "observe": "schedule",
    "sample_times": "schedule",
    "philox_uniforms": "philox",
    "stream_key": "philox",
    "CameraProfile": "camera_profile",
    "profile_from_json": "profile_json",
    "profile_to_json": "profile_json",
    "describe_profile": "profiles",
    "list_profiles": "profiles",
    "load_profile": "profiles",
    "SemiGlobalMatcher": "stereo_matching",
    "match_stereo": "stereo_matching",
    "StereoProfile": "stereo_profile",
    "TimeOfFlightProfile": "time_of_flight_profile",
    "StructuredLightProfile": "structured_light_profile",
    "compose_pose": "transforms",
    "invert_pose": "transforms",
    "look_at": "transforms",
    "pose_from_position_quaternion": "transforms",
    "quaternion_from_pose": "transforms",
    "transform_points": "transforms",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
