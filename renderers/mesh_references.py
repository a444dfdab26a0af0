"""References of mesh files: which other files they are drawn from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from .mesh_files import MAX_FILE_BYTES, resolve_inside
from .mesh_materials import find_image_names, find_library_names, split_gltf

_PLY_IMAGE = re.compile(rb"comment[ \t]+TextureFile[ \t]+([^\r\n]+)")
_PLY_HEADER = 1 << 16


def list_mesh_files(path: str | Path, roots: Sequence[str | Path] | None = None) -> tuple[Path, ...]:
    """List the files that `load_mesh` reads, whatever their names end with.

    Args:
        path: A mesh file.
        roots: Folders that the files it names must lie in; None = the file's own folder.

    Returns:
        The mesh itself, then its material files, images and buffers, each once, links followed. Those that do not
        exist, or that `load_mesh` refuses, are left out.

    Example:
        >>> [file.name for file in list_mesh_files("objects/mug.obj")]
        ['mug.obj', 'mug.mtl', 'glaze.webp']
    """
    file = Path(path).resolve()
    folders = [Path(root) for root in roots] if roots is not None else [file.parent]
    found = {file: None}

    def add(names: Iterable[str], folder: Path) -> list[Path]:
        there = []
        for name in names:
            with suppress(ValueError, OSError):  # loading says what is wrong with it
                named = resolve_inside(name, folder, folders)
                if named.is_file():
                    found[named] = None
                    there.append(named)
        return there

    reader = _READERS.get(file.suffix.lower())
    if reader is not None and file.is_file() and file.stat().st_size <= MAX_FILE_BYTES:
        for library in add(reader(file.read_bytes()), file.parent):
            if file.suffix.lower() == ".obj":
                add(find_image_names(library.read_text(encoding="utf-8", errors="replace")), library.parent)
    return tuple(found)


def _find_uris(data: bytes) -> list[str]:
    try:
        header, _ = split_gltf(data)
        entries = [entry for kind in ("buffers", "images") for entry in header.get(kind, ())]
        return [entry["uri"] for entry in entries if "uri" in entry and not entry["uri"].startswith("data:")]
    except Exception:  # a damaged file; loading says what is wrong with it
        return []


def _find_ply_images(data: bytes) -> list[str]:
    return [name.decode("utf-8", errors="replace").strip() for name in _PLY_IMAGE.findall(data[:_PLY_HEADER])]


_READERS: dict[str, Callable[[bytes], list[str]]] = {
    ".obj": find_library_names,
    ".glb": _find_uris,
    ".gltf": _find_uris,
    ".ply": _find_ply_images,
}
