"""Raster: renders batches of (snapshot, camera) views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...kernels.device import require_device, thread_count
from ..frames import OUTPUTS, Frames
from ..mesh_library import MeshLibrary
from ..snapshot import Snapshot
from ..view import Camera
from .appearance import SHADE_VIEW
from .geometry import PREPARE_CASTER, PREPARE_LIGHT, PREPARE_VIEW
from .packing import PackedWorlds, pack_cameras, pack_worlds
from .resolve import COUNT_VISIBLE, RESOLVE_LABELS, RESOLVE_SURFACES
from .sampling import pack_texels, tabulate_levels
from .surface import BLOCK, FIELD_COUNT
from .visibility import RASTERIZE
from .workspace import Workspace

PIXEL_ERROR = 0.5
"""Largest projected error of a level of detail [px]."""
SHADOW_BIAS = np.float32(0.3)
"""Constant bias of the shadow test [texels]."""
CHUNK_BYTES = 256 * 2**20
"""Working memory of one chunk of views."""

Output = Literal[
    "colour", "depth", "range", "instance", "class_id", "part", "normal", "object_coordinates",
    "visible_pixels", "total_pixels",
]  # fmt: skip


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
    supersample: int = 1
    """Colour samples per pixel side: 1, 2 or 4. Labels always come from the pixel's centre."""
    lod: Literal["auto", "exact"] = "auto"
    """"auto" picks meshes within half a pixel of full detail, "exact" always draws full detail."""
    shadow_resolution: int | None = None
    """Texels per side of a shadow map; None takes 256 to 2048 by the colour samples per row."""
    threads: int | None = None
    """CPU threads; None takes `kernels.thread_count()`."""
    _texels: NDArray[np.uint32] = field(init=False, repr=False, compare=False)
    _texture_first: NDArray[np.uint32] = field(init=False, repr=False, compare=False)
    _workspace: Workspace = field(default_factory=Workspace, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.supersample not in (1, 2, 4):
            raise ValueError(f"supersample must be 1, 2 or 4, got {self.supersample}")
        if self.lod not in ("auto", "exact"):
            raise ValueError(f'lod must be "auto" or "exact", got {self.lod!r}')
        if self.shadow_resolution is not None and not 64 <= self.shadow_resolution <= 8192:
            raise ValueError(f"shadow_resolution must be in [64, 8192], got {self.shadow_resolution}")
        require_device(self.device)
        library = self.library
        sizes = (library.texture_offset, library.texture_width, library.texture_height, library.texture_levels)
        object.__setattr__(self, "_texels", pack_texels(library.texels))
        object.__setattr__(self, "_texture_first", tabulate_levels(*sizes))

    def render(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        *,
        view_snapshot: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        outputs: Sequence[str] = ("colour", "depth", "instance"),
        instance_count: int | None = None,
    ) -> Frames:
        """Render V views.

        Args:
            snapshots: The worlds, all with the same number of looks.
            cameras: One camera per view, all of one image size.
            view_snapshot: Row of the snapshot that each view shows, shape (V,); None: view i shows snapshot i.
            outputs: Names out of `frames.OUTPUTS`.
            instance_count: Instance ids S that pixels are counted for; None takes the largest id present.

        Returns:
            The frames, with every output that was asked for.

        Raises:
            ValueError: If there are no views, sizes differ, or a name or row is unknown.
        """
        views = self._check(snapshots, cameras, view_snapshot, outputs)
        width, height = cameras[0].width, cameras[0].height
        looks = snapshots[0].look_count
        if instance_count is None:
            instance_count = max(int(s.instance.max(initial=0)) for s in snapshots)
        filled = _allocate(outputs, len(cameras), looks, height, width, instance_count)
        for first, end in self._split(views, looks, width, height):
            self._render_chunk(snapshots, cameras[first:end], views[first:end], first, end, filled, instance_count)
        return Frames(**{name: array for name, array in filled.items() if name in _asked(outputs)})

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
        sizes = {(camera.width, camera.height) for camera in cameras}
        if len(sizes) > 1:
            raise ValueError(f"all cameras of one call must have one size, got {sorted(sizes)}; call once per size")
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

    def _split(self, views: NDArray[np.int64], looks: int, width: int, height: int) -> list[tuple[int, int]]:
        """Cut the views into runs whose working memory stays within `CHUNK_BYTES`."""
        samples = 1 if self.supersample == 1 else 1 + self.supersample**2
        view_bytes = width * height * (8 * samples + 2)
        world_bytes = 4 * looks * self._resolution(width, height) ** 2
        runs, first, size, worlds = [], 0, 0, set[int]()
        for i, world in enumerate(views.tolist()):
            more = view_bytes + (0 if world in worlds else world_bytes)
            if i > first and size + more > CHUNK_BYTES:
                runs.append((first, i))
                first, size, worlds = i, 0, set()
                more = view_bytes + world_bytes
            size += more
            worlds.add(world)
        runs.append((first, len(views)))
        return runs

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
        used, view_world = np.unique(views, return_inverse=True)
        worlds = pack_worlds([snapshots[i] for i in used], self.library)
        chunk = _Chunk(
            raster=self,
            worlds=worlds,
            camera=pack_cameras(cameras),
            view_world=view_world.astype(np.int32),
            width=cameras[0].width,
            height=cameras[0].height,
            looks=snapshots[0].look_count,
            resolution=self._resolution(cameras[0].width, cameras[0].height),
        )
        part = {name: array[first:end] for name, array in filled.items()}
        chunk.prepare()
        keys = chunk.rasterize(1, part, instance_count)
        chunk.resolve(keys, part, instance_count)
        if part["colour"].shape[0]:
            chunk.shade(keys if self.supersample == 1 else chunk.rasterize(self.supersample), part["colour"])


def _asked(outputs: Sequence[str]) -> set[str]:
    names = set(outputs)
    if "visible_pixels" in names:
        names.add("box_visible")
    if "total_pixels" in names:
        names.add("box_amodal")
    return names


def _allocate(
    outputs: Sequence[str], views: int, looks: int, height: int, width: int, instance_count: int
) -> dict[str, NDArray[Any]]:
    image = (height, width)
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "colour": ((looks, *image, 3), np.float32),
        "depth": (image, np.float32),
        "range": (image, np.float32),
        "instance": (image, np.uint16),
        "class_id": (image, np.uint8),
        "part": (image, np.uint8),
        "normal": ((*image, 3), np.float32),
        "object_coordinates": ((*image, 3), np.float32),
        "visible_pixels": ((instance_count,), np.int32),
        "total_pixels": ((instance_count,), np.int32),
        "box_visible": ((instance_count, 4), np.float32),
        "box_amodal": ((instance_count, 4), np.float32),
    }
    asked = _asked(outputs)
    return {name: np.empty((views if name in asked else 0, *shape), dtype) for name, (shape, dtype) in shapes.items()}


@dataclass
class _Chunk:
    """One run of views on its way through the passes."""

    raster: Raster
    worlds: PackedWorlds
    camera: NDArray[np.float64]
    view_world: NDArray[np.int32]
    width: int
    height: int
    looks: int
    resolution: int

    def _launch(self, kernel: Any, count: int, *arrays: Any) -> None:
        kernel.launch(count, *arrays, device=self.raster.device, threads=self.raster.threads)

    def _take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        return self.raster._workspace.take(name, shape, dtype)

    def _bands(self, elements: int) -> int:
        return max(1, -(-4 * (self.raster.threads or thread_count()) // elements))

    def prepare(self) -> None:
        """Choose what every view and every sun draws."""
        worlds, library = self.worlds, self.raster.library
        largest = max(worlds.largest, 1)
        draws = len(self.view_world) * largest
        error = PIXEL_ERROR if self.raster.lod == "auto" else -1.0
        self.largest = largest
        self.level = np.empty(draws, np.int32)
        self.matrix = np.empty((draws, 12))
        self.inverse = np.zeros((draws, 12))  # rows of fuller worlds stay unwritten, and are cast to float32
        levels = (library.mesh_level_start, library.mesh_level_count, library.level_error)
        self._launch(
            PREPARE_VIEW, draws, largest, self.width, self.height, error, self.camera, self.view_world, worlds.start,
            worlds.mesh, worlds.matrix, worlds.scale, library.mesh_center, library.mesh_radius, *levels,
            self.level, self.matrix, self.inverse,
        )  # fmt: skip
        lights = (len(worlds.start) - 1) * self.looks if self.resolution else 0
        self.light_matrix = np.empty((lights, 13))
        self.caster_level = np.empty(lights * largest, np.int32)
        caster_matrix = np.empty((lights * largest, 12))
        self.shadow = self._take("shadow", (lights * self.resolution**2,), np.uint32)
        if not lights:
            return
        self._launch(
            PREPARE_LIGHT, lights, self.resolution, self.looks, worlds.light, worlds.start, worlds.mesh, worlds.matrix,
            worlds.casts_shadow, library.mesh_lower, library.mesh_upper, self.light_matrix,
        )  # fmt: skip
        self._launch(
            PREPARE_CASTER, lights * largest, largest, self.looks, error, self.light_matrix, worlds.start, worlds.mesh,
            worlds.matrix, worlds.scale, worlds.casts_shadow, *levels, self.caster_level, caster_matrix,
        )  # fmt: skip
        light_world = np.repeat(np.arange(len(worlds.start) - 1, dtype=np.int32), self.looks)
        self._draw(
            light_world, self.caster_level, caster_matrix, self.resolution, self.resolution, 1, False, self.shadow
        )

    def _draw(
        self,
        view_world: NDArray[np.int32],
        level: NDArray[np.int32],
        matrix: NDArray[np.float64],
        width: int,
        height: int,
        samples: int,
        perspective: bool,
        keys: NDArray[Any],
        stamps: NDArray[np.uint16] | None = None,
        instance_count: int = 0,
    ) -> NDArray[np.int32]:
        worlds, library = self.worlds, self.raster.library
        bands = self._bands(len(view_world))
        elements = len(view_world) * bands
        most = int(library.level_vertex_count[level[level >= 0]].max(initial=1))
        totals = np.empty((elements * instance_count, 5), np.int32)
        self._launch(
            RASTERIZE, elements, bands, self.largest, width, height, samples, int(perspective),
            np.uint64(0 if perspective else 32), self.camera, view_world, worlds.start, worlds.mesh, worlds.instance,
            level, matrix, library.level_vertex_start, library.level_vertex_count, library.level_triangle_start,
            library.level_triangle_count, library.vertices, library.triangles, library.mesh_is_closed,
            int(stamps is not None), instance_count, self._take("snapped", (elements, most, 2), np.int32),
            self._take("projected", (elements, most, 3), np.float64), np.empty((elements, 2, 12, 3)), keys,
            np.empty(0, np.uint16) if stamps is None else stamps, totals,
        )  # fmt: skip
        return totals.reshape(len(view_world), bands, instance_count, 5)

    def rasterize(
        self, samples: int, part: dict[str, NDArray[Any]] | None = None, instance_count: int = 0
    ) -> NDArray[np.uint64]:
        """Fill the visibility keys of all views, and the amodal counts if `part` has room for them."""
        pixels = len(self.view_world) * self.width * self.height
        keys = self._take("keys", (pixels * samples * samples,), np.uint64)
        counting = part is not None and len(part["total_pixels"]) > 0
        stamps = self._take("stamps", (pixels,), np.uint16) if counting else None
        totals = self._draw(
            self.view_world, self.level, self.matrix, self.width, self.height, samples, True, keys, stamps,
            instance_count if counting else 0,
        )  # fmt: skip
        if part is not None and counting:
            part["total_pixels"][:] = totals[..., 0].sum(axis=1)
            box = np.concatenate([totals[..., 1:3].min(axis=1), totals[..., 3:].max(axis=1)], axis=-1)
            part["box_amodal"][:] = np.where(part["total_pixels"][..., None] > 0, box, 0)
        return keys

    def resolve(self, keys: NDArray[np.uint64], part: dict[str, NDArray[Any]], instance_count: int) -> None:
        """Fill every label that was asked for."""
        worlds, library = self.worlds, self.raster.library
        lines = len(self.view_world) * self.height
        maps = [part[name] for name in ("depth", "range", "instance", "class_id", "part")]
        if any(len(array) for array in maps):
            self._launch(
                RESOLVE_LABELS, lines, self.width, self.height, self.camera, self.view_world, worlds.start,
                worlds.instance, worlds.class_id, worlds.part, keys, *maps,
            )  # fmt: skip
        if len(part["normal"]) or len(part["object_coordinates"]):
            self._launch(
                RESOLVE_SURFACES, lines, self.width, self.height, self.largest, self.camera, self.view_world,
                worlds.start, worlds.object_matrix, self.level, self.matrix, self.inverse, library.level_vertex_start,
                library.level_triangle_start, library.vertices, library.triangles, keys, part["normal"],
                part["object_coordinates"],
            )  # fmt: skip
        if len(part["visible_pixels"]):
            self._launch(
                COUNT_VISIBLE, len(self.view_world), self.width, self.height, self.view_world, worlds.start,
                worlds.instance, instance_count, keys, part["visible_pixels"], part["box_visible"],
            )  # fmt: skip

    def shade(self, keys: NDArray[np.uint64], colour: NDArray[np.float32]) -> None:
        """Fill the colour of every look."""
        worlds, library, samples = self.worlds, self.raster.library, self.raster.supersample
        bands = min(self._bands(len(self.view_world)), self.height)
        elements = len(self.view_world) * bands
        blocks = self._take("blocks", (elements, FIELD_COUNT * BLOCK), np.float32)
        blocks.fill(0)  # samples that see nothing are computed with, then overwritten: no stale NaN may slow that
        self._launch(
            SHADE_VIEW, elements, bands, self.largest, self.width, self.height, samples, self.looks, self.resolution,
            SHADOW_BIAS, self.camera, self.view_world, worlds.start, worlds.mesh, worlds.scale, worlds.normal_matrix,
            worlds.needs_uv, worlds.material, worlds.material_stride, worlds.material_floats, worlds.material_ints,
            worlds.light, self.level, self.inverse.astype(np.float32), library.level_error, library.level_vertex_start,
            library.level_triangle_start, library.vertices, library.normals, library.uvs, library.triangles,
            self.raster._texels, self.raster._texture_first, library.texture_width,
            library.texture_height, library.texture_levels, self.light_matrix, self.caster_level, self.shadow, keys,
            blocks, self._take("draws", (elements, BLOCK), np.int32), colour.reshape(*colour.shape[:3], -1),
        )  # fmt: skip
