"""The arrays of a rig's instruments: LiDARs, inertial and body sensors, rangers and receivers."""

from __future__ import annotations

from typing import Final

from ...kernels.gnss_profile import GNSS_STATUS_NAMES
from ...kernels.lidar_reading import RETURN_NAMES
from ...kernels.ranger_reading import RANGER_STATUS_NAMES
from .array_spec import ArraySpec, array, number_names

_SERIES = ("row", "sample")
_RETURN = ("row", "beam", "echo")
_PAD = (*_SERIES, "taxel_row", "taxel_column")
_POSE = ("pose_row", "pose_column")
_NO_RETURN = "0: no return"
_LOST = "NaN where a sample was lost and none is held"

INSTRUMENT_SPECS: Final[tuple[ArraySpec, ...]] = (
    array("sensor/<sensor>/time", "<i8", _SERIES, "When a sample was taken, simulated time since the reset", unit="ns"),
    array("sensor/<sensor>/arrival", "<i8", _SERIES, "When a sample arrived, simulated time since the reset",
          unit="ns"),
    array("sensor/<sensor>/delivered", "|u1", _SERIES, "1 where a sample arrived, 0 where it was lost on the way"),
    array("sensor/<imu>/specific_force", "<f4", (*_SERIES, "xyz"), "Specific force as the accelerometers read it",
          unit="m/s^2", frame="sensor", invalid=_LOST),
    array("sensor/<imu>/angular_rate", "<f4", (*_SERIES, "xyz"), "Turn rate as the gyroscopes read it",
          unit="rad/s", frame="sensor", invalid=_LOST),
    array("sensor/<imu>/saturated", "|u1", (*_SERIES, "axis"),
          "1 where an axis is at the end of its range: gyroscopes, then accelerometers"),
    array("ideal/<imu>/specific_force", "<f8", (*_SERIES, "xyz"), "True specific force, the mean over the interval",
          unit="m/s^2", frame="sensor"),
    array("ideal/<imu>/angular_rate", "<f8", (*_SERIES, "xyz"), "True turn rate, the mean over the interval",
          unit="rad/s", frame="sensor"),
    array("ideal/<imu>/gyroscope_bias", "<f8", (*_SERIES, "xyz"), "True bias of the gyroscopes, all of its parts",
          unit="rad/s", frame="sensor"),
    array("ideal/<imu>/accelerometer_bias", "<f8", (*_SERIES, "xyz"), "True bias of the accelerometers",
          unit="m/s^2", frame="sensor"),
    array("ideal/<sensor>/pose_world_sensor", "<f8", (*_SERIES, *_POSE), "Pose that maps the sensor to the world",
          unit="m", frame="world"),
    array("sensor/<encoder>/joint_position", "<f8", (*_SERIES, "joint"), "Joint positions as encoders read them",
          unit="rad or m", invalid=_LOST),
    array("sensor/<encoder>/joint_velocity", "<f8", (*_SERIES, "joint"), "Joint velocities by the encoders' difference",
          unit="rad/s or m/s", invalid=_LOST),
    array("ideal/<encoder>/joint_position", "<f8", (*_SERIES, "joint"), "True joint positions", unit="rad or m"),
    array("ideal/<encoder>/joint_velocity", "<f8", (*_SERIES, "joint"), "True joint velocities",
          unit="rad/s or m/s"),
    array("sensor/<force_torque>/wrench", "<f4", (*_SERIES, "wrench"), "Force [N], then torque [Nm], as measured",
          unit="N, Nm", frame="sensor", invalid=_LOST),
    array("sensor/<force_torque>/contact_wrench", "<f4", (*_SERIES, "wrench"),
          "The same less what the measured tool's weight and inertia account for", unit="N, Nm", frame="sensor",
          invalid=_LOST),
    array("sensor/<force_torque>/overload", "|u1", (*_SERIES, "wrench"), "1 where a channel is beyond its range"),
    array("ideal/<force_torque>/wrench", "<f8", (*_SERIES, "wrench"), "True force and torque", unit="N, Nm",
          frame="sensor"),
    array("ideal/<force_torque>/contact_wrench", "<f8", (*_SERIES, "wrench"),
          "True force and torque less weight and inertia of all that hangs on the sensor", unit="N, Nm",
          frame="sensor"),
    array("sensor/<tactile>/normal_force", "<f4", _PAD, "Normal force on each taxel as measured", unit="N",
          frame="sensor", invalid=_LOST),
    array("ideal/<tactile>/normal_force", "<f4", _PAD, "True normal force on each taxel", unit="N", frame="sensor"),
    array("sensor/<ranger>/distance", "<f4", _SERIES, "Measured distance along the sensor's axis", unit="m",
          frame="sensor", invalid=_NO_RETURN),
    array("sensor/<ranger>/distance_status", "|u1", _SERIES,
          f"Why the distance is what it is: {number_names((*RANGER_STATUS_NAMES, 'lost'))}"),
    array("ideal/<ranger>/distance", "<f4", _SERIES, "Distance to the nearest surface of the cone, or none", unit="m",
          frame="sensor", invalid="0: no surface"),
    array("sensor/<gnss>/position", "<f8", (*_SERIES, "xyz"), "Measured position of the antenna", unit="m",
          frame="world", invalid="NaN: no fix, or lost"),
    array("sensor/<gnss>/velocity", "<f4", (*_SERIES, "xyz"), "Measured velocity of the antenna", unit="m/s",
          frame="world", invalid="NaN: no fix, or lost"),
    array("sensor/<gnss>/fix", "|u1", _SERIES, f"Kind of fix: {number_names(GNSS_STATUS_NAMES)}"),
    array("ideal/<gnss>/position", "<f8", (*_SERIES, "xyz"), "True position of the antenna", unit="m",
          frame="world"),
    array("ideal/<gnss>/velocity", "<f8", (*_SERIES, "xyz"), "True velocity of the antenna", unit="m/s",
          frame="world"),
    array("sensor/<odometry>/planar_pose", "<f8", (*_SERIES, "planar"),
          "x, y, yaw by the wheels, since one sample before the first",
          unit="m, m, rad", frame="base one sample before the first", invalid=_LOST),
    array("sensor/<odometry>/planar_twist", "<f8", (*_SERIES, "unicycle"), "Forward speed and yaw rate by the wheels",
          unit="m/s, rad/s", frame="base", invalid=_LOST),
    array("ideal/<odometry>/planar_pose", "<f8", (*_SERIES, "planar"), "True x, y, yaw, likewise",
          unit="m, m, rad", frame="base one sample before the first"),
    array("sensor/<lidar>/range", "<f4", _RETURN, "Measured range of each return, the reported order first", unit="m",
          frame="sensor", invalid=_NO_RETURN),
    array("sensor/<lidar>/intensity", "<f4", _RETURN, "Strength of each return as the sensor reports it",
          invalid=_NO_RETURN),
    array("sensor/<lidar>/point", "<f4", (*_RETURN, "xyz"),
          "Each return's point, in the frame that the sensor had at that beam's own time", unit="m", frame="sensor",
          invalid="0 0 0: no return"),
    array("sensor/<lidar>/beam_time", "<i8", ("row", "beam"),
          "When each beam was fired, simulated time since the reset", unit="ns"),
    array("sensor/<lidar>/ring", "<u2", ("row", "beam"), "Channel that fired each beam"),
    array("ideal/<lidar>/return_range", "<f4", _RETURN, "True range of the surface that made the return", unit="m",
          frame="sensor", invalid="0: no surface made it"),
    array("ideal/<lidar>/scan_pose_world_sensor", "<f8", ("row", "knot", *_POSE),
          "Poses of the sensor over the frame, to the world", unit="m", frame="world"),
    array("ideal/<lidar>/scan_pose_time", "<i8", ("row", "knot"),
          "Times of scan_pose_world_sensor, simulated time since the reset", unit="ns"),
    array("label/<lidar>/return_type", "|u1", _RETURN, f"What made the return: {number_names(RETURN_NAMES)}"),
    array("label/<lidar>/return_instance", "<u2", _RETURN, "Instance id of the surface", invalid="0: background"),
    array("label/<lidar>/return_class", "|u1", _RETURN, "Class id of the surface", invalid="0: background"),
    array("label/<lidar>/return_incidence", "<f4", _RETURN, "Cosine of the angle of incidence",
          invalid="0: no surface made it"),
)  # fmt: skip
"""Every kind of array that instruments fill."""
