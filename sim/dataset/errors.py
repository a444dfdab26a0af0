"""What can go wrong with a dataset folder, as one small family of exceptions."""

from __future__ import annotations

import errno
import os
from typing import ClassVar

from ..errors import SimloomError

_MOST_LETTERS = 3000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PASSING = frozenset({
    errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOLCK, errno.ESTALE,
    errno.ETIMEDOUT,
})  # fmt: skip
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def show_plainly(text: str) -> str:
    """Write out what a terminal would act on: control characters, marks of direction, halves of characters."""
    shown = text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]} ..."
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in shown
    )


class DatasetError(SimloomError):
    """Something about a dataset folder is wrong; `exit_code` is what the command line returns for it."""

    def __str__(self) -> str:
        # Names in a message may come from a hostile file.
        return show_plainly(super().__str__())


class DatasetFolderError(DatasetError):
    """The folder is not one that this call may use: no dataset, another dataset, or a smaller row count."""

    exit_code: ClassVar[int] = 2


class CodecMissingError(DatasetError):
    """The package that reads or writes a codec is not installed here."""

    exit_code: ClassVar[int] = 2


class RecipeMismatchError(DatasetFolderError):
    """The folder belongs to another recipe, or its assets have changed since."""


class PlatformMismatchError(DatasetFolderError):
    """The folder holds rows of another platform key, and mixing was not asked for."""


class DeterminismError(DatasetError):
    """The same rows were made twice and differ."""


class DatasetCorruptError(DatasetError):
    """A file of the dataset does not hold what was written, or is built to do harm."""


class DatasetWriteError(DatasetError):
    """The operating system refused a write; `exit_code`: 75 where that passes, 2 for a missing permission, else 42."""


class UnreadableError(DatasetError):
    """The operating system refused a read for a reason that passes; the same command may succeed."""

    exit_code: ClassVar[int] = 75


class DiskFullError(DatasetWriteError):
    """The disk or the quota is full; the same command resumes once there is space."""

    exit_code: ClassVar[int] = 75


class BusyError(DatasetWriteError):
    """Something that passes, such as too many open files or a server that does not answer; the same command resumes."""

    exit_code: ClassVar[int] = 75


class NoPermissionError(DatasetWriteError):
    """The folder may not be written."""

    exit_code: ClassVar[int] = 2


def write_error(error: OSError, path: str | os.PathLike[str]) -> DatasetWriteError:
    """Turn an operating-system error met while writing into one clear error.

    Args:
        error: What the operating system said.
        path: The file or folder that was being written.

    Returns:
        The error to raise, which names the path, the reason and the way out.
    """
    text = f"cannot write {os.fspath(path)}: {error.strerror or error}"
    if error.errno == errno.EFBIG:
        return DiskFullError(
            f"{text}. Nothing committed is lost: files may not be as large as a shard here (ulimit -f, or the file "
            "system's own limit); raise it and run the same command again, or begin with fewer scenarios a shard."
        )
    if error.errno in _FULL:
        return DiskFullError(f"{text}. Nothing committed is lost: free some space and run the same command again.")
    if error.errno in _PASSING:
        return BusyError(f"{text}. Nothing committed is lost: run the same command again.")
    if error.errno in _FORBIDDEN:
        return NoPermissionError(f"{text}. The folder must be writable, on a file system with hard links.")
    return DatasetWriteError(text)


def read_error(error: OSError, path: str | os.PathLike[str]) -> DatasetError:
    """Turn an operating-system error met while reading into one clear error.

    Args:
        error: What the operating system said.
        path: The file that was being read.

    Returns:
        The error to raise.
    """
    text = f"cannot read {os.fspath(path)}: {error.strerror or error}"
    if error.errno in _PASSING:
        return UnreadableError(f"{text}. Run the same command again.")
    if error.errno in _FORBIDDEN:
        return DatasetFolderError(text)
    return DatasetCorruptError(text)
