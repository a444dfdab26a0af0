"""Hostile recipes and hostile sample tables."""
# ruff: noqa: E501 (tables of hostile things)

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from faults.signing import sign

Harm = Callable[[Path], None]


def recipes() -> Iterator[tuple[str, Harm]]:
    """YAML that would run code, grow without end, or is none; sums agree."""
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for one, two in zip("abcdefgh", "bcdefghi", strict=True):
        laughs += f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n"
    contents: dict[str, str | bytes] = {
        "a thousand million laughs": laughs, "an alias of itself": "a: &a [*a]", "an anchor": "a: &a 1", "merged keys": "a: &a {b: 1}\nc:\n  <<: *a",
        "python/object": "!!python/object/apply:os.system ['touch /tmp/pwned']", "python/name": "a: !!python/name:os.system",
        "python/module": "a: !!python/module:os", "python/tuple": "!!python/tuple [1]", "python/new": "!!python/object/new:os.system [id]",
        "another tag": "!thing {a: 1}", "a binary": "a: !!binary aGVsbG8=", "a set": "!!set {a, b}", "an ordered map": "!!omap [a: 1]",
        "a date that is none": "a: 2001-99-99", "a forced date": "a: !!timestamp x", "a forced number": "a: !!int x", "a forced fraction": "a: !!float x",
        "a forced truth": "a: !!bool x", "many digits": "a: " + "9" * 5000, "sexagesimal": "a: 1:30:59", "infinite": "a: .inf\nb: .nan",
        "1 MB": "a: " + "x" * (1 << 20), "deep lists": "[" * 10_000, "deep maps": "{a: " * 5000, "deep by indent": "\n".join(" " * k + "a:" for k in range(700)),
        "a key twice": "a: 1\na: 2", "a list as key": "? [a]\n: 1", "two documents": "a: 1\n---\nb: 2", "a directive": "%YAML 9.9\n---\na: 1",
        "tabs": "a:\n\t- b", "NUL": "a: \0", "noise": bytes(range(256)), "UTF-16": "a: 1".encode("utf-16"), "empty": "", "a text": "x", "a list": "[1]",
        "control characters": "a: \"\x1b[2J\"", "half a character": b"a: \xed\xa0\x80", "code as scene": "scene: os:system", "many keys": "\n".join(f"k{k}: 1" for k in range(50_000)),
        "a block without end": "a: |\n" + " x\n" * 100_000,
    }  # fmt: skip
    for name, text in contents.items():

        def harm(folder: Path, text: str | bytes = text) -> None:
            (folder / "recipe.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
            sign(folder)

        yield f"recipe.yaml: {name}", harm


def _bytes(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def tables(sound: Any) -> Iterator[tuple[str, Harm]]:
    """Parquet with other columns, nested types, bombs and lies; sums agree.

    Args:
        sound: The sample table of a sound dataset.
    """
    rows = sound.num_rows
    whole = _bytes(sound, compression="zstd")

    def with_column(name: str, values: Any) -> Any:
        index = sound.schema.get_field_index(name)
        return sound.append_column(name, values) if index < 0 else sound.set_column(index, name, values)

    contents: dict[str, Callable[[], bytes]] = {
        "empty": lambda: b"", "the signature": lambda: b"PAR1PAR1", "cut": lambda: whole[: len(whole) // 2], "cut by one": lambda: whole[:-1],
        "a footer of 4 GB": lambda: whole[:-8] + b"\xff\xff\xff\xff" + b"PAR1", "a negative footer": lambda: whole[:-8] + b"\0\0\0\x80PAR1",
        "encrypted": lambda: whole[:-4] + b"PARE", "twice": lambda: whole + whole, "no columns": lambda: _bytes(sound.select([])),
        "no rows": lambda: _bytes(sound.slice(0, 0)), "fewer rows": lambda: _bytes(sound.slice(1)), "more rows": lambda: _bytes(pa.concat_tables([sound, sound])),
        "no index": lambda: _bytes(sound.drop_columns(["index"])), "no verdict": lambda: _bytes(sound.drop_columns(["verdict"])),
        "another order": lambda: _bytes(sound.take(list(range(rows))[::-1])),
        "texts as verdict": lambda: _bytes(with_column("verdict", pa.array(["x"] * rows))),
        "nothing as verdict": lambda: _bytes(with_column("verdict", pa.nulls(rows))),
        "empty places as verdict": lambda: _bytes(with_column("verdict", pa.array([None, *[0] * (rows - 1)], pa.uint8()))),
        "fractions as valid": lambda: _bytes(with_column("valid", pa.array([float("nan")] * rows))),
        "lists": lambda: _bytes(with_column("valid", pa.array([[1]] * rows))),
        "deep lists": lambda: _bytes(with_column("valid", pa.array([[[[[[1]]]]]] * rows))),
        "objects": lambda: _bytes(with_column("valid", pa.array([{"a": 1}] * rows))),
        "maps": lambda: _bytes(with_column("valid", pa.array([[("a", 1)]] * rows, pa.map_(pa.string(), pa.int64())))),
        "dates": lambda: _bytes(with_column("index", pa.array([0] * rows, pa.timestamp("ns")))),
        "decimals": lambda: _bytes(with_column("index", pa.array([1] * rows, pa.decimal128(30, 2)))),
        "bytes": lambda: _bytes(with_column("index", pa.array([b"x"] * rows))),
        "dictionaries": lambda: _bytes(with_column("split", pa.array(["train"] * rows).dictionary_encode())),
        "a long word in each row": lambda: _bytes(with_column("split", pa.array(["x" * (16 << 20)] * rows)), compression="zstd"),
        "a column twice": lambda: _bytes(pa.table([sound.column(0), sound.column(0)], names=["index", "index"])),
        "1000 columns": lambda: _bytes(pa.table({f"param/c{k}": [0.0] * rows for k in range(1000)})),
        "hostile names": lambda: _bytes(sound.append_column("\x1b[2J\u202e", pa.array([0] * rows))),
        "hostile notes": lambda: _bytes(sound.replace_schema_metadata({"ARROW:schema": "AAAA", "pandas": "{"})),
        "2^26 rows": lambda: _bytes(pa.table({n: pa.nulls(1 << 26, pa.uint8()) for n in ("index", "valid", "verdict")}), compression="zstd"),
        "2^24 rows of long words": lambda: _bytes(pa.table({"split": pa.DictionaryArray.from_arrays(pa.nulls(1 << 24, pa.int32()).fill_null(0), ["x" * 4000])}), compression="zstd"),
        "Arrow": lambda: b"ARROW1\0\0" + bytes(100), "CSV": lambda: b"index,valid\n0,1\n", "pickle": lambda: b"\x80\x04cposix\nsystem\nX\x02\0\0\0id\x85R.",
    }  # fmt: skip
    for codec in ("none", "snappy", "gzip", "brotli", "lz4"):
        contents[f"by {codec}"] = lambda codec=codec: _bytes(sound, compression=codec)  # type: ignore[misc]

    def lie(old: int, new: bytes, where: int) -> bytes:
        data = bytearray(whole)
        data[where : where + len(new)] = new
        return bytes(data)

    footer = int.from_bytes(whole[-8:-4], "little") + 8
    for number, at in enumerate(range(len(whole) - footer, len(whole) - 8, max(1, footer // 48))):
        for value in (b"\xff\xff\xff\xff\x0f", b"\0\0\0\0\0"):
            contents[f"footer bytes from {number} are {value[:1].hex()}"] = lambda at=at, value=value: lie(0, value, at)  # type: ignore[misc]
    for number, at in enumerate(range(4, len(whole) - footer, max(1, (len(whole) - footer) // 32))):
        contents[f"page bytes from {number} are ff"] = lambda at=at: lie(0, b"\xff\xff\xff\xff\x0f", at)  # type: ignore[misc]
    for name, make in contents.items():

        def harm(folder: Path, make: Callable[[], bytes] = make) -> None:
            (folder / "samples.parquet").write_bytes(make())
            sign(folder)

        yield f"samples.parquet: {name}", harm
