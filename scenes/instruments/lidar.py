"""LiDARs of a rig: one frame that ends at the row's instant, cast beam by beam from where the sensor then was."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.lidar import apply_lidar
from ...kernels.lidar_beam import aim_rays
from ...kernels.lidar_pattern import make_pattern
from ...kernels.lidar_profile import LidarProfile
from ...kernels.observation_timing import ObservationTiming
from ...kernels.points import points_from_ranges
from ...kernels.weather import Weather
from ...renderers.rays import RayCaster
from ...renderers.scan import ScanHits, cast_scan
from ...renderers.snapshot import Snapshot
from ..arrival import draw_arrival
from ..motion import Motion
from .mount import InstrumentMount
from .moving_world import mount_poses, world_states
from .reader import InstrumentReader, InstrumentSetup, Shapes
from .recorded_rows import RecordedRows

Array = NDArray[Any]
_NANOSECONDS: Final = 1e9
_CLEAR: Final = Weather()
_LEAST: Final = 1e-6
"""Rain, snow [mm/h] or extinction [1/m] below this is none."""


class LidarReader(InstrumentReader):
    """Reads a LiDAR."""

    def __init__(self, mount: InstrumentMount, setup: InstrumentSetup) -> None:
        super().__init__(mount, setup)
        self.samples = 1  # a frame
        self.profile: LidarProfile = mount.profile("lidar")
        self.caster = RayCaster(setup.library, device=setup.device, threads=setup.threads)

    @classmethod
    def needed_window(cls, mount: InstrumentMount) -> float:
        """Return how much motion it needs before a row's instant [s]: a frame, however often frames are read."""
        return _frame_time(mount.profile("lidar"))

    @staticmethod
    def default_timing(profile: Any) -> ObservationTiming:
        """Return when frames arrive where the mount does not say: at once, and all of them."""
        return ObservationTiming(sampling_rate=profile.frame_rate)

    @property
    def knots(self) -> int:
        """Instants of the motion that a frame takes, one before it included."""
        return math.ceil(self.setup.steps_per_second * _frame_time(self.profile)) + 1

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        name, beams = self.name, self.profile.firing_count
        returns = (beams, self.profile.max_returns)
        return self.series_shapes() | {
            f"sensor/{name}/range": (np.float32, returns),
            f"sensor/{name}/intensity": (np.float32, returns),
            f"sensor/{name}/point": (np.float32, (*returns, 3)),
            f"sensor/{name}/beam_time": (np.int64, (beams,)),
            f"sensor/{name}/ring": (np.uint16, (beams,)),
            f"ideal/{name}/return_range": (np.float32, returns),
            f"ideal/{name}/scan_pose_time": (np.int64, (self.knots,)),
            f"ideal/{name}/scan_pose_world_sensor": (np.float64, (self.knots, 4, 4)),
            f"label/{name}/return_type": (np.uint8, returns),
            f"label/{name}/return_instance": (np.uint16, returns),
            f"label/{name}/return_class": (np.uint8, returns),
            f"label/{name}/return_incidence": (np.float32, returns),
        }

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        instant, index = recording.instant, recording.index
        arrival, delivered = draw_arrival(
            self.timing, instant, seed=self.setup.seed, index=index, sensor=self.setup.number
        )
        recording.write(f"sensor/{self.name}/time", instant[:, None])
        recording.write(f"sensor/{self.name}/arrival", arrival[:, None])
        recording.write(f"sensor/{self.name}/delivered", delivered[:, None])
        profiles = self.profiles(recording)
        looks = recording.rows["sample/look"][recording.place]
        for row, place in enumerate(recording.place.tolist()):
            profile = profiles[row] if isinstance(profiles, list) else profiles
            stage = recording.stages[recording.stage[row]]
            motion = recording.motions[recording.stage[row]]
            filled = self._scan(
                profile,
                motion,
                stage.snapshots[recording.view[row]],
                int(looks[row]),
                int(index[row]),
                _read_weather(recording, place),
            )
            for name, values in filled.items():
                target = recording.rows[name]
                target[place] = np.asarray(values).astype(target.dtype, copy=False)

    def _scan(
        self, profile: LidarProfile, motion: Motion, snapshot: Snapshot, look: int, index: int, weather: Weather
    ) -> dict[str, Array]:
        name, setup, mount = self.name, self.setup, self.mount
        end = int(motion.time[-1])
        start = end - math.ceil(_NANOSECONDS * _frame_time(profile))
        pattern = make_pattern(profile, first_time=max(start, 0) / _NANOSECONDS)
        origins, directions = aim_rays(
            pattern, profile, seed=setup.seed, index=[index], sensor=setup.number, threads=setup.threads
        )
        knots = slice(-self.knots, None)
        times = motion.time[knots]
        poses = mount_poses(mount, motion, knots)
        states, stamps = world_states(snapshot, motion, knots)
        hits = cast_scan(
            self.caster,
            [states],
            origins[0],
            directions[0],
            pattern.time,
            pose=poses,
            pose_time=times,
            start=start,
            snapshot_time=stamps,
            far=profile.range_max,
            look=look,
        )
        reading = apply_lidar(
            hits.range,
            profile,
            seed=setup.seed,
            index=[index],
            cosine=hits.cosine,
            reflectance=hits.reflectance,
            surface=hits.row,
            weather=None if weather is _CLEAR else weather,
            sensor=setup.number,
            device=setup.device,
            threads=setup.threads,
        )
        points = points_from_ranges(reading.range, pattern.directions, pattern.origin, threads=setup.threads)
        return {
            f"sensor/{name}/range": reading.range[0],
            f"sensor/{name}/intensity": reading.intensity[0],
            f"sensor/{name}/point": points[0],
            f"sensor/{name}/beam_time": hits.time[0],
            f"sensor/{name}/ring": pattern.ring,
            f"ideal/{name}/return_range": reading.truth[0],
            f"ideal/{name}/scan_pose_time": times,
            f"ideal/{name}/scan_pose_world_sensor": poses,
            f"label/{name}/return_type": reading.return_type[0],
            **self._label(hits, reading.subray[0]),
        }

    def _label(self, hits: ScanHits, subray: NDArray[np.int16]) -> dict[str, Array]:
        """Return what the sub-ray of each return met."""
        found = subray >= 0
        chosen = np.maximum(subray, 0)
        beams = np.arange(len(subray))[:, None]
        met = {
            "return_instance": hits.instance[0][beams, chosen],
            "return_class": hits.class_id[0][beams, chosen],
            "return_incidence": hits.cosine[0][beams, chosen],
        }
        return {f"label/{self.name}/{name}": np.where(found, values, 0) for name, values in met.items()}


def _frame_time(profile: LidarProfile) -> float:
    """Return the time from a frame's start to its last firing at most [s]: its first column may be a period late."""
    return 1.0 / profile.frame_rate + profile.period


def _read_weather(recording: RecordedRows, place: int) -> Weather:
    """Return the air of a row: the parameters `weather.rain_rate`, `snow_rate` and `fog_extinction` of its scene."""

    def drawn(name: str) -> float:
        values = recording.rows.get(f"param/weather.{name}")
        value = 0.0 if values is None else float(values[place])
        return value if value >= _LEAST else 0.0

    fog = drawn("fog_extinction")
    visibility = math.log(20.0) / fog if fog > 0.0 else math.inf
    found = Weather(rain_rate=drawn("rain_rate"), snow_rate=drawn("snow_rate"), visibility=visibility)
    return _CLEAR if found.is_clear else found
