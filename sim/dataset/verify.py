"""Check a dataset: every file against its witnesses, every row against its digest; make derived files again."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .binding import DESCRIPTION, RECIPE, Binding, load_binding
from .commit import CommitRecord, check_folders, check_shard_rows, choose_records, list_stems, parse_record
from .digest import combine_digests, row_digests
from .errors import DatasetCorruptError, DatasetFolderError
from .findings import Finding, VerifyReport, sort_findings
from .layout import record_path
from .manifest import MANIFEST, SUMS, Manifest, is_complete, parse_manifest, parse_sums, write_derived
from .plain_file import hash_plain, read_plain
from .platform_key import differing_keys, platform_key
from .publish import is_temporary
from .regeneration import Regenerate, choose_rows, compare_row
from .samples import SAMPLES, read_table, sample_table
from .shard_file import ShardFile
from .witnesses import Evidence, judge_files, judge_manifest

_MAX_DEPTH = 4
_DERIVED = frozenset({MANIFEST, SUMS, SAMPLES})


def verify_dataset(
    path: str | os.PathLike[str],
    *,
    repair: bool = False,
    decode: bool = True,
    regenerate: Regenerate | None = None,
    regenerate_count: int = 8,
    platform: Mapping[str, str] | None = None,
) -> VerifyReport:
    """Check a dataset.

    Args:
        path: Its folder; one that is not complete is checked as far as it is committed.
        repair: Make manifest, sums and table again where they are damaged or missing and everything else is sound.
        decode: Decode every row and compare it with its digest; without it, files are only hashed.
        regenerate: Makes a row again by its number; compared where it is given.
        regenerate_count: Rows to make again, spread over the dataset.
        platform: Platform key that `regenerate` works under; by default this machine's, with device "cpu".

    Returns:
        The report; it names the file to blame, and the rows where they can be told.

    Raises:
        DatasetFolderError: The folder is no dataset.
        DatasetCorruptError: Its shards or records lie behind a link.
        DatasetWriteError: The operating system refused a repair.

    Example:
        >>> verify_dataset("data/tabletop").ok
        True
    """
    folder = Path(path)
    if not folder.is_dir() or not ((folder / "recipe.yaml").exists() or (folder / "commits").is_dir()):
        raise DatasetFolderError(f"{folder} is no dataset: it holds no recipe.yaml and no commits")
    check_folders(folder)
    report = _check(folder, decode, regenerate, regenerate_count, platform)
    repairable = [finding for finding in report.findings if finding.path in _DERIVED]
    if not repair or not repairable or not report.status.startswith("complete"):
        return report
    if any(finding.path not in _DERIVED for finding in report.problems):
        refusal = Finding(kind="note", path=MANIFEST, text="not made again while other files are damaged")
        return dataclasses.replace(report, findings=(*report.findings, refusal))
    write_derived(folder)
    after = _check(folder, decode, regenerate, regenerate_count, platform)
    return dataclasses.replace(after, repaired=tuple(sorted({finding.path for finding in repairable})))


def _check(
    folder: Path, decode: bool, regenerate: Regenerate | None, count: int, platform: Mapping[str, str] | None
) -> VerifyReport:
    findings: list[Finding] = []
    actual = _hash_files(folder, findings)
    binding = _load_binding(folder, findings)
    records, superseded, sound = _load_records(folder, findings)
    data, manifest = _load_manifest(folder, findings)
    sums = _load_sums(folder, findings)
    broken = {finding.path for finding in findings if finding.is_problem}
    evidence = Evidence(
        folder=folder, actual=actual, manifest=manifest, sums=sums, records=records, superseded=superseded,
        broken=broken,
    )  # fmt: skip
    findings.extend(judge_files(evidence))
    blamed = {finding.path for finding in findings if finding.is_problem}
    complete = is_complete(records)
    sound = sound and not any(record_path(record.stem) in blamed for record in records)
    if blamed & {RECIPE, DESCRIPTION}:
        binding = None
    if data is not None and MANIFEST in actual:
        findings.extend(judge_manifest(evidence, binding, data, trusted=sound and complete))
    rows = _check_rows(folder, records, blamed, findings) if decode else 0
    findings.extend(_tell_ways_out(records, findings))
    if complete and sound and binding is not None:
        _check_table(folder, records, binding, blamed | {f.path for f in findings if f.is_problem}, findings)
        if MANIFEST not in actual and SUMS not in actual:
            findings.append(Finding(kind="note", path=MANIFEST, text="not written yet: resume or repair makes it"))
    if regenerate is not None:
        _regenerate(folder, records, regenerate, count, platform, findings)
    wanted = max((record.rows_wanted for record in records), default=0)
    total = records[0].layout.shard_count(wanted) if records else "unknown"
    done = sum(record.row_count == len(record.layout.shard_rows(record.shard_index, wanted)) for record in records)
    status = f"complete, {wanted} rows" if complete else f"incomplete, {done} of {total} shards"
    if not complete and manifest is not None:
        status = f"damaged, {len(records)} of {len(manifest.shards)} commit records are sound"
    digests = [digest for record in records for digest in record.row_digests]
    return VerifyReport(
        status=status, root_digest=combine_digests(digests) if digests else None, checked_files=len(actual),
        checked_rows=rows, findings=sort_findings(findings),
    )  # fmt: skip


def _hash_files(folder: Path, findings: list[Finding]) -> dict[str, str]:
    """Hash every regular file; links and other things are findings and are not followed."""
    paths: list[str] = []
    pending = [""]
    while pending:
        prefix = pending.pop()
        if prefix.count("/") > _MAX_DEPTH:
            findings.append(Finding(kind="extra", path=prefix, text="a folder too deep for a dataset; not looked into"))
            continue
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                name = prefix + entry.name
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    pending.append(name + "/")
                elif not stat.S_ISREG(mode):
                    findings.append(Finding(kind="link", path=name, text="is a link or a device; not followed"))
                elif is_temporary(entry.name):
                    findings.append(Finding(kind="note", path=name, text="is under way, or left by a dead writer"))
                else:
                    paths.append(name)
    paths.sort()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sums = list(pool.map(lambda name: hash_plain(folder / name)[0], paths))
    return dict(zip(paths, sums, strict=True))


def _load_binding(folder: Path, findings: list[Finding]) -> Binding | None:
    try:
        return load_binding(folder)
    except DatasetCorruptError as error:
        findings.append(Finding(kind="corrupt", path=DESCRIPTION, text=str(error)))
        return None


def _load_records(folder: Path, findings: list[Finding]) -> tuple[list[CommitRecord], list[CommitRecord], bool]:
    records = []
    for stem in list_stems(folder):
        path = record_path(stem)
        try:
            records.append(parse_record(read_plain(folder / path), stem, path))
        except (DatasetCorruptError, FileNotFoundError) as error:
            findings.append(Finding(kind="corrupt", path=path, text=str(error)))
    sound = not findings or not any(finding.path.startswith("commits/") for finding in findings)
    try:
        chosen, superseded = choose_records(records, folder)
    except DatasetCorruptError as error:
        findings.append(Finding(kind="corrupt", path="commits", text=str(error)))
        return sorted(records, key=lambda record: record.shard_index), [], False
    return chosen, superseded, sound


def _load_manifest(folder: Path, findings: list[Finding]) -> tuple[bytes | None, Manifest | None]:
    try:
        data = read_plain(folder / MANIFEST)
        return data, parse_manifest(data, MANIFEST)
    except FileNotFoundError:
        pass
    except DatasetCorruptError as error:
        findings.append(Finding(kind="corrupt", path=MANIFEST, text=str(error)))
    return None, None


def _load_sums(folder: Path, findings: list[Finding]) -> dict[str, str] | None:
    try:
        return parse_sums(read_plain(folder / SUMS), SUMS)
    except FileNotFoundError:
        pass
    except DatasetCorruptError as error:
        findings.append(Finding(kind="corrupt", path=SUMS, text=str(error)))
    return None


def _check_rows(folder: Path, records: Sequence[CommitRecord], blamed: set[str], findings: list[Finding]) -> int:
    """Decode every shard; name the rows that are not what their digests say."""
    checked = 0
    for record in records:
        reason = "rows do not have the digests of their commit record"
        try:
            bad = check_shard_rows(folder, record)
        except FileNotFoundError:
            continue
        except DatasetCorruptError as error:
            bad, reason = _bad_rows(folder, record), str(error)
            findings.append(Finding(kind="corrupt", path=record.path, text=reason, rows=tuple(bad)))
            continue
        checked += record.row_count
        if bad:
            findings.append(Finding(kind="corrupt", path=record.path, text=reason, rows=tuple(bad)))
        elif record.path in blamed:
            text = "all rows decode to what they were; the damage is outside of them"
            findings.append(Finding(kind="note", path=record.path, text=text))
    return checked


def _tell_ways_out(records: Sequence[CommitRecord], findings: Sequence[Finding]) -> list[Finding]:
    """Say how the rows of damaged shards are made again."""
    damaged = {finding.path for finding in findings if finding.is_problem}
    return [
        Finding(
            kind="note", path=record.path,
            text=f"to make its rows again, remove it and {record_path(record.stem)}, and run the command that made it",
        )
        for record in records
        if record.path in damaged
    ]  # fmt: skip


def _bad_rows(folder: Path, record: CommitRecord) -> list[int]:
    """Tell, row by row, which rows of a damaged shard are lost; none where not even its index can be read."""
    bad = []
    try:
        with ShardFile(folder / record.path) as shard:
            for row in range(min(shard.rows, record.row_count)):
                try:
                    digest = row_digests({name: shard.read(name, [row]) for name in shard.arrays})[0]
                except DatasetCorruptError:
                    digest = ""
                if digest != record.row_digests[row]:
                    bad.append(record.first_row + row)
    except DatasetCorruptError:
        return []
    return bad


def _check_table(
    folder: Path, records: Sequence[CommitRecord], binding: Binding, blamed: set[str], findings: list[Finding]
) -> None:
    if SAMPLES in blamed or not (folder / SAMPLES).exists() or any(record.path in blamed for record in records):
        return
    try:
        stored = read_table(folder, rows=sum(record.row_count for record in records))
        if not stored.equals(sample_table(folder, records, binding.tables["splits"])):
            findings.append(Finding(kind="corrupt", path=SAMPLES, text="does not follow from the shards"))
    except DatasetCorruptError as error:
        findings.append(Finding(kind="corrupt", path=SAMPLES, text=str(error)))


def _regenerate(
    folder: Path,
    records: Sequence[CommitRecord],
    regenerate: Regenerate,
    count: int,
    platform: Mapping[str, str] | None,
    findings: list[Finding],
) -> None:
    own = platform_key() if platform is None else platform
    there = [(record, row) for record in records for row in range(record.row_count)]
    for position in choose_rows(len(there), count):
        record, inner = there[position]
        row = record.first_row + inner
        try:
            with ShardFile(folder / record.path) as shard:
                stored = {name: shard.read(name, [inner])[0] for name in shard.arrays}
        except (DatasetCorruptError, FileNotFoundError):
            continue
        difference = differing_keys(record.platform, own)
        found = compare_row(row, record.path, stored, regenerate(row), same_platform=not difference)
        told = f"the platform differs ({'; '.join(difference)})"
        if difference and found:
            found[0] = dataclasses.replace(found[0], text=f"{found[0].text}; {told}")
        findings.extend(found)
        if difference and not found:
            text = f"equal bytes although {told}"
            findings.append(Finding(kind="other platform", path=record.path, text=text, rows=(row,)))
