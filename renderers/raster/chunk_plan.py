"""Chunk plan: what the host knows of a chunk's passes before any of them runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from .lamps import pack_placement, place_faces
from .lens_faces import LensGrid
from .levels import Passes
from .occlusion import plan_taps
from .tables import Views, Worlds

STEP = np.float32(4.0)
"""Second difference of a shadow map that counts as a step in depth [texels]."""
NONE = np.empty(0, np.uint8)


class ChunkPlan(NamedTuple):
    """Tables that passes need besides the worlds; they travel to the device with these."""

    views: Views
    """The cameras, with the rays of their lenses where kernels read them."""
    has_clear: bool
    """Whether any instance is transparent."""
    opaque: Any
    """1 = an opaque instance, for each draw, uint8."""
    clear: Any
    """1 = a transparent one."""
    pinhole: Any
    """1 = a draw of a view without a lens."""
    suns: Views
    """What each sun's shadow map looks at."""
    faces: Views
    """The lamps' shadow maps, as cameras."""
    casting: Any
    """1 = an instance that casts shadows, for each draw of `faces`."""
    first_face: Any
    """As in `lamps.Faces`."""
    face_placement: Any
    face_tolerance: Any
    """Of `shadow_filter.FIND_STEPS`, for each face, shape (F, 2) float32."""
    no_step: Any
    """Stands for steps where none are looked for."""
    rays: dict[int, tuple[Any, Any]]
    """Rays and first ray of each view, for each number of samples per pixel side."""
    stride: int
    """Pixels between neighbours of the coarse grid of ambient occlusion."""
    radius: float
    """Its radius of search [px]."""
    pad: int
    """Columns around the grid."""
    taps: Any
    """See `occlusion.plan_taps`."""


def plan_chunk(
    worlds: Worlds,
    views: Views,
    lenses: dict[int, LensGrid],
    largest: int,
    lamp_side: int,
    width: int,
    hold: Callable[[str, Any], Any],
) -> ChunkPlan:
    """Lay out all that the passes need and the host knows.

    Args:
        worlds: Snapshots, on the host.
        views: Cameras, on the host.
        lenses: Their lenses.
        largest: Draws of each view.
        lamp_side: Texels per side of a lamp's shadow map, 0 = none is drawn.
        width: Image width [px].
        hold: Brings a table where kernels read it, once (`Workspace.hold`).
    """
    count, looks = worlds.light.shape[:2]
    has_clear = bool(worlds.transparent.any())
    clear = _spread(worlds.transparent, worlds.start, views.world, largest) if has_clear else NONE
    has_lens = bool((views.ray_start >= 0).any())
    first, camera, world = place_faces(worlds.lamp if lamp_side else worlds.lamp[:, :, :0], max(lamp_side, 8))
    placement = pack_placement(camera)
    tolerance = np.zeros((len(world), 2), np.float32)
    tolerance[:, 1] = STEP / placement[:, 12]
    stride, taps, radius, pad = _plan_occlusion(width)
    rays = {samples: (hold(f"rays {samples}", grid.ray), grid.ray_start) for samples, grid in lenses.items()}
    return ChunkPlan(
        views=views._replace(ray=rays[1][0]),
        has_clear=has_clear,
        opaque=(clear == 0).astype(np.uint8),
        clear=clear,
        pinhole=np.repeat(views.ray_start < 0, largest).astype(np.uint8) if has_lens else NONE,
        suns=Views(camera=views.camera[:0], world=np.repeat(np.arange(count, dtype=np.int32), looks)),
        faces=Views(camera=camera, world=world),
        casting=_spread(worlds.casts_shadow, worlds.start, world, largest) if len(world) else NONE,
        first_face=first,
        face_placement=placement,
        face_tolerance=tolerance,
        no_step=np.zeros(1, np.uint8),
        rays=rays,
        stride=stride,
        radius=radius,
        pad=pad,
        taps=taps,
    )


@functools.lru_cache(maxsize=64)
def _plan_occlusion(width: int) -> tuple[int, NDArray[np.int32], float, int]:
    stride, taps, radius = plan_taps(width)
    taps.flags.writeable = False
    return stride, taps, radius, int(np.abs(taps).max()) + 1


def _spread(
    flags: NDArray[np.uint8], start: NDArray[np.int32], world: NDArray[np.int32], largest: int
) -> NDArray[np.uint8]:
    """Return a flag of the instances for each draw of some views; what has no instance gets any."""
    if not len(flags):
        return np.zeros(len(world) * largest, np.uint8)
    rows = np.minimum(start[world][:, None] + np.arange(largest), len(flags) - 1)
    return np.ascontiguousarray(flags[rows].reshape(-1).astype(np.uint8))


@scalar
def _measure_texels(index: int, step: Any, matrix_in: Any, tolerance_out: Any) -> None:
    tolerance_out[index, 0] = np.float32(float(step) * matrix_in[index, 12])
    tolerance_out[index, 1] = np.float32(0.0)


@scalar
def _open_lenses(index: int, pixels: int, ray_start_in: Any, ambient_out: Any) -> None:
    if ray_start_in[index // pixels] >= 0:
        ambient_out[index] = np.float32(1.0)


MEASURE_TEXELS = Kernel(_measure_texels)
OPEN_LENSES = Kernel(_open_lenses)


def measure_texels(passes: Passes, step: np.float32, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return `shadow_filter.FIND_STEPS`' tolerance of suns' shadow maps.

    Args:
        passes: The chunk.
        step: What counts as a step [texels].
        matrix: As in `appearance.Suns`.
    """
    if passes.workspace.is_resident:
        found = passes.take("sun tolerance", (len(matrix), 2), np.float32)
        passes.launch(MEASURE_TEXELS, len(matrix), step, matrix, found)
        return found
    tolerance = np.zeros((len(matrix), 2), np.float32)
    tolerance[:, 0] = step * matrix[:, 12]
    return tolerance


def open_lenses(chunk: Any, ambient: NDArray[np.float32]) -> None:
    """Give the views that have a lens the whole sky.

    Args:
        chunk: The chunk.
        ambient: Open share of each pixel's sky.
    """
    if not chunk.has_lens:
        return
    if chunk.workspace.is_resident:
        pixels = chunk.width * chunk.height
        chunk.launch(OPEN_LENSES, len(ambient), pixels, chunk.views.ray_start, ambient)
        return
    ambient.reshape(chunk.view_count, -1)[chunk.views.ray_start >= 0] = 1.0
