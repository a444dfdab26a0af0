"""Masks of COCO, against pycocotools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simloom.sim.real.coco_mask import decode_segmentation, parse_counts

mask_api = pytest.importorskip("pycocotools.mask")
# pycocotools 2.0.11 does not know NumPy 2's copy keyword yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def _theirs(segmentation: Any, height: int, width: int) -> np.ndarray:
    """What COCO.annToMask does."""
    if isinstance(segmentation, list):
        runs = mask_api.merge(mask_api.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        runs = mask_api.frPyObjects(segmentation, height, width)
    else:
        runs = segmentation
    return np.asarray(mask_api.decode(runs)).astype(bool)


def test_polygons_fill_as_in_pycocotools() -> None:
    """Pixel for pixel equal over 400 polygons: inside, across the border, crossing themselves, degenerate, integer."""
    draw = np.random.default_rng(11)
    for case in range(400):
        height, width = draw.integers(1, 60, 2).tolist()
        count = int(draw.integers(3, 12))
        points = draw.uniform(-0.4, 1.4, (count, 2)) * (width, height)
        if case % 3 == 0:
            points = points.round()
        if case % 5 == 0:
            points[1] = points[0]
        polygons = [points.reshape(-1).tolist()]
        if case % 4 == 0:
            polygons.append((draw.random((4, 2)) * (width, height)).reshape(-1).tolist())
        ours = decode_segmentation(polygons, height, width)
        assert np.array_equal(ours, _theirs(polygons, height, width)), (case, polygons, height, width)


def test_run_lengths_decode_as_in_pycocotools() -> None:
    """Numbers and text of random masks give those masks."""
    draw = np.random.default_rng(12)
    for case in range(100):
        height, width = draw.integers(1, 70, 2).tolist()
        mask = draw.random((height, width)) < (case % 10) / 9
        runs = mask_api.encode(np.asfortranarray(mask.astype(np.uint8)))
        text = {"size": [height, width], "counts": runs["counts"].decode()}
        assert np.array_equal(decode_segmentation(text, height, width), mask)
        numbers = {"size": [height, width], "counts": parse_counts(text["counts"], height * width)}
        assert np.array_equal(decode_segmentation(numbers, height, width), mask)
        assert np.array_equal(_theirs(numbers, height, width), mask)


@pytest.mark.parametrize(
    "segmentation",
    [
        [], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], [["a"] * 6], [[1e300] * 6], [[True] * 6], "text", None, 7, [[]], [{}],
        {"size": [4, 4], "counts": [17]}, {"size": [4, 4], "counts": [-1, 17]}, {"size": [4, 4], "counts": [8]},
        {"size": [9, 9], "counts": [81]}, {"size": [4, 4], "counts": [1 << 60]}, {"size": [4, 4], "counts": "~~~~"},
        {"size": [4, 4], "counts": "oooooooooooooo"}, {"size": [4, 4], "counts": [True] * 16}, {"counts": [16]},
        {"size": [4, 4], "counts": "P"}, {"size": [4, 4]}, [[1] * (4 * 65536)],
        [[-9e4, 0, 9e4, 1] * 9], [[0, 0, 4, 0, 4, 4]] * 5000,
    ],
)  # fmt: skip
def test_what_is_no_mask_is_refused(segmentation: Any) -> None:
    """Hostile segmentations are a ValueError and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        decode_segmentation(segmentation, 4, 4)
