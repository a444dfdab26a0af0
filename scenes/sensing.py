"""Sensing: what a rig's sensors need of the renderer, what they read of it, and the arrays they fill."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.camera import apply_camera
from ..kernels.depth import apply_depth
from ..kernels.device import on_device
from ..kernels.incidence import cosine_of_incidence
from ..kernels.narrowing import mean_channels_on_device, repeat_on_device
from ..renderers.frames import Frames
from ..renderers.view import Camera
from .arrival import draw_arrival
from .pending_capture import PendingCapture
from .sensor_parameters import draw_profiles
from .sensors import SensorMount

Array = NDArray[Any]
_NANOSECONDS: Final = 1e9
# Reflectance in the near infrared follows no colour in particular: the mean of the three stands for it.
_THIRD: Final = np.float32(1.0 / 3.0)


def ideal_signals(mount: SensorMount, wanted: set[str], drawn: Collection[str]) -> list[str]:
    """List the renderer's outputs that a sensor reads.

    Args:
        mount: The sensor.
        wanted: Outputs of the recipe.
        drawn: Names of the scene's parameters, which may change the sensor's profile.
    """
    asked: list[str] = []
    if mount.camera is not None and wanted & {"rgb", "raw"}:
        asked.append("colour")
        camera: Any = mount.profile("camera")
        if camera.focus_distance > 0.0 or f"sensor.{mount.name}.camera.focus_distance" in drawn:
            asked.append("depth")
    if mount.depth is not None and "depth" in wanted:
        asked += ["depth", "normal", "albedo"]
    return asked


@dataclass(frozen=True, kw_only=True)
class Sensing:
    """Reads all sensors of a batch; a row's readings depend on its frames, its number and its parameters alone."""

    seed: int
    """Seed of the noise, range [0, 2^64)."""
    looks: int
    """Appearances per view."""
    device: str = "cpu"
    """Where the sensors run."""
    threads: int | None = None
    """CPU threads; None for all."""

    def sense(
        self,
        number: int,
        mount: SensorMount,
        frames: Frames,
        cameras: Sequence[Camera],
        pending: PendingCapture,
        place: NDArray[np.int64],
    ) -> None:
        """Fill `sensor/<name>/...` of some rows.

        Args:
            number: The sensor's place in the rig: it keeps its noise apart from the others'.
            mount: The sensor.
            frames: What was rendered for it, V views of L looks.
            cameras: Its camera in each view.
            pending: Takes the readings; its rows hold the truth already.
            place: Row of each view and look, shape (V L,).
        """
        name, rows = mount.name, pending.rows
        if f"sensor/{name}/rgb" in rows or f"sensor/{name}/raw" in rows:
            self._photograph(number, mount, frames, cameras, pending, place)
        if f"sensor/{name}/depth" in rows:
            self._measure_depth(number, mount, frames, cameras, pending, place)
        if mount.timing is not None:
            self._time(number, mount, rows, place)

    def _time(self, number: int, mount: SensorMount, rows: Mapping[str, Array], place: NDArray[np.int64]) -> None:
        """Draw when the images arrive and which are lost."""
        assert mount.timing is not None
        instant = np.rint(rows["state/time"][place] * _NANOSECONDS).astype(np.int64)
        arrival, delivered = draw_arrival(
            mount.timing, instant, seed=self.seed, index=rows["sample/index"][place], sensor=number
        )
        rows[f"sensor/{mount.name}/image_arrival"][place] = arrival
        rows[f"sensor/{mount.name}/image_delivered"][place] = delivered

    def _photograph(
        self,
        number: int,
        mount: SensorMount,
        frames: Frames,
        cameras: Sequence[Camera],
        pending: PendingCapture,
        place: NDArray[np.int64],
    ) -> None:
        name, looks, rows = mount.name, self.looks, pending.rows
        assert frames.colour is not None
        reading = apply_camera(
            frames.colour.reshape(-1, *frames.colour.shape[2:]),
            draw_profiles(mount, "camera", rows, place),
            seed=self.seed,
            index=rows["sample/index"][place],
            depth=None if frames.depth is None else _repeat(frames.depth, looks),
            fx=np.repeat([camera.fx for camera in cameras], looks),
            center=np.repeat([(camera.cx, camera.cy) for camera in cameras], looks, axis=0),
            unit=mount.unit << 16 | number,  # no two cameras of a rig are one specimen
            sensor=number,
            raw=f"sensor/{name}/raw" in rows,
            device=self.device,
            threads=self.threads,
        )
        if f"sensor/{name}/rgb" in rows:
            pending.put(f"sensor/{name}/rgb", place, reading.rgb)
        if f"sensor/{name}/raw" in rows:
            pending.put(f"sensor/{name}/raw", place, reading.raw)
        pending.put(f"sensor/{name}/exposure_time", place, reading.exposure_time)
        pending.after(lambda: _fill_exposure_start(rows, name, place))

    def _measure_depth(
        self,
        number: int,
        mount: SensorMount,
        frames: Frames,
        cameras: Sequence[Camera],
        pending: PendingCapture,
        place: NDArray[np.int64],
    ) -> None:
        name, looks, rows = mount.name, self.looks, pending.rows
        assert frames.normal is not None
        assert frames.albedo is not None
        fx, fy = (np.array([getattr(camera, side) for camera in cameras]) for side in ("fx", "fy"))
        center = np.array([(camera.cx, camera.cy) for camera in cameras])
        cosine = cosine_of_incidence(
            frames.normal, fx=fx, fy=fy, center=center, device=self.device, threads=self.threads
        )
        for look in range(looks):  # look by look: the ideal depth is one for all, surfaces and noise differ
            mine = place[look::looks]
            reflectance = _find_reflectance(frames.albedo, look)
            reading = apply_depth(
                frames.depth,
                draw_profiles(mount, "depth", rows, mine),
                fx=fx,
                fy=fy,
                center=center,
                seed=self.seed,
                index=rows["sample/index"][mine],
                cosine=cosine,
                infrared=reflectance,
                intensity=reflectance,  # what even light without a projector shows
                sensor=number,
                device=self.device,
                threads=self.threads,
            )
            pending.put(f"sensor/{name}/depth", mine, reading.depth)
            pending.put(f"sensor/{name}/depth_status", mine, reading.status)


def _fill_exposure_start(rows: Mapping[str, Array], name: str, place: NDArray[np.int64]) -> None:
    # The row's instant is the middle of the exposure.
    exposure = rows[f"sensor/{name}/exposure_time"][place]
    start = np.rint((rows["state/time"][place] - 0.5 * exposure) * _NANOSECONDS)
    rows[f"sensor/{name}/exposure_start"][place] = start.astype(np.int64)


def _repeat(per_view: Any, looks: int) -> Any:
    return repeat_on_device(per_view, looks) if on_device(per_view) else np.repeat(per_view, looks, axis=0)


def _find_reflectance(albedo: Any, look: int) -> Any:
    if on_device(albedo):
        return mean_channels_on_device(albedo, look)
    mine = albedo[:, look]
    return (mine[..., 0] + mine[..., 1] + mine[..., 2]) * _THIRD


def sensor_shapes(mount: SensorMount, slots: int, wanted: set[str]) -> dict[str, tuple[type, tuple[int, ...]]]:
    """List what a sensor adds to a row."""
    name, image = mount.name, (mount.height, mount.width)
    shapes: dict[str, tuple[type, tuple[int, ...]]] = {
        f"camera/{name}/intrinsics": (np.float64, (3, 3)),
        f"camera/{name}/pose_world_camera": (np.float64, (4, 4)),
    }
    if mount.camera is not None:
        if "rgb" in wanted:
            shapes[f"sensor/{name}/rgb"] = (np.uint8, (*image, 3))
        if "raw" in wanted:
            shapes[f"sensor/{name}/raw"] = (np.uint16, image)
        if wanted & {"rgb", "raw"}:
            shapes[f"sensor/{name}/exposure_time"] = (np.float64, ())
            shapes[f"sensor/{name}/exposure_start"] = (np.int64, ())
    if mount.timing is not None:
        shapes[f"sensor/{name}/image_arrival"] = (np.int64, ())
        shapes[f"sensor/{name}/image_delivered"] = (np.uint8, ())
    if "depth" in wanted and mount.depth is not None:
        shapes[f"sensor/{name}/depth"] = (np.float32, image)
        shapes[f"sensor/{name}/depth_status"] = (np.uint8, image)
    images: dict[str, tuple[str, type, tuple[int, ...]]] = {
        "ideal/depth": (f"ideal/{name}/depth", np.float32, image),
        "ideal/colour": (f"ideal/{name}/colour", np.float16, (*image, 3)),
        "ideal/range": (f"ideal/{name}/range", np.float32, image),
        "instance": (f"label/{name}/instance", np.uint16, image),
        "class": (f"label/{name}/class", np.uint8, image),
        "normal": (f"label/{name}/normal", np.float16, (*image, 3)),
        "object_coordinates": (f"label/{name}/object_coordinates", np.float16, (*image, 3)),
    }
    shapes |= {array: (dtype, shape) for output, (array, dtype, shape) in images.items() if output in wanted}
    if "boxes" in wanted:
        shapes |= {f"label/{name}/{box}": (np.float32, (slots, 4)) for box in ("box_visible", "box_amodal")}
    if "visibility" in wanted:
        counts = ("visible_pixels", "in_frame_pixels", "total_pixels")
        shapes |= {f"label/{name}/{count}": (np.int32, (slots,)) for count in counts}
        shapes[f"label/{name}/visible_fraction"] = (np.float32, (slots,))
    return shapes
