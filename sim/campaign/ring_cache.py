"""Rows of a stream kept on disk, within a bound, so that going through them again reads instead of making them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ..dataset.errors import (
    DatasetCorruptError,
    DatasetError,
    DatasetFolderError,
    DatasetWriteError,
    PlatformMismatchError,
    RecipeMismatchError,
    write_error,
)
from ..dataset.plain_file import dump_json, parse_json, read_plain
from ..dataset.platform_key import differing_keys
from ..dataset.publish import is_temporary, make_folder, publish_file, sweep_temporaries
from ..dataset.shard import build_shard
from ..dataset.shard_file import ShardFile
from ..errors import UsageError
from .row_maker import Rows

BINDING = "stream_cache.json"
"""What the folder is bound to: recipe, platform and arrays."""

MIN_BYTES = 1 << 20
"""Least bound of a cache [byte]."""

_LOCK = "lock"
_NAME = re.compile(r"(?P<first>[0-9]{1,15})-(?P<step>[0-9]{1,9})-(?P<count>[0-9]{1,4})\.h5")
_FAR = 1 << 60
_MAX_BINDING_BYTES = 1 << 20


@final
class RingCache:
    """A folder of shard files, each with the rows of some scenarios, that never holds more bytes than its bound.

    Files appear whole or not at all and are read by checksum: one that is damaged is removed, and its rows are made
    again. When it is full, what will be needed last makes way. Several processes of one machine may share it.

    Args:
        folder: Where; made if need be. It belongs to one recipe, platform and choice of arrays.
        max_bytes: Bound of all its files together [byte].
        recipe_sha256: The recipe.
        platform: The platform key.
        shapes: Dtype and shape of one row by array name.
        rows_per_scenario: Rows of one scenario.
        codec: How rows are compressed.
        cycle: Scenarios of a pass, after which they come again; None for a stream without end.

    Raises:
        UsageError: The bound is too small.
        DatasetFolderError: The folder holds something else.
        DatasetWriteError: It cannot be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        max_bytes: int,
        recipe_sha256: str,
        platform: Mapping[str, str],
        shapes: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]],
        rows_per_scenario: int,
        codec: Any = "deflate",
        cycle: int | None = None,
    ) -> None:
        if max_bytes < MIN_BYTES:
            raise UsageError(f"cache_bytes must be at least {MIN_BYTES} bytes, got {max_bytes}")
        self.folder, self._max_bytes = Path(folder), max_bytes
        self._shapes, self._codec, self._cycle = dict(sorted(shapes.items())), codec, cycle
        self._rows_per_scenario = rows_per_scenario
        self._files: dict[int, str] = {}
        self._is_writable = True
        self._bind({
            "simloom_stream_cache": 1, "recipe_sha256": recipe_sha256, "platform": dict(platform),
            "arrays": {name: [dtype.str, list(tail)] for name, (dtype, tail) in self._shapes.items()},
        })  # fmt: skip
        with self._locked():
            self._make_room(0, now=_FAR if cycle is None else 0, newest=None)
        self.refresh()

    def refresh(self) -> None:
        """Look again what is there: other processes keep rows too."""
        self._files = {
            scenario: name for name in sorted(self._sizes()) for scenario in _scenarios_of(name)
        }  # fmt: skip

    def find(self, scenario: int) -> str | None:
        """Name the file that holds a scenario; None where none does."""
        return self._files.get(scenario)

    def read(self, scenarios: Sequence[int]) -> Rows | None:
        """Read the rows of some scenarios of one file.

        Returns:
            Arrays by name, rows leading; None where the file is gone or damaged, in which case it is gone now.
        """
        name = self._files[scenarios[0]]
        there = _scenarios_of(name)
        inner = np.arange(self._rows_per_scenario)
        wanted = np.concatenate([there.index(each) * self._rows_per_scenario + inner for each in scenarios])
        try:
            with ShardFile(self.folder / name) as shard:
                self._check(name, shard, len(there))
                rows = {array: shard.read(array, wanted.tolist()) for array in self._shapes}
            numbers = np.concatenate([each * self._rows_per_scenario + inner for each in scenarios])
            if not np.array_equal(rows["sample/index"], numbers):
                raise DatasetCorruptError(f"{self.folder / name} holds other rows than its name says")
        except FileNotFoundError:
            self.refresh()
            return None
        except DatasetError as error:  # damaged, or a disk that fails: the rows are made again
            with contextlib.suppress(OSError):
                if isinstance(error, DatasetCorruptError):
                    (self.folder / name).unlink()
            self.refresh()
            self._forget(name)  # also where it could not be removed
            return None
        return rows

    def keep(self, scenarios: Sequence[int], rows: Mapping[str, NDArray[Any]]) -> bool:
        """Keep the rows of some scenarios, where there is room for them or others make way.

        Args:
            scenarios: Their numbers, evenly spaced; others are not kept.
            rows: All arrays, rows leading.

        Returns:
            Whether they are kept.
        """
        step = scenarios[1] - scenarios[0] if len(scenarios) > 1 else 1
        if not self._is_writable or list(scenarios) != [scenarios[0] + step * k for k in range(len(scenarios))]:
            return False
        name = f"{scenarios[0]}-{step}-{len(scenarios)}.h5"
        image = build_shard(rows, codec=self._codec)
        try:
            with self._locked():
                if not self._make_room(len(image), now=scenarios[-1] + 1, newest=scenarios[0]):
                    return False
                publish_file(self.folder / name, image, kind="cache")
        except DatasetWriteError as error:
            self._is_writable = False
            warnings.warn(f"the stream goes on, its cache keeps nothing more: {error}", RuntimeWarning, stacklevel=2)
            return False
        self._files |= dict.fromkeys(scenarios, name)
        return True

    def _bind(self, wanted: dict[str, Any]) -> None:
        make_folder(self.folder)
        path = self.folder / BINDING
        if not path.exists():
            foreign = [
                each.name for each in self.folder.iterdir() if each.name != _LOCK and not is_temporary(each.name)
            ]
            if foreign and not path.exists():
                raise DatasetFolderError(
                    f"{self.folder} is no stream's cache, it holds {foreign[0]}; name a new folder"
                )
            publish_file(path, dump_json(wanted), kind="cache")
        found = parse_json(read_plain(path, limit=_MAX_BINDING_BYTES), path)
        if found == wanted:
            return
        way = "name another folder, or delete this one"
        if not isinstance(found, dict) or found.get("recipe_sha256") != wanted["recipe_sha256"]:
            raise RecipeMismatchError(f"the cache {self.folder} belongs to another recipe or seed: {way}")
        if found.get("platform") != wanted["platform"]:
            differing = differing_keys(found.get("platform") or {}, wanted["platform"])
            raise PlatformMismatchError(
                f"the cache {self.folder} was made on another platform ({'; '.join(differing)}): {way}"
            )
        raise RecipeMismatchError(f"the cache {self.folder} holds other arrays than are wanted: {way}")

    def _check(self, name: str, shard: ShardFile, scenarios: int) -> None:
        rows = scenarios * self._rows_per_scenario
        found = {array: (stored.dtype, tuple(stored.shape)) for array, stored in shard.arrays.items()}
        if found != {array: (dtype, (rows, *tail)) for array, (dtype, tail) in self._shapes.items()}:
            raise DatasetCorruptError(f"{self.folder / name} holds other arrays than the cache")

    def _sizes(self) -> dict[str, int]:
        """Size of every file [byte], by name."""
        sizes = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
        return sizes

    def _make_room(self, size: int, *, now: int, newest: int | None) -> bool:
        """Remove what is needed later than what is to come, until that fits; whoever calls holds the lock."""
        sweep_temporaries(self.folder)
        sizes = self._sizes()
        total = sum(sizes.values())
        blocks = sorted((name for name in sizes if _NAME.fullmatch(name)), key=lambda n: self._distance(n, now))
        while total + size > self._max_bytes:
            if not blocks or (newest is not None and self._distance(blocks[-1], now) <= self._wait(newest, now)):
                return False
            last = blocks.pop()
            with contextlib.suppress(OSError):
                (self.folder / last).unlink(missing_ok=True)
                total -= sizes[last]
                self._forget(last)
        return True

    def _forget(self, name: str) -> None:
        for scenario in _scenarios_of(name):
            if self._files.get(scenario) == name:
                del self._files[scenario]

    def _distance(self, name: str, now: int) -> int:
        return self._wait(_scenarios_of(name)[0], now)

    def _wait(self, scenario: int, now: int) -> int:
        """Tell how many scenarios later one is needed; without an end the older wait longer, all for ever."""
        if self._cycle is None:
            return scenario - now if scenario >= now else _FAR + now - scenario
        if scenario >= self._cycle:
            return _FAR
        return scenario - now if scenario >= now else scenario - now + self._cycle

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = -1
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.folder / _LOCK, flags, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise write_error(error, self.folder / _LOCK) from None
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing alone would leave it to a process forked meanwhile
            os.close(descriptor)


def _scenarios_of(name: str) -> range:
    match = _NAME.fullmatch(name)
    if match is None or not int(match["step"]):
        return range(0)
    first, step, count = int(match["first"]), int(match["step"]), int(match["count"])
    return range(first, first + step * count, step)
