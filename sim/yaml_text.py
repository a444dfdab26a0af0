"""YAML text as plain values with the line of every key: safe, bounded, no key twice, no anchors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from .errors import RecipeError

MAX_BYTES = 1 << 20
"""Largest YAML file read [bytes]."""

MAX_DEPTH = 32
"""Deepest nesting read."""

_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
)

KeyPath: TypeAlias = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """SafeLoader that reads 1e-3 as the number it is (YAML 1.2), which YAML 1.1 takes for text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"), list("-+0123456789.")
)


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


def parse_yaml(text: str, *, source: str) -> YamlText:
    """Parse YAML safely.

    Args:
        text: The YAML document, at most `MAX_BYTES` bytes.
        source: What to call it in messages.

    Returns:
        The values and the line of every key.

    Raises:
        RecipeError: If the text is too large, not YAML, nested too deep, has a key twice, an anchor or a tag.
    """
    if len(text.encode()) > MAX_BYTES:
        raise RecipeError(f"{source}: larger than {MAX_BYTES} bytes; a recipe is a short text")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        value = None if node is None else _construct(loader, node, (), lines, source, set())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise RecipeError(f"{source}{line}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise RecipeError(f"{source}: not valid YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise RecipeError(f"{source}: nested deeper than {MAX_DEPTH} levels") from None
    finally:
        loader.dispose()
    return YamlText(value=value, source=source, lines=lines)


def _construct(
    loader: _Loader, node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], source: str, seen: set[int]
) -> Any:
    line = node.start_mark.line + 1
    if id(node) in seen:  # an alias: a short text could stand for a huge value
        raise RecipeError(f"{source}, line {line}: YAML anchors and aliases (& and *) are not allowed; write it out")
    seen.add(id(node))
    if len(path) > MAX_DEPTH:
        raise RecipeError(f"{source}, line {line}: nested deeper than {MAX_DEPTH} levels")
    if node.tag not in _TAGS:
        raise RecipeError(f"{source}, line {line}: the tag {node.tag} is not allowed; write plain values")
    lines.setdefault(path, line)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or isinstance(key, bool | float):
                raise RecipeError(f"{source}, line {key_node.start_mark.line + 1}: keys must be names, got {key!r}")
            key = str(key)
            lines[(*path, key)] = key_node.start_mark.line + 1
            if key in mapping:
                raise RecipeError(f"{source}, line {key_node.start_mark.line + 1}: the key '{key}' stands here twice")
            mapping[key] = _construct(loader, value_node, (*path, key), lines, source, seen)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, (*path, i), lines, source, seen) for i, item in enumerate(node.value)]
    return node.value if node.tag.endswith(":timestamp") else loader.construct_object(node)
