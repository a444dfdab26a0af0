"""Loading assets: from their files once, from a cache on disk afterwards."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..renderers.mesh_library import MeshLibrary
from .asset_build import build_asset_library
from .asset_cache import cache_folder, keep_file
from .asset_library import AssetLibrary
from .asset_sources import collect_sources

FORMAT: Final = 2
"""Version of the cache's layout."""
_KEPT: Final = 8


def load_asset_library(
    *,
    object_folders: Sequence[str | Path] | None = (),
    robot: str | Path | None = None,
    texture_folders: Sequence[str | Path] = (),
    split: str | None = None,
    cache: bool = True,
) -> AssetLibrary:
    """Load the assets of the tabletop: from the cache, or from their files, which takes some ten seconds.

    Args:
        object_folders: Folders of meshes (OBJ, STL, GLB, PLY) or URDFs, searched to the bottom, that take the place of
            PyBullet's random objects, with what their `asset.yaml` says. Closed convex pieces collide as they are,
            others are cut into convex parts. None = primitives alone.
        robot: URDF of the robot; None = the Franka Panda that comes with PyBullet.
        texture_folders: Folders of images (PNG, JPEG) that take the place of the built-in surface textures.
        split: train, val or test: which of the folders' assets; None = all.
        cache: Whether to read and write the cache on disk.

    Returns:
        The library, the same whether or not it came from the cache.

    Raises:
        FileNotFoundError: If a folder or file does not exist.
        ValueError: If a file cannot be read, or an `asset.yaml` cannot be; the message names it.

    Example:
        >>> library = load_asset_library(object_folders=["~/meshes/screws"])
    """
    sources = collect_sources(object_folders, robot, texture_folders, split)
    folder = cache_folder("assets") if cache else None
    path = None if folder is None else folder / f"{sources.key(FORMAT)}.npz"
    if path is not None:
        known = _read_cache(path)
        if known is not None:
            # Paths are not part of the key: the same files may lie elsewhere now.
            known.info["robot_urdf"] = str(sources.robot)  # type: ignore[index]
            return known
    library = build_asset_library(sources, cache=cache)
    if path is not None:
        _write_cache(path, library)
    return library


def _read_cache(path: Path) -> AssetLibrary | None:
    """Read a library, or return None where there is none or it is damaged."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            info = json.loads(bytes(file["info"]).decode())
            arrays = {name: file[name] for name in file.files if name != "info"}
        meshes = {name.removeprefix("mesh/"): value for name, value in arrays.items() if name.startswith("mesh/")}
        tables = {name.removeprefix("table/"): value for name, value in arrays.items() if name.startswith("table/")}
        names: dict[str, Any] = {kind: tuple(info[kind]) for kind in ("names", "texture_names", "sky_names")}
        library = MeshLibrary(**meshes, **names)
        return AssetLibrary(meshes=library, info=info, tables=tables)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write_cache(path: Path, library: AssetLibrary) -> None:
    """Write a library beside others, all or nothing; a cache that cannot be written is done without."""
    info = dict(library.info) | {
        "names": list(library.meshes.names),
        "texture_names": list(library.meshes.texture_names),
        "sky_names": list(library.meshes.sky_names),
        "robot_urdf": "",
    }
    arrays = {f"mesh/{name}": value for name, value in library.meshes.arrays().items()}
    arrays |= {f"table/{name}": value for name, value in library.tables.items()}
    arrays["info"] = np.frombuffer(json.dumps(info).encode(), np.uint8)
    if keep_file(path, lambda file: np.savez(file, allow_pickle=False, **arrays)):
        with suppress(OSError):
            for file in sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
                file.unlink(missing_ok=True)
