"""Write a file so that it is either there in full or not at all, whatever dies in between."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from .errors import write_error

CRASH_VARIABLE = "SIMLOOM_CRASH_AT"
"""For tests: "after-<kind>-<step>", or the same with ":<file name>", kills the process there. Steps: open, half, write,
link (or rename), sync."""

Content: TypeAlias = bytes | Sequence[bytes | bytearray | memoryview]
"""What a file shall hold: bytes, or buffers that follow one another."""

_PIECE = 8 << 20
_PARALLEL_BYTES = 4 << 20
_TEMPORARY = re.compile(r"\..+\.(?P<host>[A-Za-z0-9_-]+)\.(?P<pid>[0-9]+)\.[0-9a-f]{8}\.tmp")
_NO_FALLOCATE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def crash_point(kind: str, step: str, name: str) -> None:
    """Die like by kill -9 where the environment asks for it; tests of recovery do."""
    wanted = os.environ.get(CRASH_VARIABLE)
    if wanted and wanted in (f"after-{kind}-{step}", f"after-{kind}-{step}:{name}"):
        os.kill(os.getpid(), signal.SIGKILL)


def host_name() -> str:
    """Name this machine with letters, digits, "-" and "_" only."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname()) or "host"


def is_temporary(name: str) -> bool:
    """Tell whether a file name is that of a file under way."""
    return _TEMPORARY.fullmatch(name) is not None


def publish_file(path: Path, data: Content, *, kind: str) -> str | None:
    """Write a new file that never replaces another.

    Args:
        path: Where it shall appear, in an existing folder.
        data: Its bytes, or buffers that follow one another.
        kind: What it is, for the crash points: "shard", "record" ...

    Returns:
        SHA-256 of the data, or None where a file of that name is there already.

    Raises:
        DatasetWriteError: The operating system refused; nothing is left behind.
    """

    def link(temporary: Path) -> bool:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        crash_point(kind, "link", path.name)
        return True

    digest, done = _write(path, data, kind, link)
    return digest if done else None


def replace_file(path: Path, data: bytes, *, kind: str) -> str:
    """Write a derived file, replacing an older one in one step.

    Args:
        path: Where it shall appear, in an existing folder.
        data: Its bytes.
        kind: What it is, for the crash points.

    Returns:
        SHA-256 of the data.

    Raises:
        DatasetWriteError: The operating system refused; an older file is untouched.
    """

    def rename(temporary: Path) -> bool:
        os.replace(temporary, path)
        crash_point(kind, "rename", path.name)
        return True

    return _write(path, data, kind, rename)[0]


def _write(path: Path, data: Content, kind: str, place: Callable[[Path], bool]) -> tuple[str, bool]:
    temporary = path.parent / f".{path.name}.{host_name()}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            crash_point(kind, "open", path.name)
            digest = _fill(descriptor, [data] if isinstance(data, bytes) else data, kind, path.name)
        finally:
            os.close(descriptor)
        crash_point(kind, "write", path.name)
        done = place(temporary)
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        sync_folder(path.parent)
        crash_point(kind, "sync", path.name)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise write_error(error, path) from None
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return digest, done


def _fill(descriptor: int, pieces: Sequence[bytes | bytearray | memoryview], kind: str, name: str) -> str:
    """Write all bytes and hash them beside that; a full disk is met before the first byte where it can be."""
    size = sum(map(len, pieces))
    if size < _PARALLEL_BYTES:
        _write_pieces(descriptor, pieces, size, kind, name)
        digest = _hash_pieces(pieces)
    else:
        with ThreadPoolExecutor(1, "simloom-hash") as thread:
            job = thread.submit(_hash_pieces, pieces)
            _write_pieces(descriptor, pieces, size, kind, name)
            digest = job.result()
    return digest


def _write_pieces(
    descriptor: int, pieces: Sequence[bytes | bytearray | memoryview], size: int, kind: str, name: str
) -> None:
    if size:
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in _NO_FALLOCATE:
                raise
    total = 0
    for piece in pieces:
        view, done = memoryview(piece), 0
        while done < len(view):
            count = os.write(descriptor, view[done : done + _PIECE])
            done += count
            total += count
            if 2 * total >= size:
                crash_point(kind, "half", name)
    os.fsync(descriptor)


def _hash_pieces(pieces: Sequence[bytes | bytearray | memoryview]) -> str:
    state = hashlib.sha256()
    for piece in pieces:
        state.update(piece)
    return state.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        DatasetWriteError: The operating system refused.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise write_error(error, folder) from None


def make_folder(path: Path) -> None:
    """Create a folder and its parents, durably.

    Raises:
        DatasetWriteError: The operating system refused.
    """
    folders = [path]
    while not folders[-1].parent.exists():
        folders.append(folders[-1].parent)
    try:
        # Each new folder is a name in the one above, which power loss takes away unless that one is synced.
        for folder in reversed(folders):
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
    except OSError as error:
        raise write_error(error, path) from None


def remove_file(path: Path) -> None:
    """Remove a file; one that is gone already is fine.

    Raises:
        DatasetWriteError: The operating system refused.
    """
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(error, path) from None


def sweep_temporaries(folder: Path) -> list[Path]:
    """Remove files under way whose process, on this machine, is dead.

    Args:
        folder: Folder to sweep; its subfolders are left alone.

    Returns:
        What was removed.
    """
    swept = []
    for path in sorted(folder.glob(".*.tmp")):
        match = _TEMPORARY.fullmatch(path.name)
        if match and match["host"] == host_name() and not _is_alive(int(match["pid"])):
            with contextlib.suppress(OSError):
                path.unlink()
                swept.append(path)
    return swept


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
