"""The platform key: what equal bytes depend on beside the recipe."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "simloom",
    "numpy",
    "numba",
    "llvmlite",
    "pybullet",
    "trimesh",
    "opencv-python-headless",
    "scipy",
    "coacd",  # these two cut users' meshes into the parts that collide
    "fast-simplification",
)
# The x86-64 micro-architecture levels: one flag that tells each apart from the one below.
_LEVELS = (("avx512vl", "x86-64-v4"), ("avx2", "x86-64-v3"), ("sse4_2", "x86-64-v2"))


def platform_key(device: str = "cpu") -> dict[str, str]:
    """Describe what decides over the last bit of a row: versions, C library, CPU feature level, device kind.

    Args:
        device: Kind of device that renders: "cpu", or the model of the GPU.

    Returns:
        Plain texts by name; rows of equal keys must be equal bytes.

    Example:
        >>> platform_key()["device"]
        'cpu'
    """
    key = {"device": device, "machine": platform.machine(), "python": platform.python_version()}
    key["libc"] = "-".join(platform.libc_ver()) or platform.system()
    key["cpu"] = _cpu_level()
    for package in _PACKAGES:
        try:
            key[package] = version(package)
        except PackageNotFoundError:
            key[package] = "absent"
    return key


def _cpu_level() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or os.name
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    return next((level for flag, level in _LEVELS if flag in flags), platform.machine())


def differing_keys(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """List in words what two platform keys differ in.

    What one of them does not tell, such as that of an older dataset, is not known to be equal.

    Returns:
        Texts such as "numpy: 2.4.6 and 2.5.0" or "coacd: not recorded and 1.0.14", sorted.
    """
    names = sorted({*one, *other})
    return [
        f"{name}: {one.get(name, 'not recorded')} and {other.get(name, 'not recorded')}"
        for name in names
        if one.get(name) != other.get(name)
    ]
