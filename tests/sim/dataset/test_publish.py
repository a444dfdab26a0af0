"""Files that are there in full or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from simloom.sim.dataset import publish
from simloom.sim.dataset.errors import DatasetWriteError
from simloom.sim.dataset.publish import publish_file, replace_file, sweep_temporaries


def test_a_published_file_is_never_replaced(tmp_path: Path) -> None:
    """The first writer wins; a derived file is replaced."""
    path = tmp_path / "a"
    assert publish_file(path, b"one", kind="shard") == hashlib.sha256(b"one").hexdigest()
    assert publish_file(path, b"two", kind="shard") is None
    assert path.read_bytes() == b"one"
    replace_file(path, b"two", kind="manifest")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "number, code",
    [(errno.ENOSPC, 75), (errno.EDQUOT, 75), (errno.EFBIG, 75), (errno.EACCES, 2), (errno.EROFS, 2), (errno.EIO, 42)],
)
@pytest.mark.parametrize("call", ["open", "posix_fallocate", "write", "fsync", "link"])
def test_refused_calls_are_clean_errors(
    call: str, number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever call the system refuses, the error is ours, carries the exit code, and nothing is left behind."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(publish.os, call, refuse)
        with pytest.raises(DatasetWriteError, match="cannot write") as caught:
            publish_file(tmp_path / "a", b"data", kind="shard")
    assert caught.value.exit_code == code
    assert os.listdir(tmp_path) == []


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that writes a few bytes at a time is asked again."""
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(publish.os, "write", lambda descriptor, data: real(descriptor, data[:7]))
        assert (
            publish_file(tmp_path / "a", b"0123456789" * 5, kind="shard")
            == hashlib.sha256(b"0123456789" * 5).hexdigest()
        )
    assert (tmp_path / "a").read_bytes() == b"0123456789" * 5


@pytest.mark.parametrize("piece", [1000, 3 << 20])
def test_pieces_follow_one_another(piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers of any kind make one file, hashed beside the writing; short writes and failures are as for bytes."""
    pieces = [bytes([1]) * piece, bytearray(b"two"), b"", memoryview(bytes([3]) * piece)]
    whole = b"".join(pieces)
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(publish.os, "write", lambda descriptor, data: real(descriptor, data[: max(1, len(data) // 2)]))
        assert publish_file(tmp_path / "a", pieces, kind="shard") == hashlib.sha256(whole).hexdigest()
        assert (tmp_path / "a").read_bytes() == whole

        def refuse(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(publish.os, "write", refuse)
        with pytest.raises(DatasetWriteError, match="cannot write"):
            publish_file(tmp_path / "b", pieces, kind="shard")
    assert os.listdir(tmp_path) == ["a"]


def test_only_the_dead_are_swept(tmp_path: Path) -> None:
    """Files under way of this process, of other machines and of other programs stay."""
    dead = 2**22 + 1
    names = {
        f".x.h5.{publish.host_name()}.{dead}.00000000.tmp": False,
        f".x.h5.{publish.host_name()}.{os.getpid()}.00000000.tmp": True,
        f".x.h5.elsewhere.{dead}.00000000.tmp": True,
        ".mine.tmp": True,
    }
    for name in names:
        (tmp_path / name).touch()
    sweep_temporaries(tmp_path)
    assert {name: (tmp_path / name).exists() for name in names} == names
