"""What this machine has of what simloom needs."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import tempfile
from importlib import metadata
from typing import NamedTuple

_NEEDED = {
    "numpy": "arrays",
    "numba": "compiled kernels",
    "h5py": "datasets",
    "pyarrow": "tables",
    "pydantic": "recipes",
    "cv2": "pictures",
    "trimesh": "meshes",
    "scipy": "designs",
    "gymnasium": "environments",
    "torch": "loading for training",
}
_DISTRIBUTIONS = {"cv2": "opencv-python-headless"}
_OPTIONAL = {
    "hdf5plugin": "plain h5py on the zstd codec: pip install 'simloom[zstd]'",
    "zstandard": "the zstd codec: pip install 'simloom[zstd]'",
    "matplotlib": "plots of calibrations: pip install 'simloom[calibrate]'",
}


class HealthFinding(NamedTuple):
    """One thing that was looked at."""

    name: str
    """What."""
    ok: bool
    """Whether it is there."""
    needed: bool
    """Whether simloom's main job needs it."""
    text: str
    """Version or place, or how to get it."""


def examine() -> list[HealthFinding]:
    """Look at Python, packages, devices, cores, memory and folders.

    Returns:
        What was found, needed things first.

    Example:
        >>> all(finding.ok for finding in examine() if finding.needed)
        True
    """
    found = [HealthFinding("python", sys.version_info >= (3, 11), True, f"{platform.python_version()}; 3.11 or later")]
    found += [_package(name, True, purpose) for name, purpose in _NEEDED.items()]
    found.append(_bullet())
    found.append(_temporary())
    found += [_package(name, False, purpose) for name, purpose in _OPTIONAL.items()]
    found += _devices()
    found.append(HealthFinding("cores", True, False, f"{os.cpu_count()}, {_memory():.1f} GiB of memory"))
    return found


def _package(name: str, needed: bool, purpose: str) -> HealthFinding:
    distribution = _DISTRIBUTIONS.get(name, name)
    if importlib.util.find_spec(name) is None:
        text = f"for {purpose}; pip install {distribution}" if needed else purpose
        return HealthFinding(name, False, needed, text)
    return HealthFinding(name, True, needed, metadata.version(distribution))


def _bullet() -> HealthFinding:
    if importlib.util.find_spec("pybullet") is not None:
        return HealthFinding("pybullet", True, True, metadata.version("pybullet"))
    text = "physics needs it; pip install pybullet (Python 3.11), or conda install -c conda-forge pybullet (later ones)"
    return HealthFinding("pybullet", False, True, text)


def _temporary() -> HealthFinding:
    folder = tempfile.gettempdir()
    ok = os.access(folder, os.W_OK)
    return HealthFinding("temporary folder", ok, True, f"{folder} is {'writable' if ok else 'not writable'}")


def _devices() -> list[HealthFinding]:
    from ..kernels.device import describe_devices

    return [HealthFinding(f"device {d.name}", d.present, d.name == "cpu", d.reason) for d in describe_devices()]


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
