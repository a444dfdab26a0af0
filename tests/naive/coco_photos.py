"""A small COCO dataset: drawn photographs, polygons, run lengths and a crowd, written by OpenCV and pycocotools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycocotools.mask as mask_api

CATEGORIES = [{"id": 3, "name": "cup"}, {"id": 17, "name": "book"}, {"id": 90, "name": "apple"}]


def draw_photo(seed: int, width: int, height: int) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Draw a table with things on it; returns BGR and annotations without ids."""
    draw = np.random.default_rng([77, seed])
    y, x = np.mgrid[0:height, 0:width]
    grain = draw.normal(0, 4, (height, width, 1))
    photo = np.stack([70 + 40 * y / height, 95 + 50 * y / height, 120 + 60 * y / height], -1) + grain
    photo += 8 * np.sin(x / 9 + np.sin(y / 31) * 2)[..., None]
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    found = []
    for _ in range(int(draw.integers(2, 5))):
        kind = int(draw.integers(3))
        center = (draw.uniform(0.15, 0.85, 2) * (width, height)).round(1)
        radius = float(draw.uniform(0.08, 0.2) * min(width, height))
        colour = tuple(int(c) for c in draw.integers(40, 230, 3))
        if kind == 1:  # a book, rotated
            corners = cv2.boxPoints(
                ((float(center[0]), float(center[1])), (2.2 * radius, 1.5 * radius), draw.uniform(0, 90))
            )
            points = corners.astype(np.float64)
        else:
            angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
            points = center + radius * np.stack([np.cos(angle), np.sin(angle)], -1)
        cv2.fillPoly(photo, [np.round(points).astype(np.int32)], colour, cv2.LINE_AA)
        cv2.circle(photo, tuple(int(v) for v in center - radius * 0.3), max(1, int(radius / 5)), (250, 250, 250), -1)
        low, high = points.min(0), points.max(0)
        box = [*low.tolist(), *(high - low).tolist()]
        segmentation: Any = [points.reshape(-1).tolist()]
        if kind == 2:
            runs = mask_api.merge(mask_api.frPyObjects(segmentation, height, width))
            segmentation = {"size": [height, width], "counts": runs["counts"].decode()}
        found.append({"category_id": CATEGORIES[kind]["id"], "bbox": box, "segmentation": segmentation, "iscrowd": 0})
    return photo, found


def write_coco(folder: Path, sizes: list[tuple[int, int]]) -> tuple[Path, Path]:
    """Write photos and their annotations; returns the JSON file and the folder of the images."""
    images = folder / "photos"
    (images / "more").mkdir(parents=True)
    listed, annotations = [], []
    for number, (width, height) in enumerate(sizes):
        photo, found = draw_photo(number, width, height)
        name = f"more/{number:04d}.png" if number % 2 else f"{number:04d}.jpg"
        assert cv2.imwrite(str(images / name), photo)
        listed.append({"id": 100 + number, "file_name": name, "width": width, "height": height})
        if number == 0:
            crowd = np.zeros((height, width), np.uint8, order="F")
            crowd[: height // 5] = 1
            runs = mask_api.encode(crowd)
            found.append({
                "category_id": 90, "iscrowd": 1, "bbox": [0, 0, width, height // 5],
                "segmentation": {"size": [height, width], "counts": runs["counts"].decode()},
            })  # fmt: skip
        for item in found:
            annotations.append({"id": 1 + len(annotations), "image_id": 100 + number, "area": 1.0, **item})
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": listed, "annotations": annotations, "categories": CATEGORIES}))
    return path, images
