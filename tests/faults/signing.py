"""Make a changed dataset agree with itself again, as someone who means harm would."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from simloom.sim.dataset.plain_file import dump_json


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path, value: Any, *, signed: bool = True) -> None:
    """Write JSON as the dataset would; a commit record with the digest of itself, where it can be written."""
    if signed and path.parent.name == "commits" and isinstance(value, dict):
        unsigned = {key: item for key, item in value.items() if key != "record_sha256"}
        value = {**unsigned, "record_sha256": hashlib.sha256(dump_json(unsigned)).hexdigest()}
    path.write_text(json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n")


def sign(folder: Path) -> None:
    """Bring records, manifest and sums into agreement with the files that are there."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for shard in manifest["shards"]:
        stem = Path(shard["path"]).stem
        record = folder / "commits" / f"{stem}.json"
        value = json.loads(record.read_text())
        shard["bytes"] = value["bytes"] = (folder / shard["path"]).stat().st_size
        shard["sha256"] = value["sha256"] = hash_of(folder / shard["path"])
        value["recipe_sha256"] = manifest["recipe_sha256"] = hash_of(folder / "recipe.yaml")
        value["description_sha256"] = hash_of(folder / "description.json")
        write_json(record, value)
        shard["record_sha256"] = hash_of(record)
    for name, entry in manifest["files"].items():
        entry["bytes"], entry["sha256"] = (folder / name).stat().st_size, hash_of(folder / name)
    write_json(folder / "manifest.json", manifest)
    sign_manifest(folder)


def sign_manifest(folder: Path) -> None:
    """Bring SHA256SUMS into agreement with the files that are there."""
    paths = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != "SHA256SUMS"
    )
    (folder / "SHA256SUMS").write_text("".join(f"{hash_of(folder / path)}  {path}\n" for path in paths))
