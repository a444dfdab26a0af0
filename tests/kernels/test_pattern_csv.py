"""Scan patterns from CSV: units, order of columns, and every kind of bad file."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from simloom.kernels import pattern_csv
from simloom.kernels.lidar_pattern import make_pattern
from simloom.kernels.pattern_csv import load_pattern_csv
from simloom.kernels.profile_json import profile_from_json, profile_to_json
from simloom.kernels.profiles import load_profile


def _write(folder: Path, text: str | bytes) -> Path:
    path = folder / "pattern.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reads_every_unit(tmp_path: Path) -> None:
    """Degrees, radians, zenith angles and any order of columns give the same firings."""
    degrees = _write(tmp_path, "time_s,azimuth_deg,elevation_deg,ring\n0.5,10,-5,3\n0.6,-20,7.5,4\n")
    first = load_pattern_csv(degrees)
    assert np.allclose(first, (0.0, 10.0, -5.0, 3.0, 0.1, -20.0, 7.5, 4.0))
    livox = _write(tmp_path, "\ufeffTime/s,Azimuth/deg,Zenith/deg\r\n0.5,10,95\r\n\r\n0.6,-20,82.5\r\n")
    assert np.allclose(load_pattern_csv(livox), (0.0, 10.0, -5.0, 0.0, 0.1, -20.0, 7.5, 0.0))
    radians = _write(
        tmp_path, f"note,elevation_rad,ring,t,azimuth_rad\na,{math.radians(-5)},3,0.5,{math.radians(10)}\n"
    )
    assert np.allclose(load_pattern_csv(radians), first[:4])


def test_a_pattern_travels_as_json(tmp_path: Path) -> None:
    """A profile with a table survives JSON and makes the same frame."""
    text = "t,azimuth,elevation\n" + "".join(f"{k / 1000},{k % 90},{k % 7}\n" for k in range(100))
    table = load_pattern_csv(_write(tmp_path, text))
    profile = dataclasses.replace(load_profile("livox_like"), name="mine", scan="table", columns=0, table=table)
    again = profile_from_json(json.loads(json.dumps(profile_to_json(profile))))

    assert again == profile
    assert np.allclose(np.degrees(make_pattern(again).azimuth), np.arange(100) % 90)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "csv:1: no column for time_s"),
        ("t,azimuth\n0,1\n", "csv:1: no column for elevation_deg"),
        ("t,time,azimuth,elevation\n0,0,1,1\n", "csv:1: two columns for time_s"),
        ("t,azimuth,elevation\n", "at least one firing"),
        ("t,azimuth,elevation\n0,1,2\n0.1,x,2\n", "csv:3: azimuth_deg must be a number, got 'x'"),
        ("t,azimuth,elevation\n0,1\n", "csv:2: elevation_deg must be a number, got ''"),
        ("t,azimuth,elevation\n0,1,nan\n", "csv:2: the elevation must be in"),
        ("t,azimuth,elevation\n0,361,0\n", "csv:2: the azimuth must be in"),
        ("t,azimuth,elevation\ninf,1,0\n", "csv:2: time_s must be finite"),
        ("t,azimuth,elevation\n1,1,0\n0,1,0\n", "csv:3: time_s must be finite and must not fall"),
        ("t,azimuth,elevation,ring\n1,1,0,-1\n", "csv:2: ring must be"),
        ("t,azimuth,elevation,ring\n1,1,0,nan\n", "csv:2: ring must be"),
        ('t,azimuth,elevation\n0,"1,0\n', "not a line of CSV"),
        (b"t,azimuth,elevation\n\xff\xfe,1,0\n", "must be text in UTF-8"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    """Each mistake is told with its line."""
    with pytest.raises(ValueError, match=message):
        load_pattern_csv(_write(tmp_path, text))


def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many bytes or firings are refused before they fill the memory."""
    path = _write(tmp_path, "t,azimuth,elevation\n" + "0,0,0\n" * 50)
    monkeypatch.setattr(pattern_csv, "MAX_TABLE", 49)
    with pytest.raises(ValueError, match="csv:51: a pattern must hold at most 49 firings"):
        load_pattern_csv(path)
    monkeypatch.setattr(pattern_csv, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="a pattern must be at most"):
        load_pattern_csv(path)
    with pytest.raises(FileNotFoundError):
        load_pattern_csv(tmp_path / "none.csv")
