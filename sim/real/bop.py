"""Import the scenes of a BOP dataset: images, depth, masks, and the poses of objects."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset.errors import DatasetCorruptError
from ..dataset.plain_file import hash_plain
from ..dataset.specs import Array
from ..errors import UsageError
from .bop_scene import BopImage, BopObject, compose, find_scenes, read_scene
from .decode_image import decode_colour, decode_numbers
from .fit import Fit, Frame, Placement
from .import_rows import Imported, ImportPlan, check_camera, combine_sums, merge_counts, write_import
from .instance_labels import instance_boxes, instance_pixels
from .source_file import UnreadableImageError, find_inside, image_size, read_image_file, require_folder

MOST_SLOTS = 1023
"""Most objects of one image."""

_COLOURS = ("rgb/{:06d}.png", "rgb/{:06d}.jpg", "gray/{:06d}.png", "gray/{:06d}.jpg")
_MASKS = ("mask_visib", "mask")


@dataclass(frozen=True, kw_only=True)
class _View:
    """One image whose files can be read."""

    image: BopImage
    colour: Path
    depth: Path | None
    masks: Mapping[int, Path]
    size: tuple[int, int]
    sums: tuple[tuple[str, str], ...]


def import_bop(
    folder: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    size: tuple[int, int] | None = None,
    fit: Fit = "letterbox",
    slots: int | None = None,
    camera: str = "camera",
    is_real: bool = True,
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    allow_mixed: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Copy scenes of a BOP dataset into a dataset of real data; the same call again resumes.

    A scene is a world, and each of its images a view of it and one row: colour, depth in metres, K, poses of camera and
    objects in metres, instance and class images from the visible masks, boxes and visibility. Where the files tell no
    pose of the cameras, each camera is its own world. Files are read, never changed; what cannot be used is counted.

    Args:
        folder: A split's folder, which holds 000000, 000001 ..., or one scene.
        out: Folder of the dataset.
        size: Width and height of the rows' images [pixel]; by default those of the first image.
        fit: "letterbox" keeps the sides' ratio and pads with black, "resize" stretches.
        slots: Object slots; by default those of the fullest image. The least visible objects beyond are left out.
        camera: Name of the camera in the dataset.
        is_real: False for splits that a renderer made, such as BOP's PBR images.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; by default as many as fill 64 MiB.
        allow_mixed: Resume although images were fitted on another platform.
        progress: Called after each shard with the rows that are there and those wanted.

    Returns:
        The dataset, and what was left out.

    Raises:
        UsageError: An argument cannot be.
        DatasetCorruptError: A file of a scene is damaged.
        DatasetError: Nothing can be imported, or a write was refused.

    Example:
        >>> import_bop("lm/test", out="data/lm").dataset["sensor/camera/depth"].shape
        (1313, 480, 640)
    """
    root = require_folder(Path(folder))
    check_camera(camera)
    skipped: Counter[str] = Counter()
    images = [image for scene in find_scenes(root) for image in read_scene(scene, skipped)]
    views = _find_views(images, skipped)
    if size is None:
        size = views[0].size if views else (1, 1)
    frame = Frame(width=size[0], height=size[1], fit=fit)
    fullest = max((len(view.image.objects) for view in views), default=0)
    slots = min(max(1, fullest), MOST_SLOTS) if slots is None else slots
    if not 1 <= slots <= MOST_SLOTS:
        raise UsageError(f"slots must be in [1, {MOST_SLOTS}], got {slots}")
    if beyond := sum(max(0, len(view.image.objects) - slots) for view in views):
        skipped["object beyond the slots"] += beyond
    numbers = sorted({item.number for view in views for item in view.image.objects})
    if len(numbers) > 255:
        raise UsageError(f"{root} shows {len(numbers)} kinds of objects; the class image, 8 bits, tells 255 apart")
    has_depth = any(view.depth for view in views)
    if has_depth:
        skipped["depth image is missing, the row has no return"] += sum(view.depth is None for view in views)
    has_world = all(view.image.pose_world_camera is not None for view in views)
    painter = _Painter(
        frame=frame, slots=slots, camera=camera, classes={number: place + 1 for place, number in enumerate(numbers)},
        has_depth=has_depth, has_world=has_world, has_masks=any(view.masks for view in views),
        has_info=any(item.info for view in views for item in view.image.objects),
    )  # fmt: skip
    counts = Counter[int]()
    places = []
    for view in views:
        places.append(counts[view.image.scene])
        counts[view.image.scene] += 1
    plan = ImportPlan(
        settings={
            "format": "bop",
            "files_sha256": combine_sums(pair for view in views for pair in view.sums),
            "images": len(views),
            "objects": sum(len(view.image.objects) for view in views),
            "size": list(size),
            "fit": fit,
            "slots": slots,
            "camera": camera,
            "world": "scene" if has_world else "camera",
            "is_real": is_real,
        },
        tables={
            "classes": {"0": "background", **{str(place + 1): f"obj_{n:06d}" for place, n in enumerate(numbers)}},
            "cameras": {camera: {"width": frame.width, "height": frame.height}},
            "objects": {str(number): _describe(root, number) for number in numbers},
        },
        scenario=np.array([view.image.scene for view in views], np.int64),
        step=np.zeros(len(views)),
        view=np.array(places, np.int64),
        make_row=lambda row: painter.paint(views[row]),
        skipped=merge_counts({reason: count for reason, count in skipped.items() if count}),
        is_real=is_real,
    )
    return write_import(
        plan, out, codec=codec, rows_per_shard=rows_per_shard, allow_mixed=allow_mixed, progress=progress
    )


def _describe(root: Path, number: int) -> dict[str, Any]:
    """Name an object by its dataset and number, and by its model where there is one."""
    dataset = root.parent if not (root / "scene_camera.json").is_file() else root.parent.parent
    entry = {"name": f"{dataset.resolve().name}/obj_{number:06d}"}
    try:
        entry["content_sha256"] = hash_plain(dataset / "models" / f"obj_{number:06d}.ply")[0]
    except (FileNotFoundError, DatasetCorruptError):
        entry["content_sha256"] = hashlib.sha256(entry["name"].encode()).hexdigest()
    return entry


def _find_views(images: Sequence[BopImage], skipped: Counter[str]) -> list[_View]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(_look, images))
    for _, counts in found:
        skipped.update(counts)
    return [view for view, _ in found if view is not None]


def _look(image: BopImage) -> tuple[_View | None, Counter[str]]:
    """Decode an image once, so that every row that is numbered can be made."""
    skipped: Counter[str] = Counter()
    sums: list[tuple[str, str]] = []

    def read(name: str) -> bytes:
        data = read_image_file(find_inside(image.folder, name))
        sums.append((f"{image.scene}/{name}", hashlib.sha256(data).hexdigest()))
        return data

    name = next((n for n in (f.format(image.number) for f in _COLOURS) if (image.folder / n).exists()), _COLOURS[0])
    try:
        picture = decode_colour(read(name.format(image.number)))
    except UnreadableImageError as error:
        lost = {f"object of an image that is left out: {error}": len(image.objects)} if image.objects else {}
        return None, Counter({str(error): 1, **lost})
    size, depth = (picture.shape[1], picture.shape[0]), f"depth/{image.number:06d}.png"
    depth_path: Path | None = image.folder / depth
    try:
        if decode_numbers(read(depth)).shape != picture.shape[:2]:
            raise UnreadableImageError("depth image has another size than the colour image")
    except UnreadableImageError as error:
        depth_path = None
        if (image.folder / depth).exists():
            skipped[str(error)] += 1
    masks = {}
    kind = next((kind for kind in _MASKS if (image.folder / kind).is_dir()), None)
    for item in image.objects if kind else ():
        name = f"{kind}/{image.number:06d}_{item.place:06d}.png"
        try:
            data = read(name)
            if image_size(data) != size:
                raise UnreadableImageError("another size")
            masks[item.place] = image.folder / name
        except UnreadableImageError as error:
            skipped[f"mask of an object: {error}"] += 1
    view = _View(
        image=image, colour=image.folder / sums[0][0].partition("/")[2], depth=depth_path, masks=masks, size=size,
        sums=tuple(sums),
    )  # fmt: skip
    return view, skipped


@dataclass(frozen=True, kw_only=True)
class _Painter:
    """Makes the arrays of a row."""

    frame: Frame
    slots: int
    camera: str
    classes: Mapping[int, int]
    has_depth: bool
    has_world: bool
    has_masks: bool
    has_info: bool

    def paint(self, view: _View) -> dict[str, Array]:
        """Make the arrays of one row but those of `sample/`."""
        image, camera = view.image, self.camera
        placement = self.frame.place(*view.size)
        objects = list(image.objects)
        if len(objects) > self.slots:
            seen = sorted(objects, key=lambda item: -float(item.info.get("visib_fract") or 0.0))[: self.slots]
            objects = sorted(seen, key=lambda item: item.place)
        try:
            arrays = {f"sensor/{camera}/rgb": placement.colour(decode_colour(read_image_file(view.colour)))}
            if self.has_depth:
                arrays[f"sensor/{camera}/depth"] = self._depth(view, placement)
            if self.has_masks:
                arrays |= self._masks(view, placement, objects)
        except (UnreadableImageError, ValueError, IndexError) as error:
            raise DatasetCorruptError(f"{image.folder}, image {image.number}: {error}; it has changed") from None
        pose = np.eye(4) if image.pose_world_camera is None or not self.has_world else image.pose_world_camera
        arrays[f"camera/{camera}/intrinsics"] = placement.intrinsics(image.camera_matrix)
        arrays[f"camera/{camera}/pose_world_camera"] = pose
        arrays |= self._objects(objects, pose)
        if self.has_info:
            arrays |= self._visibility(objects, placement)
        return arrays

    def _depth(self, view: _View, placement: Placement) -> Array:
        if view.depth is None:
            return np.zeros((self.frame.height, self.frame.width), np.float32)
        units = decode_numbers(read_image_file(view.depth))
        metres = (units * (view.image.depth_scale * 1e-3)).astype(np.float32)
        return placement.labels(metres)

    def _masks(self, view: _View, placement: Placement, objects: Sequence[BopObject]) -> dict[str, Array]:
        width, height = view.size
        instance, classes = np.zeros((height, width), np.uint16), np.zeros((height, width), np.uint8)
        for slot, item in enumerate(objects):
            if item.place in view.masks:
                inside = decode_numbers(read_image_file(view.masks[item.place])) > 0
                instance[inside], classes[inside] = slot + 1, self.classes[item.number]
        instance = placement.labels(instance)
        return {
            f"label/{self.camera}/instance": instance,
            f"label/{self.camera}/class": placement.labels(classes),
            f"label/{self.camera}/box_visible": instance_boxes(instance, self.slots),
            f"label/{self.camera}/visible_pixels": instance_pixels(instance, self.slots),
        }

    def _objects(self, objects: Sequence[BopObject], pose_world_camera: Array) -> dict[str, Array]:
        arrays: dict[str, Array] = {
            "object/valid": np.zeros(self.slots, np.uint8),
            "object/class": np.zeros(self.slots, np.int32),
            "object/asset": np.full(self.slots, -1, np.int32),
            "object/pose_world_object": np.zeros((self.slots, 4, 4)),
        }
        for slot, item in enumerate(objects):
            arrays["object/valid"][slot] = 1
            arrays["object/class"][slot] = self.classes[item.number]
            arrays["object/asset"][slot] = item.number
            arrays["object/pose_world_object"][slot] = compose(pose_world_camera, item.pose_camera_object)
        return arrays

    def _visibility(self, objects: Sequence[BopObject], placement: Placement) -> dict[str, Array]:
        amodal, visible = np.zeros((self.slots, 4), np.float32), np.zeros((self.slots, 4), np.float32)
        fraction, total = np.zeros(self.slots, np.float32), np.zeros(self.slots, np.int32)
        area = placement.scale[0] * placement.scale[1]
        for slot, item in enumerate(objects):
            amodal[slot] = _place_box(item.info.get("bbox_obj"), placement)
            visible[slot] = _place_box(item.info.get("bbox_visib"), placement)
            fraction[slot] = np.clip(_number(item.info.get("visib_fract")), 0.0, 1.0)
            total[slot] = round(min(_number(item.info.get("px_count_all")) * area, 2.0**31 - 1))
        camera = self.camera
        boxes = {} if self.has_masks else {f"label/{camera}/box_visible": visible}
        return {
            f"label/{camera}/box_amodal": amodal,
            f"label/{camera}/visible_fraction": fraction,
            f"label/{camera}/total_pixels": total,
            **boxes,
        }


def _number(value: Any) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return float(value) if usable else 0.0


def _place_box(value: Any, placement: Placement) -> Array:
    """Place x, y, width, height; -1 -1 -1 -1 says that nothing is seen."""
    numbers = isinstance(value, list) and len(value) == 4
    if not numbers or not all(isinstance(n, int | float) and abs(n) < 1e6 for n in value) or min(value[2:]) <= 0:
        return np.zeros(4)
    x, y, width, height = value
    return placement.boxes(np.array([x, y, x + width, y + height], np.float64))
