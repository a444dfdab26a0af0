"""Which codec stores which array: one for all, or one for every reading."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from ..errors import nearest_name
from .specs import SPECS

Codec: TypeAlias = Literal["deflate", "raw", "zstd"]
"""How images are stored; the decoded rows and so the digests are the same for all."""

CODECS: tuple[Codec, ...] = get_args(Codec)

DEFAULT = "default"
"""Key of the codec of all readings that are not named."""


@dataclass(frozen=True, kw_only=True)
class Codecs:
    """The codec of every array.

    Args:
        default: Codec of the readings that are not named.
        readings: Codec by reading: "rgb" is that of every sensor, "depth" the measured and the ideal one, "ideal/depth"
            the ideal one alone. Arrays of less than 16 KiB a row are stored as they are, whatever is said here.

    Raises:
        ValueError: An unknown codec or reading.

    Example:
        >>> codecs = Codecs(readings={"rgb": "raw"})
        >>> codecs.codec_of("sensor/head/rgb"), codecs.codec_of("label/head/class")
        ('raw', 'deflate')
    """

    default: Codec = "deflate"
    readings: Mapping[str, Codec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = _known_readings()
        for name in self.readings:
            if name not in known:
                raise ValueError(
                    f"unknown reading {name!r}{nearest_name(str(name), [*known, DEFAULT])} Allowed: names of readings "
                    "(rgb, depth, ideal/depth, instance ...), default"
                )
        for name, codec in [("", self.default), *self.readings.items()]:
            if codec not in CODECS:
                where = f" of {name!r}" if name else ""
                raise ValueError(
                    f"codec {codec!r}{where} is none of {', '.join(CODECS)}{nearest_name(str(codec), CODECS)}"
                )

    def codec_of(self, name: str) -> Codec:
        """Return the codec of an array, by its name in the dataset."""
        return self._named(name) or self.default

    def is_named(self, name: str) -> bool:
        """Tell whether the codec of an array was asked for by its reading."""
        return self._named(name) is not None

    def _named(self, name: str) -> Codec | None:
        first, last = name.partition("/")[0], name.rpartition("/")[2]
        return self.readings.get(f"{first}/{last}") or self.readings.get(last)

    def to_json(self) -> str | dict[str, str]:
        """Return what `parse_codecs` takes: a name where one codec stores all."""
        if not self.readings:
            return self.default
        return {**dict(sorted(self.readings.items())), DEFAULT: self.default}


def parse_codecs(given: str | Mapping[str, Any] | Codecs) -> Codecs:
    """Read the codecs that a user named.

    Args:
        given: One codec for all arrays, or codecs by reading: `{"rgb": "raw", "depth": "zstd", "default": "deflate"}`.

    Returns:
        The codecs.

    Raises:
        ValueError: An unknown codec or reading; the text says what is allowed.

    Example:
        >>> parse_codecs({"rgb": "raw"}).default
        'deflate'
    """
    if isinstance(given, Codecs):
        return given
    if isinstance(given, Mapping):
        readings = dict(given)
        default = readings.pop(DEFAULT, "deflate")
        return Codecs(default=default, readings=readings)
    if not isinstance(given, str):
        raise ValueError(f"codec must be a name or a mapping of readings to names, given {given!r}")
    return Codecs(default=given)  # type: ignore[arg-type]  # checked in there


@functools.cache
def _known_readings() -> frozenset[str]:
    known: set[str] = set()
    for spec in SPECS:
        parts = spec.pattern.split("/")
        if not parts[-1].startswith("<"):
            known |= {parts[-1], f"{parts[0]}/{parts[-1]}"}
    return frozenset(known)
