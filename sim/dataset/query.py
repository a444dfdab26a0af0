"""Queries on the rows of a dataset, such as `param.light_count > 2 and weight > 0.1`: a safe language, no `eval`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ...scenes.expression import Expression, ExpressionError
from ...scenes.expression_tree import COMPARISONS, Name, Node, Operation
from ...scenes.spelling import nearest
from ..errors import UsageError
from .specs import REASONS, VERDICTS, Array

_QUOTED: Final = re.compile(r"'([^'\"\n]*)'|\"([^'\"\n]*)\"")
_PLACEHOLDER: Final = "quoted_word_"
_NUMBERED: Final[Mapping[str, tuple[str, ...]]] = {"reason": REASONS, "verdict": VERDICTS}
_EXACT: Final = 2.0**53
_UNKNOWN_WORD: Final = -1.0


class QueryError(UsageError):
    """A query that cannot be; the message shows it and says what is allowed."""


@dataclass(frozen=True)
class Query:
    """A condition on the columns of a dataset's sample table, or on its small arrays.

    Columns go by their names, arrays by theirs with dots for slashes: `weight`, `param.friction`,
    `state.settle_steps`, `param.position[0]`, `max(label.head.visible_fraction)`. Columns of words are compared with
    quoted ones: `split == 'train'`, `reason != 'not_settled'`.

    Raises:
        QueryError: If the text is no condition.

    Example:
        >>> Query("param.light_count > 2 and split == 'train'").names
        ('param.light_count', 'split')
    """

    text: str
    """As it was written."""
    expression: Expression = field(init=False, repr=False, compare=False)
    words: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words: list[str] = []

        def replace(match: re.Match[str]) -> str:
            words.append(match[1] if match[1] is not None else match[2])
            return f" {_PLACEHOLDER}{len(words) - 1} "

        if not isinstance(self.text, str):
            raise QueryError(f"a query is text, such as 'weight > 0.1'; got {self.text!r}")
        if _PLACEHOLDER in self.text:
            raise QueryError(f"{self.text!r}: names cannot begin with {_PLACEHOLDER}")
        try:
            expression = Expression(_QUOTED.sub(replace, self.text))
        except ExpressionError as error:
            raise QueryError(_restore(str(error), words)) from None
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "words", tuple(words))
        if not expression.is_condition:
            raise QueryError(f"{self.text!r} is no condition; compare something, as in 'weight > 0.1'")
        self._check_words(expression.tree)

    def __reduce__(self) -> tuple[type[Query], tuple[str]]:
        return Query, (self.text,)

    @property
    def names(self) -> tuple[str, ...]:
        """Names that it reads, each once."""
        return tuple(name for name in self.expression.names if not name.startswith(_PLACEHOLDER))

    def _partner(self, node: Node) -> tuple[str, str] | None:
        """Return the column and the placeholder of a comparison with a quoted word."""
        if not isinstance(node, Operation) or node.symbol not in COMPARISONS:
            return None
        names = [argument.name for argument in node.arguments if isinstance(argument, Name)]
        quoted = [name for name in names if name.startswith(_PLACEHOLDER)]
        if len(quoted) != 1 or len(names) != 2 or node.symbol not in ("==", "!="):
            return None
        return next(name for name in names if name != quoted[0]), quoted[0]

    def _check_words(self, tree: Node) -> None:
        paired = [pair[1] for node in tree.parts() if (pair := self._partner(node))]
        for number, word in enumerate(self.words):
            if f"{_PLACEHOLDER}{number}" not in paired:
                raise QueryError(f"{self.text!r}: {word!r} can only be compared with a column, by == or !=")

    def find(
        self,
        columns: Callable[[str], Array],
        known: Iterable[str],
        count: int,
        *,
        images: Iterable[str] = (),
        words: Mapping[str, Iterable[str]] | None = None,
    ) -> Array:
        """Tell which rows meet it.

        Args:
            columns: Gives the values of a name over the rows, shape (rows) or (rows, numbers).
            known: Names that there are.
            count: Rows.
            images: Names that are there and are too large to be compared.
            words: Every word that a column of words may hold, by its name; others are refused.

        Returns:
            One flag per row; a comparison with NaN is not met.

        Raises:
            QueryError: It names what is not there, or compares words with numbers.
        """
        there = sorted(known)
        for name in self.names:
            if name not in there:
                raise QueryError(f"{self.text!r}: {_explain(name, there, images, words or {})}")
        partners = dict(pair[::-1] for node in self.expression.tree.parts() if (pair := self._partner(node)))
        values: dict[str, Array] = {}
        vocabulary = words or {}
        for name in self.names:
            compared = [int(p.removeprefix(_PLACEHOLDER)) for p, column in partners.items() if column == name]
            values[name] = self._number(name, columns(name), compared, values, vocabulary.get(name))
        met = self.expression.evaluate(values)
        if met.shape[-1] != 1:
            raise QueryError(
                f"{self.text!r} has {met.shape[-1]} answers a row; write which, as in name[0], or max(name)"
            )
        flags: Array = np.broadcast_to((met == 1.0)[..., 0], (count,))
        return flags

    def _number(
        self, name: str, column: Array, words: list[int], values: dict[str, Array], vocabulary: Iterable[str] | None
    ) -> Array:
        """Make numbers of a column, and give the words that it is compared with theirs."""
        column = np.asarray(column)
        numbered = _NUMBERED.get(name.removeprefix("sample."))
        if column.dtype.kind not in "biuf":
            if not words:
                raise QueryError(f"{self.text!r}: {name!r} holds words; compare it with one, as in {name} == 'train'")
            texts, codes = np.unique(column.astype(str), return_inverse=True)
            lookup = {text: float(code) for code, text in enumerate(texts.tolist())}
        elif words and numbered is None:
            raise QueryError(f"{self.text!r}: {name!r} holds numbers and is compared with {self.words[words[0]]!r}")
        else:
            codes, lookup = column, {text: float(code) for code, text in enumerate(numbered or ())}
        for word in words:
            text = self.words[word]
            if numbered is not None and text not in lookup:
                raise QueryError(f"{self.text!r}: {name} is never {text!r}; {nearest(text, numbered)}")
            if vocabulary is not None and text not in lookup and text not in vocabulary:
                raise QueryError(f"{self.text!r}: {name} is never {text!r}; {nearest(text, [*vocabulary, *lookup])}")
            values[f"{_PLACEHOLDER}{word}"] = np.full(1, lookup.get(text, _UNKNOWN_WORD))
        if codes.dtype.kind in "iu" and codes.size and max(abs(int(codes.min())), int(codes.max())) > _EXACT:
            raise QueryError(f"{self.text!r}: {name!r} has numbers beyond 2^53, which are not compared exactly")
        numbers = codes.astype(np.float64)
        return numbers[:, None] if numbers.ndim == 1 else numbers


def _explain(name: str, there: list[str], images: Iterable[str], words: Mapping[str, Iterable[str]]) -> str:
    if name in images:
        return f"{name!r} is too large to be compared: images cannot, numbers and short rows of them can"
    for column, known in {**words, **_NUMBERED}.items():
        if name in known:
            return f"there is no {name!r} here; a word stands in quotes, as in {column} == {name!r}"
    return f"there is no {name!r} here; {nearest(name, there)}"


def _restore(message: str, words: list[str]) -> str:
    for number, word in enumerate(words):
        message = message.replace(f" {_PLACEHOLDER}{number} ", f"'{word}'").replace(
            f"{_PLACEHOLDER}{number}", f"'{word}'"
        )
    return message
