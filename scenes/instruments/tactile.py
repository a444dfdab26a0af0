"""Tactile pads of a rig: what presses on a link, spread over taxels; the pad's z points out of it."""

from __future__ import annotations

import numpy as np

from ...kernels.pad_contacts import contacts_on_pad
from ...kernels.tactile import apply_tactile
from ...kernels.tactile_profile import TactileProfile
from .interpolation import find_between
from .mount import InstrumentMount
from .reader import InstrumentReader, InstrumentSetup, Shapes
from .recorded_rows import RecordedRows


class TactileReader(InstrumentReader):
    """Reads a tactile pad on a link."""

    def __init__(self, mount: InstrumentMount, setup: InstrumentSetup) -> None:
        super().__init__(mount, setup)
        self.profile: TactileProfile = mount.profile("tactile")

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        pad = (self.samples, self.profile.row_count, self.profile.column_count)
        return self.series_shapes() | {
            f"sensor/{self.name}/normal_force": (np.float32, pad),
            f"ideal/{self.name}/normal_force": (np.float32, pad),
        }

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule, mount, profile = self.schedule(recording), self.mount, self.profile
        contacts = recording.gather(
            lambda motion: contacts_on_pad(
                motion.touch[mount.mount],
                mount.pose_mount_sensor,
                width=profile.pitch * profile.column_count,
                height=profile.pitch * profile.row_count,
            )
        )
        # Contacts come and go: a sample sees those of the last step before it.
        place, share = find_between(recording.gather(lambda motion: motion.time), schedule.measured)
        place = np.where(share >= 1.0, np.minimum(place + 1, contacts.shape[1] - 1), place)
        seen = contacts[np.arange(len(contacts))[:, None], place]
        reading = apply_tactile(
            seen, self.profiles(recording), rate=float(self.timing.sampling_rate), **self.noise(recording)
        )
        recording.write(f"ideal/{self.name}/normal_force", reading.truth)
        self.receive(recording, schedule, "normal_force", reading.force)
