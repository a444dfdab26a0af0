"""What a result must say about where it was made."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "numba", "llvmlite", "pybullet", "h5py", "isal", "gymnasium", "scipy")
"""Distributions whose versions results state."""


def cpu_model() -> str:
    """Return the processor's name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def core_count() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def machine_name() -> str:
    """Return a name for files: processor and cores, e.g. `amd-epyc-2-cores`."""
    return f"{re.sub(r'[^a-z0-9]+', '-', cpu_model().lower()).strip('-')}-{core_count()}-cores"


def describe_machine() -> dict[str, Any]:
    """Return the metadata that every result carries: commit, versions, processor, cores, memory, load."""
    import simloom
    from simloom.kernels.device import platform_key

    key = platform_key()
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    return {
        "simloom": simloom.__version__,
        "commit": _git("rev-parse", "HEAD"),
        # Results are no part of what is measured.
        "modified": bool(_git("status", "--porcelain", "--", ":!benchmarks/results")),
        "python": platform.python_version(),
        "versions": versions,
        "cpu": cpu_model(),
        "cpu_target": key["cpu"],
        "cores": core_count(),
        "memory_gib": round(_memory() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parent.parent
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
