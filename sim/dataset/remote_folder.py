"""Datasets behind fsspec: small files are fetched, shards are read where they are."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from .binding import DESCRIPTION, RECIPE
from .byte_source import ByteSource
from .dataset_folder import DatasetFolder, LocalFolder
from .errors import DatasetCorruptError, DatasetFolderError
from .layout import COMMITS, is_stem
from .manifest import MANIFEST
from .plain_file import MAX_JSON_BYTES
from .samples import SAMPLES

_MOST_RECORDS = 1 << 20
_MAX_TABLE_BYTES = 1 << 36
_PIECE = 4 << 20
_PROTOCOL = re.compile(r"[a-z][a-z0-9+.\-]+(?:::|://)")


@final
class RemoteFolder(DatasetFolder):
    """A folder behind fsspec, such as `s3://bucket/tabletop`; its small files are fetched when they are first needed.

    Args:
        url: What fsspec opens; chained URLs such as `filecache::s3://bucket/tabletop` keep what was read.
        options: Passed to the file system.

    Raises:
        DatasetFolderError: There is no such file system here.
    """

    def __init__(self, url: str, options: dict[str, Any] | None = None) -> None:
        self.name = url.rstrip("/")
        self._options = dict(options or {})
        self._process = -1
        self._mirror: Path | None = None
        self._connect()

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "_options": self._options, "_process": -1, "_mirror": None}

    def _connect(self) -> tuple[Any, str]:
        """Return the file system and the folder in it, of this process: its threads do not live through a fork."""
        if self._process != os.getpid():
            import fsspec

            try:
                fresh = {"skip_instance_cache": True} if self._process >= 0 else {}
                self._system, self._root = fsspec.core.url_to_fs(self.name, **self._options, **fresh)
            except (ImportError, ValueError) as error:
                raise DatasetFolderError(f"cannot open {self.name}: {error}") from None
            self._process = os.getpid()
        return self._system, self._root

    @property
    def path(self) -> Path:
        """A folder on this machine that holds all but the shards."""
        if self._mirror is None:
            mirror = Path(tempfile.mkdtemp(prefix="simloom-remote-"))
            weakref.finalize(self, _remove_mirror, mirror, os.getpid())
            self._fetch_all(mirror)
            self._mirror = mirror
        return self._mirror

    def _fetch_all(self, mirror: Path) -> None:
        for name in (RECIPE, DESCRIPTION, MANIFEST, SAMPLES):
            self._fetch(name, mirror)
        (mirror / COMMITS).mkdir()
        for name in (f"{stem}.json" for stem in self.list_stems()):
            # Where there is a manifest, only their names count.
            if (mirror / MANIFEST).exists():
                (mirror / COMMITS / name).touch()
            else:
                self._fetch(f"{COMMITS}/{name}", mirror)

    def list_stems(self) -> list[str]:
        """List the names of the commit records that are there now, sorted."""
        system, root = self._connect()
        try:
            found = [str(path).rpartition("/")[2] for path in system.ls(f"{root}/{COMMITS}", detail=False)]
        except FileNotFoundError:
            found = []
        except (OSError, ValueError) as error:
            raise DatasetFolderError(f"cannot list {self.name}/{COMMITS}: {error}") from None
        stems = sorted(name[:-5] for name in found if name.endswith(".json") and is_stem(name[:-5]))
        if len(stems) > _MOST_RECORDS:
            raise DatasetCorruptError(f"{self.name}: has {len(stems)} commit records")
        return stems

    def _fetch(self, name: str, mirror: Path) -> None:
        system, root = self._connect()
        limit = _MAX_TABLE_BYTES if name == SAMPLES else MAX_JSON_BYTES
        done = 0
        try:
            with system.open(f"{root}/{name}", "rb") as file, (mirror / name).open("wb") as copy:
                while done <= limit and (piece := file.read(_PIECE)):
                    done += copy.write(piece)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DatasetFolderError(f"cannot read {self.name}/{name}: {error}") from None
        if done > limit:
            raise DatasetCorruptError(f"{self.name}/{name} has more than {limit} bytes")

    def open(self, path: str) -> ByteSource:
        """Open a file by its path within the dataset."""
        system, root = self._connect()
        return RemoteFile(system, f"{root}/{path}", f"{self.name}/{path}")


@final
class RemoteFile(ByteSource):
    """A file behind fsspec.

    Args:
        system: The fsspec file system.
        path: Path in it.
        name: What to call it in messages.

    Raises:
        FileNotFoundError: There is no such file.
        DatasetFolderError: It cannot be read.
    """

    def __init__(self, system: Any, path: str, name: str) -> None:
        self._system, self._path = system, path
        try:
            size = int(system.size(path))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DatasetFolderError(f"cannot read {name}: {error}") from None
        super().__init__(name, size, (name, size))

    def read_into(self, offset: int, buffer_out: Any) -> int:
        """Read from a position into a writable buffer; returns how many bytes there were."""
        view = memoryview(buffer_out)
        try:
            data = self._system.cat_file(self._path, start=offset, end=offset + len(view))
        except OSError as error:
            raise DatasetFolderError(f"cannot read {self.name}: {error}") from None
        if len(data) > len(view):
            raise DatasetCorruptError(f"{self.name}: {len(view)} bytes were asked for and {len(data)} came")
        view[: len(data)] = data
        return len(data)

    @contextmanager
    def open_hdf5(self) -> Iterator[Any]:
        """Open it by h5py, for reading; leave it before another thread reads."""
        import h5py

        # Read ahead by whole blocks: HDF5's own reads of an index are of a few hundred bytes.
        with self._system.open(self._path, "rb", block_size=1 << 20) as stream, h5py.File(stream, "r") as file:
            yield file

    def close(self) -> None:
        """Give it back; calling it twice is fine."""


def _remove_mirror(mirror: Path, process: int) -> None:
    if process == os.getpid():  # a fork lets go of its copy while its parent reads on
        shutil.rmtree(mirror, ignore_errors=True)


def find_folder(path: str | os.PathLike[str], options: dict[str, Any] | None = None) -> DatasetFolder:
    """Tell where a dataset is: a path, or a URL with fsspec's protocols.

    Args:
        path: Path, or e.g. "s3://bucket/tabletop".
        options: For the file system of a URL.

    Returns:
        The folder.

    Raises:
        DatasetFolderError: No file system here has that protocol.
    """
    if isinstance(path, str) and _PROTOCOL.match(path):
        return RemoteFolder(path, options)
    return LocalFolder(Path(path))
