"""A disk that loses power: what was not certified by fsync may be lost, in part or in whole.

Durable are the bytes of a file at its last fsync, and the names in a folder at the folder's last fsync. Everything
else is left to chance by the system, and here to a mode: nothing of it survives, all names do without their bytes or
with zeros for them, or a random part.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simloom.kernels.philox import philox_uniforms

MODES = ("only what was synced", "all names, no bytes", "all names, zeros", "a random part")
DEAD_PROCESS = 2**22 + 1

_PROCESS = re.compile(r"\.\d+(\.[0-9a-f]{8}\.tmp)$")


@dataclass
class _File:
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


@dataclass
class _Folder:
    names: dict[str, Any] = field(default_factory=dict)
    synced: dict[str, Any] = field(default_factory=dict)
    pending: list[tuple[str, Any]] = field(default_factory=list)

    def set(self, name: str, item: Any) -> None:
        """Give a name to something, or take it away (None)."""
        self.pending.append((name, item))
        self.names = _apply(self.names, [(name, item)])


def _apply(names: dict[str, Any], changes: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(names)
    for name, item in changes:
        if item is None:
            result.pop(name, None)
        else:
            result[name] = item
    return result


class Recorder:
    """Records the calls of a writer below a folder, to be replayed up to any of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self._open: dict[int, str] = {}

    def report(self, text: str) -> None:
        """Note what was promised."""
        self.events.append(("report", (text,)))

    def __call__(self, name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Do a call, and note it if it concerns the folder."""
        result = call(*args, **named)
        if name == "open":
            path = os.path.abspath(os.fspath(args[0])) if not isinstance(args[0], int) else ""
            if path.startswith(str(self.root)):
                self._open[result] = path
                if args[1] & os.O_CREAT:
                    self.events.append(("create", (path,)))
        elif name == "close":
            self._open.pop(args[0], None)
        elif name in ("write", "fsync", "posix_fallocate"):
            if (where := self._open.get(args[0])) is not None:
                more = (bytes(args[1])[:result],) if name == "write" else args[1:]
                self.events.append((name, (where, *more)))
        else:
            self.events.append(
                (name, tuple(os.path.abspath(os.fspath(path)) for path in args if not isinstance(path, int)))
            )
        return result


class Disk:
    """The state of the folder after some events, as the running system sees it and as the disk holds it."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.promised: list[str] = []
        self._top = _Folder()
        self._folders = {self.root: self._top}
        self._files: dict[str, _File] = {}
        self._written: dict[str, int] = {}

    def apply(self, kind: str, args: tuple[Any, ...]) -> None:
        """Take one event."""
        path = str(args[0])
        folder, name = self._folders.get(os.path.dirname(path)), os.path.basename(path)
        if kind == "report":
            self.promised.append(path)
        elif kind == "fsync" and path in self._folders:
            place = self._folders[path]
            place.synced, place.pending = dict(place.names), []
        elif kind == "fsync" and path in self._files:
            self._files[path].synced = bytes(self._files[path].data)
        elif kind == "posix_fallocate":
            self._files[path].data.extend(bytes(max(0, args[2] - len(self._files[path].data))))
        elif kind == "write":
            start = self._written.get(path, 0)
            self._files[path].data[start : start + len(args[1])] = args[1]
            self._written[path] = start + len(args[1])
        elif folder is None:
            return
        elif kind == "create":
            self._files[path] = _File()
            folder.set(name, self._files[path])
        elif kind == "mkdir":
            self._folders.setdefault(path, _Folder())
            folder.set(name, self._folders[path])
        elif kind == "unlink":
            self._files.pop(path, None)
            folder.set(name, None)
        else:  # link and replace, within one folder
            self._files[args[1]] = self._files[path]
            folder.set(os.path.basename(args[1]), self._files[path])
            if kind == "replace":
                folder.set(name, None)
                self._files.pop(path)

    def cut_power(self, place: Path, mode: str, case: int) -> None:
        """Write what is left of the folder to another place."""
        draws = iter(philox_uniforms(case, "power", [[k, 0, 0] for k in range(4096)]).tolist())
        self._write(self._top, place, mode, draws)

    def _write(self, folder: _Folder, place: Path, mode: str, draws: Any) -> None:
        place.mkdir()
        kept = [change for change in folder.pending if mode.startswith("all") or next(draws) < 0.5]
        names = folder.synced if mode == MODES[0] else _apply(folder.synced, kept)
        for name, item in names.items():
            # The writer is dead; the process that replays it is not.
            target = place / _PROCESS.sub(rf".{DEAD_PROCESS}\1", name)
            if isinstance(item, _Folder):
                self._write(item, target, mode, draws)
                continue
            lost = bytes(item.data[len(item.synced) :])
            if mode == MODES[2]:
                lost = bytes(len(lost))
            elif mode == MODES[3]:
                lost = lost[: int(next(draws) * (len(lost) + 1))]
            else:
                lost = b""
            target.write_bytes(item.synced + lost)
