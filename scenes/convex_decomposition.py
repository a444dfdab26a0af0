"""Convex decomposition: the parts that a body collides by, from its mesh, kept on disk.

A closed piece that all but fills its hull is one part. Any other is cut by CoACD (Wei, Liu, Ling and Su, "Approximate
Convex Decomposition for 3D Meshes with Collision-Aware Concavity and Tree Search", ACM Trans. Graph. 41(4), 2022).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .asset_cache import cache_folder, keep_file
from .mesh_solid import Solid, weld_solid

Array = NDArray[np.float64]
SETTINGS: Final[Mapping[str, Any]] = {
    "threshold": 0.05,
    "max_convex_hull": -1,
    "mcts_iterations": 20,
    "mcts_nodes": 10,
    "mcts_max_depth": 3,
    "resolution": 500,
    "preprocess_resolution": 50,
    "max_ch_vertex": 64,
    "decimate": True,
    "seed": 0,
}
"""What CoACD is told; the threshold is a share of the size."""
MAX_TRIANGLES: Final = 10_000
"""A piece with more is simplified first: CoACD's time grows with its triangles."""
MAX_PIECES: Final = 64
"""A mesh of more separate pieces is cut as a whole."""
TIME_LIMIT: Final = 900.0
"""Longest time for one asset [s]."""


def decompose_mesh(vertices: NDArray[Any], triangles: NDArray[Any], *, cache: bool = True) -> tuple[Array, ...]:
    """Return the convex parts of a mesh.

    Args:
        vertices: Positions [m], shape (N, 3).
        triangles: Vertex rows, shape (T, 3).
        cache: Whether to read and write the cache on disk.

    Returns:
        Points of each part [m], shape (K, 3) each; they may overlap. The same mesh gives the same parts.

    Raises:
        ValueError: If there is no surface, or CoACD is not there, fails or takes too long.

    Example:
        >>> parts = decompose_mesh(bowl.vertices, bowl.triangles)
    """
    whole = weld_solid(vertices, triangles)
    if not len(whole.triangles):
        raise ValueError("the mesh has no surface; its triangles have no area")
    if not whole.hull_volume > 0.0:
        raise ValueError("no part has a volume; close the mesh or give it thickness")
    pieces = whole.pieces()
    if len(pieces) > MAX_PIECES:
        pieces = (whole,)
    rough = [number for number, piece in enumerate(pieces) if not piece.is_convex]
    cut = _cut([pieces[number] for number in rough], cache=cache) if rough else []
    parts: list[Array] = []
    for number, piece in enumerate(pieces):
        parts += cut[rough.index(number)] if number in rough else [piece.vertices]
    return tuple(parts)


def decomposer_version() -> str:
    """Return the version of CoACD, or `none`."""
    return _version("coacd")


def simplifier_version() -> str:
    """Return the version of fast-simplification, or `none`."""
    return _version("fast-simplification")


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _cut(pieces: Sequence[Solid], *, cache: bool) -> list[list[Array]]:
    prepared = [_simplified(piece) for piece in pieces]
    text = json.dumps([dict(SETTINGS), MAX_TRIANGLES, decomposer_version()])
    total = hashlib.sha256(text.encode())
    for piece in prepared:
        total.update(piece.vertices.tobytes() + piece.triangles.tobytes())
    path = cache_folder("hulls") / f"{total.hexdigest()[:32]}.npz" if cache else None
    if path is not None:
        known = _read(path, len(prepared))
        if known is not None:
            return known
    with tempfile.TemporaryDirectory(prefix="simloom-") as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        arrays: dict[str, NDArray[Any]] = {f"vertices{k}": piece.vertices for k, piece in enumerate(prepared)}
        arrays |= {f"triangles{k}": piece.triangles for k, piece in enumerate(prepared)}
        settings = np.frombuffer(json.dumps(dict(SETTINGS)).encode(), np.uint8)
        np.savez(source, allow_pickle=False, settings=settings, **arrays)
        _run(source, target)
        found = _read(target, len(prepared))
        if found is None or not all(found):
            raise ValueError("CoACD found no convex parts; close the mesh or give it thickness")
        if path is not None:
            data = target.read_bytes()
            keep_file(path, lambda file: file.write(data))
    return found


def _simplified(piece: Solid) -> Solid:
    if len(piece.triangles) <= MAX_TRIANGLES:
        return piece
    import fast_simplification

    points, faces = fast_simplification.simplify(
        piece.vertices.astype(np.float32), piece.triangles.astype(np.int32), target_count=MAX_TRIANGLES
    )
    return weld_solid(np.asarray(points, np.float64), np.asarray(faces, np.int64))


def _run(source: Path, target: Path) -> None:
    module = f"{__package__}.decomposition_process"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, str(source), str(target)],
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"CoACD took longer than {TIME_LIMIT:g} s; simplify the mesh") from None
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        advice = "; install it: pip install coacd" if "No module named 'coacd'" in last[0] else ""
        raise ValueError(f"CoACD could not cut the mesh: {last[0]}{advice}")


def _read(path: Path, count: int) -> list[list[Array]] | None:
    """Read the parts of so many pieces, or None where there are none or they are damaged."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            parts: list[list[Array]] = [[] for _ in range(count)]
            for name in sorted(file.files, key=lambda name: [int(word) for word in name[4:].split("_")]):
                parts[int(name[4:].split("_")[0])].append(file[name])
        return parts
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile):
        return None
