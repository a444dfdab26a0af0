"""Ground floor: arrays in, arrays out. Random streams, sensor physics, and their launch on CPU and CUDA.

Names are resolved when they are first used, so that importing the room costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .augment import CameraAugment as CameraAugment
    from .augment import DepthAugment as DepthAugment
    from .beam_optics import BeamOptics as BeamOptics
    from .beam_optics import find_optics as find_optics
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
    from .deskew import deskew_points as deskew_points
    from .device import Device as Device
    from .device import Kernel as Kernel
    from .device import available_devices as available_devices
    from .device import describe_devices as describe_devices
    from .device import platform_key as platform_key
    from .device import scalar as scalar
    from .encoder import EncoderHistory as EncoderHistory
    from .encoder import EncoderReading as EncoderReading
    from .encoder import apply_encoder as apply_encoder
    from .encoder_profile import EncoderProfile as EncoderProfile
    from .exposure_control import ExposureControl as ExposureControl
    from .exposure_control import advance_exposure as advance_exposure
    from .force_torque import ForceTorqueHistory as ForceTorqueHistory
    from .force_torque import ForceTorqueReading as ForceTorqueReading
    from .force_torque import apply_force_torque as apply_force_torque
    from .force_torque_profile import ForceTorqueProfile as ForceTorqueProfile
    from .geodesy import enu_from_geodetic as enu_from_geodetic
    from .geodesy import geodetic_from_enu as geodetic_from_enu
    from .gnss import GnssHistory as GnssHistory
    from .gnss import GnssReading as GnssReading
    from .gnss import apply_gnss as apply_gnss
    from .gnss_profile import GNSS_STATUS_NAMES as GNSS_STATUS_NAMES
    from .gnss_profile import GnssProfile as GnssProfile
    from .incidence import cosine_of_incidence as cosine_of_incidence
    from .inertial import InertialReading as InertialReading
    from .inertial import apply_imu as apply_imu
    from .inertial_profile import InertialProfile as InertialProfile
    from .inertial_truth import inertial_motion as inertial_motion
    from .infrared_imager import InfraredImager as InfraredImager
    from .infrared_imager import expose_infrared as expose_infrared
    from .jpeg import compress_jpeg as compress_jpeg
    from .lens import Lens as Lens
    from .lens import distort_points as distort_points
    from .lens import project_directions as project_directions
    from .lens import undistort_points as undistort_points
    from .lens import unproject_points as unproject_points
    from .lidar import apply_lidar as apply_lidar
    from .lidar_beam import aim_rays as aim_rays
    from .lidar_beam import subray_offsets as subray_offsets
    from .lidar_pattern import LidarPattern as LidarPattern
    from .lidar_pattern import make_pattern as make_pattern
    from .lidar_profile import LidarProfile as LidarProfile
    from .lidar_reading import RETURN_NAMES as RETURN_NAMES
    from .lidar_reading import LidarReading as LidarReading
    from .observation_timing import ObservationTiming as ObservationTiming
    from .odometry import OdometryHistory as OdometryHistory
    from .odometry import OdometryReading as OdometryReading
    from .odometry import apply_odometry as apply_odometry
    from .odometry_profile import OdometryProfile as OdometryProfile
    from .optical_ranger_profile import OpticalRangerProfile as OpticalRangerProfile
    from .optics import apply_optics as apply_optics
    from .pad_contacts import contacts_on_pad as contacts_on_pad
    from .pattern_csv import load_pattern_csv as load_pattern_csv
    from .philox import philox_uniforms as philox_uniforms
    from .philox import stream_key as stream_key
    from .points import points_from_ranges as points_from_ranges
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
    from .resampling import resample_means as resample_means
    from .resampling import sample_instants as sample_instants
    from .schedule import Observation as Observation
    from .schedule import Schedule as Schedule
    from .schedule import observe as observe
    from .schedule import sample_times as sample_times
    from .sharpen import sharpen_image as sharpen_image
    from .stereo_matching import SemiGlobalMatcher as SemiGlobalMatcher
    from .stereo_matching import match_stereo as match_stereo
    from .stereo_profile import StereoProfile as StereoProfile
    from .strapdown import InertialPath as InertialPath
    from .strapdown import integrate_inertial as integrate_inertial
    from .structured_light_profile import StructuredLightProfile as StructuredLightProfile
    from .tactile import TactileHistory as TactileHistory
    from .tactile import TactileReading as TactileReading
    from .tactile import apply_tactile as apply_tactile
    from .tactile_profile import TactileProfile as TactileProfile
    from .time_of_flight_profile import TimeOfFlightProfile as TimeOfFlightProfile
    from .tool_load import RigidTool as RigidTool
    from .tool_load import ToolEstimate as ToolEstimate
    from .tool_load import compensate_wrench as compensate_wrench
    from .tool_load import identify_tool as identify_tool
    from .tool_load import move_tool as move_tool
    from .tool_load import tool_wrench as tool_wrench
    from .trajectory import interpolate_trajectory as interpolate_trajectory
    from .transforms import compose_pose as compose_pose
    from .transforms import invert_pose as invert_pose
    from .transforms import look_at as look_at
    from .transforms import pose_from_position_quaternion as pose_from_position_quaternion
    from .transforms import quaternion_from_pose as quaternion_from_pose
    from .transforms import transform_points as transform_points
    from .ultrasonic_profile import UltrasonicProfile as UltrasonicProfile
    from .weather import Weather as Weather
    from .weather_echo import WeatherEchoes as WeatherEchoes
    from .weather_echo import draw_weather_echoes as draw_weather_echoes
    from .white_balance import WhiteBalanceControl as WhiteBalanceControl
    from .white_balance import advance_white_balance as advance_white_balance
    from .white_balance import balance_levels as balance_levels
    from .white_balance import estimate_white_balance as estimate_white_balance

_HOMES = {
    "EncoderHistory": "encoder",
    "EncoderReading": "encoder",
    "apply_encoder": "encoder",
    "EncoderProfile": "encoder_profile",
    "ForceTorqueHistory": "force_torque",
    "ForceTorqueReading": "force_torque",
    "apply_force_torque": "force_torque",
    "ForceTorqueProfile": "force_torque_profile",
    "TactileHistory": "tactile",
    "TactileReading": "tactile",
    "apply_tactile": "tactile",
    "TactileProfile": "tactile_profile",
    "contacts_on_pad": "pad_contacts",
    "RigidTool": "tool_load",
    "ToolEstimate": "tool_load",
    "compensate_wrench": "tool_load",
    "identify_tool": "tool_load",
    "move_tool": "tool_load",
    "tool_wrench": "tool_load",
    "BeamOptics": "beam_optics",
    "find_optics": "beam_optics",
    "Weather": "weather",
    "WeatherEchoes": "weather_echo",
    "draw_weather_echoes": "weather_echo",
    "deskew_points": "deskew",
    "points_from_ranges": "points",
    "interpolate_trajectory": "trajectory",
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
    "aim_rays": "lidar_beam",
    "subray_offsets": "lidar_beam",
    "apply_lidar": "lidar",
    "LidarPattern": "lidar_pattern",
    "make_pattern": "lidar_pattern",
    "LidarProfile": "lidar_profile",
    "LidarReading": "lidar_reading",
    "RETURN_NAMES": "lidar_reading",
    "load_pattern_csv": "pattern_csv",
    "InertialProfile": "inertial_profile",
    "InertialReading": "inertial",
    "apply_imu": "inertial",
    "inertial_motion": "inertial_truth",
    "InertialPath": "strapdown",
    "integrate_inertial": "strapdown",
    "resample_means": "resampling",
    "sample_instants": "resampling",
    "InfraredImager": "infrared_imager",
    "expose_infrared": "infrared_imager",
    "Lens": "lens",
    "distort_points": "lens",
    "project_directions": "lens",
    "undistort_points": "lens",
    "unproject_points": "lens",
    "enu_from_geodetic": "geodesy",
    "geodetic_from_enu": "geodesy",
    "GNSS_STATUS_NAMES": "gnss_profile",
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
