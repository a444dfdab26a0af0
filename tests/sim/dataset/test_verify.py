"""Checking a dataset and naming the file to blame."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from naive.dataset_rows import PLATFORM, make_dataset, make_row, make_rows, open_writer
from simloom.sim.dataset.errors import DatasetFolderError
from simloom.sim.dataset.manifest import write_derived
from simloom.sim.dataset.platform_key import differing_keys, platform_key
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.shard_file import ShardFile
from simloom.sim.dataset.specs import Array
from simloom.sim.dataset.verify import verify_dataset


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty rows with a review and a contact sheet."""
    path = tmp_path_factory.mktemp("data")
    make_dataset(path)
    (path / "review").mkdir()
    (path / "review" / "ada.jsonl").write_text('{"index": 3, "verdict": "reject"}\n')
    write_derived(path, {"contact_sheet.png": bytes(range(200))})
    return path


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(sound, tmp_path / "data")


def problems(folder: Path) -> dict[str, str]:
    """Kinds of the problems by path."""
    return {finding.path: finding.kind for finding in verify_dataset(folder).problems}


def test_a_sound_dataset_is_ok(folder: Path) -> None:
    """Everything is hashed, every row decoded, nothing found."""
    report = verify_dataset(folder)
    assert (report.ok, report.exit_code, report.checked_rows, report.findings) == (True, 0, 20, ())
    assert report.root_digest == json.loads((folder / "manifest.json").read_text())["root_digest"]


def test_any_flipped_bit_is_found_and_its_file_named(folder: Path) -> None:
    """One flipped bit anywhere in any file is blamed on that file and on no other."""
    random = np.random.default_rng(5)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data, name = path.read_bytes(), str(path.relative_to(folder))
        regions = np.linspace(0, len(data) - 1, 9).astype(int)
        inner = [int(random.integers(low, high)) for low, high in itertools.pairwise(regions)]
        for position in {0, len(data) - 1, *inner}:
            damaged = bytearray(data)
            damaged[position] ^= 1 << int(random.integers(8))
            path.write_bytes(damaged)
            assert set(problems(folder)) == {name}, (name, position)
        path.write_bytes(data)


def test_flipped_bits_are_found_without_a_manifest(folder: Path) -> None:
    """Commits alone find damage in shards, records, recipe and description."""
    for name in ("manifest.json", "SHA256SUMS"):
        (folder / name).unlink()
    assert verify_dataset(folder).ok
    random = np.random.default_rng(6)
    for name in ("recipe.yaml", "description.json", "commits/000001.json", "shards/000001.h5"):
        path = folder / name
        data = path.read_bytes()
        for position in random.integers(0, len(data), 8).tolist():
            damaged = bytearray(data)
            damaged[position] ^= 1 << int(random.integers(8))
            path.write_bytes(damaged)
            assert name in problems(folder), (name, position)
        path.write_bytes(data)


def test_the_damaged_row_is_named(folder: Path) -> None:
    """A flipped bit in an image names shard, array and row."""
    path = folder / "shards" / "000001.h5"
    with ShardFile(path) as shard:
        offset = int(shard.arrays["label/head/instance"].offsets[5]) + 9
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    found = [finding for finding in verify_dataset(folder).problems if finding.rows]
    assert [(finding.path, finding.rows) for finding in found] == [("shards/000001.h5", (13,))]
    assert "label/head/instance, row 5 of the shard" in found[0].text


@pytest.mark.parametrize("name", ["shards/000000.h5", "commits/000000.json", "samples.parquet", "contact_sheet.png"])
@pytest.mark.parametrize("part", [0.0, 0.5, 0.999])
def test_cut_files_are_found(name: str, part: float, folder: Path) -> None:
    """A cut file is corrupt."""
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(part * len(data))])
    assert problems(folder) == {name: "corrupt"}


@pytest.mark.parametrize(
    "name", ["shards/000000.h5", "commits/000000.json", "recipe.yaml", "manifest.json", "SHA256SUMS"]
)
def test_missing_files_are_found(name: str, folder: Path) -> None:
    """A missing file is told as missing, whatever it is."""
    (folder / name).unlink()
    assert problems(folder) == {name: "missing"}


def test_swapped_renamed_and_extra_files_are_found(folder: Path) -> None:
    """The finding says what happened."""
    one, two, three = (folder / "shards" / name for name in ("000000.h5", "000001.h5", "000002.part000004.h5"))
    one.rename(folder / "x")
    two.rename(one)
    (folder / "x").rename(two)
    three.rename(folder / "shards" / "000009.h5")
    (folder / "notes.txt").touch()
    (folder / "shards" / "x.h5").symlink_to("/etc/passwd")
    assert problems(folder) == {
        "shards/000000.h5": "swapped",
        "shards/000001.h5": "swapped",
        "shards/000002.part000004.h5": "renamed",
        "notes.txt": "extra",
        "shards/x.h5": "link",
    }


def test_a_wrong_size_is_blamed_on_the_manifest(folder: Path) -> None:
    """The size that it states of a derived file is compared with the file, not taken from itself."""
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"bytes": 200,', '"bytes": 201,'))
    assert problems(folder) == {"manifest.json": "corrupt"}


def test_edited_manifests_are_found_although_the_sums_agree(folder: Path) -> None:
    """Whoever edits the manifest and its sum cannot make it follow from the commits."""
    import hashlib

    manifest = folder / "manifest.json"
    data = manifest.read_bytes().replace(b'"4": "box"', b'"4": "cat"')
    sums = (folder / "SHA256SUMS").read_text()
    old = hashlib.sha256(manifest.read_bytes()).hexdigest()
    manifest.write_bytes(data)
    (folder / "SHA256SUMS").write_text(sums.replace(old, hashlib.sha256(data).hexdigest()))
    assert problems(folder) == {"manifest.json": "corrupt"}


def test_a_growing_review_is_no_damage(folder: Path) -> None:
    """A person's verdicts may be added to; changing them is damage."""
    path = folder / "review" / "ada.jsonl"
    text = path.read_text()
    path.write_text(text + '{"index": 4}\n')
    report = verify_dataset(folder)
    assert (report.ok, [finding.kind for finding in report.findings]) == (True, ["note"])
    path.write_text(text.replace("reject", "accept") + "{}\n")
    assert problems(folder) == {"review/ada.jsonl": "corrupt"}


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "samples.parquet"])
@pytest.mark.parametrize("harm", ["flip", "remove"])
def test_derived_files_are_repaired(name: str, harm: str, folder: Path) -> None:
    """Repair makes derived files again, byte for byte."""
    data = (folder / name).read_bytes()
    if harm == "flip":
        (folder / name).write_bytes(data[:70] + bytes([data[70] ^ 1]) + data[71:])
    else:
        (folder / name).unlink()
    report = verify_dataset(folder, repair=True)
    assert report.ok, report.lines()
    assert name in report.repaired
    assert (folder / name).read_bytes() == data


def test_repair_does_not_hide_damage(folder: Path) -> None:
    """While a shard is damaged, the sums that tell so are left alone."""
    (folder / "manifest.json").unlink()
    shard = folder / "shards" / "000000.h5"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    report = verify_dataset(folder, repair=True)
    assert not report.ok
    assert not (folder / "manifest.json").exists()
    assert "shards/000000.h5" in problems(folder)


def test_incomplete_datasets_are_checked_as_far_as_they_are(tmp_path: Path) -> None:
    """An incomplete dataset is no damage."""
    with pytest.raises(DatasetFolderError, match="no dataset"):
        verify_dataset(tmp_path)
    writer = open_writer(tmp_path)
    assert verify_dataset(tmp_path).ok
    writer.commit_shard(1, make_rows(range(8, 16)))
    report = verify_dataset(tmp_path, repair=True)
    assert (report.ok, report.status, report.checked_rows) == (True, "incomplete, 1 of 3 shards", 8)


def test_versions_that_an_older_dataset_does_not_tell_are_named(folder: Path) -> None:
    """Rows made before CoACD's version was recorded can be verified, and are never called corrupt for it."""
    here = {**PLATFORM, "coacd": "1.0.14"}
    report = verify_dataset(folder, regenerate=make_row, regenerate_count=1, platform=here)
    assert report.ok
    assert "the platform differs (coacd: not recorded and 1.0.14)" in report.findings[0].text
    other = {**PLATFORM, "coacd": "1.0.13"}
    assert differing_keys(other, here) == ["coacd: 1.0.13 and 1.0.14"]
    assert {"coacd", "fast-simplification"} <= set(platform_key())


def test_rows_made_again_are_compared(folder: Path) -> None:
    """Equal bytes are fine; on the same platform a difference is a problem, on another it is told beside bounds."""
    asked: list[int] = []

    def same(index: int) -> Mapping[str, Array]:
        asked.append(index)
        return make_row(index)

    def other(index: int) -> Mapping[str, Array]:
        row = make_row(index)
        return {**row, "state/time": np.float64(1), "sensor/head/rgb": row["sensor/head/rgb"] ^ 1}

    assert verify_dataset(folder, regenerate=same, regenerate_count=3, platform=PLATFORM).ok
    assert asked == [3, 10, 16]
    report = verify_dataset(folder, regenerate=other, regenerate_count=1, platform=PLATFORM)
    assert [finding.kind for finding in report.problems] == ["differs", "differs"]
    elsewhere = {**PLATFORM, "device": "cuda"}
    report = verify_dataset(
        folder, regenerate=lambda i: {k: v for k, v in other(i).items() if k != "state/time"}, regenerate_count=1,
        platform=elsewhere,
    )  # fmt: skip
    assert report.ok
    assert [finding.kind for finding in report.findings] == ["other platform"]
    assert "sensor/head/rgb differs in 100.00% of its values, by up to 1" in report.findings[0].text
    assert "within the bound" in report.findings[0].text
    assert report.findings[0].text.endswith("the platform differs (device: cpu and cuda)")

    def fewer(row: int) -> dict[str, Array]:
        made = dict(same(row))
        del made["sample/index"]
        return made

    report = verify_dataset(folder, regenerate=fewer, regenerate_count=1, platform=elsewhere)
    assert report.findings[0].text.endswith("the platform differs (device: cpu and cuda)")
    assert "corrupt" not in " ".join(report.lines())


def test_the_way_out_of_damage_is_told(tmp_path: Path) -> None:
    """What to remove so that the same command makes lost rows again, and doing so gives the digest that was."""
    make_dataset(tmp_path, 20)
    digest = open_dataset(tmp_path).root_digest
    path = sorted((tmp_path / "shards").iterdir())[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 8
    path.write_bytes(data)
    notes = [finding for finding in verify_dataset(tmp_path).findings if finding.kind == "note"]
    assert [note.path for note in notes if "remove it and commits/" in note.text] == [f"shards/{path.name}"]
    path.unlink()
    (tmp_path / "commits" / f"{path.stem}.json").unlink()
    make_dataset(tmp_path, 20)
    assert verify_dataset(tmp_path).ok
    assert open_dataset(tmp_path).root_digest == digest
