"""Chunk: one run of views on its way through the passes of the rasterizer."""

from __future__ import annotations

from typing import Any, Protocol, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...kernels.device import thread_count
from .appearance import SHADE_VIEW
from .chunk_plan import STEP, measure_texels, open_lenses, plan_chunk
from .counts import join_visible, sum_bands
from .features import find_features
from .geometry import PREPARE_CASTER, PREPARE_LIGHT, PREPARE_VIEW
from .lamps import Faces
from .lens_faces import LensGrid
from .lens_views import LensViews
from .levels import clear, keep_levels, narrow_inverse
from .light_block import LIGHT_FIELD_COUNT
from .occlusion import FIND_OCCLUSION, REFINE_OCCLUSION, SMOOTH_OCCLUSION, THIN_DEPTHS
from .occlusion_cells import OCCLUDE_CELL, SMOOTH_CELL
from .resolve import RESOLVE_LABELS, RESOLVE_SURFACES
from .sample_shading import shade_pixels
from .shadow_filter import FIND_STEPS, SPREAD_STEPS, TILE
from .spans import share_out
from .sun_shadows import Suns
from .surface import BLOCK, FIELD_COUNT
from .tables import Draws, Geometry, Skies, Textures, Views, Worlds
from .tile_counts import count_in_frame
from .tile_visibility import DRAW_TILES, count_tiles
from .transparency import HIDE_BEHIND, RESOLVE_TRANSPARENT
from .visibility import LONGS, RASTERIZE, REALS, WORDS
from .visible_counts import count_visible
from .workspace import Workspace

PIXEL_ERROR = 0.5
"""Largest projected error of a level of detail [px]."""
SHADOW_BIAS = np.float32(0.3)
"""Constant bias of the shadow test [texels]."""


NO_TOTALS = np.empty((0, 0, 0, 5), np.int32)


class Settings(Protocol):
    """What the passes must know of their renderer."""

    @property
    def device(self) -> str:
        """Where kernels run."""

    @property
    def threads(self) -> int | None:
        """CPU threads, None for all."""

    @property
    def supersample(self) -> int:
        """Colour samples per pixel side."""

    @property
    def lod(self) -> str:
        """Levels of detail: "auto" or "exact"."""


@final
class Chunk:
    """Views, what they look at, and what is found out about them pass by pass.

    Args:
        settings: The renderer's options.
        geometry: Meshes.
        textures: Textures.
        skies: Skies.
        worlds: Snapshots.
        views: Cameras.
        lenses: The views' lenses, for the samples per pixel side of labels and colour.
        workspace: Buffers to work in.
        width: Image width [px].
        height: Image height [px].
        resolution: Texels per side of a sun's shadow map, 0 = no shadows.
        most_vertices: Vertices of the largest level of detail.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        geometry: Geometry,
        textures: Textures,
        skies: Skies,
        worlds: Worlds,
        views: Views,
        lenses: dict[int, LensGrid],
        workspace: Workspace,
        width: int,
        height: int,
        resolution: int,
        most_vertices: int,
    ) -> None:
        self.settings, self.workspace = settings, workspace
        self.geometry, self.textures, self.skies = geometry, textures, skies
        self.host_worlds, self.host_views, self.lenses = worlds, views, lenses
        self.width, self.height, self.resolution = width, height, resolution
        self.view_count = len(views.world)
        self.has_lens = bool((views.ray_start >= 0).any())
        self.looks = int(worlds.light.shape[1])
        self.most_vertices = most_vertices
        self.largest = max(int(np.diff(worlds.start).max(initial=0)), 1)
        self.features = find_features(worlds, views, resolution, settings.supersample)
        self.error = PIXEL_ERROR if settings.lod == "auto" else -1.0
        self.lamp_side = min(self.resolution, 512) if worlds.lamp.shape[2] else 0
        # All that the host knows goes to the device at once; from here on nothing is read back.
        plan = plan_chunk(worlds, views, lenses, self.largest, self.lamp_side, width, workspace.hold)
        self.worlds, self.views, self.plan = workspace.send("chunk", (worlds, plan.views, plan))
        self.drawn = self.choose_levels(self.views, width, height, name="drawn")
        self.opaque, self.transparent = self.split_draws(self.drawn, "own")
        self.glass = self.take("no glass", (0,), np.uint64)
        self.suns = self._draw_suns()
        self.faces = self._draw_lamps()
        self.lens_views = {samples: LensViews(grid, samples, self) for samples, grid in lenses.items()}

    def launch(self, kernel: Any, count: int, *arrays: Any) -> None:
        """Launch a kernel where the renderer runs."""
        kernel.launch(count, *arrays, device=self.settings.device, threads=self.settings.threads)

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Take a buffer of the workspace."""
        return self.workspace.take(name, shape, dtype)

    def make(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an uninitialised array of this call: a new one on the CPU, a buffer of the workspace on CUDA."""
        return self.take(name, shape, dtype) if self.workspace.is_resident else np.empty(shape, dtype)

    def choose_levels(
        self, views: Views, width: int, height: int, matrix: NDArray[np.float64] | None = None, *, name: str
    ) -> Draws:
        """Choose what every view draws, and by which matrices; `matrix` stands for the instances' poses."""
        worlds, geometry = self.worlds, self.geometry
        draws = len(views.world) * self.largest
        drawn = Draws(
            level=self.make(f"{name} level", (draws,), np.int32),
            matrix=self.make(f"{name} matrix", (draws, 12), np.float64),
            inverse=self.make(f"{name} inverse", (draws, 12), np.float64),
        )
        if not self.workspace.is_resident:
            drawn.inverse.fill(0)  # rows of fuller worlds stay unwritten, and are cast to float32
        self.launch(
            PREPARE_VIEW, draws, self.largest, width, height, self.error, views.camera, views.world, worlds.start,
            worlds.mesh, worlds.matrix if matrix is None else matrix, worlds.scale, geometry.mesh_center,
            geometry.mesh_radius, geometry.mesh_level_start, geometry.mesh_level_count, geometry.level_error, *drawn,
        )  # fmt: skip
        return drawn

    def split_draws(self, drawn: Draws, name: str) -> tuple[Draws, Draws | None]:
        """Tell the draws of opaque instances from those of transparent ones, of which there may be none."""
        if not self.plan.has_clear:
            return drawn, None
        return (
            keep_levels(self, f"{name} opaque", drawn, self.plan.opaque),
            keep_levels(self, f"{name} clear", drawn, self.plan.clear),
        )

    def _draw_suns(self) -> Suns:
        """Draw the shadow map of every sun."""
        worlds, geometry, largest, resolution = self.worlds, self.geometry, self.largest, self.resolution
        count = len(worlds.start) - 1
        lights = count * self.looks if resolution else 0
        suns = Suns(
            matrix=self.make("sun", (lights, 13), np.float64),
            level=self.make("caster level", (lights * largest,), np.int32),
            shadow=self.take("shadow", (lights * resolution**2,), np.uint32),
            step=self.plan.no_step,
        )
        if not lights:
            return suns
        caster_matrix = self.make("caster", (lights * largest, 12), np.float64)
        self.launch(
            PREPARE_LIGHT, lights, resolution, self.looks, worlds.light, worlds.start, worlds.mesh, worlds.matrix,
            worlds.casts_shadow, geometry.mesh_lower, geometry.mesh_upper, suns.matrix,
        )  # fmt: skip
        self.launch(
            PREPARE_CASTER, lights * largest, largest, self.looks, self.error, suns.matrix, worlds.start,
            worlds.mesh, worlds.matrix, worlds.scale, worlds.casts_shadow, geometry.mesh_level_start,
            geometry.mesh_level_count, geometry.level_error, suns.level, caster_matrix,
        )  # fmt: skip
        drawn = Draws(level=suns.level, matrix=caster_matrix, inverse=caster_matrix)
        self.draw(self.plan.suns, drawn, resolution, resolution, suns.shadow, perspective=False, narrow=True)
        if (self.host_worlds.light[:, :, 15] > 0).any():
            tolerance = measure_texels(self, STEP, suns.matrix)
            suns = suns._replace(step=self._find_steps("sun_step", tolerance, resolution, suns.shadow))
        return suns

    def _find_steps(
        self, name: str, tolerance: NDArray[np.float32], side: int, shadow: NDArray[np.uint32]
    ) -> NDArray[np.uint8]:
        """Find where some shadow maps have steps in depth."""
        count, tiles = len(tolerance), -(-side // TILE)
        each = self.take("tile_step", (count * tiles * tiles,), np.uint8)
        around = self.take(name, (count * tiles * tiles,), np.uint8)
        spans = share_out(self, count * tiles, tiles)
        self.launch(FIND_STEPS, *spans, side, tiles, tolerance, shadow, each)
        self.launch(SPREAD_STEPS, *spans, tiles, each, around)
        return around

    def _draw_lamps(self) -> Faces:
        """Draw the shadow maps of every lamp."""
        side, plan = self.lamp_side, self.plan
        shadow = self.take("lamp_shadow", (len(plan.faces.world) * side**2,), np.uint32)
        drawn = self.choose_levels(plan.faces, side, side, name="lamp")
        step = plan.no_step
        if len(plan.faces.world):
            drawn = keep_levels(self, "lamp caster", drawn, plan.casting)
            self.draw(plan.faces, drawn, side, side, shadow, narrow=True)
            step = self._find_steps("lamp_step", plan.face_tolerance, side, shadow)
        return Faces(first=plan.first_face, placement=plan.face_placement, level=drawn.level, shadow=shadow, step=step)

    def occlude(self, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Find the open share of the sky of every pixel, shape (V * height * width,)."""
        width, height, count = self.width, self.height, self.view_count
        stride, radius, taps = self.plan.stride, self.plan.radius, self.plan.taps
        columns, rows = -(-width // stride), -(-height // stride)
        pad = self.plan.pad
        near = self.take("coarse_near", (count * (rows + 2) * (columns + 2 * pad),), np.float32)
        share = self.take("coarse_open", (count * rows * columns,), np.float32)
        ambient = self.take("ambient", (count * height * width,), np.float32)
        framed = share_out(self, count * (rows + 2), columns + 2 * pad)
        self.launch(THIN_DEPTHS, *framed, width, height, stride, columns, rows, pad, keys, near)
        smooth = self.take("coarse_smooth", share.shape, np.float32)
        search = columns, rows, stride, pad, np.float32(radius), self.views.camera, taps, near
        if self.settings.device == "cuda":
            self.launch(OCCLUDE_CELL, len(share), *search, share)
            self.launch(SMOOTH_CELL, len(share), columns, rows, pad, near, share, smooth)
        else:
            scratch = self.take("scratch", (count * rows, 8 * BLOCK), np.float32)
            self.launch(FIND_OCCLUSION, count * rows, *search, scratch, share)
            self.launch(SMOOTH_OCCLUSION, count * rows, columns, rows, pad, near, share, scratch, smooth)
        pixels = share_out(self, count * height, width)
        self.launch(REFINE_OCCLUSION, *pixels, width, height, columns, rows, stride, pad, keys, near, smooth, ambient)
        # Its slopes are those of a pinhole's picture.
        open_lenses(self, ambient)
        return ambient

    def bands(self, elements: int) -> int:
        """Return into how many bands of rows each of some images is cut to keep all threads busy."""
        return max(1, -(-4 * (self.settings.threads or thread_count()) // elements))

    def draw(
        self,
        views: Views,
        drawn: Draws,
        width: int,
        height: int,
        keys: NDArray[Any],
        *,
        samples: int = 1,
        perspective: bool = True,
        narrow: bool = False,
        stamps: NDArray[np.uint16] | None = None,
        instance_count: int = 0,
    ) -> NDArray[np.int32]:
        """Draw views into keys (narrow: their upper 32 bits, the nearness), and count stamps per instance id."""
        worlds, geometry = self.worlds, self.geometry
        if self.workspace.is_resident:
            self.launch(
                DRAW_TILES, len(views.world) * count_tiles(width * samples, height * samples), self.largest, width,
                height, samples, int(perspective), np.uint64(32 if narrow else 0), views, worlds, drawn, geometry, keys,
            )  # fmt: skip
            return NO_TOTALS
        bands = self.bands(len(views.world))
        items = len(views.world) * bands
        # One lane per thread, whose room to work in stays in its cache.
        lanes = min(items, self.settings.threads or thread_count())
        most = int(geometry.level_vertex_count[drawn.level[drawn.level >= 0]].max(initial=1))
        totals = np.empty((items * instance_count, 5), np.int32)
        self.launch(
            RASTERIZE, lanes, lanes, items, bands, self.largest, width, height, samples, int(perspective),
            np.uint64(32 if narrow else 0), views, worlds, drawn, geometry, int(stamps is not None), instance_count,
            self.take("snapped", (lanes, most), np.int64), self.take("projected", (lanes, 3, most), np.float64),
            self.take("longs", (lanes, LONGS), np.int64), self.take("reals", (lanes, REALS), np.float64),
            self.take("words", (lanes, WORDS), np.int32), np.empty((lanes, 2, 12, 3)), keys,
            np.empty(0, np.uint16) if stamps is None else stamps, totals,
        )  # fmt: skip
        return totals.reshape(len(views.world), bands, instance_count, 5)

    def rasterize(self, samples: int, *, counting: bool = False, instance_count: int = 0) -> NDArray[np.uint64]:
        """Fill the visibility keys of all views; count what each instance id would fill in the frame if asked.

        Keys of transparent surfaces that nothing opaque hides go to `glass`, which is empty where there are none.
        """
        pixels = self.view_count * self.width * self.height
        shape = (pixels * samples * samples,)
        keys = self.take("keys", shape, np.uint64)
        stamping = counting and not self.workspace.is_resident
        totals = self._fill(
            self.drawn if stamping else self.opaque, samples, keys,
            self.take("stamps", (pixels,), np.uint16) if stamping else None, instance_count if stamping else 0,
        )  # fmt: skip
        if self.transparent is not None:
            if stamping:
                self._fill(self.opaque, samples, keys)
            self.glass = self.take("glass", shape, np.uint64)
            self._fill(self.transparent, samples, self.glass)
            columns = self.width * samples
            samples_of_all = share_out(self, self.view_count * self.height * samples, columns)
            self.launch(HIDE_BEHIND, *samples_of_all, columns, keys, self.glass)
        if counting:
            if self.workspace.is_resident:
                drawn = keep_levels(self, "pinhole", self.drawn, self.plan.pinhole) if self.has_lens else self.drawn
                self.in_frame_pixels, self.in_frame_box = count_in_frame(self, drawn, instance_count)
            else:
                self.in_frame_pixels, self.in_frame_box = sum_bands(totals)
            if self.has_lens:
                self.lens_views[1].count_amodal(self.in_frame_pixels, self.in_frame_box)
        return keys

    def _fill(
        self,
        drawn: Draws,
        samples: int,
        keys: NDArray[np.uint64],
        stamps: NDArray[np.uint16] | None = None,
        instance_count: int = 0,
    ) -> NDArray[np.int32]:
        """Draw into the keys of all views, straight or through their lenses; count the stamps of the former."""
        pinholes = keep_levels(self, "pinhole", drawn, self.plan.pinhole) if self.has_lens else drawn
        totals = self.draw(
            self.views, pinholes, self.width, self.height, keys, samples=samples, stamps=stamps,
            instance_count=instance_count,
        )  # fmt: skip
        if self.has_lens:
            self.lens_views[samples].fill(drawn.level, samples, keys)
        return totals

    def resolve(self, keys: NDArray[np.uint64], part: dict[str, NDArray[Any]], instance_count: int) -> None:
        """Fill every label that was asked for."""
        worlds, views = self.worlds, self.views
        pixels = share_out(self, self.view_count * self.height, self.width)
        maps = [part[name] for name in ("depth", "range", "instance", "class_id", "part")]
        if any(len(array) for array in maps):
            self.launch(
                RESOLVE_LABELS, *pixels, self.width, self.height, views, worlds.start, worlds.instance, worlds.class_id,
                worlds.part, keys, *maps,
            )  # fmt: skip
        transparent = [part[name] for name in ("transparent_instance", "transparent_depth", "coverage")]
        if any(len(array) for array in transparent):
            if self.transparent is None:
                for array in transparent:
                    clear(self, array)
            else:
                self.launch(
                    RESOLVE_TRANSPARENT, *pixels, self.width, self.height, self.looks, views, worlds, self.glass,
                    *transparent,
                )  # fmt: skip
        if len(part["normal"]) or len(part["object_coordinates"]):
            self.launch(
                RESOLVE_SURFACES, *pixels, self.width, self.height, self.largest, views, worlds, self.drawn,
                self.geometry, keys, part["normal"], part["object_coordinates"],
            )  # fmt: skip
        if len(part["visible_pixels"]):
            count_visible(self, keys, part["visible_pixels"], part["box_visible"], instance_count)
            if self.transparent is not None:
                self._count_glass(part["visible_pixels"], part["box_visible"], instance_count)

    def _count_glass(self, visible: NDArray[np.int32], box: NDArray[np.float32], instance_count: int) -> None:
        """Add the pixels in which transparent parts are seen."""
        more = self.make("more visible", visible.shape, np.int32)
        more_box = self.make("more boxes", box.shape, np.float32)
        count_visible(self, self.glass, more, more_box, instance_count)
        join_visible(self, visible, box, more, more_box)

    def shade(
        self, keys: NDArray[np.uint64], colour: NDArray[np.float32], ambient: NDArray[np.float32] | None = None
    ) -> None:
        """Fill the colour of every look."""
        ray, ray_start = self.plan.rays[self.settings.supersample]
        views = self.views._replace(ray=ray, ray_start=ray_start)
        if self.settings.device == "cuda":
            shade_pixels(self, SHADOW_BIAS, keys, ambient, views, colour)
            return
        bands = min(self.bands(self.view_count), self.height)
        elements = self.view_count * bands
        blocks = self.take("blocks", (2 * elements, FIELD_COUNT * BLOCK), np.float32)
        clear(self, blocks)  # samples that see nothing are computed with, then overwritten: no stale NaN may slow that
        self.launch(
            SHADE_VIEW, elements, bands, self.largest, self.width, self.height, self.settings.supersample, self.looks,
            self.resolution, self.lamp_side, SHADOW_BIAS, views, self.worlds,
            narrow_inverse(self, self.drawn), self.geometry, self.textures,
            self.skies, self.suns, self.faces, keys, self.glass,
            self.take("no ambient", (0,), np.float32) if ambient is None else ambient, blocks,
            self.take("light_blocks", (elements, LIGHT_FIELD_COUNT * BLOCK), np.float32),
            self.take("draws", (2 * elements, BLOCK), np.int32), colour.reshape(*colour.shape[:3], 3 * self.width),
        )  # fmt: skip
