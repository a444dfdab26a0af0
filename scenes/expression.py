"""Expressions of parameters, such as `table.height + 0.1`: a small language of our own, parsed into a tree."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .expression_tree import COMPARISONS, CONSTANTS, ELEMENT, FUNCTIONS, LOGIC, Name, Node, Number, Operation
from .interval import Interval
from .spelling import nearest

Array = NDArray[np.float64]
MAX_LENGTH: Final = 500
"""Characters of an expression."""
MAX_DEPTH: Final = 32
"""Nesting of an expression."""

_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\n]+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<operator><=|>=|==|!=|[-+*/<>(),\[\]])"
)


class ExpressionError(ValueError):
    """An expression that cannot be; the message shows it and says what is allowed."""


class _Token(NamedTuple):
    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class Expression:
    """A formula over parameters: `+ - * /`, comparisons, `and or not`, and a short list of functions.

    Names are parameters', `name[k]` is one number of a vector, `pi` and `element` (the element's number within a
    vector parameter, from 0) are known. Units are not checked: values are in the parameters' own.

    Raises:
        ExpressionError: If the text is too long, nested too deep, or no expression.

    Example:
        >>> Expression("max(table.height, 0.7) + 0.1").names
        ('table.height',)
    """

    text: str
    """As it was written."""
    tree: Node = field(init=False, repr=False, compare=False)
    """What it means."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", _Parser(self.text).parse())

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        return Expression, (self.text,)  # long sums are deep trees

    @cached_property
    def references(self) -> tuple[Name, ...]:
        """Parameters that it reads, with their indices, each once."""
        found = [node for node in self.tree.parts() if isinstance(node, Name) and node.name != ELEMENT]
        return tuple(dict.fromkeys(found))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that it reads, each once."""
        return tuple(dict.fromkeys(reference.name for reference in self.references))

    @property
    def is_condition(self) -> bool:
        """Whether it says true or false."""
        return isinstance(self.tree, Operation) and self.tree.symbol in (*COMPARISONS, *LOGIC)

    def evaluate(self, values: Mapping[str, Array], count: int = 1) -> Array:
        """Return its value at every element.

        Args:
            values: Name to numbers, shape (..., numbers of the parameter).
            count: Elements of the parameter that it is for.

        Returns:
            Shape (..., count) or, where all elements have the same value, (..., 1).
        """
        return self.tree.evaluate({**values, ELEMENT: np.arange(count, dtype=np.float64)})

    def bounds(self, ranges: Mapping[str, Interval], count: int = 1) -> Interval:
        """Return a range that holds every value, given ranges of the parameters."""
        return self.tree.bounds({**ranges, ELEMENT: Interval(0.0, float(count - 1))})


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ExpressionError(f"an expression is text, got {text!r}")
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters, got {len(text)}")
        self._text = text
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def _fail(self, problem: str, place: int) -> ExpressionError:
        return ExpressionError(f"{self._text!r}: {problem} at character {place + 1}")

    def _split(self) -> list[_Token]:
        tokens, place = [], 0
        while place < len(self._text):
            match = _TOKEN.match(self._text, place)
            if match is None:
                raise self._fail(f"{self._text[place]!r} means nothing here{_meant(self._text, place)}", place)
            kind = str(match.lastgroup)
            if kind != "space":
                tokens.append(_Token(kind, match.group(), place))
            place = match.end()
        tokens.append(_Token("end", "the end", len(self._text)))
        return tokens

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> str | None:
        """Take the next token if it is one of these."""
        token = self._token
        if token.kind in ("operator", "name") and token.text in texts:
            self._next += 1
            return token.text
        return None

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            raise self._fail(f"expected {text!r}, got {self._token.text!r}", self._token.place)

    def parse(self) -> Node:
        tree = self._either()
        if self._token.kind != "end":
            raise self._fail(f"expected an operator, got {self._token.text!r}", self._token.place)
        return tree

    def _either(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fail(f"nested deeper than {MAX_DEPTH} levels", self._token.place)
        tree = self._both()
        while self._take("or"):
            tree = Operation("or", (tree, self._both()))
        self._depth -= 1
        return tree

    def _both(self) -> Node:
        tree = self._negated()
        while self._take("and"):
            tree = Operation("and", (tree, self._negated()))
        return tree

    def _negated(self) -> Node:
        count = 0
        while self._take("not"):
            count += 1
        tree = self._comparison()
        # Folded, so that no run of them nests.
        for _ in range(1 + (count + 1) % 2 if count else 0):
            tree = Operation("not", (tree,))
        return tree

    def _comparison(self) -> Node:
        left = self._sum()
        tree: Node | None = None
        while symbol := self._take(*COMPARISONS):
            right = self._sum()
            this = Operation(symbol, (left, right))
            tree = this if tree is None else Operation("and", (tree, this))  # 0 < x < 1
            left = right
        return left if tree is None else tree

    def _sum(self) -> Node:
        tree = self._product()
        while symbol := self._take("+", "-"):
            tree = Operation(symbol, (tree, self._product()))
        return tree

    def _product(self) -> Node:
        tree = self._signed()
        while symbol := self._take("*", "/"):
            tree = Operation(symbol, (tree, self._signed()))
        return tree

    def _signed(self) -> Node:
        sign = 1
        while symbol := self._take("+", "-"):
            sign = -sign if symbol == "-" else sign
        tree = self._atom()
        if sign > 0:
            return tree
        return Number(-tree.value) if isinstance(tree, Number) else Operation("negative", (tree,))

    def _atom(self) -> Node:
        token = self._token
        self._next += 1
        if token.kind == "number":
            value = float(token.text)
            if math.isinf(value):
                raise self._fail(f"{token.text} is too large", token.place)
            return Number(value)
        if token.text == "(":
            tree = self._either()
            self._expect(")")
            return tree
        if token.kind == "name" and token.text not in LOGIC:
            return self._called(token) if self._token.text == "(" else self._named(token)
        raise self._fail(f"expected a number, a parameter or '(', got {token.text!r}", token.place)

    def _named(self, token: _Token) -> Node:
        if token.text in CONSTANTS:
            return Number(CONSTANTS[token.text])
        if self._take("[") is None:
            return Name(token.text)
        index = self._token
        if index.kind != "number" or not index.text.isdigit() or len(index.text) > 6:
            raise self._fail(f"expected a whole number from 0 within [ ], got {index.text!r}", index.place)
        self._next += 1
        self._expect("]")
        return Name(token.text, int(index.text))

    def _called(self, token: _Token) -> Node:
        if token.text not in FUNCTIONS:
            raise self._fail(f"unknown function {token.text!r}; {nearest(token.text, FUNCTIONS)}", token.place)
        self._expect("(")
        arguments = [self._either()]
        while self._take(","):
            arguments.append(self._either())
        self._expect(")")
        fewest, most = FUNCTIONS[token.text]
        if not fewest <= len(arguments) <= most:
            wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise self._fail(f"{token.text} takes {wanted} arguments, got {len(arguments)}", token.place)
        return Operation(token.text, tuple(arguments))


def _meant(text: str, place: int) -> str:
    meant = {"=": "; compare by ==", "^": "; write x * x", "&": "; write and", "|": "; write or", "!": "; write not",
             "'": "; there are no words here", '"': "; there are no words here", "%": "; write 0.01 *"}  # fmt: skip
    return meant.get(text[place], "")
