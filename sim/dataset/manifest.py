"""The derived files: samples.parquet, manifest.json and SHA256SUMS, made from commits and replaced in one step each."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .binding import DESCRIPTION, OPTIONAL_TABLES, RECIPE, TABLES, Binding, load_binding
from .commit import CommitRecord, list_stems, load_commits
from .digest import combine_digests
from .errors import DatasetCorruptError, DatasetError, DatasetFolderError
from .layout import Layout, record_path
from .outcomes import Outcomes
from .plain_file import Fields, check_sha256, dump_json, hash_plain, parse_json, read_plain
from .publish import remove_file, replace_file
from .samples import SAMPLES, sample_table, table_bytes
from .specs import SCHEMA_VERSION

MANIFEST = "manifest.json"
"""File name of the manifest."""

SUMS = "SHA256SUMS"
"""File name of the sums, in the format of `sha256sum -c`."""

EXTRAS = ("contact_sheet.png", "croissant.json")
"""Derived files that other parts of simloom make."""

_MOST_TURNS = 8
_SUM_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_][A-Za-z0-9_.\-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.\-]*)?)")
_REVIEW = re.compile(r"review/[A-Za-z0-9_][A-Za-z0-9_.\-]*\.jsonl")


@dataclass(frozen=True, kw_only=True)
class ShardEntry:
    """One shard as the manifest knows it: its rows [first, count], file and record."""

    path: str
    size: int
    sha256: str
    content_digest: str
    first_row: int
    row_count: int
    record_sha256: str

    @property
    def stem(self) -> str:
        """Name of its files, without folder and ending."""
        return self.path.split("/")[1][:-3]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A complete dataset at a glance.

    Args:
        rows: Number of rows.
        root_digest: Digest of every decoded row.
        layout: How rows are spread over shards.
        shards: The shards in order.
        files: SHA-256 and size of every other file but SHA256SUMS and the manifest, by path.
        recipe_sha256: SHA-256 of recipe.yaml.
        platforms: Platform keys of the machines that made the shards.
        tables: classes, assets, cameras, parameters, splits, acceptance, objects.
        outcomes: How often scenarios failed, and why; None where some shard does not tell.
    """

    rows: int
    root_digest: str
    layout: Layout
    shards: tuple[ShardEntry, ...]
    files: Mapping[str, tuple[str, int]]
    recipe_sha256: str
    platforms: tuple[Mapping[str, str], ...]
    tables: Mapping[str, Any]
    outcomes: Outcomes | None = None

    @property
    def classes(self) -> Any:
        """Table of class names by id."""
        return self.tables["classes"]

    def claims(self) -> dict[str, str]:
        """Give the SHA-256 that the manifest states for every path."""
        stated = {path: sha256 for path, (sha256, _) in self.files.items()}
        for shard in self.shards:
            stated[shard.path] = shard.sha256
            stated[record_path(shard.stem)] = shard.record_sha256
        return stated


def build_manifest(
    binding: Binding,
    records: Sequence[CommitRecord],
    record_sums: Mapping[str, str],
    files: Mapping[str, tuple[str, int]],
) -> bytes:
    """Make the bytes of manifest.json.

    Args:
        binding: Recipe and description.
        records: The commit records of a complete dataset, in order.
        record_sums: SHA-256 of each record's file, by its path.
        files: SHA-256 and size of the other files, by path.
    """
    platforms: list[dict[str, str]] = []
    for record in records:
        if dict(record.platform) not in platforms:
            platforms.append(dict(record.platform))
    value = {
        "simloom_dataset": SCHEMA_VERSION,
        "simloom_versions": sorted({record.simloom_version for record in records}),
        "rows": records[-1].rows.stop,
        "root_digest": combine_digests(digest for record in records for digest in record.row_digests),
        "schema_digest": records[0].schema_digest,
        "recipe_sha256": binding.recipe_sha256,
        "rows_per_scenario": binding.layout.rows_per_scenario,
        "scenarios_per_shard": binding.layout.scenarios_per_shard,
        "platforms": platforms,
        "shards": [
            {
                "path": record.path,
                "bytes": record.size,
                "sha256": record.sha256,
                "content_digest": record.content_digest,
                "rows": [record.first_row, record.row_count],
                "record_sha256": record_sums[record_path(record.stem)],
            }
            for record in records
        ],
        "files": {path: {"sha256": sha256, "bytes": size} for path, (sha256, size) in files.items()},
        **{name: binding.tables[name] for name in TABLES if name not in OPTIONAL_TABLES or binding.tables[name]},
    }
    told = [record.outcomes for record in records if record.outcomes is not None]
    if len(told) == len(records):
        value["outcomes"] = sum(told, start=Outcomes()).to_json()
    return dump_json(value)


def parse_manifest(data: bytes, source: object) -> Manifest:
    """Read a manifest that need not be trusted: every path in it must be one that a dataset has.

    Raises:
        DatasetCorruptError: It is damaged, or claims something that cannot be.
    """
    fields = Fields(parse_json(data, source), source)
    fields.count("simloom_dataset", SCHEMA_VERSION, SCHEMA_VERSION)
    layout = Layout(
        rows_per_scenario=fields.count("rows_per_scenario", 1, 1 << 40),
        scenarios_per_shard=fields.count("scenarios_per_shard", 1, 1 << 40),
    )
    rows = fields.count("rows", 1, 1 << 48)
    entries = fields.array("shards")
    if len(entries) != layout.shard_count(rows):
        raise DatasetCorruptError(f"{source}: {len(entries)} shards cannot hold {rows} rows of this layout")
    shards = []
    for index, item in enumerate(entries):
        entry = Fields(item, f"{source}: shard {index}")
        expected = layout.shard_rows(index, rows)
        stem = layout.stem(index, len(expected))
        if entry.array("rows") != [expected.start, len(expected)] or entry.text("path") != f"shards/{stem}.h5":
            raise DatasetCorruptError(f"{source}: shard {index} has another path or other rows than the layout says")
        shards.append(
            ShardEntry(
                path=entry.text("path"), size=entry.count("bytes"), sha256=entry.sha256("sha256"),
                content_digest=entry.sha256("content_digest"), first_row=expected.start, row_count=len(expected),
                record_sha256=entry.sha256("record_sha256"),
            )
        )  # fmt: skip
        if shards[-1].size < 8 * len(expected):
            raise DatasetCorruptError(f"{source}: shard {index} cannot hold {len(expected)} rows in its bytes")
    files = {}
    for path, item in fields.mapping("files").items():
        if path not in (RECIPE, DESCRIPTION, SAMPLES, *EXTRAS) and not _REVIEW.fullmatch(path):
            raise DatasetCorruptError(f"{source}: {path!r} is no file of a dataset")
        entry = Fields(item, f"{source}: {path}")
        files[path] = (entry.sha256("sha256"), entry.count("bytes"))
    return Manifest(
        rows=rows,
        root_digest=fields.sha256("root_digest"),
        layout=layout,
        shards=tuple(shards),
        files=files,
        recipe_sha256=fields.sha256("recipe_sha256"),
        platforms=tuple(Fields(item, source).value for item in fields.array("platforms")),
        tables={name: fields.value.get(name, {}) for name in TABLES},
        outcomes=Outcomes.from_json(fields.value["outcomes"], source) if "outcomes" in fields.value else None,
    )


def load_manifest(folder: Path) -> Manifest | None:
    """Read manifest.json; None where it is not there.

    Raises:
        DatasetCorruptError: It is damaged.
    """
    try:
        return parse_manifest(read_plain(folder / MANIFEST), folder / MANIFEST)
    except FileNotFoundError:
        return None


def dump_sums(sums: Mapping[str, str]) -> bytes:
    """Write SHA256SUMS, sorted by path."""
    return "".join(f"{sums[path]}  {path}\n" for path in sorted(sums)).encode()


def parse_sums(data: bytes, source: object) -> dict[str, str]:
    """Read SHA256SUMS strictly: sorted, no path twice, none that leaves the folder.

    Raises:
        DatasetCorruptError: It is damaged.
    """
    sums: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        match = _SUM_LINE.fullmatch(line)
        if match is None:
            raise DatasetCorruptError(f"{source}: the line {line[:120]!r} is not a sum and a path")
        sums[match[2]] = check_sha256(match[1], str(source))
    if dump_sums(sums) != data:
        raise DatasetCorruptError(f"{source}: lines are out of order, doubled or cut")
    return sums


def list_other_files(folder: Path) -> list[str]:
    """List the paths, beside shards, records, manifest and sums, that a dataset holds now."""
    names = [name for name in (RECIPE, DESCRIPTION, SAMPLES, *EXTRAS) if (folder / name).exists()]
    review = folder / "review"
    if review.is_dir():
        names.extend(
            sorted(f"review/{path.name}" for path in review.iterdir() if _REVIEW.fullmatch(f"review/{path.name}"))
        )
    return names


def is_complete(records: Sequence[CommitRecord]) -> bool:
    """Tell whether the records hold every row that was asked for."""
    wanted = max((record.rows_wanted for record in records), default=0)
    return wanted > 0 and sum(record.row_count for record in records) == wanted


def write_derived(folder: Path, extras: Mapping[str, bytes] | None = None) -> Manifest:
    """Write or refresh the derived files of a complete dataset, and remove superseded shards.

    Call it again when a derived file or a review changed: sums and manifest follow.

    Args:
        folder: The dataset.
        extras: Bytes of other derived files, by name: "contact_sheet.png", "croissant.json".

    Returns:
        The manifest as written.

    Raises:
        DatasetFolderError: The dataset is not complete, or an extra has another name.
        DatasetCorruptError: Its commits are damaged.
        DatasetWriteError: The operating system refused a write.
    """
    for _ in range(_MOST_TURNS):
        with contextlib.suppress(FileNotFoundError):
            manifest, stems = _write_once(folder, extras)
            if stems == list_stems(folder):
                return manifest
        # Meanwhile another writer has made it grow: the last one must not leave files that speak of fewer rows.
    raise DatasetError(f"{folder} changes again and again while its derived files are written; run the command again")


def _write_once(folder: Path, extras: Mapping[str, bytes] | None) -> tuple[Manifest, list[str]]:
    """Write the derived files of what is there; also returns the names of the records that should now be there."""
    binding = load_binding(folder)
    records, superseded = load_commits(folder)
    if binding is None or not is_complete(records):
        raise DatasetFolderError(f"{folder} is not complete; run simloom generate again to finish it")
    for name, data in sorted((extras or {}).items()):
        if name not in EXTRAS:
            raise DatasetFolderError(f"{name!r} is no derived file; known are {', '.join(EXTRAS)}")
        replace_file(folder / name, data, kind="extra")
    replace_file(folder / SAMPLES, table_bytes(sample_table(folder, records, binding.tables["splits"])), kind="samples")
    files = {path: hash_plain(folder / path) for path in list_other_files(folder)}
    record_sums = {path: hash_plain(folder / path)[0] for path in (record_path(record.stem) for record in records)}
    data = build_manifest(binding, records, record_sums, files)
    manifest = parse_manifest(data, folder / MANIFEST)
    sums = {**manifest.claims(), MANIFEST: replace_file(folder / MANIFEST, data, kind="manifest")}
    replace_file(folder / SUMS, dump_sums(sums), kind="sums")
    for record in superseded:
        remove_file(folder / record_path(record.stem))
        remove_file(folder / record.path)
    return manifest, [record.stem for record in records]


def remove_derived(folder: Path) -> None:
    """Remove manifest, sums and table before a dataset grows: none of them shall speak of fewer rows than there are."""
    for name in (SUMS, MANIFEST, SAMPLES):
        if (folder / name).exists():
            remove_file(folder / name)
