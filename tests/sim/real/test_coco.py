"""Import of photographs with COCO annotations."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("pycocotools")

from pycocotools.coco import COCO

from naive.coco_photos import write_coco
from simloom.sim.dataset.errors import DatasetCorruptError, DatasetFolderError
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.derive import merge_datasets, subset_dataset
from simloom.sim.errors import RecipeError, UsageError
from simloom.sim.real.coco import import_coco
from simloom.sim.recipe import load_recipe

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SIZES = [(160, 120), (90, 140), (200, 100)]


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    """Three photographs of three sizes."""
    return write_coco(tmp_path / "coco", SIZES)


def _change(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_labels_are_those_of_pycocotools(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """Without scaling, every pixel's class and instance are those of annToMask, the smaller object on top."""
    for number, size in enumerate(SIZES):
        _change(photos[0], lambda value: None)
        whole = json.loads(photos[0].read_text())
        one = tmp_path / f"{number}.json"
        one.write_text(json.dumps({**whole, "images": whole["images"][number : number + 1]}))
        done = import_coco(one, photos[1], out=tmp_path / f"out{number}", size=size, fit="resize", camera="cam")
        coco = COCO(str(photos[0]))
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[100 + number], iscrowd=False))
        masks = [coco.annToMask(item).astype(bool) for item in annotations]
        instance = np.zeros(size[::-1], np.uint16)
        for slot in sorted(range(len(masks)), key=lambda slot: -int(masks[slot].sum())):
            instance[masks[slot]] = slot + 1
        row = done.dataset[0]
        assert np.array_equal(row["label/cam/instance"], instance)
        names = {int(key): name for key, name in done.dataset.classes.items()}
        for slot, item in enumerate(annotations):
            wanted = coco.loadCats([item["category_id"]])[0]["name"]
            assert names[int(row["object/class"][slot])] == wanted
            seen = instance == slot + 1
            assert {names[int(k)] for k in np.unique(row["label/cam/class"][seen])} <= {wanted}
            ys, xs = np.nonzero(seen)
            box = row["label/cam/box_visible"][slot].tolist()
            assert box == ([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] if len(xs) else [0, 0, 0, 0])
            assert row["label/cam/visible_pixels"][slot] == seen.sum()
        stored = cv2.imread(str(photos[1] / whole["images"][number]["file_name"]))[..., ::-1]
        assert np.array_equal(row["sensor/cam/rgb"], stored)


def test_the_crowd_has_a_class_and_no_instance(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """A crowd region is painted below all objects, into the class image alone, and takes no slot."""
    done = import_coco(*photos, out=tmp_path / "out", size=(160, 120))
    row = done.dataset[0]
    apple = next(int(key) for key, name in done.dataset.classes.items() if name == "apple")
    top = row["label/camera/instance"][:24] == 0

    assert (row["label/camera/class"][:24][top] == apple).all()
    assert (row["label/camera/class"][24:][row["label/camera/instance"][24:] == 0] == 0).all()


def test_an_import_is_an_ordinary_dataset(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """It verifies, has a picture, says that it is real and from where; the same call again changes nothing."""
    before = {path: path.read_bytes() for path in photos[1].rglob("*") if path.is_file()}
    done = import_coco(*photos, out=tmp_path / "out", size=(96, 72), intrinsics=(100, 100, 79.5, 59.5))
    report = verify_dataset(tmp_path / "out")

    assert report.ok, report.lines()
    assert done.skipped == {}
    assert (tmp_path / "out" / "contact_sheet.png").exists()
    assert done.dataset["sample/is_real"].tolist() == [1, 1, 1]
    assert done.dataset["sample/generation"].tolist() == [0, 0, 0]
    assert done.dataset["sample/scenario"].tolist() == [100, 101, 102]
    assert done.dataset["sample/source"].tolist() == [0, 0, 0]
    assert done.dataset.tables["sources"]["0"]["facts"] == {"format": "coco"}
    digest = hashlib.sha256((tmp_path / "out" / "recipe.yaml").read_bytes()).hexdigest()
    assert done.dataset.tables["sources"]["0"]["recipe_sha256"] == digest
    again = import_coco(*photos, out=tmp_path / "out", size=(96, 72), intrinsics=(100, 100, 79.5, 59.5))
    assert again.dataset.root_digest == done.dataset.root_digest
    assert before == {path: path.read_bytes() for path in photos[1].rglob("*") if path.is_file()}
    with pytest.raises(RecipeError, match="imported from coco: no scene makes its rows"):
        load_recipe(tmp_path / "out" / "recipe.yaml")
    text = (tmp_path / "out" / "description.json").read_text() + (tmp_path / "out" / "recipe.yaml").read_text()
    assert str(tmp_path) not in text


def test_imports_can_be_cut_down_and_merged(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """Lineage goes through an import: its rows are its own, and two imports are merged by class names."""
    other = write_coco(tmp_path / "other", [(80, 60)])
    _change(
        other[0], lambda value: value["categories"].reverse() or value["categories"].append({"id": 1, "name": "fork"})
    )
    one = import_coco(*photos, out=tmp_path / "one", size=(80, 60), slots=8).dataset
    two = import_coco(*other, out=tmp_path / "two", size=(80, 60), slots=8).dataset
    few = subset_dataset(one, rows=[2, 0], out=tmp_path / "few")
    both = merge_datasets([few, two], out=tmp_path / "both")

    assert both["sample/source"].tolist() == [0, 0, 1]
    assert both["sample/source_index"].tolist() == [2, 0, 0]
    assert both["sample/is_real"].tolist() == [1, 1, 1]
    for row, (source, place) in enumerate([(one, 2), (one, 0), (two, 0)]):
        found, wanted = both.row(row), source.row(place)
        assert [both.classes[str(k)] for k in found["object/class"][found["object/valid"] == 1]] == [
            source.classes[str(k)] for k in wanted["object/class"][wanted["object/valid"] == 1]
        ]
        assert np.array_equal(found["sensor/camera/rgb"], wanted["sensor/camera/rgb"])


def test_letterboxed_labels_lie_on_their_objects(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """The sides' ratio is kept, the pad is black and without labels, and labels follow the image."""
    done = import_coco(*photos, out=tmp_path / "out", size=(128, 128), slots=8)
    row = done.dataset[1]  # 90 x 140 becomes 82 x 128, 23 columns from the left
    assert not row["sensor/camera/rgb"][:, :23].any()
    assert not row["sensor/camera/rgb"][:, 105:].any()
    assert row["sensor/camera/rgb"][:, 23:105].any(axis=-1).all()
    assert not row["label/camera/instance"][:, :23].any()
    full = import_coco(*photos, out=tmp_path / "full", size=(90, 140), fit="resize", slots=8).dataset[1]
    y, x = np.mgrid[0:128, 0:82]
    near = (((y + 0.5) * 140 / 128).astype(int), ((x + 0.5) * 90 / 82).astype(int))
    same = row["label/camera/instance"][:, 23:105] == full["label/camera/instance"][near]
    assert same.mean() > 0.999  # a centre on the edge between two pixels may go either way


def test_what_cannot_be_used_is_counted(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """Missing and broken images, wrong sizes, damaged masks, unknown ids: each is counted by its reason."""

    def spoil(value: dict[str, Any]) -> None:
        value["images"] += [
            {"id": 1, "file_name": "gone.png", "width": 8, "height": 8},
            {"id": 2, "file_name": "text.png", "width": 8, "height": 8},
            {"id": 3, "file_name": "cut.jpg", "width": 160, "height": 120},
            {"id": 4, "file_name": "0000.jpg", "width": 999, "height": 120},
            {"id": 5},
            {"id": 6, "file_name": "half.jpg", "width": 200, "height": 100},
        ]
        value["annotations"] += [
            {"id": 1001, "image_id": 1, "category_id": 3, "bbox": [0, 0, 1, 1]},
            {"id": 1002, "image_id": 77, "category_id": 3, "bbox": [0, 0, 1, 1]},
            {"id": 1003, "image_id": 100, "category_id": 4, "bbox": [0, 0, 1, 1]},
            {"id": 1004, "image_id": 100, "category_id": 3, "bbox": [0, 0, 1, 1], "segmentation": [[1, 2]]},
            {"id": 1005, "image_id": 100, "category_id": 3},
            {"id": 1006, "image_id": 100, "category_id": 3, "bbox": [1, 1, 2, 2]},
        ]

    _change(photos[0], spoil)
    whole = (photos[1] / "0002.jpg").read_bytes()
    (photos[1] / "text.png").write_text("no image")
    (photos[1] / "cut.jpg").write_bytes((photos[1] / "0000.jpg").read_bytes()[:400])
    (photos[1] / "half.jpg").write_bytes(whole[: len(whole) // 2])
    done = import_coco(*photos, out=tmp_path / "out", size=(80, 60), slots=3)

    assert len(done.dataset) == 3
    assert done.skipped["image file is missing"] == 1
    assert done.skipped["object of an image that is left out: image file is missing"] == 1
    assert done.skipped["image is neither PNG nor JPEG"] == 1
    assert done.skipped["image has another size than the annotations say"] == 1
    assert done.skipped["image without a file name"] == 1
    assert done.skipped["object of an image that is not listed"] == 1
    assert done.skipped["object of a category that is not listed"] == 1
    assert done.skipped["object whose mask is damaged"] == 1
    assert done.skipped["object without a box and a mask"] == 1
    assert done.skipped["object beyond the slots"] >= 1
    assert done.skipped["image is cut short"] == 2
    assert sum(done.skipped.values()) == 11 + done.skipped["object beyond the slots"]
    assert "image file is missing: 1" in (tmp_path / "out" / "recipe.yaml").read_text()


def test_boxes_without_masks_are_scaled(tmp_path: Path) -> None:
    """Where no object has a mask there is no instance image, and boxes are those of the file."""
    path, images = write_coco(tmp_path / "coco", [(100, 50)])
    _change(path, lambda value: [item.pop("segmentation") for item in value["annotations"]])
    done = import_coco(path, images, out=tmp_path / "out", size=(50, 50), fit="letterbox")

    assert "label/camera/instance" not in done.dataset.names
    assert done.skipped == {"crowd region without a mask": 1}
    x, y, wide, tall = json.loads(path.read_text())["annotations"][0]["bbox"]
    wanted = np.array([x / 2, y / 2 + 12, (x + wide) / 2, (y + tall) / 2 + 12]).clip(0, 50)
    assert np.allclose(done.dataset[0]["label/camera/box_visible"][0], wanted, atol=1e-4)  # 100 x 50 gives 50 x 25


HOSTILE = {
    "out by dots": lambda value: value["images"][0].update(file_name="../../secret.png"),
    "absolute": lambda value: value["images"][0].update(file_name="/etc/passwd"),
    "NUL": lambda value: value["images"][0].update(file_name="a\0b.png"),
    "backslash": lambda value: value["images"][0].update(file_name="..\\secret.png"),
    "link": lambda value: value["images"][0].update(file_name="link/0.png"),
    "image twice": lambda value: value["images"].append(value["images"][0]),
    "annotation twice": lambda value: value["annotations"].append(value["annotations"][0]),
    "category twice": lambda value: value["categories"].append({"id": 5, "name": "cup"}),
    "no list": lambda value: value.update(images={}),
    "bomb": lambda value: value["images"][0].update(file_name="bomb.png"),
    "file link": lambda value: value["images"][0].update(file_name="self.jpg"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_refused(
    photos: tuple[Path, Path], tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    """Names that leave the folder, links, doubled ids and image bombs are one clear error, and nothing is written."""
    (tmp_path / "secret.png").write_bytes(b"")
    os.symlink(tmp_path, photos[1] / "link")
    os.symlink(photos[1] / "0000.jpg", photos[1] / "self.jpg")
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60000).to_bytes(4, "big") * 2
    (photos[1] / "bomb.png").write_bytes(head + b"\x08\x02\0\0\0" + bytes(64) + b"IEND")
    _change(photos[0], change)
    with pytest.raises(DatasetCorruptError):
        import_coco(*photos, out=tmp_path / "out", size=(80, 60))
    assert not (tmp_path / "out").exists()


def test_deep_and_broken_json_is_refused(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """No text makes the reader fall over."""
    for text in ("[" * 100000, '{"images": [', '{"images": [], "images": []}', '{"images": NaN}', "[]", "\xff"):
        photos[0].write_bytes(text.encode("latin-1"))
        with pytest.raises(DatasetCorruptError):
            import_coco(*photos, out=tmp_path / "out", size=(80, 60))


def test_arguments_that_cannot_be_are_answered(photos: tuple[Path, Path], tmp_path: Path) -> None:
    """Sizes, slots, names, intrinsics and empty sets are refused in one sentence."""
    out = tmp_path / "out"
    refused: list[tuple[dict[str, Any], str]] = [
        ({"size": (0, 5)}, "width must be in"),
        ({"size": (5, 10**6)}, "height must be in"),
        ({"size": (8, 8), "slots": 0}, "slots must be in"),
        ({"size": (8, 8), "camera": "../x"}, "a camera's name"),
        ({"size": (8, 8), "intrinsics": (0, 1, 2, 3)}, "fx, fy, cx, cy"),
        ({"size": (8, 8), "fit": "crop"}, "'letterbox' or 'resize'"),
    ]
    for arguments, text in refused:
        with pytest.raises(UsageError, match=text):
            import_coco(*photos, out=out, **arguments)
    with pytest.raises(UsageError, match="is no folder"):
        import_coco(photos[0], tmp_path / "none", out=out, size=(8, 8))
    _change(photos[0], lambda value: [item.update(file_name="gone.png") for item in value["images"]])
    with pytest.raises(DatasetFolderError, match="nothing can be imported: 3 x image file is missing"):
        import_coco(*photos, out=out, size=(8, 8))
    assert not out.exists()
