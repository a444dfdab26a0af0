"""Profiles as JSON: how a rig's own profile travels to other processes and into a dataset's recipe."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from .profiles import PROFILE_CLASSES, Profile, load_profile

_KEYS = ("name", "kind", "base", "values")


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """Return a profile as JSON types, every value written out.

    Example:
        >>> profile_to_json(load_profile("generic_rgb"))["kind"]
        'camera'
    """
    kind = next(kind for kind, cls in PROFILE_CLASSES.items() if isinstance(profile, cls))
    values = {field.name: _plain(getattr(profile, field.name)) for field in dataclasses.fields(profile)}
    return {"name": values.pop("name"), "kind": kind, "values": values}


def profile_from_json(given: Mapping[str, Any]) -> Profile:
    """Return the profile that a mapping describes.

    Args:
        given: `name`, `values` by field, and either `kind` (camera, stereo, ...) or `base`, the built-in profile that
            gives every value which `values` leaves out.

    Raises:
        ValueError: If a key or a field is unknown, one is missing, or a value cannot be.

    Example:
        >>> profile_from_json({"base": "generic_rgb", "name": "mine", "values": {"read_noise": 4.0}}).read_noise
        4.0
    """
    for key in given:
        if key not in _KEYS:
            raise ValueError(f"a profile has no key {key!r}; there are {', '.join(_KEYS)}")
    body = given.get("values", {})
    if not isinstance(body, Mapping):
        raise ValueError(f"a profile's values are a mapping of names to values, got {body!r}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}
    base: Any = load_profile(given["base"]) if given.get("base") is not None else None
    kind = given.get("kind")
    if base is None and (not isinstance(kind, str) or kind not in PROFILE_CLASSES):
        raise ValueError(f"a profile needs a base, or a kind out of {', '.join(PROFILE_CLASSES)}, got {kind!r}")
    cls: Any = PROFILE_CLASSES[str(kind)] if base is None else type(base)
    if base is not None and kind is not None and PROFILE_CLASSES.get(str(kind)) is not cls:
        raise ValueError(f"the base {given['base']!r} is no {kind!r} profile; leave the kind out")
    known = [field.name for field in dataclasses.fields(cls) if field.name != "name"]
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"{cls.__name__} has no value {name!r}; {hint}")
    name = str(given.get("name", base.name if base is not None else "unnamed"))
    if base is not None:
        changed: Profile = dataclasses.replace(base, name=name, **values)
        return changed
    missing = [
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.name not in (*values, "name")
    ]
    if missing:
        raise ValueError(f"a {kind} profile needs {', '.join(missing)} too; give them, or a base")
    profile: Profile = cls(name=name, **values)
    return profile


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
