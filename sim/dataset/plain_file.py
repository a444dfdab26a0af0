"""Read a dataset's small files without trusting them: bounded, no links, strict JSON."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any, NoReturn

from .errors import DatasetCorruptError, read_error

MAX_JSON_BYTES = 1 << 29
"""Largest JSON file read [bytes]; the manifest of a million shards is below it."""

_NO_FILE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.ENAMETOOLONG})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE = 4 << 20
_MAX_INTEGER_DIGITS = 19
_MAX_ITEMS = 1 << 24
_MAX_DEPTH = 32


def open_plain(path: Path) -> int:
    """Open a regular file for reading; a link, a folder or a device is refused.

    Returns:
        A file descriptor.

    Raises:
        FileNotFoundError: There is no such file.
        DatasetCorruptError: It is something else than a regular file.
        DatasetFolderError: It may not be read.
        UnreadableError: It could not be opened for a reason that passes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise read_error(error, path) from None
        raise DatasetCorruptError(
            f"{path} is a link or something else than a file; a dataset holds files only"
        ) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DatasetCorruptError(f"{path} is something else than a file; a dataset holds files only")
    return descriptor


def read_plain(path: Path, *, limit: int = MAX_JSON_BYTES) -> bytes:
    """Read a regular file of bounded size.

    Raises:
        FileNotFoundError: There is no such file.
        DatasetCorruptError: It is no regular file, or larger than `limit` bytes.
    """
    with os.fdopen(open_plain(path), "rb") as file:
        try:
            # Not `limit` alone, for which the whole of it would be set aside first.
            data = file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)
        except OSError as error:
            raise read_error(error, path) from None
    if len(data) > limit:
        raise DatasetCorruptError(f"{path} has more than {limit} bytes")
    return data


def hash_plain(path: Path, length: int | None = None) -> tuple[str, int]:
    """Hash a regular file, or its first `length` bytes.

    Returns:
        SHA-256 as hexadecimal digits, and the number of bytes hashed.

    Raises:
        FileNotFoundError: There is no such file.
        DatasetCorruptError: It is no regular file.
    """
    state, done = hashlib.sha256(), 0
    with os.fdopen(open_plain(path), "rb", buffering=0) as file:
        while True:
            try:
                piece = file.read(_PIECE if length is None else min(_PIECE, length - done))
            except OSError as error:
                raise read_error(error, path) from None
            if not piece:
                return state.hexdigest(), done
            state.update(piece)
            done += len(piece)


def parse_json(data: bytes, source: object) -> Any:
    """Parse JSON strictly: no key twice, no huge number, no NaN, bounded depth and number of values.

    Args:
        data: The text, UTF-8.
        source: What to call it in messages.

    Raises:
        DatasetCorruptError: It is not such a text.
    """

    def refuse(reason: str) -> NoReturn:
        raise DatasetCorruptError(f"{source}: {reason}")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            refuse("a key stands twice in one object")
        return result

    def integer(text: str) -> int:
        if len(text) > _MAX_INTEGER_DIGITS:
            refuse(f"a number has {len(text)} digits")
        return int(text)

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            refuse(f"{text:.40} is no number that a program can hold")
        return value

    # A value of one byte takes some fifty in memory.
    if sum(data.count(mark) for mark in b",[{") > _MAX_ITEMS:
        refuse(f"has more than {_MAX_ITEMS} values")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=pairs,
            parse_int=integer,
            parse_float=number,
            parse_constant=lambda text: refuse(f"{text} is no number of JSON"),
        )
    except RecursionError:
        refuse("nested too deep")
    except ValueError as error:
        refuse(f"not valid JSON: {error}")


def check_plain(value: Any, source: object, depth: int = 0) -> None:
    """Refuse a parsed value that could not be written: nested deeper than 32 levels, or with halves of characters.

    Raises:
        DatasetCorruptError: It is one.
    """
    if depth > _MAX_DEPTH:
        raise DatasetCorruptError(f"{source}: nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DatasetCorruptError(f"{source}: the text {value!r:.80} holds half a character") from None
    elif isinstance(value, dict | list):
        for item in value:
            check_plain(item, source, depth + 1)
        for item in value.values() if isinstance(value, dict) else ():
            check_plain(item, source, depth + 1)


def dump_json(value: Any) -> bytes:
    """Write JSON in the one form that dataset files have: sorted keys, one blank indent, a newline at the end."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8") + b"\n"


class Fields:
    """Typed access to the fields of one JSON object that need not be trusted.

    Args:
        value: The parsed value; anything but an object is refused.
        source: What to call it in messages.
    """

    def __init__(self, value: Any, source: object) -> None:
        if not isinstance(value, dict):
            raise DatasetCorruptError(f"{source}: an object is expected, given {type(value).__name__}")
        self.value: dict[str, Any] = value
        self.source = source

    def _get(self, key: str, kind: type | tuple[type, ...]) -> Any:
        item = self.value.get(key)
        if not isinstance(item, kind) or isinstance(item, bool):
            raise DatasetCorruptError(f"{self.source}: field {key!r} is missing or of the wrong kind")
        return item

    def text(self, key: str) -> str:
        """Give a text."""
        return str(self._get(key, str))

    def count(self, key: str, low: int = 0, high: int = 1 << 62) -> int:
        """Give an integer within bounds, both inclusive."""
        number = int(self._get(key, int))
        if not low <= number <= high:
            raise DatasetCorruptError(f"{self.source}: field {key!r} is {number}; {low} to {high} is possible")
        return number

    def sha256(self, key: str) -> str:
        """Give a SHA-256 as 64 hexadecimal digits."""
        return check_sha256(self._get(key, str), f"{self.source}: field {key!r}")

    def array(self, key: str) -> list[Any]:
        """Give a list."""
        return list(self._get(key, list))

    def mapping(self, key: str) -> dict[str, Any]:
        """Give an object."""
        return dict(self._get(key, dict))


def check_sha256(value: Any, source: str) -> str:
    """Give a text back if it is a SHA-256 in hexadecimal digits.

    Raises:
        DatasetCorruptError: It is not.
    """
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise DatasetCorruptError(f"{source} is no SHA-256")
    return value
