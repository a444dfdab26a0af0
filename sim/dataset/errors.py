"""What can go wrong with a dataset folder, as one small family of exceptions."""

from __future__ import annotations

import errno
import os
from typing import ClassVar

from ..errors import SimloomError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class DatasetError(SimloomError):
    """Something about a dataset folder is wrong; `exit_code` is what the command line returns for it."""


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
    """The operating system refused a write; `exit_code` is 75 for a full disk, 2 for a missing permission, else 42."""


class DiskFullError(DatasetWriteError):
    """The disk or the quota is full; the same command resumes once there is space."""

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
    if error.errno in _FULL:
        return DiskFullError(f"{text}. Nothing committed is lost: free some space and run the same command again.")
    if error.errno in _FORBIDDEN:
        return NoPermissionError(f"{text}. The folder must be writable, on a file system with hard links.")
    return DatasetWriteError(text)
