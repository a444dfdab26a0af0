"""YAML text: both parsers give the same plain values and refuse the same, with the line."""

from __future__ import annotations

import pytest
import yaml

from simloom.scenes import yaml_text
from simloom.scenes.yaml_text import YamlError, parse_yaml

CASES = [
    ("", None),
    ("---\n", None),
    ('a: 1e-3\nb: [1, -2.5, .inf, yes, ~, 0x1f]\nc: {d: "q\\u00e9"}\n', None),
    ("a: 1:30\nb: 1:30.5\nc: 2020-01-01\n2020-02-02: 10:20:30\n1: 2\n", None),
    ("a: |\n  text\n  more\nb: >-\n  folded\n  text\n", None),
    ("a: 1\na: 2\n", "line 2: the key 'a' stands here twice"),
    ("a: {b: 1, b: 2}\n", "line 1: the key 'b' stands here twice"),
    ("a: &x [1]\n", None),
    ("a: &x [1]\nb: *x\n", "line 2: YAML anchors and aliases"),
    ("a: 1\nb: *x\n", "line 2: YAML anchors and aliases"),
    ("a: !!python/name:os.system x\n", "line 1: the tag .* is not allowed"),
    ("a: !\n", "line 1: the tag ! is not allowed"),
    ("<<: {a: 1}\n", "line 1: keys must be names"),
    ("? [a]\n: 1\n", "line 1: keys must be names"),
    ("a: 1\n1.5: 2\n", "line 2: keys must be names"),
    ("[" * 5000, "nested deeper than 32 levels"),
    ("{a: " * 5000, "nested deeper than 32 levels"),
    ("a: " + "9" * 5000, "line 1: a number of 5000 characters"),
    ("a: 1\n---\nb: 2\n", "line 2: not valid YAML: expected a single document"),
    ("a: [1\n", "not valid YAML"),
    ("a: \0", "not valid YAML"),
    ("a: \ud800", "not valid YAML"),
]


@pytest.mark.parametrize("text, words", CASES, ids=range(len(CASES)))
def test_both_parsers_agree(monkeypatch, text, words):
    """Libyaml and PyYAML's own parser, which stands in where it is absent, give one result."""
    found = []
    for is_fast in (True, False):
        if not is_fast:
            monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
        yaml_text._loader_class.cache_clear()
        try:
            if words is None:
                found.append(parse_yaml(text, source="my.yaml"))
            else:
                with pytest.raises(YamlError, match=f"^my.yaml.*{words}"):
                    parse_yaml(text, source="my.yaml")
        finally:
            yaml_text._loader_class.cache_clear()
    assert found[1:] == found[:-1]


def test_values_are_those_that_are_written():
    """Times and dates stay text, small numbers in scientific notation are numbers."""
    read = parse_yaml("a: 1:30\nb: 2020-13-45\nc: 1e-3\nd:\n  - {e: 010}\n", source="my.yaml")

    assert read.value == {"a": "1:30", "b": "2020-13-45", "c": 0.001, "d": [{"e": 8}]}
    assert read.where(("d", 0, "e")) == "my.yaml, line 5"
