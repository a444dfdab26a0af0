"""Sources of assets: which files a library is made of, and their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ..renderers.mesh_files import MESH_SUFFIXES
from ..renderers.mesh_references import list_mesh_files
from ..renderers.urdf_bodies import list_urdf_files
from .asset_declaration import SPLITS
from .asset_folder import AssetFile, hash_file, scan_folder
from .asset_refusals import refuse_assets
from .asset_yaml import FILE_NAME
from .convex_decomposition import decomposer_version, simplifier_version

_READERS: Final = ("level_of_detail.py", "mesh_*.py", "primitives.py", "*skies.py", "*textures.py", "urdf.py")
_CODE: Final = (
    "asset_build.py",
    "asset_declaration.py",
    "asset_folder.py",
    "asset_library.py",
    "asset_shape.py",
    "asset_yaml.py",
    "assets.py",
    "convex_decomposition.py",
    "hulls.py",
    "mesh_solid.py",
    "nominal.py",
    "yaml_text.py",
)
_IMAGES: Final = (".png", ".jpg", ".jpeg", ".bmp")
_PARTS: Final = (*MESH_SUFFIXES, *_IMAGES, ".mtl", ".dae")


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
    files: dict[str, AssetFile] = field(default_factory=dict)
    """What is said of users' objects, by name."""

    def key(self, version: int) -> str:
        """Return what names the library in a cache: a hash of all files, the code that reads them, and the layout."""
        import scipy

        here = Path(__file__).parent
        code = [
            *(here / name for name in _CODE),
            *(path for glob in _READERS for path in sorted((here.parent / "renderers").glob(glob))),
        ]
        text = [f"{version} {np.__version__} {scipy.__version__} {self.built_in}"]
        if not self.built_in:
            text.append(f"coacd {decomposer_version()}, simplified by {simplifier_version()}")
        text += [hash_file(path) for path in code]
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
    object_folders: Sequence[str | Path] | None,
    robot: str | Path | None,
    texture_folders: Sequence[str | Path],
    split: str | None = None,
) -> Sources:
    """Find and hash all files of a library.

    Args:
        object_folders: As for `load_asset_library`.
        robot: As for `load_asset_library`.
        texture_folders: As for `load_asset_library`.
        split: As for `load_asset_library`.

    Returns:
        The files, sorted by name.

    Raises:
        FileNotFoundError: If a folder or file does not exist, or a folder has nothing in it.
        ValueError: If an `asset.yaml` cannot be, an asset lies outside its folder, or a split has no asset.
    """
    if split is not None and split not in SPLITS:
        raise ValueError(f"asset_split must be one of {', '.join(SPLITS)}, got {split!r}")
    if split is not None and not object_folders:
        raise ValueError("asset_split needs object_folders: PyBullet's random objects are not split")
    data = pybullet_data_folder() if robot is None or not object_folders else None
    if robot is None:
        assert data is not None
        urdf = data / "franka_panda" / "panda.urdf"
    else:
        urdf = Path(robot).expanduser()
        if not urdf.is_file():
            raise FileNotFoundError(f"robot {urdf} does not exist")
    digests = _robot_digests(urdf)
    chosen: dict[str, AssetFile] = {}
    if object_folders:
        files = _scan(object_folders)
        chosen = {name: asset for name, asset in files.items() if split in (None, asset.split)}
        if not chosen:
            raise ValueError(f"asset_split: none of the {len(files)} assets is in {split!r}; see simloom assets check")
        objects = [(name, asset.path) for name, asset in chosen.items()]
        digests |= _object_digests(object_folders, list(chosen.values()))
    elif object_folders is None:
        objects = []
    else:
        assert data is not None
        folders = sorted(path for path in (data / "random_urdfs").iterdir() if path.is_dir())
        objects = [(f"random_urdfs/{path.name}", path / f"{path.name}.obj") for path in folders]
    images = _files(texture_folders, _IMAGES, "images") if texture_folders else []
    if not texture_folders and data is not None:
        images = [(f"pybullet/{name}", data / name) for name in ("table/table.png", "tex256.png", "checker_blue.png")]
    for name, path in [*objects, *images]:
        digests[name] = hash_file(path)
    return Sources(
        robot=urdf,
        objects=tuple(objects),
        images=tuple(images),
        built_in=not object_folders,
        digests=digests,
        files=chosen,
    )


def _scan(folders: Sequence[str | Path]) -> dict[str, AssetFile]:
    found: dict[str, AssetFile] = {}
    for number, folder in enumerate(folders):
        assets = scan_folder(folder)
        if not assets:
            raise FileNotFoundError(f"folder {folder} holds no meshes ({', '.join((*MESH_SUFFIXES, '.urdf'))})")
        found |= {f"folder{number}/{asset.name}": asset for asset in assets}
    if any(asset.refusal for asset in found.values()):
        raise refuse_assets(found, {})
    return found


def _robot_digests(urdf: Path) -> dict[str, str]:
    """Hash what a robot is made of; of PyBullet's own robots, which nobody edits, all models beside them."""
    folder = urdf.resolve().parent
    files = list(list_urdf_files(urdf))
    with suppress(FileNotFoundError):
        if folder.is_relative_to(pybullet_data_folder().resolve()):
            files = [path for path in folder.rglob("*") if path.suffix.lower() in _PARTS or path.name == urdf.name]
    return {f"robot/{path.relative_to(folder).as_posix()}": hash_file(path) for path in sorted(files)}


def _object_digests(folders: Sequence[str | Path], assets: Sequence[AssetFile]) -> dict[str, str]:
    """Hash all that the assets are made of, such as MTL, images and buffers, and what is said of them."""
    numbers = {Path(folder).expanduser(): number for number, folder in enumerate(folders)}
    files = {(path.resolve(), root) for root in numbers for path in root.rglob(FILE_NAME) if path.is_file()}
    for asset in assets:
        is_urdf = asset.path.suffix.lower() == ".urdf"
        named = list_urdf_files(asset.path, [asset.root]) if is_urdf else list_mesh_files(asset.path, [asset.root])
        files |= {(path, asset.root) for path in named}
    return {
        f"file/{numbers[root]}/{path.relative_to(root.resolve()).as_posix()}": hash_file(path)
        for path, root in sorted(files)
    }


def _files(folders: Sequence[str | Path], suffixes: Sequence[str], what: str) -> list[tuple[str, Path]]:
    found = []
    for number, folder in enumerate(folders):
        root = Path(folder).expanduser()
        if not root.is_dir():
            raise FileNotFoundError(f"folder {root} does not exist; it was to hold {what}")
        paths = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix.lower() in suffixes]
        if not paths:
            raise FileNotFoundError(f"folder {root} holds no {what} ({', '.join(suffixes)})")
        found += [(f"folder{number}/{path.relative_to(root).as_posix()}", path) for path in paths]
    return found
