"""What is measured of LiDARs, inertial, body and navigation sensors: data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LidarCase:
    """Returns of a LiDAR against NumPy."""

    name: str
    profile: str
    """Built-in profile."""
    frames: int
    firings: int
    """Firings of a frame."""
    subrays: int
    """Sub-rays of a beam."""
    threads: int


@dataclass(frozen=True, kw_only=True)
class ScanCase:
    """Weather, de-skewing, and the whole way of a LiDAR."""

    name: str
    kind: str
    """rain, deskew or scan."""
    frames: int
    firings: int
    """Firings of a frame, at most the profile's."""
    few: int = 2000
    """Points of one repeat of what takes a point at a time."""
    profile: str = "velodyne_vlp16"
    """Built-in profile of the whole way."""


@dataclass(frozen=True, kw_only=True)
class BodyCase:
    """An encoder, a force/torque sensor or a tactile pad against NumPy."""

    name: str
    profile: str
    """Built-in profile."""
    robots: int
    samples: int


@dataclass(frozen=True, kw_only=True)
class InertialCase:
    """An inertial unit against loops and filters in Python."""

    name: str
    robots: int
    samples: int
    """Samples of each robot."""
    threads: int
    few: int = 12_800
    """Samples in all of one repeat of a loop in Python."""


@dataclass(frozen=True, kw_only=True)
class NavigationCase:
    """Series of a navigation sensor against NumPy."""

    name: str
    kernel: str
    """gnss, odometry, ultrasonic, optical or timing."""
    rows: int
    """Robots."""
    samples: int
    """Samples of each."""
    threads: int


LIDAR = (
    LidarCase(name="VLP-16, 7 sub-rays", profile="velodyne_vlp16", frames=1, firings=28928, subrays=7, threads=1),
    LidarCase(name="VLP-16, single rays", profile="velodyne_vlp16", frames=1, firings=28928, subrays=1, threads=1),
    LidarCase(name="OS1-64, 7 sub-rays", profile="ouster_os1_64", frames=1, firings=65536, subrays=7, threads=1),
)
SCANS = (
    ScanCase(name="rain, 25 mm/h", kind="rain", frames=10, firings=28928),
    ScanCase(name="de-skewing", kind="deskew", frames=10, firings=28928),
    ScanCase(name="VLP-16 in a yard, rain", kind="scan", frames=2, firings=28928),
)
BODY = tuple(
    BodyCase(name=f"{profile}, {robots} x {samples}", profile=profile, robots=robots, samples=samples)
    for robots, samples in ((64, 1000), (1, 10_000))
    for profile in ("ams_as5048", "incremental_encoder", "robotiq_ft300s", "tactile_pad_4x4")
)
INERTIAL = (
    InertialCase(name="1 robot", robots=1, samples=200_000, threads=1),
    InertialCase(name="64 robots", robots=64, samples=3_125, threads=1),
)
NAVIGATION = (
    NavigationCase(name="gnss, 256 robots", kernel="gnss", rows=256, samples=400, threads=1),
    NavigationCase(name="gnss, 16 robots", kernel="gnss", rows=16, samples=400, threads=1),
    NavigationCase(name="odometry, 256 robots", kernel="odometry", rows=256, samples=400, threads=1),
    NavigationCase(name="odometry, 16 robots", kernel="odometry", rows=16, samples=400, threads=1),
    NavigationCase(name="ultrasonic, 128 rays", kernel="ultrasonic", rows=64, samples=64, threads=1),
    NavigationCase(name="optical, 64 rays", kernel="optical", rows=64, samples=256, threads=1),
    NavigationCase(name="timing, 256 robots", kernel="timing", rows=256, samples=400, threads=1),
)
