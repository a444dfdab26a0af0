"""Ultrasonic and optical rangers of a rig: one distance a sample, of what lies in a cone."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.observation_timing import ObservationTiming
from ...kernels.ranger import apply_ranger
from ...kernels.ranger_beam import RangerProfile, ranger_directions
from ...kernels.ranger_reading import RANGER_STATUS_NAMES
from ...kernels.ultrasonic_profile import UltrasonicProfile
from ...renderers.rays import RayCaster
from ...renderers.scan import ScanHits, cast_scan
from .mount import InstrumentMount
from .moving_world import mount_poses, world_states
from .reader import InstrumentReader, InstrumentSetup, Shapes
from .recorded_rows import RecordedRows

_NANOSECONDS: Final = 1e9
_FAR: Final = 20.0
"""How far the truth reaches at least [m]."""
LOST: Final = len(RANGER_STATUS_NAMES)
"""Status of a sample that was lost on the way."""


class RangerReader(InstrumentReader):
    """Reads a ranger; each sample looks at the world as it was then."""

    def __init__(self, mount: InstrumentMount, setup: InstrumentSetup) -> None:
        super().__init__(mount, setup)
        self.profile: RangerProfile = mount.profile("ranger")
        self.caster = RayCaster(setup.library, device=setup.device, threads=setup.threads)

    @staticmethod
    def default_timing(profile: Any) -> ObservationTiming:
        """Return when it is read where its mount does not say."""
        timing: ObservationTiming = profile.timing
        return timing

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        name, series = self.name, (self.samples,)
        return self.series_shapes() | {
            f"sensor/{name}/distance": (np.float32, series),
            f"sensor/{name}/distance_status": (np.uint8, series),
            f"ideal/{name}/distance": (np.float32, series),
        }

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule, name = self.schedule(recording), self.name
        profiles = self.profiles(recording)
        looks = recording.rows["sample/look"][recording.place]
        shape = schedule.measured.shape
        distance, status = np.empty(shape, np.float32), np.empty(shape, np.uint8)
        truth = np.empty(shape, np.float32)
        noise = self.noise(recording)
        for row in range(len(recording.place)):
            profile = profiles[row] if isinstance(profiles, list) else profiles
            hits = self._look(recording, row, int(looks[row]), profile, schedule.measured[row])
            reading = apply_ranger(
                hits.range[0],
                profile,
                **noise | {"index": np.repeat(recording.index[row], self.samples)},
                cosine=hits.cosine[0],
                # Paint is nothing to sound.
                reflectance=None if isinstance(profile, UltrasonicProfile) else hits.reflectance[0],
                number=np.arange(self.samples),
            )
            distance[row], status[row], truth[row] = reading.range, reading.status, reading.truth
        recording.write(f"ideal/{name}/distance", truth)
        self.receive(recording, schedule, "distance", distance, lost=0.0)
        self.receive(recording, schedule, "distance_status", status, lost=LOST)

    def _look(
        self, recording: RecordedRows, row: int, look: int, profile: RangerProfile, stamps: NDArray[np.int64]
    ) -> ScanHits:
        """Cast the cone of each sample of a row."""
        stage, motion = recording.stages[recording.stage[row]], recording.motions[recording.stage[row]]
        # The instants of the physics that are nearest to the samples.
        nearest = np.unique(np.abs(motion.time[:, None] - stamps).argmin(axis=0))
        states, times = world_states(stage.snapshots[recording.view[row]], motion, nearest)
        directions = np.broadcast_to(ranger_directions(profile).direction, (len(stamps), profile.ray_count, 3))
        start = int(stamps[0])
        reach = profile.range_max if isinstance(profile, UltrasonicProfile) else profile.unambiguous_range
        return cast_scan(
            self.caster,
            [states],
            np.zeros(directions.shape),
            directions,
            (stamps - start) / _NANOSECONDS,
            pose=mount_poses(self.mount, motion),
            pose_time=motion.time,
            start=start,
            snapshot_time=times,
            far=max(_FAR, 2.0 * reach),
            look=look,
        )
