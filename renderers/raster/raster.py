"""Raster: renders batches of (snapshot, camera) views."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, require_device
from ...kernels.transfer import free_bytes, to_device
from ..frames import OUTPUTS, Frames
from ..mesh_library import MeshLibrary
from ..shutter import render_exposure
from ..snapshot import Snapshot
from ..textures import linear_to_srgb
from ..view import Camera
from .albedo import fill_albedo
from .amodal import fill_totals
from .chunk import MAX_LAMP_SIDE, Chunk
from .deformation import deform
from .display import fill_srgb
from .flow import fill_flow
from .keypoints import fill_keypoints
from .lens_faces import LensCache
from .levels import copy_array
from .occlusion import plan_taps
from .outputs import allocate_outputs, name_filled
from .packing import pack_cameras, pack_worlds
from .tables import Geometry, Skies, Textures, Views, tabulate_geometry, tabulate_skies, tabulate_textures
from .workspace import Workspace

CHUNK_BYTES = 256 * 2**20
"""Working memory of one chunk of views."""
DEVICE_BYTES = 4 * 2**30
"""The same on a CUDA device, where many views fill it; no more than a quarter of what is free."""


@dataclass(frozen=True)
class Raster:
    """Batch software rasterizer: exact labels, shadowed colour in linear light.

    The result of a view depends on its snapshot and camera alone: never on the batch, the threads or the order.

    Raises:
        ValueError: If an option is out of range.
        RuntimeError: If the device is not here.

    Example:
        >>> raster = Raster(library)
        >>> frames = raster.render([snapshot], [camera], outputs=("colour", "depth"))
    """

    library: MeshLibrary
    """Meshes and textures that snapshots point into."""
    _: KW_ONLY
    device: str = "cpu"
    """"cpu" or "cuda"."""
    shadow: bool = True
    """Whether the sun casts shadows."""
    ambient_occlusion: bool = True
    """Whether near surfaces hide the sky from each other."""
    supersample: int = 1
    """Colour samples per pixel side: 1, 2 or 4. Labels always come from the pixel's centre."""
    lod: Literal["auto", "exact"] = "auto"
    """"auto" picks meshes within half a pixel of full detail, "exact" always draws full detail."""
    shadow_resolution: int | None = None
    """Texels per side of a shadow map; None takes 256 to 2048 by the colour samples per row."""
    white: float = 1.0
    """Radiance that becomes 255 in the output "srgb" [W/(sr m^2)], > 0."""
    threads: int | None = None
    """CPU threads; None takes `kernels.thread_count()`."""
    _geometry: Geometry = field(init=False, repr=False, compare=False)
    _textures: Textures = field(init=False, repr=False, compare=False)
    _skies: Skies = field(init=False, repr=False, compare=False)
    _lenses: LensCache = field(default_factory=LensCache, init=False, repr=False, compare=False)
    _workspace: Workspace = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.supersample not in (1, 2, 4):
            raise ValueError(f"supersample must be 1, 2 or 4, got {self.supersample}")
        if self.lod not in ("auto", "exact"):
            raise ValueError(f'lod must be "auto" or "exact", got {self.lod!r}')
        if self.shadow_resolution is not None and not 64 <= self.shadow_resolution <= 8192:
            raise ValueError(f"shadow_resolution must be in [64, 8192], got {self.shadow_resolution}")
        if not (math.isfinite(self.white) and self.white > 0):
            raise ValueError(f"white must be a finite radiance > 0, got {self.white}")
        require_device(self.device)
        object.__setattr__(self, "_workspace", Workspace(self.device))
        object.__setattr__(self, "_geometry", tabulate_geometry(self.library))
        object.__setattr__(self, "_textures", tabulate_textures(self.library))
        object.__setattr__(self, "_skies", tabulate_skies(self.library))

    def render(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        *,
        view_snapshot: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        outputs: Sequence[str] = ("colour", "depth", "instance"),
        instance_count: int | None = None,
        out: Frames | None = None,
    ) -> Frames:
        """Render V views.

        Args:
            snapshots: The worlds, all with the same number of looks.
            cameras: One camera per view, all of one image size.
            view_snapshot: Row of the snapshot that each view shows, shape (V,); None: view i shows snapshot i.
            outputs: Names out of `frames.OUTPUTS`.
            instance_count: Instance ids S that pixels are counted for; None takes the largest id present.
            out: Frames of an earlier call with the same outputs and sizes, to be written over: fresh memory costs up
                to a tenth of the time. None makes new ones.

        Returns:
            The frames, with every output that was asked for, in the arrays of `out` where it is given.

        Raises:
            ValueError: If there are no views, sizes differ, or a name or row is unknown.
        """
        views = self._check(snapshots, cameras, view_snapshot, outputs)
        if any(camera.shutter is not None for camera in cameras):
            return self._expose(snapshots, cameras, views, outputs, instance_count, out)
        bent = [view for view, camera in enumerate(cameras) if camera.lens is not None]
        refused = [name for name in outputs if name.startswith("flow") or name == "keypoints"]
        if bent and refused:
            raise ValueError(f"{', '.join(refused)} cannot be had through a lens, and view {bent[0]} has one")
        sizes = {(camera.width, camera.height) for camera in cameras}
        if len(sizes) > 1:
            raise ValueError(f"all cameras of one call must have one size, got {sorted(sizes)}; use render_mixed")
        width, height = cameras[0].width, cameras[0].height
        looks = snapshots[0].look_count
        if instance_count is None:
            instance_count = max(int(s.instance.max(initial=0)) for s in snapshots)
        points = max(len(snapshot.keypoint_row) for snapshot in snapshots)
        filled = allocate_outputs(outputs, len(cameras), looks, height, width, instance_count, points, out, self.device)
        lamps = max(snapshot.lighting.lamp_kind.shape[1] for snapshot in snapshots)
        for first, end in self._split(cameras, views, looks, lamps):
            self._render_chunk(snapshots, cameras[first:end], views[first:end], first, end, filled, instance_count)
        return Frames(**{name: array for name, array in filled.items() if name in name_filled(outputs)})

    def render_mixed(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        *,
        view_snapshot: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        outputs: Sequence[str] = ("colour", "depth", "instance"),
        instance_count: int | None = None,
    ) -> tuple[Frames, ...]:
        """Render V views of different image sizes.

        Args:
            snapshots: As for `render`.
            cameras: One camera per view.
            view_snapshot: As for `render`.
            outputs: As for `render`.
            instance_count: As for `render`.

        Returns:
            The frames of each view, in order, with a leading axis of length 1: the bytes that `render` gives.

        Raises:
            ValueError: As `render`, but for sizes that differ.
        """
        views = self._check(snapshots, cameras, view_snapshot, outputs)
        groups: dict[tuple[int, int], list[int]] = {}
        for row, camera in enumerate(cameras):
            groups.setdefault((camera.width, camera.height), []).append(row)
        found: list[Frames] = [Frames()] * len(cameras)
        for rows in groups.values():
            frames = self.render(
                snapshots,
                [cameras[row] for row in rows],
                view_snapshot=views[rows],
                outputs=outputs,
                instance_count=instance_count,
            )
            arrays = {name: array for name, array in vars(frames).items() if array is not None}
            for i, row in enumerate(rows):
                found[row] = Frames(**{name: array[i : i + 1] for name, array in arrays.items()})
        return tuple(found)

    def _expose(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        views: NDArray[np.int64],
        outputs: Sequence[str],
        instance_count: int | None,
        out: Frames | None,
    ) -> Frames:
        """Render through shutters: many renders of one instant each."""
        if out is not None:
            raise ValueError("out cannot be given with a shutter, whose frames are put together from many")
        if instance_count is None:
            instance_count = max(int(s.instance.max(initial=0)) for s in snapshots)
        width, height = cameras[0].width, cameras[0].height
        # Bands are lower than the image: they must not be given smaller shadow maps for that.
        pinned = copy.copy(self)
        object.__setattr__(pinned, "shadow_resolution", self._resolution(width, height) or None)
        frames = render_exposure(
            lambda *views, **options: pinned.render(*views, **options).to_host(),
            snapshots,
            cameras,
            view_snapshot=views,
            outputs=[name for name in outputs if name != "srgb"] + (["colour"] if "srgb" in outputs else []),
            instance_count=instance_count,
            margin=int(plan_taps(width)[2]) + 16 if self.ambient_occlusion else 0,
        )
        if "srgb" in outputs and frames.colour is not None:
            bytes_of = np.rint(255.0 * linear_to_srgb(np.clip(frames.colour / self.white, 0.0, 1.0)))
            frames = replace(frames, srgb=bytes_of.astype(np.uint8))
        frames = replace(frames, colour=frames.colour if "colour" in outputs else None)
        if self.device == "cpu":
            return frames
        return Frames(**{name: None if array is None else to_device(array) for name, array in vars(frames).items()})

    def _check(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        view_snapshot: Sequence[int] | NDArray[np.integer[Any]] | None,
        outputs: Sequence[str],
    ) -> NDArray[np.int64]:
        if not snapshots or not cameras:
            raise ValueError(f"render needs at least one snapshot and one camera, got {len(snapshots)}, {len(cameras)}")
        unknown = [name for name in outputs if name not in OUTPUTS]
        if unknown:
            raise ValueError(f"unknown outputs {unknown}; choose from {', '.join(OUTPUTS)}")
        if view_snapshot is None:
            if len(snapshots) != len(cameras):
                raise ValueError(
                    f"{len(snapshots)} snapshots and {len(cameras)} cameras; pass view_snapshot to say who sees what"
                )
            return np.arange(len(cameras))
        views = np.asarray(view_snapshot, np.int64)
        if views.shape != (len(cameras),) or views.min() < 0 or views.max() >= len(snapshots):
            raise ValueError(f"view_snapshot must be {len(cameras)} rows in [0, {len(snapshots)}), got {views}")
        return views

    def _resolution(self, width: int, height: int) -> int:
        if not self.shadow:
            return 0
        if self.shadow_resolution is not None:
            return self.shadow_resolution
        side = max(width, height) * self.supersample
        return next((size for size in (256, 512, 1024) if side <= 1.25 * size), 2048)

    def _split(
        self, cameras: Sequence[Camera], views: NDArray[np.int64], looks: int, lamps: int
    ) -> list[tuple[int, int]]:
        """Cut the views into runs whose working memory stays within `CHUNK_BYTES`, or a share of the device's."""
        most = CHUNK_BYTES if self.device == "cpu" else max(CHUNK_BYTES, min(DEVICE_BYTES, free_bytes() // 4))
        width, height = cameras[0].width, cameras[0].height
        samples = 1 if self.supersample == 1 else 1 + self.supersample**2
        view_bytes = width * height * (8 * samples + 2)
        if any(camera.lens is not None for camera in cameras):
            view_bytes += 24 * width * height * samples  # rays, at worst of a lens for each view, and joined
        side = self._resolution(width, height)
        # A lamp that shines all around has six maps.
        world_bytes = 4 * looks * (side**2 + 6 * lamps * min(side, MAX_LAMP_SIDE) ** 2)
        runs, first, size, worlds = [], 0, 0, set[int]()
        for i, world in enumerate(views.tolist()):
            more = view_bytes + (0 if world in worlds else world_bytes)
            if i > first and size + more > most:
                runs.append((first, i))
                first, size, worlds = i, 0, set()
                more = view_bytes + world_bytes
            size += more
            worlds.add(world)
        runs.append((first, len(views)))
        return runs

    def _launch(self, kernel: Kernel, count: int, *arrays: Any) -> None:
        kernel.launch(count, *arrays, device=self.device, threads=self.threads)

    def _render_chunk(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        views: NDArray[np.int64],
        first: int,
        end: int,
        filled: dict[str, NDArray[Any]],
        instance_count: int,
    ) -> None:
        part = {name: array[first:end] if len(array) > end - first else array for name, array in filled.items()}
        used, view_world = np.unique(views, return_inverse=True)
        shown = [snapshots[i] for i in used]
        geometry, worlds = deform(self._geometry, pack_worlds(shown, self.library), shown, self.library)
        workspace, most_vertices = self._workspace, int(geometry.level_vertex_count.max(initial=1))
        held = geometry is self._geometry
        geometry = workspace.hold("meshes", geometry) if held else workspace.send("deformed", geometry)
        coloured = len(part["colour"]) > 0 or len(part["srgb"]) > 0
        grids = (1, self.supersample) if coloured and self.supersample > 1 else (1,)
        lenses = self._lenses.trace(cameras, grids, self._launch)
        chunk = Chunk(
            settings=self,
            worlds=worlds,
            geometry=geometry,
            textures=workspace.hold("textures", self._textures),
            skies=workspace.hold("skies", self._skies),
            workspace=workspace,
            views=Views(
                camera=pack_cameras(cameras, lenses[1].density),
                world=view_world.astype(np.int32),
                ray=lenses[1].ray,
                ray_start=lenses[1].ray_start,
            ),
            lenses=lenses,
            width=cameras[0].width,
            height=cameras[0].height,
            # Labels need no light: without colour no shadow map is drawn.
            resolution=self._resolution(cameras[0].width, cameras[0].height) if coloured else 0,
            most_vertices=most_vertices,
        )
        counting = any(len(part[name]) for name in ("in_frame_pixels", "total_pixels"))
        keys = chunk.rasterize(1, counting=counting, instance_count=instance_count)
        if len(part["in_frame_pixels"]):
            copy_array(chunk, chunk.in_frame_pixels, part["in_frame_pixels"])
        if len(part["total_pixels"]):
            fill_totals(chunk, part, instance_count)
        chunk.resolve(keys, part, instance_count)
        if part["keypoints"].size:
            fill_keypoints(chunk, part, keys, shown)
        fill_flow(chunk, part, keys, shown, cameras)
        if len(part["albedo"]):
            fill_albedo(chunk, keys, part["albedo"])
        if coloured:
            colour = part["colour"]
            if not len(colour):
                colour = chunk.take("colour", part["srgb"].shape, np.float32)
            ambient = chunk.occlude(keys) if self.ambient_occlusion else None
            chunk.shade(keys if self.supersample == 1 else chunk.rasterize(self.supersample), colour, ambient)
            if len(part["srgb"]):
                fill_srgb(chunk, colour, self.white, part["srgb"])
        # They refer to each other: freed now, not when the garbage collector comes by after thousands of calls.
        chunk.lens_views.clear()
