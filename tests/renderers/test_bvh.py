"""The trees that rays walk: every item in one leaf, every box around its items, whatever the geometry."""

from __future__ import annotations

import numpy as np
import pytest

from naive.still_life import coarse_library, primitive_library
from simloom.renderers.bvh import (
    BIN_COUNT,
    EMPTY,
    LEAF_BITS,
    MAX_DEPTH,
    TRIANGLES_PER_LEAF,
    _build_tree,
    add_mesh_trees,
    build_trees,
    no_mesh_trees,
    round_outwards,
)


def boxes_of(centers, half=0.01):
    """Cubes around points."""
    return round_outwards(np.asarray(centers, float) - half, np.asarray(centers, float) + half)


def one_tree(trees, k):
    """A tree's own rows: bounds (nodes, 3, lower and upper, child), child codes and order."""
    nodes = slice(trees.node_start[k], trees.node_start[k + 1])
    items = slice(trees.item_start[k], trees.item_start[k + 1])
    return trees.bounds[nodes].reshape(-1, 3, 2, 2), trees.child[nodes], trees.order[items]


def walk(trees, k):
    """Every leaf of a tree: its items, its depth, and the boxes above it, nearest last."""
    bounds, child, order = one_tree(trees, k)
    tasks, seen = [(0, 1, [])], set()
    while tasks:
        node, depth, above = tasks.pop()
        assert node not in seen
        seen.add(node)
        for side in range(2):
            code, boxes = int(child[node, side]), [*above, bounds[node, :, :, side]]
            if code >= 0:
                tasks.append((code, depth + 1, boxes))
            elif code != EMPTY:
                first, count = (-1 - code) >> LEAF_BITS, (-1 - code) & ((1 << LEAF_BITS) - 1)
                yield order[first : first + count], depth, boxes
    assert seen == set(range(len(child)))


def check(trees, k, boxes, leaf_size):
    """Assert a tree's invariants."""
    found = []
    for items, depth, above in walk(trees, k):
        assert 1 <= len(items) <= leaf_size
        assert depth <= MAX_DEPTH
        found += items.tolist()
        for box in above:
            assert (box[:, 0] <= boxes[items, :3]).all()
            assert (box[:, 1] >= boxes[items, 3:]).all()
    assert sorted(found) == list(range(len(boxes)))


CLOUDS = {
    "none": np.empty((0, 3)),
    "one": np.zeros((1, 3)),
    "scattered": np.random.default_rng(1).normal(size=(3000, 3)),
    "identical": np.ones((700, 3)),
    "on a line": np.random.default_rng(2).normal(size=(400, 1)) * [1.0, 0.0, 0.0],
    "ever farther": 1e-4 * np.outer(1.05 ** np.arange(600), [1.0, 0.3, 0.1]),
}


def test_every_item_is_in_one_leaf_and_every_box_holds_its_items():
    """The invariants, for clouds of every awkward kind, in one call and with leaves of one to fifteen."""
    boxes = [boxes_of(points) for points in CLOUDS.values()]
    for leaf_size in (1, 4, 15):
        trees = build_trees(np.concatenate(boxes), [len(rows) for rows in boxes], leaf_size=leaf_size)
        for k, rows in enumerate(boxes):
            check(trees, k, rows, leaf_size)


def test_a_tree_depends_on_its_own_boxes_alone():
    """Alone, among others, on one thread or two: the same bytes."""
    boxes = [boxes_of(points) for points in CLOUDS.values()]
    counts = [len(rows) for rows in boxes]
    together = build_trees(np.concatenate(boxes), counts, leaf_size=4, threads=2)
    again = build_trees(np.concatenate(boxes[::-1]), counts[::-1], leaf_size=4, threads=1)
    for k, rows in enumerate(boxes):
        alone = one_tree(build_trees(rows, [len(rows)], leaf_size=4), 0)
        for expected, found, other in zip(
            alone, one_tree(together, k), one_tree(again, len(boxes) - 1 - k), strict=True
        ):
            assert found.tobytes() == other.tobytes() == expected.tobytes()


def test_two_clusters_are_split_between_them():
    """The surface area heuristic cuts two heaps apart at the root, uneven as they are."""
    generator = np.random.default_rng(3)
    heaps = np.concatenate([generator.uniform(0, 1, (30, 3)), generator.uniform((9, 0, 0), (10, 1, 1), (5, 3))])
    boxes = boxes_of(heaps)
    bounds, _, _ = one_tree(build_trees(boxes, [35], leaf_size=4), 0)
    sides = sorted(bounds[0, 0].T.tolist())
    assert sides[0][1] == boxes[:30, 3].max() < sides[1][0] == boxes[30:, 0].min()


def test_the_compiled_builder_does_what_the_source_says():
    """The same function as plain Python: equal bytes, with scratch and outputs poisoned."""
    boxes = boxes_of(np.random.default_rng(4).normal(size=(60, 3)))
    expected = one_tree(build_trees(boxes, [60], leaf_size=2), 0)
    order, child = np.full(60, 10**6, np.int32), np.full((59, 2), 10**6, np.int32)
    bounds, count = np.full((59, 12), np.nan, np.float32), np.full(1, -1, np.int32)
    scratch = np.full((1, MAX_DEPTH + 2, 4), -(10**6), np.int32), *(np.full((1, 6), np.nan) for _ in range(2))
    rows = np.array([0, 60], np.int32), np.array([0, 59], np.int32), boxes
    _build_tree(0, 2, *rows, order, bounds, child, count, *scratch, np.full((1, BIN_COUNT, 8), np.nan))
    used = int(count[0])
    for ours, theirs in zip((bounds[:used].reshape(-1, 3, 2, 2), child[:used], order), expected, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_mesh_trees_hold_every_triangle_and_grow_mesh_by_mesh():
    """Triangles lie in leaf order, boxes are a little larger, and adding one by one gives what adding at once does."""
    for library in (primitive_library(), coarse_library(np.random.default_rng(5))):
        at_once = add_mesh_trees(no_mesh_trees(library), library, range(library.mesh_count))
        known = no_mesh_trees(library)
        for mesh in (2, 0, 3, 1):
            known = add_mesh_trees(known, library, [mesh])
        for mesh in range(library.mesh_count):
            level = library.level(mesh)
            corners = level.vertices[level.triangles]
            k = int(at_once.tree_of_mesh[mesh])
            check(at_once.trees, k, np.concatenate([corners.min(1), corners.max(1)], axis=1), TRIANGLES_PER_LEAF)
            items = slice(at_once.trees.item_start[k], at_once.trees.item_start[k + 1])
            assert np.array_equal(at_once.corners[items].reshape(-1, 3, 3), corners[at_once.trees.order[items]])
            bounds = one_tree(at_once.trees, k)[0][0]
            used = np.isfinite(bounds).all(axis=(0, 1))
            assert (bounds[:, 0, used].min(1) < library.mesh_lower[mesh]).all()
            assert (bounds[:, 1, used].max(1) > library.mesh_upper[mesh]).all()
            j = int(known.tree_of_mesh[mesh])
            for a, b in zip(one_tree(at_once.trees, k), one_tree(known.trees, j), strict=True):
                assert a.tobytes() == b.tobytes()
            other = slice(known.trees.item_start[j], known.trees.item_start[j + 1])
            assert at_once.corners[items].tobytes() == known.corners[other].tobytes()


def test_wrong_input_is_refused():
    """A leaf that its code cannot count, and boxes that the counts do not cover."""
    with pytest.raises(ValueError, match="leaf_size"):
        build_trees(boxes_of(np.zeros((2, 3))), [2], leaf_size=16)
    with pytest.raises(ValueError, match="boxes must have shape"):
        build_trees(boxes_of(np.zeros((2, 3))), [3], leaf_size=4)
