"""Capture: stages in, rows of a dataset out. Renders a batch, runs the sensors, gathers labels and truth."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.frames import Frames
from ..renderers.raster.raster import Raster
from ..renderers.snapshot import Snapshot
from ..renderers.view import Camera
from .box_corners import box_corners as box_corners
from .calibration import has_errors
from .instruments.reader import InstrumentReader
from .instruments.readers import make_readers
from .instruments.recorded_rows import RecordedRows
from .labelling import fill_labels
from .pending_capture import PendingCapture
from .row_shapes import CONTACT_SHAPES, OBJECT_SHAPES, SAMPLE_TYPES, TASK_TYPES
from .scenario import Scenario
from .scene import Scene
from .sensing import Sensing, ideal_signals, sensor_shapes
from .sensors import SensorMount
from .stage import Stage

if TYPE_CHECKING:
    from ..kernels.device_stream import PinnedMemory, Stream

Array = NDArray[Any]

OUTPUTS: Final = (
    "rgb", "raw", "depth", "instance", "class", "normal", "object_coordinates", "boxes", "poses", "visibility",
    "contacts", "ideal/depth", "ideal/colour", "ideal/range",
)  # fmt: skip
"""What may be asked of a capture."""

_AT_ONCE: Final = {"cpu": 64 * 2**20, "cuda": 2**30}
"""Size of an episode's frames that are rendered at once [byte]."""


@dataclass(frozen=True, kw_only=True)
class Capturer:
    """Makes rows out of stages; a row depends on its stage and its number alone.

    Example:
        >>> capturer = Capturer(scene=scene, outputs=("rgb", "depth"), seed=7, views=4, looks=2)
        >>> rows = capturer.allocate(8)
        >>> seconds = capturer.fill([scene.stage(scenario)], rows, start=0)
    """

    scene: Scene
    """Whose rig, library, slots and pads are used."""
    outputs: tuple[str, ...]
    """Names out of `OUTPUTS`."""
    seed: int
    """Seed of the sensors' noise, range [0, 2^64)."""
    views: int
    """Rig placements per scenario."""
    looks: int
    """Appearances per view."""
    device: str = "cpu"
    """Where rendering and sensing run."""
    supersample: int = 2
    """Colour samples per pixel side."""
    threads: int | None = None
    """CPU threads; None for all."""
    apart: bool = False
    """Whether a CUDA device is waited for after each step of the work: it tells what each takes, slowing the whole."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.outputs if name not in OUTPUTS]
        if unknown:
            raise ValueError(f"unknown outputs {', '.join(unknown)}; there are {', '.join(OUTPUTS)}")

    @property
    def rows_per_instant(self) -> int:
        """Rows of one instant: views times looks."""
        return self.views * self.looks

    @property
    def rows_per_scenario(self) -> int:
        """Rows of one stage: its instants times views times looks."""
        return self.scene.horizon * self.rows_per_instant

    @property
    def row_bytes(self) -> int:
        """Size of one row, uncompressed [byte]."""
        return sum(
            np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64)) for dtype, shape in self.shapes.values()
        )

    @property
    def shapes(self) -> dict[str, tuple[type, tuple[int, ...]]]:
        """Type and shape of one row of every array, by name."""
        scene, slots, wanted = self.scene, self.scene.slots, set(self.outputs)
        shapes: dict[str, tuple[type, tuple[int, ...]]] = {f"sample/{n}": (t, ()) for n, t in SAMPLE_TYPES.items()}
        if scene.space.size:
            shapes["sample/u"] = (np.float64, (scene.space.size,))
        for parameter in scene.space:
            tail = () if parameter.value_count == 1 else (parameter.value_count,)
            shapes[f"param/{parameter.name}"] = (np.float64, tail)
        for mount in scene.rig.mounts:
            shapes |= sensor_shapes(mount, slots, wanted)
            if has_errors(scene.space):
                shapes[f"camera/{mount.name}/nominal_intrinsics"] = (np.float64, (3, 3))
                shapes[f"camera/{mount.name}/nominal_pose_world_camera"] = (np.float64, (4, 4))
        for reader in self._readers:
            shapes |= reader.shapes()
        if "poses" in wanted:
            shapes |= {f"object/{name}": (dtype, (slots, *tail)) for name, (dtype, tail) in OBJECT_SHAPES.items()}
        joints = len(scene.joint_names)
        if joints:
            shapes |= {f"state/{name}": (np.float64, (joints,)) for name in ("joint_position", "joint_velocity")}
            if has_errors(scene.space, "joint_offset"):
                shapes["state/joint_reported"] = (np.float64, (joints,))
        shapes |= {"state/time": (np.float64, ()), "state/settle_steps": (np.int32, ())}
        if "contacts" in wanted:
            shapes["state/contact_count"] = (np.int32, ())
            pad = scene.contact_pad
            shapes |= {f"state/{name}": (dtype, (pad, *tail)) for name, (dtype, tail) in CONTACT_SHAPES.items()}
        if self.scene.action_count:
            shapes |= {f"task/{name}": (dtype, ()) for name, dtype in TASK_TYPES.items()}
            shapes["task/action"] = (np.float32, (self.scene.action_count,))
        return shapes

    def allocate(self, rows: int) -> dict[str, Array]:
        """Make zeroed arrays for some rows.

        Args:
            rows: Number of rows.

        Returns:
            Every array of the dataset by name, rows leading.
        """
        return {name: np.zeros((rows, *shape), dtype) for name, (dtype, shape) in self.shapes.items()}

    def fill(
        self, stages: Sequence[Stage], rows: Mapping[str, Array], *, start: int, steps: Collection[int] | None = None
    ) -> dict[str, float]:
        """Fill the rows of some stages.

        Args:
            stages: Stages of consecutive scenarios, V views and L looks each, with all instants of their episodes where
                the scene has some.
            rows: Arrays from `allocate`.
            start: Where in the arrays the first stage's first row goes.
            steps: Instants whose sensors are read; None = all. Rows of others hold what needs no picture.

        Returns:
            Seconds by step of the work: "render", "sensors" and "gather".

        Raises:
            ValueError: If a stage has other views, looks or instants, or does not fit the scene's pads.
        """
        return self.begin(stages, rows, start=start, steps=steps).finish()

    def begin(
        self, stages: Sequence[Stage], rows: Mapping[str, Array], *, start: int, steps: Collection[int] | None = None
    ) -> PendingCapture:
        """Begin to fill the rows of some stages; on the CPU that is all the work.

        On a CUDA device the work is queued: rendering, sensors and the download. Others may be begun before these are
        finished. To be called from one thread.

        Args:
            stages: As for `fill`.
            rows: As for `fill`; not to be read before it is finished.
            start: As for `fill`.
            steps: As for `fill`.

        Returns:
            What fills the rows when it is finished.

        Raises:
            ValueError: As `fill`.
        """
        queue = self._queue
        stream, memory = (None, None) if queue is None else queue[:2]
        pending = PendingCapture(rows, looks=self.looks, stream=stream, memory=memory, apart=self.apart)
        instants = [instant for stage in stages for instant in self._instants(stage)]
        at_once = max(_AT_ONCE[self.device] // self.instant_bytes, 1)
        most = len(instants) if self.scene.horizon == 1 else at_once
        for first in range(0, len(instants), most):
            chosen = instants[first : first + most]
            self._fill_instants(chosen, first, pending, start + first * self.rows_per_instant, steps)
        pending.close()
        return pending

    @cached_property
    def _queue(self) -> tuple[Stream, PinnedMemory, Stream] | None:
        """Where the device's work is queued, where downloads land, and where instruments run beside it."""
        if self.device != "cuda":
            return None
        from ..kernels.device_stream import PinnedMemory, Stream

        return Stream(), PinnedMemory(), Stream()

    def _queued(self, *, beside: bool) -> AbstractContextManager[None]:
        if self._queue is None:
            return contextlib.nullcontext()
        work, _, instruments = self._queue
        return (instruments if beside else work).use()

    @property
    def instant_bytes(self) -> int:
        """About what rendering one instant of one scenario takes [byte]."""
        pixels = sum(mount.width * mount.height for mount in self.scene.rig.mounts)
        return max(pixels * self.views * (12 * self.looks + 32), 1)

    def _instants(self, stage: Stage) -> Sequence[Stage]:
        """Return a stage's instants; of one that failed, itself over and over."""
        horizon = self.scene.horizon
        if not stage.valid:
            return [stage] * horizon
        instants = stage.instants or (stage,)
        if len(instants) != horizon:
            raise ValueError(f"the stage has {len(instants)} instants, not {horizon}")
        return instants

    def _fill_instants(
        self,
        stages: Sequence[Stage],
        number: int,
        pending: PendingCapture,
        start: int,
        steps: Collection[int] | None,
    ) -> None:
        """Fill the rows of some instants, counted over all stages from `number` on."""
        rows = pending.rows
        with pending.timed("gather"):
            drawn: dict[str, Array] = {}
            for position, stage in enumerate(stages):
                first = start + position * self.rows_per_instant
                step = (number + position) % self.scene.horizon
                if not position or stage.scenario is not stages[position - 1].scenario:
                    drawn = self._resolve(stage.scenario)
                mine = {name: array[first : first + self.rows_per_instant] for name, array in rows.items()}
                self._fill_truth(stage, step, drawn, mine)
        live = [
            position
            for position, stage in enumerate(stages)
            if stage.valid and (steps is None or (number + position) % self.scene.horizon in steps)
        ]
        if not live:
            return
        chosen = [stages[i] for i in live]
        # Instruments are waited for: they come first, and beside what earlier captures have queued.
        with pending.timed("sensors"), self._queued(beside=True):
            if self._readers:
                recording = self._record(chosen, live, rows, start)
                for reader in self._readers:
                    reader.read(recording)
        with self._queued(beside=False):
            for sensor, mount in enumerate(self.scene.rig.mounts):
                self._fill_sensor(sensor, mount, chosen, live, pending, start)

    def _record(
        self, stages: Sequence[Stage], live: Sequence[int], rows: Mapping[str, Array], start: int
    ) -> RecordedRows:
        count = self.rows_per_instant
        row = np.arange(len(live) * count)
        return RecordedRows(
            stages=stages,
            stage=row // count,
            view=row % count // self.looks,
            place=(np.array(live)[:, None] * count + start + np.arange(count)).reshape(-1),
            rows=rows,
        )

    def _resolve(self, scenario: Scenario) -> dict[str, Array]:
        """Return what the rows of each instant of a scenario hold of its draw, by name."""
        if (scenario.view_count, scenario.look_count) != (self.views, self.looks):
            raise ValueError(
                f"the stage has {scenario.view_count} views and {scenario.look_count} looks, "
                f"not {self.views} and {self.looks}"
            )
        count, space = self.rows_per_instant, self.scene.space
        values = space.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)
        drawn: dict[str, Array] = {
            "sample/log_density": space.log_density(values, self.views, self.looks).reshape(count)
        }
        if space.size:
            drawn["sample/u"] = scenario.u.reshape(count, -1)
        for name, value in space.spread(values, self.views, self.looks).items():
            drawn[f"param/{name}"] = value.reshape(count, *value.shape[2:])
        return drawn

    def _fill_truth(self, stage: Stage, step: int, drawn: Mapping[str, Array], rows: Mapping[str, Array]) -> None:
        scenario, views, looks = stage.scenario, self.views, self.looks
        count = self.rows_per_instant
        rows["sample/index"][:] = scenario.index * self.rows_per_scenario + step * count + np.arange(count)
        rows["sample/step"][:] = step
        rows["sample/scenario"][:] = scenario.index
        rows["sample/view"][:] = np.repeat(np.arange(views), looks)
        rows["sample/look"][:] = np.tile(np.arange(looks), views)
        rows["sample/valid"][:] = stage.valid
        rows["sample/reason"][:] = int(stage.reason)
        rows["sample/attempt"][:] = scenario.attempt
        rows["sample/seed"][:] = np.uint64(scenario.seed)
        rows["sample/weight"][:] = scenario.weight
        for name, array in drawn.items():
            rows[name][:] = array
        if not stage.valid:
            return
        for name, array in stage.task.items():
            rows[f"task/{name}"][:] = array
        for name, array in stage.state.items():
            if f"state/{name}" in rows:
                rows[f"state/{name}"][:] = array
        if "object/valid" in rows:
            for name, array in stage.object.items():
                rows[f"object/{name}"][:] = array
            if "box_corners" not in stage.object:
                rows["object/box_corners"][:] = box_corners(stage.object)

    def _fill_sensor(
        self,
        number: int,
        mount: SensorMount,
        stages: Sequence[Stage],
        live: Sequence[int],
        pending: PendingCapture,
        start: int,
    ) -> None:
        snapshots = [snapshot for stage in stages for snapshot in stage.snapshots]
        cameras = [camera for stage in stages for camera in stage.cameras[mount.name]]
        count, name = self.rows_per_instant, mount.name
        if len(snapshots) != len(cameras) or len(cameras) != len(stages) * self.views:
            raise ValueError(f"stages must have {self.views} snapshots and cameras {name!r} each, got {len(cameras)}")
        place = (np.array(live)[:, None] * count + start + np.arange(count)).reshape(-1)
        with pending.timed("render"):
            frames = self._render(mount, snapshots, cameras)
        with pending.timed("sensors"):
            self._sensing.sense(number, mount, frames, cameras, pending, place)
        with pending.timed("gather"):
            believed = [camera for stage in stages for camera in stage.nominal_cameras.get(name, stage.cameras[name])]
            fill_labels(pending, name, frames, cameras, believed, place)

    @cached_property
    def _raster(self) -> Raster:
        # One for all batches: it keeps decoded textures and working memory.
        return Raster(self.scene.library, device=self.device, supersample=self.supersample, threads=self.threads)

    @cached_property
    def _readers(self) -> tuple[InstrumentReader, ...]:
        return make_readers(self.scene, seed=self.seed, device=self.device, threads=self.threads)

    @cached_property
    def _sensing(self) -> Sensing:
        return Sensing(seed=self.seed, looks=self.looks, device=self.device, threads=self.threads)

    def _render(self, mount: SensorMount, snapshots: Sequence[Snapshot], cameras: Sequence[Camera]) -> Frames:
        wanted, asked = set(self.outputs), list[str]()
        asked += ideal_signals(mount, wanted, self.scene.space.names)
        if "ideal/colour" in wanted:
            asked.append("colour")
        if "ideal/depth" in wanted:
            asked.append("depth")
        if "normal" in wanted:
            asked.append("normal")
        for output, frame in _DIRECT.items():
            if output in wanted:
                asked.append(frame)
        if wanted & {"boxes", "visibility"}:
            asked += ["visible_pixels", "in_frame_pixels", "total_pixels"]
        return self._raster.render(
            snapshots, cameras, outputs=tuple(dict.fromkeys(asked)), instance_count=self.scene.slots
        )


_DIRECT: Final = {
    "instance": "instance",
    "class": "class_id",
    "object_coordinates": "object_coordinates",
    "ideal/range": "range",
}
