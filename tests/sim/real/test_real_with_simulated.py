"""Real and simulated rows in one dataset; imports that are killed, or whose files change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pycocotools")

from naive.coco_photos import write_coco
from naive.dataset_rows import HEIGHT, SLOTS, TABLES, WIDTH, make_rows, open_writer
from simloom.sim.dataset.errors import RecipeMismatchError
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.derive import merge_datasets, split_dataset
from simloom.sim.real.coco import import_coco

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SIZE = (WIDTH, HEIGHT)


def _simulate(folder: Path) -> None:
    """Write twelve rows that say that they are simulated, of a table with a cup under another id."""
    writer = open_writer(folder, 12, tables={**TABLES, "classes": {"0": "background", "1": "box", "2": "cup"}})
    for shard in writer.missing():
        arrays = make_rows(writer.shard_rows(shard))
        count = len(arrays["sample/index"])
        arrays |= {"sample/is_real": np.zeros(count, np.uint8), "sample/generation": np.zeros(count, np.int32),
                   "object/class": np.full((count, SLOTS), 2, np.int32)}  # fmt: skip
        writer.commit_shard(shard, arrays)
    writer.finish()


def test_real_and_simulated_rows_are_merged(tmp_path: Path) -> None:
    """What both have alike is kept; rows still tell whether they are real, and a cup is a cup."""
    _simulate(tmp_path / "sim")
    photos = write_coco(tmp_path / "coco", [(90, 60), (60, 60), (40, 80)])
    real = import_coco(*photos, out=tmp_path / "real", size=SIZE, slots=SLOTS, camera="head").dataset
    both = merge_datasets([tmp_path / "sim", tmp_path / "real"], arrays="common", out=tmp_path / "both")

    assert {"sensor/head/rgb", "label/head/instance", "label/head/box_visible", "object/class"} <= set(both.names)
    everything = open_dataset(tmp_path / "both", skip_rejected=False)
    assert everything["sample/is_real"].tolist() == [0] * 12 + [1] * 3
    assert np.array_equal(everything["sensor/head/rgb"][12:], real["sensor/head/rgb"])
    cup = next(int(number) for number, name in both.classes.items() if name == "cup")
    assert (everything["object/class"][:12] == cup).all()
    for row in range(3):
        used = real[row]["object/valid"] == 1
        names = [real.classes[str(k)] for k in real[row]["object/class"][used]]
        assert [both.classes[str(k)] for k in everything[12 + row]["object/class"][used]] == names
    assert [both.tables["sources"][str(number)]["kind"] for number in (0, 1)] == ["generated", "imported"]
    assert verify_dataset(both.folder).ok
    parts = split_dataset(both, fractions={"train": 0.5, "val": 0.5}).parts
    worlds = [set(part.array("sample/scenario", part.rows).tolist()) for part in parts.values()]
    assert len(set.union(*worlds)) == sum(map(len, worlds))


def test_a_killed_import_is_finished_to_the_same_digest(tmp_path: Path) -> None:
    """Killed while it writes a shard, the same call goes on to the digest of one that was not."""
    photos = write_coco(tmp_path / "coco", [(90, 60), (60, 60), (40, 80)])

    def run(out: Path) -> str:
        return import_coco(*photos, out=out, size=SIZE, rows_per_shard=1).dataset.root_digest

    whole = run(tmp_path / "whole")
    code = (
        "import os, sys; os.environ['SIMLOOM_CRASH_AT'] = 'after-shard-half:000001.h5'\n"
        "from simloom.sim.real import import_coco\n"
        "import_coco(*sys.argv[1:3], out=sys.argv[3], size=(int(sys.argv[4]), int(sys.argv[5])), rows_per_shard=1)"
    )
    words = [str(word) for word in (*photos, tmp_path / "killed", *SIZE)]
    assert subprocess.run([sys.executable, "-c", code, *words], check=False).returncode == -9
    assert len(open_dataset(tmp_path / "killed")) == 1
    assert run(tmp_path / "killed") == whole
    assert verify_dataset(tmp_path / "killed").ok


def test_changed_files_are_another_dataset(tmp_path: Path) -> None:
    """A folder is bound to the bytes that it was imported from."""
    path, images = write_coco(tmp_path / "coco", [(90, 60), (60, 60)])
    import_coco(path, images, out=tmp_path / "out", size=SIZE)
    with Image.open(images / "0000.jpg") as photo:
        photo.rotate(180).save(images / "0000.jpg")
    with pytest.raises(RecipeMismatchError, match="images_sha256"):
        import_coco(path, images, out=tmp_path / "out", size=SIZE)


def test_exif_orientation_follows_the_annotations(tmp_path: Path) -> None:
    """An image that is stored lying is turned only where the annotations speak of the turned one."""
    (tmp_path / "photos").mkdir()
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees, clockwise
    Image.fromarray(pixels).save(tmp_path / "photos" / "a.jpg", exif=exif, quality=95)
    for size, lit in (((40, 20), (10, 10)), ((20, 40), (10, 10))):
        value: dict[str, Any] = {
            "images": [{"id": 1, "file_name": "a.jpg", "width": size[0], "height": size[1]}],
            "annotations": [], "categories": [{"id": 1, "name": "thing"}],
        }  # fmt: skip
        path = tmp_path / f"{size[0]}.json"
        path.write_text(json.dumps(value))
        row = import_coco(path, tmp_path / "photos", out=tmp_path / f"out{size[0]}", size=size, fit="resize").dataset[0]
        image = row["sensor/camera/rgb"]
        assert image.shape == (size[1], size[0], 3)
        assert image[lit[1], lit[0]].min() > 180  # the first half is lit: left as stored, top when turned
        assert image[size[1] - 5, size[0] - 5].max() < 20
