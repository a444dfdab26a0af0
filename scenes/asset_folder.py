"""Folders of users' assets: which files are assets, what `asset.yaml` says of each, which split it falls into."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..renderers.mesh_files import MAX_FILE_BYTES, MESH_SUFFIXES, resolve_inside
from ..renderers.urdf import MAX_URDF_BYTES
from ..renderers.urdf_bodies import list_base_meshes
from .asset_declaration import SPLITS, AssetDeclaration
from .asset_yaml import DEFAULT_SPLITS, FILE_NAME, FolderDeclaration, load_asset_yaml
from .space import nearest

ASSET_SUFFIXES: Final = (*MESH_SUFFIXES, ".urdf")
"""Files that may be assets."""


@dataclass(frozen=True, kw_only=True)
class AssetFile:
    """One asset of a folder, before its shape is read."""

    name: str
    """Path relative to the folder, with /."""
    path: Path
    """The file."""
    root: Path
    """The folder, out of which nothing is read."""
    declaration: AssetDeclaration
    """What is said of it."""
    content_sha256: str
    """SHA-256 of what is drawn; it decides the split, whatever the file is called. Empty where it is refused."""
    shares: Mapping[str, float]
    """Shares of the splits."""
    visual_sha256: tuple[str, ...] = ()
    """SHA-256 of each mesh file that is drawn, sorted."""
    collision_sha256: tuple[str, ...] = ()
    """SHA-256 of each mesh file that it collides by, sorted."""
    refusal: str = ""
    """Why it may not be read; empty where it may."""

    @property
    def split(self) -> str:
        """Its split: as declared, or by the hash of its group or content."""
        declared = self.declaration
        return declared.split or split_of_asset(declared.group or self.content_sha256, self.shares)


def split_of_asset(key: str, shares: Mapping[str, float] | None = None) -> str:
    """Tell the split of an asset; nothing but its key decides, so adding assets moves none.

    Args:
        key: Hash of its content, or name of its group.
        shares: Shares of train, val and test, which sum to 1; None = 0.8, 0.1, 0.1.

    Returns:
        A split's name.

    Example:
        >>> split_of_asset("mug family 7") in ("train", "val", "test")
        True
    """
    chances = shares or DEFAULT_SPLITS
    point = int.from_bytes(hashlib.sha256(f"simloom asset split {key}".encode()).digest()[:8], "big") / 2.0**64
    edge, last = 0.0, SPLITS[0]
    for name in SPLITS:
        share = chances.get(name, 0.0)
        if share > 0.0:
            last = name
            edge += share
            if point < edge:
                return name
    return last


def scan_folder(folder: str | Path) -> tuple[AssetFile, ...]:
    """Find the assets of a folder, to the bottom.

    Beside or below a URDF, meshes are its parts and no assets of their own.

    Args:
        folder: The folder.

    Returns:
        The assets, sorted by path. Those that lie outside by a symbolic link, or are too large, are marked as refused.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If an `asset.yaml` cannot be, or names a file that is no asset.

    Example:
        >>> [asset.name for asset in scan_folder("my_mugs")]
        ['mug_01.glb', 'mug_02/mug.urdf']
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"folder {root} does not exist; it was to hold meshes")
    paths = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in ASSET_SUFFIXES and path.is_file()]
    urdfs = {path.parent for path in paths if path.suffix.lower() == ".urdf"}
    paths = [path for path in paths if path.suffix.lower() == ".urdf" or not urdfs & {path.parent, *path.parents}]
    said = _load_declarations(root, paths)
    found = []
    for path in paths:
        declaration, shares = _declare(root, path, said)
        refusal = _refuse(root, path)
        drawn = () if refusal else _hash_meshes(root, path, "visual")
        touched = drawn
        if not refusal and path.suffix.lower() == ".urdf":
            touched = _hash_meshes(root, path, "collision")
        found.append(
            AssetFile(
                name=path.relative_to(root).as_posix(),
                path=path,
                root=root,
                declaration=declaration,
                content_sha256="" if refusal else _join_hashes(drawn or (hash_file(path),)),
                shares=shares,
                visual_sha256=drawn,
                collision_sha256=touched,
                refusal=refusal,
            )
        )
    return tuple(found)


def _load_declarations(root: Path, paths: list[Path]) -> dict[Path, FolderDeclaration]:
    said = {}
    for file in sorted(root.rglob(FILE_NAME)):
        if not file.is_file():
            continue
        resolve_inside(file.name, file.parent, [root])
        said[file.parent] = load_asset_yaml(file)
        known = [path.relative_to(file.parent).as_posix() for path in paths if path.is_relative_to(file.parent)]
        for name in said[file.parent].files:
            if name not in known:
                raise ValueError(f"{file}: files: {name!r} is no asset of this folder; {nearest(name, known)}")
    return said


def _declare(
    root: Path, path: Path, said: Mapping[Path, FolderDeclaration]
) -> tuple[AssetDeclaration, Mapping[str, float]]:
    """Merge what is said from the top down; what is said of the single file comes last."""
    declaration, shares = AssetDeclaration(), DEFAULT_SPLITS
    depth = len(path.relative_to(root).parts) - 1
    chain = [folder for folder in list(path.parents)[: depth + 1][::-1] if folder in said]
    for folder in chain:
        declaration = declaration.with_changes(said[folder].common)
        shares = said[folder].splits or shares
    for folder in chain:
        single = said[folder].files.get(path.relative_to(folder).as_posix())
        if single is not None:
            declaration = declaration.with_changes(single)
    return declaration, shares


def _refuse(root: Path, path: Path) -> str:
    try:
        resolve_inside(path.name, path.parent, [root])
    except ValueError as error:
        return str(error)
    size, most = path.stat().st_size, MAX_URDF_BYTES if path.suffix.lower() == ".urdf" else MAX_FILE_BYTES
    return f"{path} has {size} bytes, more than {most}; decimate the mesh" if size > most else ""


def _hash_meshes(root: Path, path: Path, kind: str) -> tuple[str, ...]:
    """Hash the meshes of an asset; none where what is drawn, or touched, is made of primitives."""
    files: Sequence[Path] = [path]
    if path.suffix.lower() == ".urdf":
        try:
            files = list_base_meshes(path, [root], kind)
        except (ValueError, OSError):
            files = []  # what is wrong with it is said when it is read
    return tuple(sorted({hash_file(file) for file in files}))


def _join_hashes(sums: Sequence[str]) -> str:
    return sums[0] if len(sums) == 1 else hashlib.sha256(" ".join(sums).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
