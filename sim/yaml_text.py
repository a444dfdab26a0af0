"""YAML text of recipes, profiles and calibrations: what `scenes.yaml_text` reads, mistakes as those of a recipe."""

from __future__ import annotations

from ..scenes.yaml_text import MAX_BYTES as MAX_BYTES
from ..scenes.yaml_text import KeyPath as KeyPath
from ..scenes.yaml_text import YamlError
from ..scenes.yaml_text import YamlText as YamlText
from ..scenes.yaml_text import parse_yaml as _parse_plain
from .errors import RecipeError


def parse_yaml(text: str, *, source: str) -> YamlText:
    """Parse YAML safely.

    Args:
        text: The YAML document, at most `MAX_BYTES` bytes.
        source: What to call it in messages.

    Returns:
        The values and the line of every key.

    Raises:
        RecipeError: If the text is too large, not YAML, nested too deep, has a key twice, an alias or a tag of its own.
    """
    try:
        return _parse_plain(text, source=source)
    except YamlError as error:
        raise RecipeError(str(error)) from None
