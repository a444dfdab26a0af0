"""The folder of a dataset that is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import final

from .byte_source import ByteSource, LocalFile
from .commit import list_stems


class DatasetFolder(ABC):
    """Where a dataset is read from; small when pickled."""

    name: str
    """What to call it in messages."""

    @property
    @abstractmethod
    def path(self) -> Path:
        """A folder on this machine that holds all but the shards."""

    @abstractmethod
    def open(self, path: str) -> ByteSource:
        """Open a file by its path within the dataset."""

    @abstractmethod
    def list_stems(self) -> list[str]:
        """List the names of the commit records that are there now, sorted."""


@final
class LocalFolder(DatasetFolder):
    """A folder on this machine.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    @property
    def path(self) -> Path:
        """A folder on this machine that holds all but the shards."""
        return self._path

    def open(self, path: str) -> ByteSource:
        """Open a file by its path within the dataset."""
        return LocalFile(self._path / path)

    def list_stems(self) -> list[str]:
        """List the names of the commit records that are there now, sorted."""
        return list_stems(self._path)
