"""Named values: the parameters' values, which answer a name that they do not have with the nearest."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from .spelling import nearest


class UnknownValueError(KeyError):
    """A parameter that the scene does not have; the nearest is named."""

    def __str__(self) -> str:
        """Return the message as it is; a KeyError would quote it."""
        return str(self.args[0])


class NamedValues(dict[str, NDArray[np.float64]]):
    """Every parameter's value by name, shape () or (K,).

    Example:
        >>> NamedValues({"box.mass": mass})["box.mas"]
        Traceback (most recent call last):
        UnknownValueError: there is no parameter 'box.mas'; did you mean 'box.mass'?
    """

    def __missing__(self, name: str) -> NoReturn:
        """Refuse a name that is not there."""
        raise UnknownValueError(f"there is no parameter {name!r}; {nearest(str(name), self)}")
