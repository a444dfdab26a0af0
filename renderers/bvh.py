"""Bounding volume hierarchies: binary trees of boxes over triangles or over placed meshes, in flat arrays.

Trees are built top-down with the surface area heuristic over 16 bins per axis: the chance that a ray which meets a node
meets a child is the ratio of their boxes' surfaces, so a split costs one step plus, for each side, that chance times
the items in it. A node is split where that is cheaper than trying all its items. From `SAH_DEPTH` on, nodes are halved
by count alone, which bounds the depth whatever the geometry. One tree is built by one thread in a fixed order: its
bytes depend on its own boxes alone.

Each node holds the boxes of its two children, so that one visit reads one cache line and tests two boxes.

Source: Wald, "On fast construction of SAH-based bounding volume hierarchies", RT 2007.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.device import Kernel, scalar
from .mesh_library import MeshLibrary

BIN_COUNT: Final = 16
"""Places per axis where a node may be split, plus one."""
SAH_DEPTH: Final = 36
"""Depth from which nodes are halved by count."""
MAX_DEPTH: Final = 60
"""Deepest node of any tree: `SAH_DEPTH` and then 2^20 items halved, with room to spare."""
LEAF_BITS: Final = 4
"""Bits that a leaf's child code keeps for its count."""
EMPTY: Final = -1
"""Child code of no child at all: a leaf of no items."""
TRIANGLES_PER_LEAF: Final = 4
"""Triangles in one leaf at most."""
BOX_MARGIN: Final = 1e-6
"""Boxes are larger by this share of the whole's diagonal, so that rounding never hides a triangle behind its box."""


class Trees(NamedTuple):
    """Trees in flat arrays; all numbers in a tree are relative to its own first node and first item."""

    bounds: NDArray[np.float32]
    """Boxes of both children of each node, shape (nodes, 12): for each axis the lower bound of child 0 and of child 1,
    then their upper bounds."""
    child: NDArray[np.int32]
    """Child codes, shape (nodes, 2): a node, or -1 - (first << LEAF_BITS | count) for a leaf, whose items are
    order[first : first + count]."""
    order: NDArray[np.int32]
    """Items in the order of the leaves, shape (items,)."""
    node_start: NDArray[np.int32]
    """First node of each tree, shape (trees + 1,); a tree's root is its node 0."""
    item_start: NDArray[np.int32]
    """First item of each tree, shape (trees + 1,)."""


class MeshTrees(NamedTuple):
    """Trees over full-detail triangles, which lie in the order of the leaves."""

    trees: Trees
    corners: NDArray[np.float32]
    """Corners of each triangle, shape (triangles, 9)."""
    tree_of_mesh: NDArray[np.int32]
    """Tree of each mesh of the library, shape (meshes,); -1 = not built."""


@scalar(forceinline=True)
def _half_area(x: Any, y: Any, z: Any) -> Any:
    return x * y + y * z + z * x


@scalar(forceinline=True)
def _bin_of(center: Any, lower: Any, scale: Any) -> Any:
    return min(int((center - lower) * scale), BIN_COUNT - 1)


@scalar(forceinline=True)
def _center(box_in: Any, item: Any, axis: Any) -> Any:
    return 0.5 * (np.float64(box_in[item, axis]) + np.float64(box_in[item, axis + 3]))


@scalar
def _measure(
    first: Any, count: Any, box_in: Any, item_first: Any, order_out: Any, box_out: Any, center_out: Any
) -> None:
    """Write the box of a run of items, and the box of their centres."""
    for axis in range(3):
        lower, upper, least, most = np.inf, -np.inf, np.inf, -np.inf
        for k in range(first, first + count):
            item = item_first + order_out[item_first + k]
            lower = min(lower, np.float64(box_in[item, axis]))
            upper = max(upper, np.float64(box_in[item, axis + 3]))
            center = _center(box_in, item, axis)
            least, most = min(least, center), max(most, center)
        box_out[axis], box_out[axis + 3] = lower, upper
        center_out[axis], center_out[axis + 3] = least, most


@scalar
def _fill_bins(
    first: Any, count: Any, axis: Any, lower: Any, scale: Any, box_in: Any, item_first: Any, order_out: Any,
    bin_out: Any,
) -> None:  # fmt: skip
    """Write each bin's box (6), count (7th) along one axis."""
    for k in range(BIN_COUNT):
        for side in range(3):
            bin_out[k, side], bin_out[k, side + 3] = np.inf, -np.inf
        bin_out[k, 6] = 0.0
    for k in range(first, first + count):
        item = item_first + order_out[item_first + k]
        place = _bin_of(_center(box_in, item, axis), lower, scale)
        for side in range(3):
            bin_out[place, side] = min(bin_out[place, side], np.float64(box_in[item, side]))
            bin_out[place, side + 3] = max(bin_out[place, side + 3], np.float64(box_in[item, side + 3]))
        bin_out[place, 6] += 1.0


@scalar
def _sweep(bin_out: Any) -> tuple[float, int]:
    """Return the cheapest split of filled bins: areas times counts, and the last bin of the lower side (-1 = none)."""
    x0, y0, z0, x1, y1, z1 = np.inf, np.inf, np.inf, -np.inf, -np.inf, -np.inf
    count = 0.0
    for k in range(BIN_COUNT - 1, 0, -1):
        x0, y0, z0 = min(x0, bin_out[k, 0]), min(y0, bin_out[k, 1]), min(z0, bin_out[k, 2])
        x1, y1, z1 = max(x1, bin_out[k, 3]), max(y1, bin_out[k, 4]), max(z1, bin_out[k, 5])
        count += bin_out[k, 6]
        bin_out[k, 7] = count * _half_area(x1 - x0, y1 - y0, z1 - z0) if count > 0.0 else np.inf
    x0, y0, z0, x1, y1, z1 = np.inf, np.inf, np.inf, -np.inf, -np.inf, -np.inf
    count, best, place = 0.0, np.inf, -1
    for k in range(BIN_COUNT - 1):
        x0, y0, z0 = min(x0, bin_out[k, 0]), min(y0, bin_out[k, 1]), min(z0, bin_out[k, 2])
        x1, y1, z1 = max(x1, bin_out[k, 3]), max(y1, bin_out[k, 4]), max(z1, bin_out[k, 5])
        count += bin_out[k, 6]
        cost = count * _half_area(x1 - x0, y1 - y0, z1 - z0) + bin_out[k + 1, 7] if count > 0.0 else np.inf
        if cost < best:
            best, place = cost, k
    return best, place


@scalar
def _split(
    first: Any, count: Any, depth: Any, leaf_size: Any, box_in: Any, item_first: Any, order_out: Any, box_out: Any,
    center_out: Any, bin_out: Any,
) -> int:  # fmt: skip
    """Order a run of items in two and return how many come first; 0 = the run is a leaf."""
    if count <= 1:
        return 0
    best, axis, place = np.inf, -1, -1
    if depth < SAH_DEPTH:
        for k in range(3):
            extent = center_out[k + 3] - center_out[k]
            scale = BIN_COUNT / extent if extent > 0.0 else np.inf
            if scale < np.inf:
                _fill_bins(first, count, k, center_out[k], scale, box_in, item_first, order_out, bin_out)
                cost, where = _sweep(bin_out)
                if cost < best:
                    best, axis, place = cost, k, where
    area = _half_area(box_out[3] - box_out[0], box_out[4] - box_out[1], box_out[5] - box_out[2])
    if count <= leaf_size and area * count <= area + best:
        return 0
    if place < 0:
        return int(count >> 1)
    lower, scale = center_out[axis], BIN_COUNT / (center_out[axis + 3] - center_out[axis])
    left, right = item_first + first, item_first + first + count - 1
    while left <= right:
        item = order_out[left]
        if _bin_of(_center(box_in, item_first + item, axis), lower, scale) <= place:
            left += 1
        else:
            order_out[left], order_out[right] = order_out[right], item
            right -= 1
    return int(left - item_first - first)


@scalar
def _build_tree(
    index: int, leaf_size: int, item_start_in: Any, node_start_in: Any, box_in: Any, order_out: Any, bounds_out: Any,
    child_out: Any, node_count_out: Any, task_out: Any, box_out: Any, center_out: Any, bin_out: Any,
) -> None:  # fmt: skip
    """Build one tree; the last four arrays are its scratch memory."""
    item_first, node_first = item_start_in[index], node_start_in[index]
    item_count = item_start_in[index + 1] - item_first
    for k in range(item_count):
        order_out[item_first + k] = k
    for side in range(2):
        for axis in range(3):
            bounds_out[node_first, 4 * axis + side] = np.inf
            bounds_out[node_first, 4 * axis + side + 2] = -np.inf
        child_out[node_first, side] = EMPTY
    nodes, tasks = 1, 0
    if item_count > 0:
        # A task is a run of items and the place where its parent keeps it; the root splits at once, below.
        task_out[index, 0, 0], task_out[index, 0, 1], task_out[index, 0, 2], task_out[index, 0, 3] = 0, item_count, 0, 0
        tasks = 1
    while tasks > 0:
        tasks -= 1
        first, count = task_out[index, tasks, 0], task_out[index, tasks, 1]
        place, depth = task_out[index, tasks, 2], task_out[index, tasks, 3]
        _measure(first, count, box_in, item_first, order_out, box_out[index], center_out[index])
        lower_count = _split(
            first, count, depth, leaf_size, box_in, item_first, order_out, box_out[index], center_out[index],
            bin_out[index],
        )  # fmt: skip
        node = 0
        if depth > 0 or lower_count == 0:
            row, side = node_first + (place >> 1), place & 1
            for axis in range(3):
                bounds_out[row, 4 * axis + side] = box_out[index, axis]
                bounds_out[row, 4 * axis + side + 2] = box_out[index, axis + 3]
            if lower_count == 0:
                child_out[row, side] = -1 - ((first << LEAF_BITS) | count)
            else:
                node = nodes
                nodes += 1
                child_out[row, side] = node
        if lower_count > 0:
            for side in range(2):
                start = first + lower_count if side == 0 else first
                task_out[index, tasks, 0] = start
                task_out[index, tasks, 1] = count - lower_count if side == 0 else lower_count
                task_out[index, tasks, 2] = 2 * node + 1 - side
                task_out[index, tasks, 3] = depth + 1
                tasks += 1
    node_count_out[index] = nodes


BUILD_TREE: Final = Kernel(_build_tree)
"""One tree per index."""


def build_trees(
    boxes: NDArray[np.float32], counts: Sequence[int], *, leaf_size: int, threads: int | None = None
) -> Trees:
    """Build trees over boxes.

    Args:
        boxes: Lower and upper corner of each item, tree after tree, finite, shape (items, 6).
        counts: Items of each tree, each < 2^26.
        leaf_size: Items in one leaf at most, range [1, 15].
        threads: CPU threads; None takes `kernels.thread_count()`.

    Returns:
        The trees. Their bytes depend on their own boxes alone.

    Raises:
        ValueError: If the leaf size or the number of boxes is wrong.

    Example:
        >>> build_trees(np.array([[0, 0, 0, 1, 1, 1]], np.float32), [1], leaf_size=1).child
        array([[-2, -1]], dtype=int32)
    """
    if not 1 <= leaf_size < 1 << LEAF_BITS:
        raise ValueError(f"leaf_size must be in [1, {(1 << LEAF_BITS) - 1}], got {leaf_size}")
    item_start = np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64))]).astype(np.int32)
    if boxes.shape != (int(item_start[-1]), 6):
        raise ValueError(
            f"boxes must have shape {(int(item_start[-1]), 6)} for counts that sum to it, got {boxes.shape}"
        )
    tree_count = len(counts)
    room = np.maximum(np.diff(item_start) - 1, 1)
    node_start = np.concatenate([[0], np.cumsum(room)]).astype(np.int32)
    bounds = np.empty((int(node_start[-1]), 12), np.float32)
    child = np.empty((int(node_start[-1]), 2), np.int32)
    order = np.empty(len(boxes), np.int32)
    node_count = np.empty(tree_count, np.int32)
    BUILD_TREE.launch(
        tree_count, leaf_size, item_start, node_start, boxes, order, bounds, child, node_count,
        np.empty((tree_count, MAX_DEPTH + 2, 4), np.int32), np.empty((tree_count, 6)), np.empty((tree_count, 6)),
        np.empty((tree_count, BIN_COUNT, 8)), threads=threads,
    )  # fmt: skip
    used = np.arange(len(bounds)) - np.repeat(node_start[:-1], room) < np.repeat(node_count, room)
    node_start = np.concatenate([[0], np.cumsum(node_count)]).astype(np.int32)
    return Trees(bounds[used], child[used], order, node_start, item_start)


def no_mesh_trees(library: MeshLibrary) -> MeshTrees:
    """Return the trees of no mesh of a library, to which `add_mesh_trees` adds."""
    none = np.zeros(1, np.int32)
    trees = Trees(np.empty((0, 12), np.float32), np.empty((0, 2), np.int32), np.empty(0, np.int32), none, none)
    return MeshTrees(trees, np.empty((0, 9), np.float32), np.full(library.mesh_count, -1, np.int32))


def add_mesh_trees(
    known: MeshTrees, library: MeshLibrary, meshes: Sequence[int], *, threads: int | None = None
) -> MeshTrees:
    """Build the trees of more meshes, over their full detail.

    Args:
        known: Trees there are already.
        library: The meshes.
        meshes: Rows of meshes without a tree, each once.
        threads: CPU threads; None takes `kernels.thread_count()`.

    Returns:
        All trees.
    """
    levels = [library.level(mesh) for mesh in meshes]
    tree_of_mesh = known.tree_of_mesh.copy()
    tree_of_mesh[list(meshes)] = len(known.trees.node_start) - 1 + np.arange(len(meshes))
    return add_shapes(known, [level.vertices[level.triangles] for level in levels], threads=threads)._replace(
        tree_of_mesh=tree_of_mesh
    )


def add_shapes(known: MeshTrees, shapes: Sequence[NDArray[np.float32]], *, threads: int | None = None) -> MeshTrees:
    """Build trees over triangles that may belong to no mesh, as those of deformed ones do.

    Args:
        known: Trees there are already.
        shapes: Corners of each tree's triangles, finite, shape (triangles, 3, 3).
        threads: CPU threads; None takes `kernels.thread_count()`.

    Returns:
        All trees, the new ones last.
    """
    corners, boxes = [np.empty((0, 9), np.float32)], [np.empty((0, 6), np.float32)]
    for points in shapes:
        lower, upper = points.min(axis=1).astype(np.float64), points.max(axis=1).astype(np.float64)
        margin = _margin(lower.min(axis=0, initial=np.inf), upper.max(axis=0, initial=-np.inf)) if len(points) else 0.0
        boxes.append(round_outwards(lower - margin, upper + margin))
        corners.append(points.reshape(-1, 9))
    counts = [len(rows) for rows in corners[1:]]
    more = build_trees(np.concatenate(boxes), counts, leaf_size=TRIANGLES_PER_LEAF, threads=threads)
    rows = more.order + np.repeat(more.item_start[:-1], counts)
    trees = Trees(
        bounds=np.concatenate([known.trees.bounds, more.bounds]),
        child=np.concatenate([known.trees.child, more.child]),
        order=np.concatenate([known.trees.order, more.order]),
        node_start=np.concatenate([known.trees.node_start, known.trees.node_start[-1] + more.node_start[1:]]),
        item_start=np.concatenate([known.trees.item_start, known.trees.item_start[-1] + more.item_start[1:]]),
    )
    return MeshTrees(trees, np.concatenate([known.corners, np.concatenate(corners)[rows]]), known.tree_of_mesh)


def _margin(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> float:
    x, y, z = (float(b) - float(a) for a, b in zip(lower, upper, strict=True))
    return BOX_MARGIN * float(np.sqrt(x * x + y * y + z * z))


def round_outwards(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round boxes to float32 so that they hold what they held.

    Args:
        lower: Lower corners, shape (N, 3).
        upper: Upper corners, shape (N, 3).

    Returns:
        Both, shape (N, 6).
    """
    infinity = np.float32(np.inf)
    low, high = np.nextafter(lower.astype(np.float32), -infinity), np.nextafter(upper.astype(np.float32), infinity)
    return np.ascontiguousarray(np.concatenate([low, high], axis=1), np.float32)
