"""What a result must say about where it was made."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "numba", "llvmlite", "pybullet", "h5py", "isal", "gymnasium", "scipy", "torch", "numba-cuda")
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


def machine_name(device: str = "cpu") -> str:
    """Return a name for files: processor and cores, or the GPU, e.g. `amd-epyc-2-cores` or `nvidia-h200`.

    Args:
        device: What ran: "cpu" or "cuda".
    """
    text = f"{cpu_model()} {core_count()} cores" if device == "cpu" else device_name(device)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def device_name(device: str = "cpu") -> str:
    """Return the name of a device as its maker calls it.

    Args:
        device: "cpu" or "cuda".
    """
    from ...kernels.device import describe_devices

    return cpu_model() if device == "cpu" else next(d.reason for d in describe_devices() if d.name == device)


def describe_machine(device: str = "cpu") -> dict[str, Any]:
    """Return the metadata that every result carries: commit, versions, processor, cores, memory, load.

    Args:
        device: What runs: "cpu" or "cuda"; of the latter name, memory, driver and CUDA version are told.
    """
    from ... import __version__
    from ...kernels.device import platform_key

    key = platform_key()
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    return {
        "simloom": __version__,
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
        **({} if device == "cpu" else {"gpu": describe_gpu()}),
    }


def describe_gpu() -> dict[str, Any]:
    """Return name, memory, driver and CUDA version of the GPU, as far as they can be found."""
    from .gpu import gpu_memory

    found: dict[str, Any] = {"name": device_name("cuda")}
    if (memory := gpu_memory()) is not None:
        found["memory_gib"] = round(memory[1] / 2**30, 1)
    try:
        command = ["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,clocks.max.mem", "--format=csv,noheader"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
        found |= dict(
            zip(("driver", "sm_clock_max", "memory_clock_max"), map(str.strip, said.split(",")), strict=False)
        )
    except (OSError, subprocess.SubprocessError, IndexError):
        pass  # no such program: the name must do
    return found


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""  # an installed package: whatever repository lies around it is another one
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
