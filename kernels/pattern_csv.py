"""Scan patterns from CSV files: a list of firings that somebody measured or published.

The first line names the columns, in any order; others are left alone:

    time_s, time/s, time or t                        time of the firing [s], rising
    azimuth_deg, azimuth/deg or azimuth              counter-clockwise from x [deg]; azimuth_rad [rad]
    elevation_deg, elevation/deg or elevation        above the horizon [deg]; elevation_rad [rad]
    zenith_deg or zenith/deg                         in place of the elevation: from straight up [deg]
    ring                                             whole number, 0 where there is no such column

Livox publishes its patterns as `Time/s,Azimuth/deg,Zenith/deg`. Files come from anywhere, so that size and every number
are checked.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from .lidar_scan import MAX_TABLE

MAX_BYTES: Final = 64 << 20
"""Largest file that is read."""

_TIMES: Final = ("time_s", "time/s", "time", "t")
_DEGREES: Final = math.degrees(1.0)
# Column's name: place in a firing, and how the file's number becomes ours.
_COLUMNS: Final[dict[str, tuple[int, Callable[[float], float]]]] = {
    **dict.fromkeys(_TIMES, (0, float)),
    **dict.fromkeys(("azimuth_deg", "azimuth/deg", "azimuth"), (1, float)),
    "azimuth_rad": (1, lambda value: value * _DEGREES),
    **dict.fromkeys(("elevation_deg", "elevation/deg", "elevation"), (2, float)),
    "elevation_rad": (2, lambda value: value * _DEGREES),
    **{name: (2, lambda value: 90.0 - value) for name in ("zenith_deg", "zenith/deg")},
    "ring": (3, float),
}
_NAMES: Final = ("time_s", "azimuth_deg", "elevation_deg", "ring")


def load_pattern_csv(path: str | Path) -> tuple[float, ...]:
    """Read a scan pattern.

    Args:
        path: A CSV file of at most 500 000 firings and 64 MiB.

    Returns:
        What `LidarScan.table` takes: for each firing time after the first [s], azimuth [deg], elevation [deg] and ring.

    Raises:
        ValueError: If the file is too large, is no text, lacks a column, or a number in it cannot be; the message
            names the line.
        OSError: If it cannot be read.

    Example:
        >>> table = load_pattern_csv("mid40.csv")
        >>> mine = replace(load_profile("livox_like"), name="mine", scan="table", columns=10_000, table=table)
    """
    path = Path(path)
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path}: a pattern must be at most {MAX_BYTES >> 20} MiB; cut it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: a pattern must be text in UTF-8; save it as CSV") from None
    lines = csv.reader(text.splitlines(), strict=True)
    numbers: list[float] = []
    try:
        columns = _read_header(next(lines, []), str(path))
        for firing in _read_firings(lines, columns, str(path)):
            numbers += firing
    except csv.Error as error:
        raise ValueError(f"{path}:{lines.line_num}: not a line of CSV ({error})") from None
    if not numbers:
        raise ValueError(f"{path}: a pattern must hold at least one firing below its header")
    return tuple(numbers)


def _read_header(header: Sequence[str], path: str) -> list[tuple[int, int, Callable[[float], float]]]:
    """Return the columns that count: place in the line, place in a firing, and how to convert."""
    columns = []
    for place, name in enumerate(header):
        known = _COLUMNS.get(name.strip().lower())
        if known is not None:
            columns.append((place, *known))
    found = [target for _, target, _ in columns]
    for target, name in enumerate(_NAMES):
        if found.count(target) > 1 or (target < 3 and target not in found):
            what = "two columns" if found.count(target) > 1 else "no column"
            raise ValueError(
                f"{path}:1: {what} for {name}; the first line must name time_s, azimuth_deg and elevation_deg (or "
                f"zenith_deg) once each, and may name ring, got {', '.join(header)[:200]!r}"
            )
    return columns


def _read_firings(
    lines: Iterator[list[str]], columns: Sequence[tuple[int, int, Callable[[float], float]]], path: str
) -> Iterator[list[float]]:
    first, last, count = 0.0, -math.inf, 0
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        firing = [0.0, 0.0, 0.0, 0.0]
        for place, target, convert in columns:
            text = line[place].strip() if place < len(line) else ""
            try:
                firing[target] = convert(float(text))
            except ValueError:
                raise ValueError(f"{path}:{number}: {_NAMES[target]} must be a number, got {text[:40]!r}") from None
        time, azimuth, elevation, ring = firing
        if not (abs(time) <= 1e9 and time >= last):
            raise ValueError(f"{path}:{number}: time_s must be finite and must not fall, got {time!r} after {last!r}")
        if not abs(azimuth) <= 360.0:
            raise ValueError(f"{path}:{number}: the azimuth must be in [-360, 360] deg, got {azimuth!r}")
        if not abs(elevation) <= 90.0:
            raise ValueError(f"{path}:{number}: the elevation must be in [-90, 90] deg, got {elevation!r}")
        if not (0.0 <= ring < 65536.0 and ring == int(ring)):
            raise ValueError(f"{path}:{number}: ring must be a whole number in [0, 65536), got {ring!r}")
        count += 1
        if count > MAX_TABLE:
            raise ValueError(f"{path}:{number}: a pattern must hold at most {MAX_TABLE} firings; cut it")
        first = time if count == 1 else first
        last = time
        yield [time - first, azimuth, elevation, ring]
