"""Import photographs with COCO annotations."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dataset.errors import DatasetCorruptError
from ..dataset.specs import Array
from ..errors import UsageError
from .coco_file import CocoFile, CocoImage, CocoObject, read_coco
from .coco_mask import check_segmentation, decode_segmentation
from .decode_image import decode_colour
from .fit import Fit, Frame, Placement
from .import_rows import (
    Imported,
    ImportPlan,
    check_camera,
    combine_sums,
    merge_counts,
    number_worlds,
    write_import,
)
from .instance_labels import instance_boxes, instance_pixels
from .source_file import UnreadableImageError, find_inside, read_image_file, require_folder

MOST_SLOTS = 1023
"""Most objects of one image."""


@dataclass(frozen=True, kw_only=True)
class _Photo:
    """One image that can be read, with the objects that have a slot and those that have none."""

    number: int
    path: Path
    sha256: str
    size: tuple[int, int]
    oriented: bool
    objects: tuple[CocoObject, ...]
    crowds: tuple[CocoObject, ...]


def import_coco(
    annotations: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    size: tuple[int, int],
    fit: Fit = "letterbox",
    slots: int | None = None,
    camera: str = "camera",
    intrinsics: Sequence[float] | None = None,
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    allow_mixed: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Copy images with COCO annotations into a dataset of real data; the same call again resumes.

    Each image is a world of its own, numbered by its id, and one row: `sensor/<camera>/rgb`, instance and class images
    painted from polygons and run lengths (the smaller object on top), boxes, and the objects' classes. A crowd region
    has a class in `label/<camera>/class` and no instance. Files are read, never changed; what cannot be used is counted
    by its reason.

    Args:
        annotations: The JSON file.
        images: Folder that its file names are relative to.
        out: Folder of the dataset.
        size: Width and height of the rows' images [pixel].
        fit: "letterbox" keeps the sides' ratio and pads with black, "resize" stretches.
        slots: Object slots; by default those of the fullest image. The smallest objects beyond are left out, counted.
        camera: Name of the camera in the dataset.
        intrinsics: fx, fy, cx, cy of the images as they are [pixel], where one camera took all.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; by default as many as fill 64 MiB.
        allow_mixed: Resume although images were fitted on another platform.
        progress: Called after each shard with the rows that are there and those wanted.

    Returns:
        The dataset, and what was left out.

    Raises:
        UsageError: An argument cannot be.
        DatasetCorruptError: The annotation file is damaged, or a file name leads out of the folder.
        DatasetError: Nothing can be imported, or a write was refused.

    Example:
        >>> import_coco("instances.json", "photos", size=(640, 480), out="data/real").skipped
        {'image file is missing': 2}
    """
    frame = Frame(width=size[0], height=size[1], fit=fit)
    check_camera(camera)
    matrix = camera_matrix(intrinsics)
    file = read_coco(Path(annotations))
    photos, skipped = _find_photos(file, require_folder(Path(images)))
    fullest = max((len(photo.objects) for photo in photos), default=0)
    slots = min(max(1, fullest), MOST_SLOTS) if slots is None else slots
    if not 1 <= slots <= MOST_SLOTS:
        raise UsageError(f"slots must be in [1, {MOST_SLOTS}], got {slots}")
    if beyond := sum(max(0, len(photo.objects) - slots) for photo in photos):
        skipped["object beyond the slots"] += beyond
    painted = any(item.segmentation is not None for photo in photos for item in (*photo.objects, *photo.crowds))

    def make_row(row: int) -> Mapping[str, Array]:
        photo = photos[row]
        placement = frame.place(*photo.size)
        arrays = _label(photo, placement, slots, camera, painted=painted)
        try:
            picture = decode_colour(read_image_file(photo.path), oriented=photo.oriented)
            arrays[f"sensor/{camera}/rgb"] = placement.colour(picture)
        except (UnreadableImageError, ValueError) as error:
            raise DatasetCorruptError(f"{photo.path} has changed while it was imported: {error}") from None
        if matrix is not None:
            arrays[f"camera/{camera}/intrinsics"] = placement.intrinsics(matrix)
        return arrays

    count = len(photos)
    plan = ImportPlan(
        settings={
            "format": "coco",
            "annotations_sha256": file.sha256,
            "images_sha256": combine_sums((str(row), photo.sha256) for row, photo in enumerate(photos)),
            "images": count,
            "objects": sum(len(photo.objects) for photo in photos),
            "size": [frame.width, frame.height],
            "fit": fit,
            "slots": slots,
            "camera": camera,
            "intrinsics": None if intrinsics is None else [float(value) for value in intrinsics],
        },
        tables={
            "classes": {str(number): name for number, name in file.classes.items()},
            "cameras": {camera: {"width": frame.width, "height": frame.height}},
        },
        scenario=number_worlds([photo.number for photo in photos]),
        step=np.zeros(count),
        view=np.zeros(count),
        make_row=make_row,
        skipped=merge_counts(file.skipped, skipped),
    )
    return write_import(
        plan, out, codec=codec, rows_per_shard=rows_per_shard, allow_mixed=allow_mixed, progress=progress
    )


def camera_matrix(intrinsics: Sequence[float] | None) -> Array | None:
    """Make K of fx, fy, cx, cy.

    Raises:
        UsageError: They cannot be a camera's.
    """
    if intrinsics is None:
        return None
    values = [float(value) for value in intrinsics]
    if len(values) != 4 or not np.isfinite(values).all() or values[0] <= 0 or values[1] <= 0:
        raise UsageError(f"intrinsics are fx, fy, cx, cy in pixels, the first two above 0; got {intrinsics!r:.80}")
    fx, fy, cx, cy = values
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def _find_photos(file: CocoFile, folder: Path) -> tuple[list[_Photo], Counter[str]]:
    paths = [find_inside(folder, image.name) for image in file.images]  # a name that leads out refuses the whole file

    def look(place: int) -> tuple[_Photo | None, Counter[str]]:
        return _look(file.images[place], paths[place], file.objects.get(file.images[place].number, ()))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(look, range(len(paths))))
    skipped: Counter[str] = Counter()
    for _, counts in found:
        skipped.update(counts)
    return [photo for photo, _ in found if photo is not None], skipped


def _look(image: CocoImage, path: Path, objects: Sequence[CocoObject]) -> tuple[_Photo | None, Counter[str]]:
    """Decode an image once, so that every row that is numbered can be made."""
    try:
        data = read_image_file(path)
        picture, oriented = decode_colour(data), False
        size = (picture.shape[1], picture.shape[0])
        if image.size not in (None, size):
            turned = decode_colour(data, oriented=True)
            if (turned.shape[1], turned.shape[0]) != image.size:
                raise UnreadableImageError("image has another size than the annotations say")
            size, oriented = (turned.shape[1], turned.shape[0]), True
    except UnreadableImageError as error:
        lost = {str(error): 1, **({f"object of an image that is left out: {error}": len(objects)} if objects else {})}
        return None, Counter(lost)
    skipped: Counter[str] = Counter()
    usable = []
    for item in objects:
        try:
            if item.segmentation is not None and image.size is None:
                check_segmentation(item.segmentation, size[1], size[0])
            if item.is_crowd and item.segmentation is None:
                skipped["crowd region without a mask"] += 1
                continue
            usable.append(item)
        except ValueError:
            skipped["object whose mask is damaged"] += 1
    photo = _Photo(
        number=image.number, path=path, sha256=hashlib.sha256(data).hexdigest(), size=size, oriented=oriented,
        objects=tuple(item for item in usable if not item.is_crowd),
        crowds=tuple(item for item in usable if item.is_crowd),
    )  # fmt: skip
    return photo, skipped


def _label(photo: _Photo, placement: Placement, slots: int, camera: str, *, painted: bool) -> dict[str, Array]:
    width, height = photo.size
    objects = list(photo.objects)
    if len(objects) > slots:
        largest = sorted(objects, key=lambda item: -item.box[2] * item.box[3])[:slots]
        objects = sorted(largest, key=lambda item: item.number)
    valid, class_of = np.zeros(slots, np.uint8), np.zeros(slots, np.int32)
    boxes = np.zeros((slots, 4), np.float32)
    masks: dict[int, Array] = {}
    for slot, item in enumerate(objects):
        valid[slot], class_of[slot] = 1, item.class_id
        if item.segmentation is not None:
            masks[slot] = decode_segmentation(item.segmentation, height, width)
        else:
            x, y, wide, tall = item.box
            box = placement.boxes(np.array([x, y, x + wide, y + tall]))
            boxes[slot] = np.clip(box, 0, (placement.frame.width, placement.frame.height) * 2)
    arrays: dict[str, Array] = {"object/valid": valid, "object/class": class_of}
    if painted:
        instance, classes = np.zeros((height, width), np.uint16), np.zeros((height, width), np.uint8)
        for item in photo.crowds:
            if item.segmentation is not None:
                classes[decode_segmentation(item.segmentation, height, width)] = item.class_id
        for slot in sorted(masks, key=lambda slot: -int(masks[slot].sum())):
            instance[masks[slot]] = slot + 1
            classes[masks[slot]] = class_of[slot]
        instance = placement.labels(instance)
        seen = instance_boxes(instance, slots)
        for slot in masks:
            boxes[slot] = seen[slot]
        arrays[f"label/{camera}/instance"] = instance
        arrays[f"label/{camera}/class"] = placement.labels(classes)
        arrays[f"label/{camera}/visible_pixels"] = instance_pixels(instance, slots)
    arrays[f"label/{camera}/box_visible"] = boxes
    return arrays
