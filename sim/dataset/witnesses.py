"""Who says what about a file: every file has two witnesses, so that the odd one out can be named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .binding import DESCRIPTION, RECIPE, Binding
from .commit import CommitRecord
from .errors import DatasetCorruptError
from .findings import Finding
from .layout import record_path
from .manifest import MANIFEST, SUMS, Manifest, build_manifest
from .plain_file import hash_plain


@dataclass(kw_only=True)
class Evidence:
    """What is on disk, and what manifest, sums and records say about it.

    Args:
        folder: The dataset.
        actual: SHA-256 of every regular file, by path.
        manifest: The manifest, where it could be read.
        sums: SHA256SUMS, where it could be read.
        records: The commit records that count.
        superseded: Records that a longer one of the same shard replaces.
        broken: Files that were found unreadable already.
    """

    folder: Path
    actual: Mapping[str, str]
    manifest: Manifest | None
    sums: Mapping[str, str] | None
    records: Sequence[CommitRecord]
    superseded: Sequence[CommitRecord]
    broken: set[str] = field(default_factory=set)

    def claims(self) -> dict[str, dict[str, str]]:
        """Give, for every path, the SHA-256 that each witness states."""
        stated: dict[str, dict[str, str]] = {}
        for path, sha256 in (self.manifest.claims() if self.manifest else {}).items():
            stated.setdefault(path, {})[MANIFEST] = sha256
        for path, sha256 in (self.sums or {}).items():
            stated.setdefault(path, {})[SUMS] = sha256
        for record in self.records:
            own = record_path(record.stem)
            stated.setdefault(record.path, {})[own] = record.sha256
            stated.setdefault(RECIPE, {})[own] = record.recipe_sha256
            stated.setdefault(DESCRIPTION, {})[own] = record.description_sha256
        return stated


def judge_files(evidence: Evidence) -> list[Finding]:
    """Compare every file with what its witnesses state.

    Args:
        evidence: What is on disk and what is said about it.

    Returns:
        Findings about corrupt, missing, extra, renamed and swapped files, and about witnesses that stand alone.
    """
    claims = evidence.claims()
    wanted = {path: _majority(stated) for path, stated in claims.items()}
    superseded = {path for record in evidence.superseded for path in (record.path, record_path(record.stem))}
    findings: list[Finding] = []
    missing = [path for path in claims if path not in evidence.actual and path not in evidence.broken]
    extra = {path for path in evidence.actual if path not in claims and path not in (SUMS, MANIFEST)}
    if evidence.manifest is None and evidence.sums is None:
        # A record carries its own digest; until the dataset is finished that is its witness.
        extra -= {record_path(record.stem) for record in evidence.records} | evidence.broken
    for path in sorted(claims):
        stated, sha256 = claims[path], evidence.actual.get(path)
        if path == MANIFEST or sha256 is None or path in evidence.broken:
            continue
        wrong = [witness for witness, claim in stated.items() if claim != sha256]
        if not wrong:
            continue
        if len(wrong) == len(stated) and not (len(set(stated.values())) > 1 and len(stated) == 2):
            findings.append(_corrupt(evidence, path, sha256, wanted))
        elif len(wrong) == len(stated):
            text = f"its sum is neither what {wrong[0]} states nor what {wrong[1]} states, which differ too"
            findings.append(Finding(kind="corrupt", path=path, text=text))
        else:
            findings.extend(_alone(witness, path) for witness in wrong)
    for path in sorted(missing):
        if path == MANIFEST:
            findings.append(Finding(kind="missing", path=path, text=f"{SUMS} lists it"))
            continue
        known = [witness for witness in (MANIFEST, SUMS) if _spoke(evidence, witness)]
        twin = next((other for other in sorted(extra) if evidence.actual[other] == wanted[path]), None)
        if twin is not None:
            extra.discard(twin)
            findings.append(Finding(kind="renamed", path=path, text=f"is now called {twin}"))
        elif len(claims[path]) == 1 and len(known) == 2 and set(claims[path]) < set(known):
            (witness,) = claims[path]
            findings.append(Finding(kind="corrupt", path=witness, text=f"lists {path}, which is nowhere else"))
        else:
            findings.append(Finding(kind="missing", path=path, text=f"{' and '.join(sorted(claims[path]))} list it"))
    for path in sorted(extra - superseded):
        findings.append(_judge_extra(evidence, path))
    findings.extend(_judge_lists(evidence, claims))
    return findings


def _majority(stated: Mapping[str, str]) -> str:
    values = list(stated.values())
    return max(values, key=values.count)


def _spoke(evidence: Evidence, witness: str) -> bool:
    return (evidence.manifest if witness == MANIFEST else evidence.sums) is not None


def _alone(witness: str, path: str) -> Finding:
    return Finding(
        kind="corrupt", path=witness, text=f"states another sum for {path} than the file has and others state"
    )


def _corrupt(evidence: Evidence, path: str, sha256: str, wanted: Mapping[str, str]) -> Finding:
    twin = next((other for other in sorted(wanted) if other != path and wanted[other] == sha256), None)
    if twin is not None and evidence.actual.get(twin) == wanted[path]:
        return Finding(kind="swapped", path=path, text=f"is swapped with {twin}")
    if twin is not None:
        return Finding(kind="corrupt", path=path, text=f"holds a copy of {twin}")
    if path.startswith("review/") and evidence.manifest is not None and path in evidence.manifest.files:
        before, size = evidence.manifest.files[path]
        if hash_plain(evidence.folder / path, size) == (before, size):
            return Finding(kind="note", path=path, text="has grown since the manifest was written")
    return Finding(kind="corrupt", path=path, text="its bytes are not those that were written")


def _judge_extra(evidence: Evidence, path: str) -> Finding:
    finished = evidence.manifest is not None or evidence.sums is not None
    if path.startswith("review/") and path.endswith(".jsonl"):
        return Finding(kind="note", path=path, text="is a review that the manifest does not list yet")
    if not finished and path in (RECIPE, DESCRIPTION):
        return Finding(kind="note", path=path, text="has no witness yet")
    if not finished and path.startswith("shards/") and path.endswith(".h5"):
        return Finding(kind="note", path=path, text="is not committed yet")
    if not finished and "/" not in path and path in ("samples.parquet", "contact_sheet.png", "croissant.json"):
        return Finding(kind="note", path=path, text="is derived, and no manifest is there yet")
    return Finding(kind="extra", path=path, text="no file of this dataset")


def _judge_lists(evidence: Evidence, claims: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """Find files that one of manifest and sums leaves out, and one of the two that is not there."""
    findings = []
    for witness, other in ((MANIFEST, SUMS), (SUMS, MANIFEST)):
        if _spoke(evidence, other) and not _spoke(evidence, witness) and witness not in evidence.broken:
            findings.append(Finding(kind="missing", path=witness, text=f"{other} is there without it"))
    if _spoke(evidence, MANIFEST) and _spoke(evidence, SUMS):
        for path, stated in claims.items():
            for witness, other in ((MANIFEST, SUMS), (SUMS, MANIFEST)):
                if path in evidence.actual and other in stated and witness not in stated and path != MANIFEST:
                    findings.append(Finding(kind="corrupt", path=witness, text=f"does not list {path}"))
        if evidence.sums is not None and MANIFEST not in evidence.sums:
            findings.append(Finding(kind="corrupt", path=SUMS, text=f"does not list {MANIFEST}"))
    return findings


def judge_manifest(evidence: Evidence, binding: Binding | None, data: bytes, *, trusted: bool) -> list[Finding]:
    """Compare the manifest with its sum, and with what follows from the commits.

    Args:
        evidence: What is on disk and what is said about it.
        binding: Recipe and description, where they could be read.
        data: Bytes of manifest.json.
        trusted: Whether all commit records are sound and complete, so that the manifest can be made again from them.

    Returns:
        A finding where it is wrong, or where SHA256SUMS is.
    """
    manifest = evidence.manifest
    if manifest is None:
        return []
    stated = (evidence.sums or {}).get(MANIFEST)
    agrees = stated is None or stated == evidence.actual[MANIFEST]
    trusted, follows = trusted and binding is not None, True
    if trusted and binding is not None:
        sums = {path: evidence.actual[path] for path in (record_path(r.stem) for r in evidence.records)}
        try:
            follows = build_manifest(binding, evidence.records, sums, manifest.files) == data
            # What it says of other files comes from itself: their sizes are looked at, their sums compared below.
            follows = follows and all(
                evidence.actual.get(path) != sha256 or (evidence.folder / path).stat().st_size == size
                for path, (sha256, size) in manifest.files.items()
            )
        except (DatasetCorruptError, FileNotFoundError):
            follows = False
        if evidence.sums is not None:
            others = {path: evidence.sums.get(path) for path in manifest.files}
            follows = follows and all(
                sha256 in (evidence.actual.get(path), others[path]) for path, (sha256, _) in manifest.files.items()
            )
    if agrees and follows:
        return []
    if not agrees and follows and trusted:
        return [
            Finding(kind="corrupt", path=SUMS, text=f"states another sum for {MANIFEST} than follows from the commits")
        ]
    text = "its bytes are not those that were written" if not agrees else "does not follow from the commits"
    return [Finding(kind="corrupt", path=MANIFEST, text=text)]
