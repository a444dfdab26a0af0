"""Sources of assets: which files a library is made of, and their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ..renderers.mesh_files import MESH_SUFFIXES

_READERS: Final = ("level_of_detail.py", "mesh_*.py", "primitives.py", "*textures.py", "urdf.py")
_IMAGES: Final = (".png", ".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files that a library is made of."""

    robot: Path
    """URDF of the robot."""
    objects: tuple[tuple[str, Path], ...]
    """Name and file of each object."""
    images: tuple[tuple[str, Path], ...]
    """Name and file of each surface texture."""
    built_in: bool
    """Whether the objects are PyBullet's own."""
    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of all files, by a name without machine paths."""

    def key(self, version: int) -> str:
        """Return what names the library in a cache: a hash of all files, the code that reads them, and the layout."""
        import scipy

        here = Path(__file__).parent
        code = [
            *(here / name for name in ("asset_build.py", "asset_library.py", "assets.py", "hulls.py")),
            *(path for glob in _READERS for path in sorted((here.parent / "renderers").glob(glob))),
        ]
        text = [f"{version} {np.__version__} {scipy.__version__} {self.built_in}"]
        text += [file_digest(path) for path in code]
        text += [f"{name} {digest}" for name, digest in sorted(self.digests.items())]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()[:32]


def pybullet_data_folder() -> Path:
    """Return the folder of the models that come with PyBullet.

    Raises:
        FileNotFoundError: If PyBullet is not installed.
    """
    from importlib.util import find_spec

    spec = find_spec("pybullet_data")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "PyBullet's models (pybullet_data) are not installed; install PyBullet, or give folders and a robot"
        )
    return Path(spec.origin).parent


def collect_sources(
    object_folders: Sequence[str | Path], robot: str | Path | None, texture_folders: Sequence[str | Path]
) -> Sources:
    """Find and hash all files of a library.

    Args:
        object_folders: As for `load_asset_library`.
        robot: As for `load_asset_library`.
        texture_folders: As for `load_asset_library`.

    Returns:
        The files, sorted by name.

    Raises:
        FileNotFoundError: If a folder or file does not exist, or a folder has nothing in it.
    """
    data = pybullet_data_folder() if robot is None or not object_folders else None
    if robot is None:
        assert data is not None
        urdf = data / "franka_panda" / "panda.urdf"
    else:
        urdf = Path(robot).expanduser()
        if not urdf.is_file():
            raise FileNotFoundError(f"robot {urdf} does not exist")
    digests: dict[str, str] = {}
    for path in sorted(urdf.parent.rglob("*")):
        if path.suffix.lower() in (*MESH_SUFFIXES, *_IMAGES, ".mtl", ".dae") or path == urdf:
            digests[f"robot/{path.relative_to(urdf.parent).as_posix()}"] = file_digest(path)
    if object_folders:
        objects = _files(object_folders, (*MESH_SUFFIXES, ".urdf"), "meshes")
        digests |= {f"file/{name}": value for name, value in _folder_digests(object_folders).items()}
    else:
        assert data is not None
        folders = sorted(path for path in (data / "random_urdfs").iterdir() if path.is_dir())
        objects = [(f"random_urdfs/{path.name}", path / f"{path.name}.obj") for path in folders]
    images = _files(texture_folders, _IMAGES, "images") if texture_folders else []
    if not texture_folders and data is not None:
        images = [(f"pybullet/{name}", data / name) for name in ("table/table.png", "tex256.png", "checker_blue.png")]
    for name, path in [*objects, *images]:
        digests[name] = file_digest(path)
    return Sources(
        robot=urdf,
        objects=tuple(objects),
        images=tuple(images),
        built_in=not object_folders,
        digests=digests,
    )


def _folder_digests(folders: Sequence[str | Path]) -> dict[str, str]:
    """Hash everything that an object may refer to, such as its MTL and images."""
    found = {}
    for number, folder in enumerate(folders):
        root = Path(folder).expanduser()
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix.lower() in (*MESH_SUFFIXES, *_IMAGES, ".mtl", ".urdf", ".bin"):
                found[f"{number}/{path.relative_to(root).as_posix()}"] = file_digest(path)
    return found


def _files(folders: Sequence[str | Path], suffixes: Sequence[str], what: str) -> list[tuple[str, Path]]:
    found = []
    for number, folder in enumerate(folders):
        root = Path(folder).expanduser()
        if not root.is_dir():
            raise FileNotFoundError(f"folder {root} does not exist; it was to hold {what}")
        paths = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix.lower() in suffixes]
        urdfs = {path.parent for path in paths if path.suffix.lower() == ".urdf"}
        # Beside a URDF the meshes are its parts, not objects of their own.
        paths = [path for path in paths if path.suffix.lower() == ".urdf" or not urdfs & {path.parent, *path.parents}]
        if not paths:
            raise FileNotFoundError(f"folder {root} holds no {what} ({', '.join(suffixes)})")
        found += [(f"folder{number}/{path.relative_to(root).as_posix()}", path) for path in paths]
    return found


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
