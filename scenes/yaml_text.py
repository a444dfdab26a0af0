"""YAML text as plain values with the line of every key: safe, bounded, no key twice, no aliases.

Values are made event by event, so that a text is read no deeper than `MAX_DEPTH`. libyaml, which PyYAML's wheels hold,
parses some ten times as fast as PyYAML's own parser and gives the same values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeAlias

MAX_BYTES: Final = 1 << 20
"""Largest YAML file read [bytes]."""

MAX_DEPTH: Final = 32
"""Deepest nesting read."""

_MAX_NUMBER: Final = 100
"""Longest number read [characters]."""

_TAG: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(_TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp"))

KeyPath: TypeAlias = tuple[str | int, ...]


class YamlError(ValueError):
    """A text that is no plain YAML; the message names its source and the line."""


@dataclass(frozen=True, kw_only=True)
class YamlText:
    """Parsed YAML and where each key stood.

    Example:
        >>> parse_yaml("views: 2", source="my.yaml").where(("views",))
        'my.yaml, line 1'
    """

    value: Any
    """Plain dicts, lists, strings, numbers, booleans and None."""
    source: str
    """What to call the text in messages."""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Line (from 1) of each key path."""

    def where(self, path: KeyPath) -> str:
        """Say where a key path, or its nearest parent, stands."""
        for length in range(len(path), 0, -1):
            if (line := self.lines.get(path[:length])) is not None:
                return f"{self.source}, line {line}"
        return self.source


def parse_yaml(text: str, *, source: str, max_bytes: int = MAX_BYTES) -> YamlText:
    """Parse YAML safely.

    Args:
        text: The YAML document.
        source: What to call it in messages.
        max_bytes: Largest text that is read [bytes].

    Returns:
        The values and the line of every key.

    Raises:
        YamlError: If the text is too large, not YAML, nested too deep, has a key twice, an alias or a tag of its own.
    """
    import yaml

    if len(text.encode(errors="replace")) > max_bytes:
        raise YamlError(f"{source}: larger than {max_bytes} bytes; it is to be a short text")
    loader = None
    try:
        loader = _loader_class()(text)
        return _Builder(loader, source).read_document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise YamlError(f"{source}{line}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError(f"{source}: not valid YAML: {str(error).splitlines()[0]}") from None
    finally:
        if loader is not None:
            loader.dispose()


@cache
def _loader_class() -> Any:
    """Return the fastest safe loader, which reads 1e-3 as the number it is (YAML 1.2); YAML 1.1 takes it for text."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    number = re.compile(r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$")
    Loader.add_implicit_resolver(f"{_TAG}float", number, list("-+0123456789."))
    return Loader


class _Builder:
    """Makes plain values of a loader's events."""

    def __init__(self, loader: Any, source: str) -> None:
        self._loader = loader
        self._source = source
        self._lines: dict[KeyPath, int] = {}

    def read_document(self) -> YamlText:
        """Read the only document."""
        import yaml

        self._loader.get_event()  # start of the stream
        value = None
        if not self._loader.check_event(yaml.StreamEndEvent):
            self._loader.get_event()  # start of the document
            value = self._read(self._loader.get_event(), ())
            self._loader.get_event()  # its end
            if not self._loader.check_event(yaml.StreamEndEvent):
                raise self._fail(self._loader.peek_event(), "not valid YAML: expected a single document in the stream")
        return YamlText(value=value, source=self._source, lines=self._lines)

    def _read(self, event: Any, path: KeyPath) -> Any:
        import yaml

        if len(path) > MAX_DEPTH:
            raise self._fail(event, f"nested deeper than {MAX_DEPTH} levels")
        self._lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, yaml.MappingStartEvent):
            self._check(event, f"{_TAG}map")
            return self._read_mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            self._check(event, f"{_TAG}seq")
            items: list[Any] = []
            while not self._loader.check_event(yaml.SequenceEndEvent):
                items.append(self._read(self._loader.get_event(), (*path, len(items))))
            self._loader.get_event()
            return items
        return self._read_scalar(event)

    def _read_mapping(self, path: KeyPath) -> dict[str, Any]:
        import yaml

        mapping: dict[str, Any] = {}
        while not self._loader.check_event(yaml.MappingEndEvent):
            event = self._loader.get_event()
            is_name = isinstance(event, yaml.ScalarEvent) and event.value != "<<"
            key = self._read_scalar(event) if is_name else getattr(event, "value", None)
            if not is_name or key is None or isinstance(key, bool | float):
                raise self._fail(event, f"keys must be names, got {key!r:.80}")
            key = str(key)
            if key in mapping:
                raise self._fail(event, f"the key '{key}' stands here twice")
            self._lines[(*path, key)] = event.start_mark.line + 1
            mapping[key] = self._read(self._loader.get_event(), (*path, key))
        self._loader.get_event()
        return mapping

    def _read_scalar(self, event: Any) -> Any:
        import yaml

        tag = self._check(event, "")
        text: str = event.value
        if tag in (f"{_TAG}str", f"{_TAG}timestamp"):
            return text
        if tag in (f"{_TAG}int", f"{_TAG}float"):
            if ":" in text:  # YAML 1.1 takes 1:30 for 90
                return text
            if len(text) > _MAX_NUMBER:
                raise self._fail(event, f"a number of {len(text)} characters; write at most {_MAX_NUMBER}")
        try:
            return self._loader.construct_object(yaml.ScalarNode(tag, text, event.start_mark, event.end_mark))
        except (ValueError, LookupError):
            raise self._fail(event, f"{text!r:.80} is no {tag.removeprefix(_TAG)}") from None

    def _check(self, event: Any, kind: str) -> str:
        """Refuse aliases and tags; return the tag, which is `kind`, or that of a scalar by its text."""
        import yaml

        # By an alias a short text could stand for a huge value.
        if isinstance(event, yaml.AliasEvent):
            raise self._fail(event, "YAML anchors and aliases (& and *) are not allowed; write it out")
        tag: str | None = event.tag
        if tag is None:
            tag = kind or str(self._loader.resolve(yaml.ScalarNode, event.value, event.implicit))
        if tag not in _TAGS or (kind and tag != kind):
            raise self._fail(event, f"the tag {tag} is not allowed; write plain values")
        return tag

    def _fail(self, event: Any, text: str) -> YamlError:
        return YamlError(f"{self._source}, line {event.start_mark.line + 1}: {text}")
