"""Scans: what the beams of a LiDAR meet while the sensor moves and the world does.

Each firing has its own instant, and with it its own pose of the sensor, interpolated between knots, and its own state
of the world, the snapshot nearest in time. Rays are cast some thousands of firings at a time, so that memory holds the
result and one such part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..kernels.device import Kernel, scalar
from ..kernels.trajectory import check_trajectories, check_within, interpolate_trajectory, pose_at, rotate_vector
from .mesh_library import MeshLibrary
from .rays import RayCaster
from .reflectance import material_reflectance
from .snapshot import Snapshot

CHUNK_RAYS: Final = 1 << 19
"""Rays cast at once."""
_COPIED: Final = (
    ("range", "range"), ("incidence", "cosine"), ("instance", "instance"), ("class_id", "class_id"), ("part", "part"),
    ("material", "material"), ("row", "row"), ("triangle", "triangle"),
)  # fmt: skip


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ScanHits:
    """What S sub-rays of P firings met in each of N scans; where they met nothing, as in `RayHits`."""

    range: NDArray[np.float32]
    """Distance along the ray [m], shape (N, P, S); 0 = nothing."""
    cosine: NDArray[np.float32]
    """Cosine of incidence [1], shape (N, P, S)."""
    reflectance: NDArray[np.float32]
    """Mean albedo of the material [1], shape (N, P, S); 0 where there is none."""
    instance: NDArray[np.uint16]
    """Instance id, shape (N, P, S)."""
    class_id: NDArray[np.uint8]
    """Class id, shape (N, P, S)."""
    part: NDArray[np.uint8]
    """Link within the instance, shape (N, P, S)."""
    material: NDArray[np.int32]
    """Row in the snapshot's materials, shape (N, P, S); -1 = nothing."""
    row: NDArray[np.int32]
    """Row among the snapshot's instances, shape (N, P, S); -1 = nothing."""
    triangle: NDArray[np.int32]
    """Row in `library.level(mesh).triangles`, shape (N, P, S); -1 = nothing."""
    time: NDArray[np.int64]
    """Instant of each firing [ns], shape (N, P)."""
    pose: NDArray[np.float64]
    """World from sensor at that instant, shape (N, P, 4, 4)."""
    snapshot: NDArray[np.int32]
    """Which of its scan's snapshots each firing saw, shape (N, P)."""


@scalar
def _send_firing(
    element: Any, first: Any, firings: Any, time_in: Any, which_in: Any, instant_in: Any, knot_in: Any, start_in: Any,
    aim_in: Any, origin_out: Any, direction_out: Any,
) -> None:  # fmt: skip
    """Take the sub-rays of one firing to the world."""
    firing = first + element
    scan = firing // firings
    # Patterns are shared by all scans, or each has its own.
    source = firing if aim_in.shape[0] > firings else firing - scan * firings
    x, y, z, a, b, c, d = pose_at(time_in[firing], which_in[scan], instant_in, knot_in)
    subrays = aim_in.shape[1]
    for k in range(subrays):
        u, v, w = rotate_vector(a, b, c, d, start_in[source, k, 0], start_in[source, k, 1], start_in[source, k, 2])
        ray = element * subrays + k
        origin_out[ray, 0], origin_out[ray, 1], origin_out[ray, 2] = x + u, y + v, z + w
        u, v, w = rotate_vector(a, b, c, d, aim_in[source, k, 0], aim_in[source, k, 1], aim_in[source, k, 2])
        direction_out[ray, 0], direction_out[ray, 1], direction_out[ray, 2] = u, v, w


_SEND: Final = Kernel(_send_firing)


def cast_scan(
    caster: RayCaster,
    snapshots: Sequence[Snapshot | Sequence[Snapshot]],
    origins: ArrayLike,
    directions: ArrayLike,
    time: ArrayLike,
    *,
    pose: ArrayLike,
    pose_time: ArrayLike | None = None,
    start: ArrayLike = 0,
    snapshot_time: ArrayLike | None = None,
    near: float = 0.0,
    far: float = 200.0,
    look: int = 0,
) -> ScanHits:
    """Cast the beams of N scans from a sensor that may move.

    Args:
        caster: The meshes.
        snapshots: The world of each scan; of a world that moves, its states one after another, as many for each scan.
        origins: Where the sub-rays leave, in the sensor's frame [m], shape (P, 3), (P, S, 3) or (N, P, S, 3).
        directions: Where they go, in the sensor's frame, of any length > 0, the same shape.
        time: Time of each firing after the scan's start [s], shape (P,).
        pose: World from sensor: shape (4, 4) or (N, 4, 4) where it stands still, otherwise at the knots, shape
            (K, 4, 4), or (N, K, 4, 4) for a trajectory in each scan.
        pose_time: Instants of the knots [ns], int64, ascending, shape (K,) or (N, K), from the first firing to the
            last; None where it stands still.
        start: Instant at which each scan starts [ns], int64, one for all or shape (N,).
        snapshot_time: Instants of the snapshots [ns], int64, ascending, shape (W,) or (N, W); each firing sees the
            nearest one, the earlier of two. Needed where a scan has several.
        near: Nearest range met [m].
        far: Farthest range met [m].
        look: Which look of the snapshots the reflectance is of.

    Returns:
        What was met, with the pose of every firing.

    Raises:
        ValueError: If shapes disagree, or a firing lies beyond the knots.

    Source: slerp between knots after Shoemake 1985.

    Example:
        >>> origins, directions = aim_rays(pattern, profile, seed=1, index=[0])
        >>> hits = cast_scan(caster, [snapshot], origins, directions, pattern.time, pose=poses, pose_time=stamps)
        >>> reading = apply_lidar(hits.range, profile, seed=1, index=[0], cosine=hits.cosine,
        ...                       reflectance=hits.reflectance, surface=hits.row)
    """
    worlds, states, count = _flatten(snapshots)
    aim_from, aim_to = _check_aim(origins, directions, count)
    firings, subrays = aim_to.shape[-3:-1]
    instants = _find_instants(time, start, count, firings)
    knot_time, knots, which = check_trajectories(pose, pose_time, count)
    if firings:
        check_within(instants.min(axis=1), instants.max(axis=1), knot_time, which, "firings")
    state = _choose_states(instants, snapshot_time, states)
    shape = (count, firings, subrays)
    found: dict[str, NDArray[Any]] = {}
    flat_time = instants.reshape(-1)
    world_of = (state + states * np.arange(count)[:, None]).reshape(-1)
    flat_from, flat_to = (array.reshape(-1, subrays, 3) for array in (aim_from, aim_to))
    offsets, table = _tabulate_reflectances(caster.library, worlds, look)
    step = max(CHUNK_RAYS // max(subrays, 1), 1)
    for first in range(0, count * firings, step):
        part = min(step, count * firings - first)
        begin, to = np.empty((part * subrays, 3)), np.empty((part * subrays, 3))
        _SEND.launch(
            part, first, firings, flat_time, which, knot_time, knots, flat_from, flat_to, begin, to,
            device=caster.device, threads=caster.threads,
        )  # fmt: skip
        rows = np.repeat(world_of[first : first + part], subrays)
        hits = caster.cast(worlds, begin, to, ray_snapshot=rows, near=near, far=far)
        place = slice(first * subrays, (first + part) * subrays)
        for theirs, ours in _COPIED:
            values = getattr(hits, theirs)
            found.setdefault(ours, np.empty(count * firings * subrays, values.dtype))[place] = values
        seen = np.where(hits.material >= 0, offsets[rows] + hits.material, len(table) - 1)
        found.setdefault("reflectance", np.empty(count * firings * subrays, np.float32))[place] = table[seen]
    moving = pose_time is not None
    poses = (
        interpolate_trajectory(pose, pose_time, instants, threads=caster.threads)
        if moving
        else np.broadcast_to(np.asarray(pose, np.float64).reshape(-1, 1, 4, 4), (count, firings, 4, 4)).copy()
    )
    return ScanHits(
        time=instants, pose=poses, snapshot=state.astype(np.int32),
        **{name: values.reshape(shape) for name, values in found.items()},
    )  # fmt: skip


def _tabulate_reflectances(
    library: MeshLibrary, worlds: Sequence[Snapshot], look: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return where the reflectances of each world's materials begin, and all of them, with a 0 at the end."""
    begin: dict[int, int] = {}
    tables: list[NDArray[np.float32]] = []
    size = 0
    for world in worlds:
        if id(world.materials) not in begin:  # the states of one world share theirs
            begin[id(world.materials)] = size
            tables.append(material_reflectance(library, world, look=look))
            size += len(tables[-1])
    offsets = np.array([begin[id(world.materials)] for world in worlds], np.int64)
    return offsets, np.concatenate([*tables, np.zeros(1, np.float32)])


def _flatten(snapshots: Sequence[Snapshot | Sequence[Snapshot]]) -> tuple[list[Snapshot], int, int]:
    """Return all snapshots one after another, how many each scan has, and the number of scans."""
    groups = [[one] if isinstance(one, Snapshot) else list(one) for one in snapshots]
    states = {len(group) for group in groups}
    if len(states) != 1 or states == {0}:
        raise ValueError(
            f"snapshots must hold one world for each scan, or as many states for each, got {[len(g) for g in groups]}"
        )
    return [one for group in groups for one in group], states.pop(), len(groups)


def _check_aim(
    origins: ArrayLike, directions: ArrayLike, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return origins and directions of shape (P, S, 3) or (N, P, S, 3)."""
    begin, to = np.asarray(origins, np.float64), np.asarray(directions, np.float64)
    good = 2 <= to.ndim <= 4 and to.shape[-1] == 3 and begin.shape == to.shape
    if not good or (to.ndim == 4 and to.shape[0] != count) or 0 in to.shape:
        raise ValueError(
            f"origins and directions must both have shape (P, 3), (P, S, 3) or ({count}, P, S, 3), got {begin.shape} "
            f"and {to.shape}"
        )
    if to.ndim == 2:
        begin, to = begin[:, None], to[:, None]
    return np.ascontiguousarray(begin), np.ascontiguousarray(to)


def _find_instants(time: ArrayLike, start: ArrayLike, count: int, firings: int) -> NDArray[np.int64]:
    """Return the instant of each firing [ns], shape (N, P)."""
    after, begin = np.asarray(time, np.float64), np.asarray(start)
    if after.shape != (firings,) or not np.isfinite(after).all():
        raise ValueError(f"time must be {firings} finite numbers of seconds, one per firing, got shape {after.shape}")
    if begin.dtype.kind not in "iu" or begin.shape not in ((), (count,)):
        raise ValueError(f"start must be whole nanoseconds, one or {count}, got {begin.dtype} {begin.shape}")
    stamps = np.broadcast_to(begin.astype(np.int64), (count,))
    return np.ascontiguousarray(stamps[:, None] + np.rint(after * 1e9).astype(np.int64))


def _choose_states(instants: NDArray[np.int64], snapshot_time: ArrayLike | None, states: int) -> NDArray[np.int64]:
    """Return which of its scan's snapshots each firing sees: the nearest in time."""
    count, firings = instants.shape
    if snapshot_time is None:
        if states != 1:
            raise ValueError(f"each scan has {states} snapshots; pass snapshot_time, when each of them is")
        return np.zeros((count, firings), np.int64)
    stamps = np.asarray(snapshot_time)
    if stamps.dtype.kind not in "iu" or stamps.shape not in ((states,), (count, states)):
        raise ValueError(
            f"snapshot_time must be whole nanoseconds of shape ({states},) or ({count}, {states}), got {stamps.dtype} "
            f"{stamps.shape}"
        )
    stamps = np.broadcast_to(stamps.astype(np.int64), (count, states))
    if (np.diff(stamps, axis=1) <= 0).any():
        raise ValueError("snapshot_time must ascend, with no instant twice")
    # An instant's place among the middles between snapshots; exactly in the middle the earlier one is seen.
    middle = stamps[:, :-1] + (np.diff(stamps, axis=1) + 1) // 2
    early = (np.diff(stamps, axis=1) % 2 == 0).astype(np.int64)
    return np.stack([
        np.searchsorted(bounds, row, side="right").astype(np.int64)
        for bounds, row in zip(middle + early, instants, strict=True)
    ])  # fmt: skip
