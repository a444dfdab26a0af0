"""Levels: what views draw, changed between passes where the tables lie.

Each step is one line of NumPy on the CPU and a small kernel on CUDA, where reading back would wait for all that came
before.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...kernels.device import Kernel, scalar
from .tables import Draws
from .workspace import Workspace


class Passes(Protocol):
    """What these steps need of their chunk."""

    workspace: Workspace

    def launch(self, kernel: Any, count: int, *arrays: Any) -> None:
        """Launch a kernel."""

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Take a buffer."""


@scalar
def _keep_levels(index: int, level_in: Any, mask_in: Any, level_out: Any) -> None:
    level_out[index] = level_in[index] if mask_in[index] != 0 else -1


@scalar
def _take_levels(index: int, largest: int, member_in: Any, level_in: Any, face_level_in: Any, level_out: Any) -> None:
    own = level_in[member_in[index // largest] * largest + index % largest]
    level_out[index] = own if face_level_in[index] >= 0 else -1


@scalar
def _match_levels(index: int, level_in: Any, there_in: Any, level_out: Any) -> None:
    both = level_in[index] >= 0 and there_in[index] >= 0
    level_out[index] = level_in[index] if both else there_in[index]


@scalar
def _narrow_inverse(index: int, level_in: Any, inverse_in: Any, inverse_out: Any) -> None:
    if level_in[index] >= 0:
        for i in range(12):
            inverse_out[index, i] = np.float32(inverse_in[index, i])


@scalar
def _clear(index: int, array_out: Any) -> None:
    array_out[index] = 0


@scalar
def _copy(index: int, array_in: Any, array_out: Any) -> None:
    array_out[index] = array_in[index]


KEEP_LEVELS = Kernel(_keep_levels)
TAKE_LEVELS = Kernel(_take_levels)
MATCH_LEVELS = Kernel(_match_levels)
NARROW_INVERSE = Kernel(_narrow_inverse)
CLEAR = Kernel(_clear)
COPY = Kernel(_copy)


def keep_levels(passes: Passes, name: str, drawn: Draws, mask: NDArray[np.uint8]) -> Draws:
    """Return draws of which only some are left.

    Args:
        passes: The chunk.
        name: Of the new levels in the workspace.
        drawn: The draws.
        mask: 1 = stays, for each draw.
    """
    if not passes.workspace.is_resident:
        return drawn._replace(level=np.where(mask, drawn.level, -1).astype(np.int32))
    level = passes.take(f"{name} level", drawn.level.shape, np.int32)
    passes.launch(KEEP_LEVELS, len(level), drawn.level, mask, level)
    return drawn._replace(level=level)


def take_levels(
    passes: Passes, name: str, largest: int, members: NDArray[np.int64], level: NDArray[np.int32], drawn: Draws
) -> Draws:
    """Return what faces draw, at the levels of the views that they are part of.

    Args:
        passes: The chunk.
        name: Of the new levels in the workspace.
        largest: Draws of each view.
        members: The view of each face.
        level: What all views draw.
        drawn: What the faces would draw by themselves.
    """
    if not passes.workspace.is_resident:
        own = level.reshape(-1, largest)[members].reshape(-1)
        return drawn._replace(level=np.where(drawn.level >= 0, own, -1).astype(np.int32))
    found = passes.take(f"{name} level", drawn.level.shape, np.int32)
    passes.launch(TAKE_LEVELS, len(found), largest, members, level, drawn.level, found)
    return drawn._replace(level=found)


def match_levels(passes: Passes, name: str, level: NDArray[np.int32], drawn: Draws) -> Draws:
    """Return draws at the levels that the same instances have elsewhere, where both are drawn.

    Args:
        passes: The chunk.
        name: Of the new levels in the workspace.
        level: The levels elsewhere.
        drawn: The draws.
    """
    if not passes.workspace.is_resident:
        return drawn._replace(level=np.where((level >= 0) & (drawn.level >= 0), level, drawn.level).astype(np.int32))
    found = passes.take(f"{name} level", drawn.level.shape, np.int32)
    passes.launch(MATCH_LEVELS, len(found), level, drawn.level, found)
    return drawn._replace(level=found)


def narrow_inverse(passes: Passes, drawn: Draws) -> Draws:
    """Return draws whose matrices to the mesh are float32.

    Args:
        passes: The chunk.
        drawn: The draws.
    """
    if not passes.workspace.is_resident:
        return drawn._replace(inverse=drawn.inverse.astype(np.float32))
    inverse = passes.take("narrow inverse", drawn.inverse.shape, np.float32)
    passes.launch(NARROW_INVERSE, len(drawn.level), drawn.level, drawn.inverse, inverse)
    return drawn._replace(inverse=inverse)


def clear(passes: Passes, array: NDArray[Any]) -> None:
    """Fill an array with zeros.

    Args:
        passes: The chunk.
        array: C-contiguous, any type and shape.
    """
    if not passes.workspace.is_resident:
        array[...] = 0
    elif array.size:
        passes.launch(CLEAR, array.size, array.reshape(array.size))


def copy_array(passes: Passes, array: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy an array of the same shape and type.

    Args:
        passes: The chunk.
        array: C-contiguous, any type and shape.
        target: Where it goes.
    """
    if not passes.workspace.is_resident:
        target[...] = array
    elif array.size:
        passes.launch(COPY, array.size, array.reshape(array.size), target.reshape(array.size))
