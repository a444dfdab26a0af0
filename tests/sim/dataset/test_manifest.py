"""Small files that need not be trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naive.dataset_rows import make_dataset
from simloom.sim.dataset.commit import parse_record
from simloom.sim.dataset.errors import DatasetCorruptError, DatasetFolderError
from simloom.sim.dataset.manifest import dump_sums, load_manifest, parse_manifest, parse_sums, write_derived
from simloom.sim.dataset.plain_file import parse_json, read_plain
from simloom.sim.dataset.reader import open_dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty rows."""
    path = tmp_path_factory.mktemp("data")
    make_dataset(path)
    return path


def _shard(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest["shards"][1].update({field: value})


def _field(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest.update({field: value})


@pytest.mark.parametrize(
    "change",
    [
        _shard("path", "../000001.h5"),
        _shard("path", "/etc/passwd"),
        _shard("path", "shards/000000.h5"),
        _shard("path", "shards/000001.h5\u0000"),
        _shard("rows", [0, 8]),
        _shard("rows", [8, 10**30]),
        _shard("bytes", -1),
        _shard("bytes", True),
        _shard("sha256", "f" * 63),
        _field("rows", 10**60),
        _field("rows", 2**62),
        _field("rows", 20.0),
        _field("rows_per_scenario", 0),
        _field("shards", {}),
        _field("files", {"../../.bashrc": {"sha256": "0" * 64, "bytes": 1}}),
        _field("files", {"review/../../x.jsonl": {"sha256": "0" * 64, "bytes": 1}}),
        _field("simloom_dataset", 99),
        _field("root_digest", None),
    ],
)
def test_hostile_manifests_are_refused(change: Callable[[dict[str, Any]], None], folder: Path) -> None:
    """Paths that leave the folder, numbers that cannot be and wrong kinds are one clear error."""
    value = json.loads((folder / "manifest.json").read_text())
    change(value)
    with pytest.raises(DatasetCorruptError, match=r"manifest\.json"):
        parse_manifest(json.dumps(value).encode(), "manifest.json")


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"a": NaN}', '{"a": ' + "9" * 5000 + "}", "[" * 100_000, '{"a": 1', "\udcff", "{'a': 1}"],
)
def test_json_is_strict(text: str) -> None:
    """No key twice, no NaN, no huge number, no depth without end."""
    with pytest.raises(DatasetCorruptError, match="here"):
        parse_json(text.encode("utf-8", "surrogateescape"), "here")


def test_links_and_huge_files_are_not_read(folder: Path, tmp_path: Path) -> None:
    """A manifest that is a link, a folder or too large is refused."""
    (tmp_path / "link").symlink_to(folder / "manifest.json")
    for path in (tmp_path / "link", tmp_path):
        with pytest.raises(DatasetCorruptError, match="files only"):
            read_plain(path)
    with pytest.raises(DatasetCorruptError, match="more than 10 bytes"):
        read_plain(folder / "manifest.json", limit=10)


def test_records_are_bound_to_their_names(folder: Path) -> None:
    """A record under another name, or with another row digest, is refused."""
    data = (folder / "commits" / "000000.json").read_bytes()
    assert parse_record(data, "000000", "x").rows == range(8)
    with pytest.raises(DatasetCorruptError, match="do not agree"):
        parse_record(data, "000001", "x")
    value = json.loads(data)
    value["rows"] = [8, 8]
    with pytest.raises(DatasetCorruptError, match="does not have the digest"):
        parse_record(json.dumps(value).encode(), "000000", "x")


@pytest.mark.parametrize(
    "line", ["0" * 64 + "  ../x", "0" * 64 + "  /x", "0" * 64 + "  a/b/c", "0" * 64 + " *a", "x  a"]
)
def test_hostile_sums_are_refused(line: str) -> None:
    """A path that leaves the folder is no path of a dataset."""
    with pytest.raises(DatasetCorruptError, match="sums"):
        parse_sums(line.encode() + b"\n", "sums")
    twice = dump_sums({"a": "0" * 64}) * 2
    with pytest.raises(DatasetCorruptError, match="doubled"):
        parse_sums(twice, "sums")


def test_derived_files_follow_from_the_commits(folder: Path) -> None:
    """Made again they are the same bytes, and an extra is listed."""
    names = ("manifest.json", "samples.parquet", "SHA256SUMS")
    before = {name: (folder / name).read_bytes() for name in names}
    write_derived(folder)
    assert {name: (folder / name).read_bytes() for name in names} == before
    write_derived(folder, {"contact_sheet.png": b"picture"})
    manifest = load_manifest(folder)
    assert manifest is not None
    assert "contact_sheet.png" in manifest.claims()
    assert open_dataset(folder).manifest == manifest
    with pytest.raises(DatasetFolderError, match="no derived file"):
        write_derived(folder, {"../x": b""})
