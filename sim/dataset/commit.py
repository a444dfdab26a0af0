"""The commit protocol: a shard counts once its record is there, and a record is written once, after its shard."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .digest import combine_digests, row_digests
from .errors import DatasetCorruptError, DatasetError, DeterminismError
from .layout import COMMITS, SHARDS, Layout, is_stem, record_path, shard_path
from .outcomes import Outcomes
from .plain_file import Fields, check_plain, check_sha256, dump_json, hash_plain, parse_json, read_plain
from .publish import Content, host_name, publish_file, sync_folder
from .shard_file import ShardFile, read_shard
from .specs import SCHEMA_VERSION, Array

_MAX_RECORD_BYTES = 256 << 20
_MOST_TURNS = 8


@dataclass(frozen=True, kw_only=True)
class CommitRecord:
    """What is known of one committed shard.

    Args:
        shard_index: Number of the shard.
        first_row: Its first row.
        row_count: Its number of rows.
        rows_wanted: Rows of the dataset that the writer was asked for.
        layout: How rows are spread over shards.
        size: Bytes of the shard file.
        sha256: SHA-256 of the shard file.
        content_digest: Digest of the decoded rows.
        row_digests: Digest of every row.
        schema_digest: Digest of array names, dtypes and shapes.
        recipe_sha256: SHA-256 of recipe.yaml.
        description_sha256: SHA-256 of description.json.
        simloom_version: Version that made it.
        platform: Platform key of the machine that made it.
        host: Name of that machine.
        wall_time: When, in UTC.
        outcomes: How often its scenarios failed, and why; None where that was not recorded.
    """

    shard_index: int
    first_row: int
    row_count: int
    rows_wanted: int
    layout: Layout
    size: int
    sha256: str
    content_digest: str
    row_digests: tuple[str, ...]
    schema_digest: str
    recipe_sha256: str
    description_sha256: str
    simloom_version: str
    platform: Mapping[str, str]
    host: str
    wall_time: str
    outcomes: Outcomes | None = None

    @property
    def stem(self) -> str:
        """Name of its files, without folder and ending."""
        return self.layout.stem(self.shard_index, self.row_count)

    @property
    def path(self) -> str:
        """Path of the shard file within the dataset."""
        return shard_path(self.stem)

    @property
    def rows(self) -> range:
        """Rows of the dataset that it holds."""
        return range(self.first_row, self.first_row + self.row_count)

    def to_json(self) -> bytes:
        """Write the record, with a digest of itself."""
        value: dict[str, Any] = {
            "simloom_commit": SCHEMA_VERSION,
            "path": self.path,
            "rows": [self.first_row, self.row_count],
            "bytes": self.size,
            "platform": dict(self.platform),
            "row_digests": list(self.row_digests),
            **dataclasses.asdict(self.layout),
        }
        plain = (
            "shard_index", "rows_wanted", "sha256", "content_digest", "schema_digest", "recipe_sha256",
            "description_sha256", "simloom_version", "host", "wall_time",
        )  # fmt: skip
        value.update((name, getattr(self, name)) for name in plain)
        if self.outcomes is not None:
            value["outcomes"] = self.outcomes.to_json()
        value["record_sha256"] = hashlib.sha256(dump_json(value)).hexdigest()
        return dump_json(value)


def parse_record(data: bytes, stem: str, source: object) -> CommitRecord:
    """Read a commit record that need not be trusted.

    Args:
        data: Its bytes.
        stem: Name of its file without ending, which it must agree with.
        source: What to call it in messages.

    Raises:
        DatasetCorruptError: It is damaged, or claims something that cannot be.
    """
    fields = Fields(parse_json(data, source), source)
    check_plain({key: value for key, value in fields.value.items() if key != "row_digests"}, source)
    fields.count("simloom_commit", SCHEMA_VERSION, SCHEMA_VERSION)
    unsigned = {key: value for key, value in fields.value.items() if key != "record_sha256"}
    if hashlib.sha256(dump_json(unsigned)).hexdigest() != fields.sha256("record_sha256"):
        raise DatasetCorruptError(f"{source}: does not have the digest that it carries")
    rows = fields.array("rows")
    if len(rows) != 2 or not all(isinstance(item, int) and not isinstance(item, bool) for item in rows):
        raise DatasetCorruptError(f"{source}: field 'rows' is no pair of integers")
    platform = fields.mapping("platform")
    if not all(isinstance(value, str) for value in platform.values()):
        raise DatasetCorruptError(f"{source}: field 'platform' holds something else than texts")
    layout = Layout(
        rows_per_scenario=fields.count("rows_per_scenario", 1, 1 << 40),
        scenarios_per_shard=fields.count("scenarios_per_shard", 1, 1 << 40),
    )
    record = CommitRecord(
        shard_index=fields.count("shard_index"),
        first_row=rows[0],
        row_count=rows[1],
        rows_wanted=fields.count("rows_wanted", 1),
        layout=layout,
        size=fields.count("bytes"),
        sha256=fields.sha256("sha256"),
        content_digest=fields.sha256("content_digest"),
        row_digests=tuple(check_sha256(item, f"{source}: a row digest") for item in fields.array("row_digests")),
        schema_digest=fields.sha256("schema_digest"),
        recipe_sha256=fields.sha256("recipe_sha256"),
        description_sha256=fields.sha256("description_sha256"),
        simloom_version=fields.text("simloom_version"),
        platform=platform,
        host=fields.text("host"),
        wall_time=fields.text("wall_time"),
        outcomes=Outcomes.from_json(fields.value["outcomes"], source) if "outcomes" in fields.value else None,
    )
    fits = (
        1 <= record.row_count <= layout.rows_per_shard
        and record.first_row == record.shard_index * layout.rows_per_shard
        # Only the last shard of what a writer was asked for may be short.
        and record.first_row + record.row_count <= record.rows_wanted
        and record.rows.stop in (record.rows_wanted, record.first_row + layout.rows_per_shard)
        and record.row_count == len(record.row_digests)
        and record.content_digest == combine_digests(record.row_digests)
        and record.stem == stem
        and fields.text("path") == record.path
    )
    if not fits:
        raise DatasetCorruptError(f"{source}: its rows, digests, path and name do not agree")
    return record


def load_record(folder: Path, stem: str) -> CommitRecord | None:
    """Read one commit record; None where it is not there.

    Raises:
        DatasetCorruptError: It is damaged.
    """
    path = folder / record_path(stem)
    try:
        return parse_record(read_plain(path, limit=_MAX_RECORD_BYTES), stem, path)
    except FileNotFoundError:
        return None


def check_folders(folder: Path) -> None:
    """Refuse a dataset whose subfolders are links to somewhere else.

    Raises:
        DatasetCorruptError: One is.
    """
    for name in (SHARDS, COMMITS, "review"):
        path = folder / name
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise DatasetCorruptError(f"{path} is no folder of the dataset itself")


def list_stems(folder: Path) -> list[str]:
    """List the names of the commit records that are there, sorted."""
    try:
        names = os.listdir(folder / COMMITS)
    except FileNotFoundError:
        return []
    return sorted(name[:-5] for name in names if name.endswith(".json") and is_stem(name[:-5]))


def load_commits(folder: Path) -> tuple[list[CommitRecord], list[CommitRecord]]:
    """Read all commit records of a dataset.

    Args:
        folder: The dataset.

    Returns:
        The records that count, one per shard in order, and those that a longer one of the same shard supersedes.

    Raises:
        DatasetCorruptError: One is damaged, or they do not belong to one dataset.
    """
    check_folders(folder)
    for _ in range(_MOST_TURNS):
        found = [load_record(folder, stem) for stem in list_stems(folder)]
        # A record may vanish between listing and reading: a longer one has superseded it, and is listed now.
        if None not in found:
            break
    return choose_records([record for record in found if record is not None], folder)


def choose_records(records: list[CommitRecord], source: object) -> tuple[list[CommitRecord], list[CommitRecord]]:
    """Tell the records that count from the superseded ones, and check that all belong together.

    Raises:
        DatasetCorruptError: They do not.
    """
    best: dict[int, CommitRecord] = {}
    superseded: list[CommitRecord] = []
    for record in sorted(records, key=lambda item: (item.shard_index, item.row_count)):
        shorter = best.get(record.shard_index)
        if shorter is not None:
            if record.row_digests[: shorter.row_count] != shorter.row_digests:
                raise DatasetCorruptError(f"{source}: {shorter.path} and {record.path} hold different rows")
            superseded.append(shorter)
        best[record.shard_index] = record
    chosen = [best[index] for index in sorted(best)]
    for name in ("layout", "recipe_sha256", "description_sha256", "schema_digest"):
        if len({getattr(record, name) for record in records}) > 1:
            raise DatasetCorruptError(f"{source}: commit records differ in {name}; they belong to different datasets")
    return chosen, superseded


def commit_shard(
    folder: Path,
    image: Content,
    record: CommitRecord,
    arrays: Mapping[str, Array],
    *,
    digests: Callable[[], Sequence[str]] | None = None,
) -> CommitRecord:
    """Write a shard and then its record, neither replacing another file.

    Args:
        folder: The dataset.
        image: The shard file: bytes, or buffers that follow one another.
        record: What is known of the shard, its size too; hash, host and time are filled in here.
        arrays: The rows, to name the difference where the shard exists with other rows.
        digests: Waits for the digests of the rows where `record` does not have them yet: rows are hashed while the file
            is written.

    Returns:
        The record that is in force, which may be another writer's.

    Raises:
        DeterminismError: The shard is there already and holds other rows.
        DatasetCorruptError: A shard of that name is there, has no record and cannot be read.
        DatasetWriteError: The operating system refused a write.
    """
    for _ in range(_MOST_TURNS):
        with contextlib.suppress(FileNotFoundError):
            return _commit_once(folder, image, record, arrays, digests)
        # Another writer made the dataset grow and removed a short shard while it was looked at: make it again.
    raise DatasetError(f"{folder / record.path} comes and goes; run the same command again")


def _commit_once(
    folder: Path,
    image: Content,
    record: CommitRecord,
    arrays: Mapping[str, Array],
    digests: Callable[[], Sequence[str]] | None,
) -> CommitRecord:
    existing = load_record(folder, record.stem)
    path = folder / record.path
    sha256, size = None, record.size
    if existing is not None:
        # Another writer may not have come to this yet, and what is promised here must last.
        for name in (SHARDS, COMMITS):
            sync_folder(folder / name)
    else:
        sha256 = publish_file(path, image, kind="shard")
    if digests is not None:
        rows = tuple(digests())
        record = dataclasses.replace(record, row_digests=rows, content_digest=combine_digests(rows))
    if existing is None:
        if sha256 is None:
            _require_equal(path, record, arrays)
            sha256, size = hash_plain(path)
        wall_time = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = dataclasses.replace(record, sha256=sha256, size=size, host=host_name(), wall_time=wall_time)
        if publish_file(folder / record_path(record.stem), record.to_json(), kind="record") is not None:
            return record
        existing = load_record(folder, record.stem)
        if existing is None:
            raise FileNotFoundError(record_path(record.stem))
    if existing.content_digest != record.content_digest:
        _require_equal(folder / existing.path, record, arrays)
    return existing


def _require_equal(path: Path, record: CommitRecord, arrays: Mapping[str, Array]) -> None:
    """Compare the rows of a shard file that is there with those just made.

    Raises:
        DeterminismError: They differ; the text names the first row and its arrays.
        DatasetCorruptError: The file cannot be read.
    """
    try:
        stored = read_shard(path)
    except DatasetCorruptError as error:
        raise DatasetCorruptError(
            f"{error}. No run of simloom can have left it like this: remove {path.name} and run the same command again"
        ) from None
    digests = row_digests(stored)
    if tuple(digests) == record.row_digests:
        return
    row = next(
        (row for row, pair in enumerate(zip(digests, record.row_digests, strict=False)) if pair[0] != pair[1]), None
    )
    if row is None:
        what = f"it holds {len(digests)} rows, and {record.row_count} were made"
    else:
        names = sorted(
            name
            for name in {*stored, *arrays}
            if name not in stored or name not in arrays or stored[name][row].tobytes() != arrays[name][row].tobytes()
        )
        what = f"row {record.first_row + row} differs in {', '.join(names)}"
    raise DeterminismError(
        f"{path} was made before with other values: {what}. Rows must be a function of recipe and index alone; compare "
        "versions and machines, and report it where they are the same"
    )


def check_shard_rows(folder: Path, record: CommitRecord) -> list[int]:
    """Decode a committed shard and compare its rows with their digests.

    Returns:
        Rows of the dataset that differ.

    Raises:
        DatasetCorruptError: The shard cannot be decoded.
        FileNotFoundError: It is not there.
    """
    with ShardFile(folder / record.path) as shard:
        if shard.rows != record.row_count:
            raise DatasetCorruptError(f"{shard.path}: holds {shard.rows} rows and should hold {record.row_count}")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            digests = row_digests({name: shard.read(name) for name in shard.arrays}, executor=pool)
    pairs = zip(digests, record.row_digests, strict=True)
    return [record.first_row + row for row, (found, wanted) in enumerate(pairs) if found != wanted]
