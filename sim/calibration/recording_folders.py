"""Recordings in folders: flat fields, darks and walls by exposure time or distance."""

from __future__ import annotations

from pathlib import Path

from .depth_noise import WallRecording
from .frame_files import FrameFolder, list_levels
from .photon_transfer import Recording


def load_camera_recordings(folder: Path) -> tuple[list[Recording], list[Recording]]:
    """Find the flat fields and darks of a camera: `folder/flat/<time>` and `folder/dark/<time>`.

    Returns:
        Flat fields and darks; frames are read when they are used.

    Raises:
        UsageError: If the folder is not laid out so.
    """
    flats, darks = (
        [Recording(time, FrameFolder(path, ("uint8", "uint16"))) for time, path in list_levels(folder / name, "time")]
        for name in ("flat", "dark")
    )
    return flats, darks


def load_wall_recordings(folder: Path) -> list[WallRecording]:
    """Find the recordings of a wall: `folder/wall/<distance>`.

    Returns:
        Recordings; frames are read when they are used.

    Raises:
        UsageError: If the folder is not laid out so.
    """
    dtypes = ("uint16", "float32", "float64")
    return [WallRecording(d, FrameFolder(path, dtypes)) for d, path in list_levels(folder / "wall", "length")]
