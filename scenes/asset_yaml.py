"""Reading `asset.yaml`: safe, bounded YAML with what a folder says of its assets, and of each file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .asset_declaration import SPLITS, AssetDeclaration, parse_declaration
from .yaml_text import YamlText, parse_yaml

FILE_NAME: Final = "asset.yaml"
"""Name of the file."""
MAX_BYTES: Final = 1 << 18
"""Largest file that is read [byte]: a thousand files with a line or two each."""
DEFAULT_SPLITS: Final[Mapping[str, float]] = {"train": 0.8, "val": 0.1, "test": 0.1}
"""Shares of the splits where a folder says nothing else."""


@dataclass(frozen=True, kw_only=True)
class FolderDeclaration:
    """What one `asset.yaml` says."""

    common: AssetDeclaration = field(default_factory=AssetDeclaration)
    """Of every asset in its folder and those below."""
    files: Mapping[str, AssetDeclaration] = field(default_factory=dict)
    """Of single files, by path relative to its folder, with /."""
    splits: Mapping[str, float] | None = None
    """Shares of the splits, which sum to 1; None = not said."""


def load_asset_yaml(path: Path) -> FolderDeclaration:
    """Read an `asset.yaml`.

    Args:
        path: The file.

    Returns:
        What it says.

    Raises:
        ValueError: If it is too large, no plain YAML, or says what cannot be; the message names file and key.

    Example:
        >>> load_asset_yaml(Path("mugs/asset.yaml")).common.class_name
        'mug'
    """
    text = _parse(path)
    value = {} if text.value is None else text.value
    if not isinstance(value, dict):
        raise ValueError(f"{path}: must hold keys with values, such as class: mug, got {type(value).__name__}")
    given = dict(value)
    files, splits = given.pop("files", None), given.pop("splits", None)
    if files is not None and not (isinstance(files, dict) and all(isinstance(v, dict) for v in files.values())):
        raise ValueError(f"{path}: files must be file names with keys, e.g. files: {{mug.obj: {{mass: 0.3}}}}")
    try:
        common = parse_declaration(given)
        shares = None if splits is None else _check_splits(splits)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    single = {}
    for name, keys in (files or {}).items():
        try:
            single[name] = parse_declaration(keys)
        except ValueError as error:
            raise ValueError(f"{text.where(('files', name))}: files: {name}: {error}") from None
    return FolderDeclaration(common=common, files=single, splits=shares)


def _check_splits(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or not value or set(value) - set(SPLITS):
        raise ValueError(f"splits must name shares of {', '.join(SPLITS)}, such as {{train: 0.8}}, got {value!r}")
    shares = {}
    for name in SPLITS:
        share = value.get(name, 0.0)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0.0 <= share <= 1.0:
            raise ValueError(f"splits: {name} must be in [0, 1], got {share!r}")
        shares[name] = float(share)
    total = math.fsum(shares.values())
    if abs(total - 1.0) > 1e-9:
        raise ValueError(f"splits must sum to 1, got {total:g}")
    return shares


def _parse(path: Path) -> YamlText:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES} bytes; a declaration is a short text")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file in UTF-8") from None
    return parse_yaml(text, source=str(path), max_bytes=MAX_BYTES)
