"""Hostile JSON: every field of manifest, records and description with every hostile value, and texts that are worse."""
# ruff: noqa: E501 (tables of hostile things)

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from faults.signing import sign, sign_manifest, write_json

FILES = ("manifest.json", "commits/000001.json", "description.json")
Harm = Callable[[Path], None]
"""Changes a dataset folder."""

VALUES: dict[str, Any] = {
    "null": None, "true": True, "minus one": -1, "zero": 0, "one": 1, "2^31": 1 << 31, "2^53 + 1": (1 << 53) + 1, "2^62": 1 << 62,
    "2^63": 1 << 63, "thirty digits": 10**30, "a fraction": 0.5, "1e308": 1e308, "an empty text": "", "a path up": "../../canary/secret.txt",
    "an absolute path": "/etc/passwd", "a text with NUL": "shards/\0.h5", "a shard": "shards/000000.h5", "a folder": "shards/",
    "a long text": "a" * 100_000, "marks of direction": "\u202e\u2066evil", "a terminal's command": "\x1b]0;x\x07\x1b[2J",
    "another digit": "\u0661\u0662", "zeros": "0" * 64, "an empty list": [], "an empty object": {}, "a list of lists": [[[]]],
    "a million rows": [0, 1_000_000], "a bomb of rows": [0, 1 << 48], "an object of itself": {"__proto__": {"x": 1}},
    "a class": {"__class__": "os.system", "__reduce__": ["os.system", "id"]}, "nested 200 deep": None,
}  # fmt: skip


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


VALUES["nested 200 deep"] = _nested(200)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value[:2]):
            yield from _paths(item, (*path, index))


def _change(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    changed = copy.deepcopy(value)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if new is _change:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return changed


def _put(name: str, path: tuple[Any, ...], new: Any) -> Harm:
    def harm(folder: Path) -> None:
        write_json(folder / name, _change(json.loads((folder / name).read_text()), path, new))
        if name == "description.json":
            sign(folder)
        else:
            sign_manifest(folder)

    return harm


def fields(folder: Path) -> Iterator[tuple[str, Harm]]:
    """Every field with every value, and every field left out; sums agree.

    Args:
        folder: A sound dataset.
    """
    for name in FILES:
        for path in _paths(json.loads((folder / name).read_text())):
            where = ".".join(map(str, path))
            yield f"{name}: no {where}", _put(name, path, _change)
            for label, value in VALUES.items():
                yield f"{name}: {where} is {label}", _put(name, path, value)


def huge_tables(folder: Path) -> Iterator[tuple[str, Harm]]:
    """A manifest whose rows agree with each other and with nothing on disk."""

    def bomb(rows: int, whole: bool) -> Harm:
        def harm(place: Path) -> None:
            manifest = json.loads((place / "manifest.json").read_text())
            shard = manifest["shards"][0]
            for path in [*place.glob("commits/*"), *place.glob("shards/*")]:
                if "000000" not in path.name:
                    path.unlink()
            stem = "000000" if whole else f"000000.part{rows:06d}"
            shard["rows"], shard["path"], shard["bytes"] = [0, rows], f"shards/{stem}.h5", 1 << 61
            (place / "shards/000000.h5").rename(place / shard["path"])
            (place / "commits/000000.json").rename(place / f"commits/{stem}.json")
            manifest["rows"], manifest["shards"] = rows, [shard]
            manifest["rows_per_scenario"], manifest["scenarios_per_shard"] = 1, rows if whole else 1 << 40
            write_json(place / "manifest.json", manifest)
            sign_manifest(place)

        return harm

    for power in (24, 30, 36, 40, 47):
        for whole in (True, False):
            yield (
                f"manifest.json: 2^{power} rows{'' if whole else ' in a short shard'}",
                bomb(1 << power, whole and power <= 40),
            )


def texts() -> Iterator[tuple[str, Harm]]:
    """Texts that are no JSON, or JSON that no program should read."""
    contents: dict[str, bytes] = {
        "empty": b"", "white": b" \n" * 1000, "NUL": b"\0" * 1000, "noise": bytes(range(256)) * 8, "a number": b"1", "a text": b'"x"',
        "a list": b"[]", "null": b"null", "not a number": b'{"a": NaN}', "infinite": b'{"a": Infinity}', "too large": b'{"a": 1e999}',
        "minus too large": b'{"a": -1e999}', "5000 digits": b'{"a": ' + b"9" * 5000 + b"}", "a million digits": b'{"a": 1' + b"0" * 1_000_000 + b"}",
        "a fraction of a million digits": b'{"a": 0.' + b"3" * 1_000_000 + b"}", "twice": b'{"a": 1, "a": 2}', "twice by escape": b'{"a": 1, "\\u0061": 2}',
        "UTF-16": '{"a": 1}'.encode("utf-16"), "byte order mark": b'\xef\xbb\xbf{"a": 1}', "UTF-7": b"+AHsAIgBhACI-", "latin": b'{"\xe9": 1}',
        "half a character": b'{"a": "\\ud800"}', "half a key": b'{"\\udfff": 1}', "overlong": b'{"\xc0\xaf": 1}', "a comment": b'{"a": 1} // x',
        "two values": b"{} {}", "cut": b'{"a": [1, 2', "300 deep": b"[" * 300 + b"]" * 300, "900 deep": b"[" * 900 + b"]" * 900,
        "100000 deep": b"[" * 100_000 + b"]" * 100_000, "objects 100000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "only open": b"[" * 1_000_000, "many lists": b"[" + b"[]," * 20_000_000 + b"[]]", "many keys": b"{" + b",".join(b'"%d":0' % k for k in range(300_000)) + b"}",
        "a long key": b'{"' + b"k" * 10_000_000 + b'": 1}', "a pickle": b"\x80\x04cposix\nsystem\nX\x02\0\0\0id\x85R.", "YAML": b"a: !!python/object/apply:os.system [id]",
    }  # fmt: skip
    for name in (*FILES, "SHA256SUMS"):
        for label, data in contents.items():

            def harm(folder: Path, name: str = name, data: bytes = data) -> None:
                (folder / name).write_bytes(data)

            yield f"{name} is {label}", harm
    lines = {
        "a path up": f"{'0' * 64}  ../canary/secret.txt\n", "an absolute path": f"{'0' * 64}  /etc/passwd\n", "a short sum": "00  recipe.yaml\n",
        "a line twice": f"{'0' * 64}  recipe.yaml\n" * 2, "a star": f"{'0' * 64} *recipe.yaml\n", "deep": f"{'0' * 64}  a/b/c\n",
        "a hidden file": f"{'0' * 64}  .x\n", "a terminal's command": f"{'0' * 64}  \x1b[2J\n", "long": f"{'0' * 64}  {'a' * 1_000_000}\n",
        "other line ends": f"{'0' * 64}  recipe.yaml\r\n", "other line breaks": f"{'0' * 64}  recipe.yaml\u2028",
    }  # fmt: skip
    for label, text in lines.items():

        def sums(folder: Path, text: str = text) -> None:
            (folder / "SHA256SUMS").write_text(text)

        yield f"SHA256SUMS lists {label}", sums
