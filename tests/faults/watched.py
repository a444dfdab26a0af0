"""Open hostile datasets in a process that is watched: what it opens, its memory, its time, how it ends."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEMORY_LIMIT = 2 << 30
"""Address space that a watched process may take beyond what it has when everything is imported [byte]."""
TIME_LIMIT = 30
"""Time that one probe may take [s]."""

_WATCHED = frozenset({
    "open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.link", "os.symlink", "os.mkdir", "os.rmdir",
    "os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr", "shutil.rmtree", "shutil.copyfile",
})  # fmt: skip
_FORBIDDEN = frozenset({
    "pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty",
    "socket.connect", "socket.bind", "socket.sendto", "urllib.Request", "ctypes.dlopen", "marshal.loads", "os.kill",
})  # fmt: skip
_CHANGES = 0x2 | 0x4 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200 | 0x1  # modify, attributes, open, moves, create, delete, read


class Watch:
    """Notes what a probe does outside of the folder that it may touch."""

    def __init__(self, canary: Path) -> None:
        self.folder = "/nowhere"
        self.seen: list[str] = []
        self._importing = 0
        libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        # HDF5 opens files below Python; the system itself tells of those.
        for path in (canary, *canary.rglob("*")):
            libc.inotify_add_watch(self._inotify, os.fsencode(path), _CHANGES)
        self._own = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2]), "/proc/self/", "/dev/null")
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN and not (event == "marshal.loads" or self.folder == "/nowhere"):
            self.seen.append(f"{event} {args!r:.100}")
        if event not in _WATCHED or self.folder == "/nowhere":
            return
        path = args[0]
        if isinstance(path, int) or path is None:
            return
        text = os.path.abspath(os.fsdecode(os.fspath(path)))
        inside = text == self.folder or text.startswith(self.folder + "/")
        reads = event in ("os.listdir", "os.scandir")
        reads |= event == "open" and not (args[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        inside |= reads and text == os.path.dirname(self.folder)  # whose name for the folder is synced
        if not inside and not (reads and text.startswith(self._own)):
            self.seen.append(f"{event} {text!r:.100}")

    def take(self) -> list[str]:
        """Return what was seen since the last time."""
        if select.select([self._inotify], [], [], 0)[0]:
            os.read(self._inotify, 1 << 16)
            self.seen.append("a file outside of the folder was touched")
        seen, self.seen = self.seen, []
        return seen


class _TooLong(BaseException):
    """A probe took more time than it may."""


def _stop(*_: object) -> None:
    raise _TooLong


def _probes() -> dict[str, Callable[[Path], str]]:
    from faults.small_rows import write_dataset
    from simloom.sim.dataset.reader import open_dataset
    from simloom.sim.dataset.verify import verify_dataset

    def read(folder: Path) -> str:
        with open_dataset(folder, skip_rejected=False) as dataset:
            for name in dataset.names:
                dataset.array(name)
            json.dumps(dataset.tables).encode()
            repr(dataset), dataset.root_digest, dataset.table(), dataset.classes
            dataset.where("weight > 1 and split != 'train'")
        with open_dataset(folder) as dataset:
            dataset[:]
        return "read"

    def verify(folder: Path) -> str:
        report = verify_dataset(folder)
        json.dumps(report.lines(), ensure_ascii=False).encode()
        return "ok" if report.ok else "problems named"

    def resume(folder: Path) -> str:
        write_dataset(folder)
        return "resumed"

    return {"read": read, "verify": verify, "resume": resume}


def judge_probe(probe: Callable[[Path], str], folder: Path) -> str:
    """Run one probe on one folder; the outcome in words, "FAILED: ..." where it broke a promise."""
    from simloom.sim.errors import SimloomError

    signal.alarm(TIME_LIMIT)
    try:
        return probe(folder)
    except SimloomError as error:
        text = str(error)
        plain = all(letter.isprintable() or letter == "\n" for letter in text)
        return "clear error" if plain and text and len(text) < 4000 else f"FAILED: an unclear error {text!r:.200}"
    except _TooLong:
        return "FAILED: took too long"
    except BaseException as error:
        import traceback

        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"FAILED: {type(error).__name__}: {error!s:.200} ({Path(where.filename).name}, line {where.lineno})"
    finally:
        signal.alarm(0)


def main(canary: Path) -> None:
    """Answer each folder that comes on standard input by one line of JSON."""
    from faults.small_rows import warm_up

    warm = canary.parent / f"warm{os.getpid()}"
    probes = _probes()
    warm_up(warm)
    for probe in probes.values():
        probe(warm)
    import encodings.idna  # noqa: F401 (what errors import)

    import hdf5plugin  # noqa: F401
    import pyarrow.compute  # noqa: F401

    watch = Watch(canary)
    signal.signal(signal.SIGALRM, _stop)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY_LIMIT, taken + MEMORY_LIMIT))
    for line in sys.stdin:
        folder = Path(json.loads(line))
        outcomes = {}
        for name, probe in probes.items():
            watch.folder = str(folder)
            outcomes[name] = judge_probe(probe, folder)
            watch.folder = "/nowhere"
            if seen := watch.take():
                outcomes[name] = f"FAILED: outside: {seen[:3]}"
        print(json.dumps(outcomes), flush=True)


class WatchedProcess:
    """A watched process, started again whenever it dies.

    Args:
        canary: A folder outside of every dataset, which nothing may touch.
    """

    def __init__(self, canary: Path) -> None:
        self._canary = canary
        self._process: subprocess.Popen[str] | None = None

    def judge(self, folder: Path) -> dict[str, str]:
        """Run every probe on a folder; outcome by probe."""
        if self._process is None:
            tests = str(Path(__file__).resolve().parents[1])
            paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
            code = (
                "import h5py, yaml, pyarrow.parquet, sys; from pathlib import Path; from faults.watched import main; "
            )
            self._process = subprocess.Popen(
                [sys.executable, "-c", code + "main(Path(sys.argv[1]))", str(self._canary)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths},
            )  # fmt: skip
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(str(folder)) + "\n")
        stdin.flush()
        ready = select.select([stdout], [], [], 4 * TIME_LIMIT + 60)[0]
        answer = stdout.readline() if ready else ""
        if answer:
            result: dict[str, str] = json.loads(answer)
            return result
        self._process.kill()
        self._process.communicate()
        code_ = self._process.returncode
        self._process = None
        return {"read": f"FAILED: the process {'ended with ' + str(code_) if ready else 'hung'}"}

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
