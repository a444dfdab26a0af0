"""How a LiDAR sweeps its beams: the part of a profile that says when each firing happens and where it points.

Angles of this file are in degrees, as data sheets give them, and each name says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from .profile_check import check_choice, check_numbers, check_range, check_whole

SCANS: Final = ("spinning", "raster", "rosette", "table")
"""What `scan` may be."""
MAX_CHANNELS: Final = 256
"""Most channels of a LiDAR, or lines of a raster."""
MAX_FIRINGS: Final = 1 << 22
"""Most firings of a frame."""
TABLE_COLUMNS: Final = 4
"""Numbers of a firing in a table: time [s], azimuth [deg], elevation [deg], ring."""
MAX_TABLE: Final = 500_000
"""Most firings of a table."""


@dataclass(frozen=True, kw_only=True)
class LidarScan:
    """Where the beams of a LiDAR point, and when.

    - spinning: a column of channels turns about z; channels may fire one after another.
    - raster: line after line, to and fro (a tilting mirror).
    - rosette: two turning prisms, so that no frame repeats the one before it.
    - table: any list of firings, gone through again and again.

    Raises:
        ValueError: If a value is out of its range.
    """

    scan: str
    """One of "spinning", "raster", "rosette" and "table"."""
    frame_rate: float
    """Frames per second [Hz]; of a spinning LiDAR its turns per second. (0, 1000]."""
    columns: int
    """Columns of a frame: firings of each channel; of a table all firings. 0 for as many as `column_period` gives."""
    column_period: float
    """Time from column to column [s], where the sensor keeps its own clock; 0 to spread them evenly over the frame."""
    spin: int
    """Which way a spinning LiDAR turns, seen from above: 1 counter-clockwise, -1 clockwise."""
    start_azimuth_deg: float
    """Azimuth of the first column at time 0 [deg], counter-clockwise from x, [-360, 360]."""
    channel_elevation_deg: tuple[float, ...]
    """Elevation of each channel in the order of firing [deg], above the horizon; of a raster, of each line."""
    channel_azimuth_deg: tuple[float, ...]
    """Azimuth of each channel relative to its column's [deg], counter-clockwise; empty for 0."""
    channel_time: tuple[float, ...]
    """Time of each channel's firing after its column's [s], ≥ 0; empty for 0."""
    channel_height: tuple[float, ...]
    """Height of each channel's origin above the sensor's [m]; empty for 0."""
    azimuth_span_deg: tuple[float, float]
    """First and last azimuth of a raster's lines [deg]."""
    prism_rate: tuple[float, float]
    """Turns per second of a rosette's two prisms [Hz], counter-clockwise seen from the sensor's back."""
    prism_deflection_deg: tuple[float, float]
    """Angle by which each prism turns the beam away from x [deg], [0, 80]."""
    table: tuple[float, ...]
    """Firings one after another, four numbers each: time [s], azimuth [deg], elevation [deg], ring; see
    `load_pattern_csv`."""

    def __post_init__(self) -> None:
        check_choice(self, "scan", SCANS)
        check_range(self, "frame_rate", 1e-3, 1e3)
        check_whole(self, "columns", 0, MAX_FIRINGS)
        check_range(self, "column_period", 0.0, 1e3)
        if self.spin not in (1, -1):
            raise ValueError(f"spin must be 1 or -1, got {self.spin!r}; set {type(self).__name__}.spin")
        check_range(self, "start_azimuth_deg", -360.0, 360.0)
        channels = len(self.channel_elevation_deg)
        if self.scan != "table" and not 1 <= channels <= MAX_CHANNELS:
            raise ValueError(
                f"channel_elevation_deg must be 1 to {MAX_CHANNELS} numbers, got {channels}; "
                f"set {type(self).__name__}.channel_elevation_deg"
            )
        check_numbers(self, "channel_elevation_deg", channels, -90.0, 90.0)
        for name, low, high in (
            ("channel_azimuth_deg", -180.0, 180.0), ("channel_time", 0.0, 1e3), ("channel_height", -10.0, 10.0),
        ):  # fmt: skip
            check_numbers(self, name, channels if getattr(self, name) else 0, low, high)
        check_numbers(self, "azimuth_span_deg", 2, -180.0, 180.0)
        check_numbers(self, "prism_rate", 2, -1e4, 1e4)
        check_numbers(self, "prism_deflection_deg", 2, 0.0, 80.0)
        self._check_table()
        self._check_columns()

    def _check_table(self) -> None:
        where = f"set {type(self).__name__}.table"
        if self.scan != "table":
            if self.table:
                raise ValueError(f"table must be empty for a {self.scan} scan, got {len(self.table)} numbers; {where}")
            return
        firings, odd = divmod(len(self.table), TABLE_COLUMNS)
        if odd or not 1 <= firings <= MAX_TABLE:
            raise ValueError(
                f"table must be 1 to {MAX_TABLE} firings of {TABLE_COLUMNS} numbers, got {len(self.table)} numbers; "
                f"{where}"
            )
        last = 0.0
        for k in range(firings):
            firing: tuple[Any, ...] = self.table[TABLE_COLUMNS * k : TABLE_COLUMNS * (k + 1)]
            time, azimuth, elevation, ring = firing
            fits = all(isinstance(value, int | float) and math.isfinite(value) for value in firing)
            if not (
                fits and last <= time <= 1e6 and abs(azimuth) <= 360.0 and abs(elevation) <= 90.0 and 0 <= ring < 65536
                and ring == int(ring)
            ):  # fmt: skip
                raise ValueError(
                    f"table must rise in time from 0 s, with azimuths in [-360, 360] deg, elevations in [-90, 90] deg "
                    f"and whole rings in [0, 65536), got {firing} as firing {k}; {where}"
                )
            last = time

    def _check_columns(self) -> None:
        where = f"set {type(self).__name__}.columns or column_period"
        if self.scan == "table":
            if self.columns > len(self.table) // TABLE_COLUMNS:
                raise ValueError(f"columns must be at most the table's firings, got {self.columns}; {where}")
            self._check_table_span(where)
            return
        if self.columns == 0 and self.column_period == 0.0:
            raise ValueError(f"columns must be given where column_period is 0, got 0; {where}")
        lines = len(self.channel_elevation_deg) if self.scan == "raster" else 1
        sweep = self.column_count * self.period * lines
        if not 1 <= self.column_count or sweep > (1.0 + 1e-9) / self.frame_rate:
            raise ValueError(
                f"columns must fit into a frame of {1.0 / self.frame_rate:g} s, got {self.column_count} of "
                f"{self.period:g} s; {where}"
            )
        last = max(self.channel_time, default=0.0)
        if last > self.period * (lines if self.scan == "raster" else 1) * self.column_count or (
            self.scan != "raster" and last > self.period * (1.0 + 1e-9)
        ):
            raise ValueError(
                f"channel_time must be shorter than the time from column to column, {self.period:g} s, got {last:g}; "
                f"was it microseconds? set {type(self).__name__}.channel_time"
            )
        if self.column_count * len(self.channel_elevation_deg) > MAX_FIRINGS:
            raise ValueError(f"columns must make at most {MAX_FIRINGS} firings, got {self.column_count}; {where}")

    def _check_table_span(self, where: str) -> None:
        """Check that any frame's firings fit into a frame, also where the table begins again."""
        times = self.table[::TABLE_COLUMNS]
        count, frame = self.column_count, 1.0 / self.frame_rate
        length = max(math.floor(times[-1] * self.frame_rate) + 1, 1) * frame
        again = (*times, *(time + length for time in times[:count]))
        longest = max(again[k + count - 1] - again[k] for k in range(len(times)))
        if longest > frame * (1.0 + 1e-9):
            raise ValueError(
                f"columns must fit into a frame of {frame:g} s, got {count} firings of the table that take "
                f"{longest:g} s; lower columns, {where}"
            )

    @property
    def period(self) -> float:
        """Time from column to column [s]; of a raster from firing to firing. 0 for a table."""
        if self.scan == "table" or self.column_period > 0.0:
            return self.column_period
        lines = len(self.channel_elevation_deg) if self.scan == "raster" else 1
        return 1.0 / (self.frame_rate * self.columns * lines)

    @property
    def column_count(self) -> int:
        """Columns of a frame."""
        if self.columns > 0:
            return self.columns
        if self.scan == "table":
            return len(self.table) // TABLE_COLUMNS
        lines = len(self.channel_elevation_deg) if self.scan == "raster" else 1
        # A little more than a whole number counts as one, whatever the last bit of the division.
        return math.floor(1.0 / (self.frame_rate * self.column_period * lines) + 1e-9)

    @property
    def firing_count(self) -> int:
        """Firings of a frame P, the same for every frame."""
        return self.column_count * (1 if self.scan == "table" else len(self.channel_elevation_deg))
