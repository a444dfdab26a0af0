"""Profile files: a sensor's profile as YAML, made by `simloom calibrate` or by hand.

simloom_profile: 1
kind: camera                     # camera, stereo, ...
name: our_left_camera
base: generic_rgb                # optional: the built-in profile that gives all other values
values:
  gain: {value: 0.371, unit: DN/e-, source: "photon transfer", confidence: measured, interval: [0.369, 0.373]}
  jpeg_quality: 90               # a value alone will do
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..kernels.profiles import (
    CONFIDENCES,
    PROFILE_CLASSES,
    Profile,
    describe_profile,
    list_profiles,
    load_profile,
)
from .errors import RecipeError, UsageError, nearest_name
from .yaml_text import MAX_BYTES, KeyPath, YamlText, parse_yaml

VERSION: Final = 1
"""Version of the format."""
FILE_CONFIDENCES: Final = ("measured", *CONFIDENCES)
"""How sure a value may be."""

_KEYS: Final = ("simloom_profile", "kind", "name", "base", "values")
_VALUE_KEYS: Final = ("value", "unit", "source", "confidence", "interval")


class FileValue(NamedTuple):
    """One value of a profile with its origin."""

    name: str
    """Field of the profile."""
    value: Any
    """The value, in `unit`."""
    unit: str
    """Unit; "1" for a pure number."""
    source: str = ""
    """Where the value comes from."""
    confidence: str = "typical"
    """"measured", "datasheet", "paper" or "typical"."""
    interval: tuple[float, float] | None = None
    """95 % interval of a measured value."""


@dataclass(frozen=True, kw_only=True)
class ProfileFile:
    """What a profile file says.

    Example:
        >>> file = ProfileFile(
        ...     kind="camera", name="ours", base="generic_rgb", values=(FileValue("gain", 0.4, "DN/e-"),)
        ... )
        >>> file.profile.gain
        0.4
    """

    kind: str
    """Kind of sensor: "camera", "stereo", ..."""
    name: str
    """Name of the profile."""
    base: str | None = None
    """Built-in profile that gives the values which the file leaves out."""
    values: tuple[FileValue, ...]
    """The file's own values."""

    @property
    def profile(self) -> Profile:
        """The profile.

        Raises:
            ValueError: If a value is missing or out of its range.
        """
        given = {value.name: value.value for value in self.values}
        if self.base is not None:
            return dataclasses.replace(load_profile(self.base), name=self.name, **given)
        profile: Profile = PROFILE_CLASSES[self.kind](name=self.name, **given)
        return profile

    @property
    def all_values(self) -> tuple[FileValue, ...]:
        """Every value of the profile, those of the base with the base's sources."""
        own = {value.name: value for value in self.values}
        if self.base is None:
            return self.values
        described = describe_profile(self.base)
        return tuple(own.get(value.name) or FileValue(*value) for value in described)


def load_profile_file(path: str | Path) -> Profile:
    """Read a profile file and make its profile.

    Args:
        path: A YAML file.

    Raises:
        UsageError: If the file cannot be read or anything in it cannot be; the message holds one line per mistake.
    """
    return read_profile_file(path).profile


def describe_profile_file(path: str | Path) -> tuple[FileValue, ...]:
    """Return every value of a profile file, and of its base, with unit, source and how sure it is.

    Args:
        path: A YAML file.

    Raises:
        UsageError: If the file cannot be read or anything in it cannot be.
    """
    return read_profile_file(path).all_values


def read_profile_file(path: str | Path) -> ProfileFile:
    """Read and check a profile file.

    Args:
        path: A YAML file.

    Raises:
        UsageError: If the file cannot be read or anything in it cannot be; the message holds one line per mistake.
    """
    text = _parse(Path(path))
    content = text.value
    if not isinstance(content, dict):
        raise UsageError(f"{text.source}: a profile is a mapping of keys; begin with simloom_profile: {VERSION}")
    wrong = [_unknown(text, (key,), _KEYS) for key in content if key not in _KEYS]
    if content.get("simloom_profile") != VERSION or isinstance(content["simloom_profile"], bool):
        given = content.get("simloom_profile", "nothing")
        wrong.append(f"{text.where(('simloom_profile',))}: simloom_profile: given {given!r}, allowed: {VERSION}")
    kind, base, name = content.get("kind"), content.get("base"), content.get("name")
    wrong += _check_heading(text, kind, base, name)
    if wrong:
        raise UsageError("\n".join(wrong))
    assert isinstance(kind, str)
    assert isinstance(name, str)
    values = content.get("values")
    if not isinstance(values, dict):
        raise UsageError(f"{text.where(('values',))}: values: given {_brief(values)}, allowed: a mapping of fields")
    values = {key: _read_table(text, Path(path), key, value) for key, value in values.items()}
    found = _read_values(text, PROFILE_CLASSES[kind], _units(kind), values)
    file = ProfileFile(kind=kind, name=name, base=base, values=found)
    _check_profile(text, file)
    return file


def write_profile_file(path: str | Path, file: ProfileFile, *, comment: str = "") -> None:
    """Write a profile file.

    Args:
        path: Where; an existing file is replaced.
        file: What it says.
        comment: Lines for its head.

    Raises:
        UsageError: If the profile cannot be, so that nothing is written.
        OSError: If the file cannot be written.
    """
    import yaml

    content: dict[str, Any] = {"simloom_profile": VERSION, "kind": file.kind, "name": file.name}
    if file.base is not None:
        content["base"] = file.base
    content["values"] = {}
    for value in file.values:
        entry: dict[str, Any] = {"value": _plain(value.value), "unit": value.unit}
        entry |= {"source": value.source} if value.source else {}
        entry["confidence"] = value.confidence
        entry |= {"interval": list(value.interval)} if value.interval is not None else {}
        content["values"][value.name] = entry
    text = YamlText(value=content, source=f"profile {file.name!r}")
    if mistakes := _check_heading(text, file.kind, file.base, file.name):
        raise UsageError("\n".join(mistakes))
    _check_profile(text, file)
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    # width: a value's source stays on its line.
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000, default_flow_style=None)
    Path(path).write_text(head + body, encoding="utf-8")


def _parse(path: Path) -> YamlText:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the profile {path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES} bytes; a profile is a short text")
    try:
        return parse_yaml(data.decode(), source=str(path))
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text file in UTF-8") from None
    except RecipeError as error:
        raise UsageError(str(error)) from None


def profile_kind(base: str) -> str:
    """Return the kind of a built-in profile, such as "camera" or "stereo".

    Raises:
        ValueError: If there is no such profile.
    """
    cls = type(load_profile(base))
    return next(kind for kind, other in PROFILE_CLASSES.items() if other is cls)


def _kinds() -> tuple[str, ...]:
    return tuple(dict.fromkeys(profile_kind(name) for name in list_profiles()))


def _check_heading(text: YamlText, kind: Any, base: Any, name: Any) -> list[str]:
    """Return what is wrong with kind, base and name."""
    wrong = []
    kinds = _kinds()
    if kind not in kinds:
        near = nearest_name(str(kind), kinds)
        wrong.append(f"{text.where(('kind',))}: kind: given {kind!r}, allowed: {', '.join(kinds)}{near}")
    if base is not None and base not in list_profiles():
        near = nearest_name(str(base), list_profiles())
        wrong.append(f"{text.where(('base',))}: base: given {base!r}, allowed: {', '.join(list_profiles())}{near}")
    elif base is not None and kind in kinds and profile_kind(base) != kind:
        fit = [other for other in list_profiles() if profile_kind(other) == kind]
        wrong.append(
            f"{text.where(('base',))}: base: {base} is of kind {profile_kind(base)}, allowed: {', '.join(fit)}"
        )
    if not (isinstance(name, str) and name.strip() == name and 0 < len(name) <= 64 and name.isprintable()):
        wrong.append(f"{text.where(('name',))}: name: given {_brief(name)}, allowed: 1 to 64 printable characters")
    return wrong


def _units(kind: str) -> dict[str, str]:
    """Return the unit of every field of a kind, from the built-in profiles."""
    base = next(name for name in list_profiles() if profile_kind(name) == kind)
    return {value.name: value.unit for value in describe_profile(base)}


def _read_table(text: YamlText, profile: Path, name: str, given: Any) -> Any:
    """Return a value, the firings of a CSV beside the profile where it names one as a scan's table."""
    from ..kernels.pattern_csv import load_pattern_csv

    file = given.get("value") if isinstance(given, dict) else given
    if name != "table" or not isinstance(file, str):
        return given
    where = f"{text.where(('values', name))}: {name}"
    if Path(file).name != file:
        raise UsageError(f"{where}: given {file!r}, allowed: the name of a CSV file in the profile's own folder")
    try:
        table = load_pattern_csv(profile.parent / file)
    except (ValueError, OSError) as error:
        raise UsageError(f"{where}: {error}") from None
    return {**given, "value": list(table)} if isinstance(given, dict) else list(table)


def _read_values(
    text: YamlText, cls: type[Profile], units: Mapping[str, str], values: Mapping[str, Any]
) -> tuple[FileValue, ...]:
    types = typing.get_type_hints(cls)
    found, wrong = [], []
    for name, given in values.items():
        path: KeyPath = ("values", name)
        if name not in units:
            wrong.append(_unknown(text, path, tuple(units)))
            continue
        entry = given if isinstance(given, dict) else {"value": given}
        mistakes = [_unknown(text, (*path, key), _VALUE_KEYS) for key in entry if key not in _VALUE_KEYS]
        if "value" not in entry:
            mistakes.append(f"{text.where(path)}: {name}: must have a value: {{value: ..., unit: {units[name]}}}")
        unit, source = entry.get("unit", units[name]), entry.get("source", "")
        confidence, interval = entry.get("confidence", "typical"), entry.get("interval")
        if str(unit) != units[name]:
            mistakes.append(
                f"{text.where((*path, 'unit'))}: {name}: given in {_brief(unit)}, allowed: {units[name]}; convert it"
            )
        if not isinstance(source, str):
            mistakes.append(f"{text.where((*path, 'source'))}: {name}: source: given {_brief(source)}, allowed: a text")
        if confidence not in FILE_CONFIDENCES:
            mistakes.append(
                f"{text.where((*path, 'confidence'))}: {name}: confidence: given {_brief(confidence)}, allowed: "
                f"{', '.join(FILE_CONFIDENCES)}{nearest_name(str(confidence), FILE_CONFIDENCES)}"
            )
        if interval is not None and not _is_interval(interval):
            mistakes.append(
                f"{text.where((*path, 'interval'))}: {name}: interval: given {_brief(interval)}, allowed: [low, high]"
            )
        value, mistake = _fit_type(types[name], entry.get("value"))
        if mistake and "value" in entry:
            mistakes.append(f"{text.where(path)}: {name}: given {_brief(entry['value'])}, allowed: {mistake}")
        wrong += mistakes
        if not mistakes:
            pair = None if interval is None else (float(interval[0]), float(interval[1]))
            found.append(FileValue(name, value, units[name], source, confidence, pair))
    if wrong:
        raise UsageError("\n".join(wrong))
    return tuple(found)


def _fit_type(expected: Any, given: Any) -> tuple[Any, str]:
    """Return a value in a field's type, or what the field takes."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    adapter: TypeAdapter[Any] = TypeAdapter(expected, config=ConfigDict(strict=True, allow_inf_nan=False))
    try:
        return adapter.validate_python(tuple(given) if isinstance(given, list) else given), ""
    except ValidationError as error:
        length = _tuple_length(expected)
        if length and any(entry["type"] in ("missing", "too_long", "tuple_type") for entry in error.errors()):
            return None, f"a list of {length} numbers" + (" or null" if type(None) in typing.get_args(expected) else "")
        messages = dict.fromkeys(entry["msg"].removeprefix("Input should be ") for entry in error.errors())
        return None, "; ".join(messages)


def _tuple_length(expected: Any) -> int:
    """Return how many numbers a field's type holds; 0 where it is no tuple, or one of any length."""
    arguments = typing.get_args(expected)
    if typing.get_origin(expected) is tuple:
        return 0 if Ellipsis in arguments else len(arguments)
    return next((length for other in arguments if (length := _tuple_length(other))), 0)


def _check_profile(text: YamlText, file: ProfileFile) -> None:
    """Make the profile once, so that what its class refuses is told with the line."""
    fields = [field for field in dataclasses.fields(PROFILE_CLASSES[file.kind]) if field.name != "name"]
    given = {value.name for value in file.values}
    if file.base is None:
        missing = [f.name for f in fields if f.default is dataclasses.MISSING and f.name not in given]
        if missing:
            example = next(name for name in list_profiles() if profile_kind(name) == file.kind)
            raise UsageError(
                f"{text.where(('values',))}: values: {', '.join(missing)} must be given, or a base that gives them, "
                f"e.g. base: {example}"
            )
    try:
        file.profile  # noqa: B018 (its checks are what is wanted)
    except ValueError as error:
        message = str(error).partition("; set ")[0]
        name = message.partition(" ")[0]
        raise UsageError(f"{text.where(('values', name))}: {message}") from None


def _is_interval(value: Any) -> bool:
    numbers = isinstance(value, list) and all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e300 for v in value
    )
    return numbers and len(value) == 2 and value[0] <= value[1]


def _unknown(text: YamlText, path: KeyPath, allowed: Sequence[str]) -> str:
    name, near = ".".join(str(part) for part in path), nearest_name(str(path[-1]), allowed)
    listed = "" if near and len(allowed) > 12 else f" Allowed: {', '.join(allowed)}"
    return f"{text.where(path)}: unknown key '{name}'{near}{listed}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
