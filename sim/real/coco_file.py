"""The annotation file of a COCO dataset, read without trusting it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..dataset.errors import DatasetCorruptError
from ..dataset.plain_file import Fields, parse_json, read_plain
from ..errors import UsageError
from .coco_mask import check_segmentation

MAX_FILE_BYTES = 1 << 30
"""Largest annotation file read [byte]."""

BACKGROUND = "background"

_MAX_NAME = 200


@dataclass(frozen=True, kw_only=True)
class CocoImage:
    """One image as the file tells.

    Args:
        number: Its id.
        name: Its file name, relative to the folder of the images.
        size: Width and height, where the file tells them.
    """

    number: int
    name: str
    size: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class CocoObject:
    """One annotation.

    Args:
        number: Its id.
        class_id: Class, from 1.
        box: x, y, width, height [pixel].
        segmentation: Polygons or run lengths; None where there is only a box.
        is_crowd: Whether it covers many objects that are not told apart.
    """

    number: int
    class_id: int
    box: tuple[float, float, float, float]
    segmentation: Any
    is_crowd: bool


@dataclass(frozen=True, kw_only=True)
class CocoFile:
    """What an annotation file tells.

    Args:
        sha256: SHA-256 of the file.
        classes: Class name by id; 0 is background.
        images: Images in the order of their ids.
        objects: Annotations of each image by its id, in the order of their ids.
        skipped: What was left out, counted by its reason.
    """

    sha256: str
    classes: Mapping[int, str]
    images: tuple[CocoImage, ...]
    objects: Mapping[int, tuple[CocoObject, ...]]
    skipped: Mapping[str, int]


def read_coco(path: Path) -> CocoFile:
    """Read an annotation file.

    Args:
        path: The JSON file.

    Returns:
        Its images, categories and objects; entries that cannot be used are counted.

    Raises:
        UsageError: It is not there.
        DatasetCorruptError: It is no JSON of this form, too large or nested too deep, or has an id twice.
    """
    try:
        data = read_plain(path, limit=MAX_FILE_BYTES)
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; give the JSON file of the annotations") from None
    fields = Fields(parse_json(data, path), path)
    skipped: Counter[str] = Counter()
    classes, category = _read_categories(fields)
    images = _read_images(fields, skipped)
    objects = _read_objects(fields, images, category, skipped)
    return CocoFile(
        sha256=hashlib.sha256(data).hexdigest(),
        classes=classes,
        images=tuple(images[number] for number in sorted(images)),
        objects=objects,
        skipped=skipped,
    )


def _read_categories(fields: Fields) -> tuple[dict[int, str], dict[int, int]]:
    """Number the categories from 1 in the order of their ids; one called background is class 0."""
    names: dict[int, str] = {}
    for item in fields.array("categories"):
        entry = Fields(item, f"{fields.source}: a category")
        number, name = entry.count("id", 0), entry.text("name").strip()
        if number in names or name in names.values() or not 0 < len(name) <= _MAX_NAME:
            raise DatasetCorruptError(f"{fields.source}: category {number} {name!r:.80} is there twice or has no name")
        names[number] = name
    wanted = [number for number in sorted(names) if names[number] != BACKGROUND]
    if len(wanted) > 255:
        raise UsageError(f"{fields.source} has {len(wanted)} categories; the class image, 8 bits, tells 255 apart")
    category = {number: place + 1 for place, number in enumerate(wanted)}
    classes = {0: BACKGROUND, **{category[number]: names[number] for number in wanted}}
    return classes, {**category, **{number: 0 for number in names if number not in category}}


def _read_images(fields: Fields, skipped: Counter[str]) -> dict[int, CocoImage]:
    images: dict[int, CocoImage] = {}
    for item in fields.array("images"):
        entry = Fields(item, f"{fields.source}: an image")
        number, name = entry.count("id", 0), entry.value.get("file_name")
        if number in images:
            raise DatasetCorruptError(f"{fields.source}: image {number} is there twice")
        if not isinstance(name, str) or not name:
            skipped["image without a file name"] += 1
            continue
        size = entry.value.get("width"), entry.value.get("height")
        known = all(type(side) is int and 0 < side <= 1 << 20 for side in size)
        images[number] = CocoImage(number=number, name=name, size=size if known else None)  # type: ignore[arg-type]
    return images


def _read_objects(
    fields: Fields, images: Mapping[int, CocoImage], category: Mapping[int, int], skipped: Counter[str]
) -> dict[int, tuple[CocoObject, ...]]:
    found: dict[int, list[CocoObject]] = {}
    numbers: set[int] = set()
    for item in fields.array("annotations"):
        entry = Fields(item, f"{fields.source}: an annotation")
        number = entry.count("id", 0)
        if number in numbers:
            raise DatasetCorruptError(f"{fields.source}: annotation {number} is there twice")
        numbers.add(number)
        image, class_id = images.get(entry.count("image_id", 0)), category.get(entry.count("category_id", 0))
        box, segmentation = _read_box(entry.value.get("bbox")), entry.value.get("segmentation") or None
        reason = None
        if image is None:
            reason = "object of an image that is not listed"
        elif class_id is None:
            reason = "object of a category that is not listed"
        elif class_id == 0:
            reason = "object of the category background"
        elif box is None and segmentation is None:
            reason = "object without a box and a mask"
        elif segmentation is not None and image.size is not None:
            try:
                check_segmentation(segmentation, image.size[1], image.size[0])
            except ValueError:
                reason = "object whose mask is damaged"
        if reason is not None or image is None or class_id is None:
            skipped[reason or ""] += 1
            continue
        found.setdefault(image.number, []).append(
            CocoObject(
                number=number, class_id=class_id, box=box or (0.0, 0.0, 0.0, 0.0), segmentation=segmentation,
                is_crowd=entry.value.get("iscrowd") in (1, True),
            )
        )  # fmt: skip
    return {number: tuple(sorted(objects, key=lambda item: item.number)) for number, objects in found.items()}


def _read_box(value: Any) -> tuple[float, float, float, float] | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 1e6 for n in value):
        return None
    x, y, width, height = (float(n) for n in value)
    return (x, y, width, height) if width >= 0 and height >= 0 and math.isfinite(x + y) else None
