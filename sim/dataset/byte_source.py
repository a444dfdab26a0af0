"""Where a shard's bytes come from: a file on this machine, or one behind fsspec."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, final

from .errors import read_error
from .plain_file import open_plain


class ByteSource(ABC):
    """A file of known size that is read by position; threads may share it.

    Args:
        name: What to call it in messages.
        size: Its size [byte].
        identity: What is equal for the same file with the same contents.
    """

    def __init__(self, name: str, size: int, identity: tuple[object, ...]) -> None:
        self.name = name
        self.size = size
        self.identity = identity

    @abstractmethod
    def read_into(self, offset: int, buffer_out: Any) -> int:
        """Read from a position into a writable buffer; returns how many bytes there were."""

    @abstractmethod
    def open_hdf5(self) -> AbstractContextManager[Any]:
        """Open it by h5py, for reading; leave it before another thread reads."""

    @abstractmethod
    def close(self) -> None:
        """Give it back; calling it twice is fine."""


@final
class LocalFile(ByteSource):
    """A regular file on this machine.

    Args:
        path: The file; a link or a device is refused.

    Raises:
        DatasetCorruptError: It is no regular file.
        DatasetFolderError: It may not be read.
        FileNotFoundError: There is no such file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        descriptor = open_plain(self.path)
        self._descriptor = descriptor
        # Closed when the last reader lets go of it: a number that is closed while a thread reads may be another file's.
        self._close = weakref.finalize(self, os.close, descriptor)
        told = os.fstat(descriptor)
        super().__init__(str(self.path), told.st_size, (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns))

    def read_into(self, offset: int, buffer_out: Any) -> int:
        """Read from a position into a writable buffer; returns how many bytes there were."""
        view, done = memoryview(buffer_out), 0
        while done < len(view):
            try:
                count = os.preadv(self._descriptor, [view[done:]], offset + done)
            except OSError as error:
                raise read_error(error, self.path) from None
            if count == 0:
                break
            done += count
        return done

    def open_hdf5(self) -> AbstractContextManager[Any]:
        """Open it by h5py, for reading; leave it before another thread reads."""
        import h5py

        # Through the descriptor: the file that was checked to be no link is the file that is read.
        same = f"/proc/self/fd/{self._descriptor}"
        file: AbstractContextManager[Any] = h5py.File(same if os.path.exists(same) else self.path, "r", locking=False)
        return file

    def close(self) -> None:
        """Give it back; calling it twice is fine."""
        self._close()
