"""Things in place of files and folders: links, pipes, devices, sockets, folders, and files that do not belong."""
# ruff: noqa: E501 (tables of hostile things)

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

Harm = Callable[[Path], None]
FILES = (
    "recipe.yaml", "description.json", "manifest.json", "SHA256SUMS", "samples.parquet", "contact_sheet.png",
    "shards/000001.h5", "commits/000001.json",
)  # fmt: skip
FOLDERS = ("shards", "commits", "review")


def _take_away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _swap(path: Path, other: Path) -> None:
    spare = path.with_name("spare")
    path.rename(spare)
    other.rename(path)
    spare.rename(other)


def places(canary: Path) -> Iterator[tuple[str, Harm]]:
    """Every file and folder, replaced by every other thing."""
    things: dict[str, Callable[[Path], None]] = {
        "nothing": lambda path: None, "a pipe": os.mkfifo, "a socket": _bind, "a folder": os.mkdir,
        "a link to the canary": lambda path: path.symlink_to(canary / ("other.h5" if path.suffix == ".h5" else "secret.txt")),
        "a link to the canary's folder": lambda path: path.symlink_to(canary), "a link to nothing": lambda path: path.symlink_to("nowhere"),
        "a link to itself": lambda path: path.symlink_to(path.name), "a link to /etc/passwd": lambda path: path.symlink_to("/etc/passwd"),
        "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"), "a link into /proc": lambda path: path.symlink_to("/proc/self/mem"),
        "an empty file": Path.touch, "a file of holes": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 28),
    }  # fmt: skip
    if os.geteuid() == 0:
        things["a device"] = lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    for name in (*FILES, *FOLDERS):
        for label, make in things.items():

            def harm(folder: Path, name: str = name, make: Callable[[Path], None] = make) -> None:
                _take_away(folder / name)
                make(folder / name)

            yield f"{label} as {name}", harm
    for name in FILES:

        def link(folder: Path, name: str = name) -> None:
            (folder / name).rename(folder / "aside")
            (folder / name).symlink_to(folder / "aside")

        yield f"{name} behind a link", link
    for name in FOLDERS[:2]:

        def outside(folder: Path, name: str = name) -> None:
            _take_away(folder / name)
            (folder / name).symlink_to(canary / name)

        yield f"{name} is a link to a sound one elsewhere", outside


def strangers() -> Iterator[tuple[str, Harm]]:
    """Swapped and renamed shards, and files that no dataset has."""
    one, two, three = "shards/000000.h5", "shards/000001.h5", "shards/000002.part000002.h5"
    yield "two shards swapped", lambda folder: _swap(folder / one, folder / two)
    yield "two records swapped", lambda folder: _swap(folder / "commits/000000.json", folder / "commits/000001.json")
    yield "a shard copied over another", lambda folder: shutil.copyfile(folder / one, folder / two) and None
    yield "a shard renamed", lambda folder: (folder / two).rename(folder / "shards/000009.h5") and None
    yield "a shard moved up", lambda folder: (folder / two).rename(folder / "000001.h5") and None
    yield "a short shard in a long one's place", lambda folder: shutil.copyfile(folder / three, folder / one) and None
    yield (
        "a record more",
        lambda folder: shutil.copyfile(folder / "commits/000001.json", folder / "commits/000007.json") and None,
    )
    for name in (
        "notes.txt", "shards/x.py", "commits/evil.json", "shards/000003.h5", "__init__.py", "sitecustomize.py", "pickle.py",
        "h5py.py", "numpy.py", "conftest.py", "\x1b[2J", "\u202egpj.exe", "a\nb", "-rf", "review/ada.jsonl", "review/.hidden", ".git/config",
        "shards/.000001.h5.host.1.00000000.tmp", "x" * 255, "CON", "shards/000001.H5", "commits/000001.json~",
    ):  # fmt: skip

        def add(folder: Path, name: str = name) -> None:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("raise SystemExit(3)\n")

        yield f"a stranger {name[:24]!a}", add

    def bytes_name(folder: Path) -> None:
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe")).write_text("x")

    def deep(folder: Path) -> None:
        inner = os.open(folder, os.O_RDONLY)
        for _ in range(600):
            os.mkdir("d" * 60, dir_fd=inner)
            outer, inner = inner, os.open("d" * 60, os.O_RDONLY, dir_fd=inner)
            os.close(outer)
        os.close(inner)

    def many(folder: Path) -> None:
        for number in range(3000):
            (folder / "commits" / f"x{number}").touch()

    yield "a name that is no text", bytes_name
    yield "folders deeper than a path may be", deep
    yield "3000 strangers", many
