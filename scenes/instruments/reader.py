"""Instrument readers: what every sensor without images does with the motions of a batch."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.observation_timing import ObservationTiming
from ...kernels.schedule import Schedule, sample_times
from ..arrival import settle_phase
from ..sensor_parameters import draw_profiles
from .mount import InstrumentMount
from .recorded_rows import RecordedRows

if TYPE_CHECKING:
    from ...renderers.mesh_library import MeshLibrary
    from ..motion import WheelDrive

Array = NDArray[Any]
Shapes = dict[str, tuple[type, tuple[int, ...]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class InstrumentSetup:
    """What a reader must know of its scene and of how a batch is made."""

    number: int
    """The instrument's place among the rig's: it keeps its noise apart from the others'."""
    window: float
    """Length of the recorded motions [s]."""
    steps_per_second: float
    """Instants of a motion per second [Hz]."""
    slides: tuple[bool, ...]
    """For each joint of the scene whether it slides."""
    drive: WheelDrive | None
    """How the robot rolls, None where it does not."""
    library: MeshLibrary
    """Meshes of the snapshots."""
    seed: int
    """Seed of the noise, range [0, 2^64)."""
    device: str = "cpu"
    """Where the sensors run."""
    threads: int | None = None
    """CPU threads; None for all."""


MOST_SAMPLES: Final = 1_000_000
"""Samples of one sensor that a row may hold."""


class InstrumentReader(ABC):
    """Reads one instrument of a rig; a row's readings depend on its motion, its number and its parameters alone.

    Args:
        mount: The instrument.
        setup: Its scene, and how it is run.

    Raises:
        ValueError: If the scene does not give what the instrument feels.
    """

    lead: ClassVar[int] = 0
    """Periods of the recorded motion that its first sample needs before it."""

    def __init__(self, mount: InstrumentMount, setup: InstrumentSetup) -> None:
        self.mount = mount
        self.setup = setup
        self.timing = settle_phase(mount.timing or self.default_timing(mount.profile(mount.kind)))
        self.samples = int(setup.window * float(self.timing.sampling_rate) + 1e-9) - self.lead
        if self.samples > MOST_SAMPLES:
            raise ValueError(
                f"sensor {mount.name!r} would take {self.samples} samples in each row, {MOST_SAMPLES} at most are "
                "stored; lower its timing.sampling_rate or the window"
            )
        needed = self.needed_window(mount)
        if setup.window < needed * (1.0 - 1e-9):
            raise ValueError(
                f"sensor {mount.name!r} needs {needed:g} s of motion before a row's instant, and {setup.window:g} s "
                f"are recorded; set window to at least {needed:g} s"
            )

    @classmethod
    def needed_window(cls, mount: InstrumentMount) -> float:
        """Return how much motion it needs before a row's instant [s]."""
        timing = mount.timing or cls.default_timing(mount.profile(mount.kind))
        return (1 + cls.lead) / float(timing.sampling_rate)

    @staticmethod
    def default_timing(profile: Any) -> ObservationTiming:
        """Return when it is read where its mount does not say: at its profile's rate, at once, and always."""
        return ObservationTiming(sampling_rate=profile.rate)

    @abstractmethod
    def shapes(self) -> Shapes:
        """List what it adds to a row: type and shape by name."""

    @abstractmethod
    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""

    @property
    def name(self) -> str:
        """Its name in the dataset."""
        return self.mount.name

    def series_shapes(self) -> Shapes:
        """List the arrays that tell when samples were taken and whether they arrived."""
        return {
            f"sensor/{self.name}/time": (np.int64, (self.samples,)),
            f"sensor/{self.name}/arrival": (np.int64, (self.samples,)),
            f"sensor/{self.name}/delivered": (np.uint8, (self.samples,)),
        }

    def schedule(self, recording: RecordedRows) -> Schedule:
        """Return when the newest samples before each row's instant are taken, and write it down."""
        end = recording.instant + 1
        length = max(round(self.setup.window * 1e9), math.ceil(self.timing.period))
        setup = self.setup
        found = sample_times(
            self.timing, end - length, end, seed=setup.seed, index=recording.index, sensor=setup.number
        )
        found = take_newest(found, self.samples)
        # Who samples with jitter may be due within the window and measure beside it.
        within = np.clip(found.measured, recording.start[:, None], recording.instant[:, None])
        found = dataclasses.replace(found, measured=within)
        recording.write(f"sensor/{self.name}/time", found.measured)
        recording.write(f"sensor/{self.name}/arrival", found.arrival)
        recording.write(f"sensor/{self.name}/delivered", found.delivered)
        return found

    def profiles(self, recording: RecordedRows) -> Any:
        """Return its profile, or one for each row where numbers of it are drawn."""
        return draw_profiles(self.mount, self.mount.kind, recording.rows, recording.place)

    def noise(self, recording: RecordedRows) -> dict[str, Any]:
        """Return what addresses the draws of a batch."""
        setup = self.setup
        return {
            "seed": setup.seed,
            "index": recording.index,
            "sensor": setup.number,
            "unit": self.mount.unit,
            "device": setup.device,
            "threads": setup.threads,
        }

    def receive(
        self, recording: RecordedRows, schedule: Schedule, name: str, values: Array, *, lost: float | None = None
    ) -> None:
        """Write a reading as its receiver has it: what was lost is held, or NaN, or `lost` among whole numbers."""
        filled = fill_lost(values, schedule.delivered, self.timing.missing, lost=lost)
        recording.write(f"sensor/{self.name}/{name}", filled)


def take_newest(schedule: Schedule, samples: int) -> Schedule:
    """Return the newest samples of each row alone.

    Args:
        schedule: Samples of R rows.
        samples: How many to keep, at most what each row has.
    """
    rows = np.arange(len(schedule.count))[:, None]
    kept = schedule.count[:, None] - samples + np.arange(samples)
    arrays = {name: getattr(schedule, name)[rows, kept] for name in ("number", "measured", "arrival", "delivered")}
    return dataclasses.replace(schedule, **arrays, count=np.full(len(rows), samples, np.int64))


def fill_lost(values: Array, delivered: NDArray[Any], missing: str, *, lost: float | None = None) -> Array:
    """Replace samples that were lost: by the one before ("hold"), or by NaN.

    Args:
        values: Samples, shape (R, K, ...); whole numbers are held, or 0 where there is none before.
        delivered: Whether each arrived, shape (R, K).
        missing: "hold" or "nan".
        lost: What stands for nothing; None for NaN, or 0 among whole numbers.

    Returns:
        A new array where anything was lost.
    """
    kept = np.asarray(delivered, bool)
    if kept.all():
        return values
    filled = np.array(values)
    nothing = lost if lost is not None else np.nan if filled.dtype.kind == "f" else 0
    for k in range(kept.shape[1]):
        gone = ~kept[:, k]
        filled[gone, k] = filled[gone, k - 1] if missing == "hold" and k > 0 else nothing
    return filled
