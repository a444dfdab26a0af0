"""Rays: range sensing against the geometry that `Raster` draws, for any pattern of beams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..kernels.device import require_device, thread_count
from .bvh import BOX_MARGIN, MeshTrees, Trees, add_mesh_trees, add_shapes, build_trees, no_mesh_trees, round_outwards
from .mesh_library import MeshLibrary
from .ray_traversal import CAST, CAST_BLOCK, NOT_FINITE, STACK_SIZE
from .snapshot import Snapshot

CUDA_THREADS = 1 << 16
"""Rays in flight at once on CUDA; each has a stack of its own in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RayHits:
    """What R rays met first. A ray that met nothing has row -1 and zeros elsewhere (-1 in material and triangle)."""

    range: NDArray[np.float32]
    """Distance from the origin [m], shape (R,); 0 = nothing."""
    instance: NDArray[np.uint16]
    """Instance id, shape (R,); 0 = background or nothing."""
    class_id: NDArray[np.uint8]
    """Class id, shape (R,)."""
    part: NDArray[np.uint8]
    """Link within the instance, shape (R,)."""
    material: NDArray[np.int32]
    """Row in the snapshot's materials, shape (R,); -1 = nothing."""
    incidence: NDArray[np.float32]
    """Cosine of the angle between the ray and the face's normal [1], shape (R,), range [0, 1]."""
    normal: NDArray[np.float32]
    """Unit normal of the face (not the shading normal), world frame, on the side of the ray's origin, shape (R, 3)."""
    row: NDArray[np.int32]
    """Row among the snapshot's instances, shape (R,); -1 = nothing."""
    triangle: NDArray[np.int32]
    """Row in `library.level(mesh).triangles`, shape (R,); -1 = nothing."""
    barycentric: NDArray[np.float32]
    """Weights of the triangle's second and third vertex at the hit, shape (R, 2); the first has the rest of 1."""


class _Placed(NamedTuple):
    """The instances of W snapshots, one after another."""

    matrix: NDArray[np.float64]
    """Mesh from world, rows of a 3x4 matrix, shape (I, 12)."""
    node: NDArray[np.int32]
    """Root of each instance's mesh, shape (I,)."""
    triangle: NDArray[np.int32]
    """First triangle of each instance's mesh, shape (I,)."""
    meshes: MeshTrees
    """Trees of all meshes shown before, and of deformed ones."""
    trees: Trees
    """One tree of world boxes per snapshot."""
    instance: NDArray[np.int32]
    class_id: NDArray[np.int32]
    part: NDArray[np.int32]
    material: NDArray[np.int32]


@dataclass(frozen=True)
class RayCaster:
    """Cast rays of any pattern at full-detail geometry.

    Both faces of every triangle are met, so a ray that starts inside a closed mesh meets that mesh from within; from
    outside it sees what `Raster(lod="exact")` draws. What a ray meets depends on the ray and its snapshot alone: never
    on other rays, their order or the threads. Of surfaces at the same range the lowest row wins, then the lowest
    triangle. Each mesh's tree is built when a snapshot first shows it and kept.

    Raises:
        ValueError: If `device` is unknown or `threads` is not positive.
        RuntimeError: If the device is not here.

    Example:
        >>> caster = RayCaster(library)
        >>> hits = caster.cast([snapshot], origins=[[0, 0, 1]], directions=[[1, 0, -0.2]], far=30.0)
    """

    library: MeshLibrary
    """Meshes that snapshots point into."""
    _: KW_ONLY
    device: str = "cpu"
    """"cpu" or "cuda"."""
    threads: int | None = None
    """CPU threads; None takes `kernels.thread_count()`."""
    _trees: MeshTrees = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be at least 1, or None for all cores, got {self.threads}")
        require_device(self.device)
        object.__setattr__(self, "_trees", no_mesh_trees(self.library))

    def cast(
        self,
        snapshots: Sequence[Snapshot],
        origins: ArrayLike,
        directions: ArrayLike,
        *,
        ray_snapshot: ArrayLike | None = None,
        near: float = 0.0,
        far: float = 100.0,
    ) -> RayHits:
        """Find what each of R rays meets first.

        Args:
            snapshots: The worlds. A sensor that moves while it scans casts its rays into snapshots of several times.
            origins: Where rays start, world frame [m], finite, shape (R, 3).
            directions: Where they go, world frame, of any finite length > 0, shape (R, 3).
            ray_snapshot: Row of the snapshot that each ray is cast into, shape (R,); None where there is only one.
            near: Nearest range met [m], >= 0; 0 leaves out a surface that a ray starts on.
            far: Farthest range met [m], > near, finite.

        Returns:
            One hit per ray, in the rays' order.

        Raises:
            ValueError: If shapes disagree, a value is not finite, a direction has no length, or a row is unknown.

        Example:
            >>> hits = caster.cast([before, after], origins, directions, ray_snapshot=[0, 0, 1, 1], far=120.0)
        """
        if not snapshots:
            raise ValueError("cast needs at least one snapshot, got none")
        if not (np.isfinite(far) and 0.0 <= near < far):
            raise ValueError(f"near and far must satisfy 0 <= near < far, both finite, got {near} and {far}")
        start, direction = _check_rays(origins, directions)
        worlds = _check_rows(ray_snapshot, len(start), len(snapshots))
        used, ray_world = _find_used(worlds, len(snapshots))
        hits = _allocate(len(start))
        if not len(start):
            return hits
        placed = self._place([snapshots[i] for i in used])
        lanes, block, step = self._divide(len(start))
        meshes, status = placed.meshes, np.empty(len(start), np.uint8)
        CAST_BLOCK.launch(
            lanes, len(start), block, step, float(near), float(far), start, direction, ray_world,
            placed.trees.node_start, placed.trees.item_start, placed.trees.bounds.reshape(-1),
            placed.trees.child.reshape(-1), placed.trees.order, placed.matrix, placed.node, placed.triangle,
            meshes.trees.bounds.reshape(-1), meshes.trees.child.reshape(-1), meshes.corners.reshape(-1),
            meshes.trees.order, placed.instance, placed.class_id, placed.part, placed.material, hits.range,
            hits.instance, hits.class_id, hits.part, hits.material, hits.incidence, hits.normal, hits.row,
            hits.triangle, hits.barycentric, status, np.empty(lanes * STACK_SIZE, np.int32),
            np.empty(lanes * STACK_SIZE), device=self.device, threads=self.threads,
        )  # fmt: skip
        if (status != CAST).any():
            raise ValueError(_describe_bad_rays(status))
        return hits

    def _divide(self, rays: int) -> tuple[int, int, int]:
        """Return how many lanes there are, the rays of each, and the step from one to its next."""
        if self.device == "cuda":
            lanes = min(rays, CUDA_THREADS)
            return lanes, -(-rays // lanes), lanes
        lanes = min(rays, 8 * (self.threads or thread_count()))
        block = -(-rays // lanes)
        return -(-rays // block), block, 1

    def _place(self, snapshots: Sequence[Snapshot]) -> _Placed:
        library = self.library
        counts = [snapshot.instance_count for snapshot in snapshots]
        mesh = np.concatenate([snapshot.mesh for snapshot in snapshots])
        if mesh.size and not 0 <= int(mesh.min()) <= int(mesh.max()) < library.mesh_count:
            raise ValueError(
                f"snapshot.mesh must be rows in [0, {library.mesh_count}), got {int(mesh.min())} to {int(mesh.max())}"
            )
        meshes = self._trees
        missing = np.unique(mesh[meshes.tree_of_mesh[mesh] < 0]).tolist()
        if missing:
            meshes = add_mesh_trees(meshes, library, missing, threads=self.threads)
            object.__setattr__(self, "_trees", meshes)
        pose = np.concatenate([np.asarray(s.pose_world_instance, np.float64) for s in snapshots])
        scale = np.concatenate([s.scale for s in snapshots]).astype(np.float64)
        matrix = pose[:, :3, :4].copy()
        matrix[:, :, :3] *= scale[:, None, :]
        if not np.isfinite(matrix).all():
            raise ValueError("pose_world_instance and scale must be finite; a snapshot holds NaN or infinity")
        tree, lower, upper = meshes.tree_of_mesh[mesh], library.mesh_lower[mesh], library.mesh_upper[mesh]
        shapes: list[NDArray[np.float32]] = []
        for first, snapshot in zip(np.cumsum([0, *counts]).tolist(), snapshots, strict=False):
            for deformation in snapshot.deformations:
                row = first + deformation.row
                level, vertices = library.level(int(mesh[row])), np.asarray(deformation.vertices, np.float32)
                if vertices.shape != level.vertices.shape or not np.isfinite(vertices).all():
                    raise ValueError(
                        f"a deformation of row {deformation.row} needs {level.vertices.shape} finite positions, "
                        f"got {vertices.shape}"
                    )
                tree[row] = len(meshes.trees.node_start) - 1 + len(shapes)
                lower[row], upper[row] = vertices.min(axis=0), vertices.max(axis=0)
                shapes.append(vertices[level.triangles])
        if shapes:
            meshes = add_shapes(meshes, shapes, threads=self.threads)
        boxes = _world_boxes(matrix, lower, upper)

        def join(name: str) -> NDArray[np.int32]:
            return np.concatenate([getattr(s, name) for s in snapshots]).astype(np.int32)

        return _Placed(
            matrix=_invert_affine(matrix).reshape(-1, 12),
            node=meshes.trees.node_start[tree],
            triangle=meshes.trees.item_start[tree],
            meshes=meshes,
            trees=build_trees(boxes, counts, leaf_size=1, threads=self.threads),
            instance=join("instance"),
            class_id=join("class_id"),
            part=join("part"),
            material=join("material"),
        )


def _check_rays(origins: ArrayLike, directions: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    start, direction = np.asarray(origins, np.float64), np.asarray(directions, np.float64)
    if start.ndim != 2 or start.shape[1] != 3 or direction.shape != start.shape:
        raise ValueError(
            f"origins and directions must both have shape (rays, 3), got {start.shape} and {direction.shape}; "
            "np.broadcast_to gives all rays one origin"
        )
    return np.ascontiguousarray(start), np.ascontiguousarray(direction)


def _describe_bad_rays(status: NDArray[np.uint8]) -> str:
    ray = int(np.flatnonzero(status != CAST)[0])
    count = int((status != CAST).sum())
    problem = "holds NaN or infinity" if status[ray] == NOT_FINITE else "has a direction of length 0"
    return (
        f"every ray needs a finite origin and a direction > 0; ray {ray} {problem} ({count} such rays): leave them out"
    )


def _check_rows(ray_snapshot: ArrayLike | None, rays: int, snapshots: int) -> NDArray[np.int64]:
    if ray_snapshot is None:
        if snapshots != 1:
            raise ValueError(f"there are {snapshots} snapshots; pass ray_snapshot, the row of each ray's snapshot")
        return np.zeros(rays, np.int64)
    rows = np.asarray(ray_snapshot)
    if rows.shape != (rays,) or (rays and rows.dtype.kind not in "iu"):
        raise ValueError(f"ray_snapshot must be {rays} whole numbers, one per ray, got {rows.dtype} {rows.shape}")
    if rays and not 0 <= int(rows.min()) <= int(rows.max()) < snapshots:
        raise ValueError(f"ray_snapshot must be rows in [0, {snapshots}), got {int(rows.min())} to {int(rows.max())}")
    return rows.astype(np.int64)


def _find_used(rows: NDArray[np.int64], snapshots: int) -> tuple[list[int], NDArray[np.int32]]:
    """Return the rows that rays name, ascending, and the place of each ray's row among them."""
    named = np.bincount(rows, minlength=snapshots) > 0
    place = np.cumsum(named, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(named).tolist(), place[rows]


def _allocate(rays: int) -> RayHits:
    return RayHits(
        range=np.empty(rays, np.float32),
        instance=np.empty(rays, np.uint16),
        class_id=np.empty(rays, np.uint8),
        part=np.empty(rays, np.uint8),
        material=np.empty(rays, np.int32),
        incidence=np.empty(rays, np.float32),
        normal=np.empty((rays, 3), np.float32),
        row=np.empty(rays, np.int32),
        triangle=np.empty(rays, np.int32),
        barycentric=np.empty((rays, 2), np.float32),
    )


def _world_boxes(
    matrix: NDArray[np.float64], lower: NDArray[np.float32], upper: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return boxes in the world around boxes in mesh frames, shape (I, 6)."""
    middle = 0.5 * (lower.astype(np.float64) + upper)
    half = 0.5 * (upper.astype(np.float64) - lower)
    # Written out, since a library's matrix product may round differently by batch shape.
    center = matrix[:, :, 0] * middle[:, :1] + matrix[:, :, 1] * middle[:, 1:2] + matrix[:, :, 2] * middle[:, 2:]
    center += matrix[:, :, 3]
    size = np.abs(matrix)
    reach = size[:, :, 0] * half[:, :1] + size[:, :, 1] * half[:, 1:2] + size[:, :, 2] * half[:, 2:]
    reach += 2.0 * BOX_MARGIN * (reach[:, :1] + reach[:, 1:2] + reach[:, 2:])
    return round_outwards(center - reach, center + reach)


def _invert_affine(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverses of 3x4 affine matrices by their adjugates, shape (I, 3, 4)."""
    a, b, c, d, e, f, g, h, i = (matrix[:, row, column] for row in range(3) for column in range(3))
    rows = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]
    scale = 1.0 / (a * rows[0][0] + b * rows[1][0] + c * rows[2][0])
    out = np.empty_like(matrix)
    x, y, z = matrix[:, 0, 3], matrix[:, 1, 3], matrix[:, 2, 3]
    for row, (p, q, r) in enumerate(rows):
        out[:, row, 0], out[:, row, 1], out[:, row, 2] = p * scale, q * scale, r * scale
        out[:, row, 3] = -(out[:, row, 0] * x + out[:, row, 1] * y + out[:, row, 2] * z)
    return out
