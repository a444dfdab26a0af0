"""Lettering: printed panels of a title, lines of words and a bar code, without loads and branches."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import scalar
from .lattice import hash_number, lattice_number

F0 = np.float32(0.0)
F1 = np.float32(1.0)
F2 = np.float32(2.0)
HALF = np.float32(0.5)
DOTS = np.float32(72.0)
"""Dots along each side of a panel; its margins take four."""
LIGHT, DARK, MEAN = np.float32(0.21), np.float32(0.71), np.float32(0.335)
"""Share of ink of a panel on a light ground, on a dark one, and over many panels."""
INK = np.float32(0.6)
"""Share of ink in the box around a letter."""


def _pack(rows: str) -> Any:
    """Pack a letter of five rows of three dots; bit 3 * row + column, row 0 at the top."""
    return np.uint32(sum(1 << k for k, dot in enumerate(rows.replace(" ", "")) if dot == "#"))


A, B = _pack(".#. #.# ### #.# #.#"), _pack("##. #.# ##. #.# ##.")
C, D = _pack(".## #.. #.. #.. .##"), _pack("##. #.# #.# #.# ##.")
E, H = _pack("### #.. ##. #.. ###"), _pack("#.# #.# ### #.# #.#")
BIG_I, L = _pack("### .#. .#. .#. ###"), _pack("#.. #.. #.. #.. ###")
N, BIG_O = _pack("##. #.# #.# #.# #.#"), _pack(".#. #.# #.# #.# .#.")
R, S = _pack("##. #.# ##. #.# #.#"), _pack(".## #.. .#. ..# ##.")
T, TWO = _pack("### .#. .#. .#. .#."), _pack("##. ..# .#. #.. ###")
FOUR, EIGHT = _pack("#.# #.# ### ..# ..#"), _pack("### #.# ### #.# ###")


@scalar(forceinline=True)
def _bit(word: Any, place: Any) -> Any:
    return np.uint32(np.uint32(word >> place) & np.uint32(1))


@scalar(forceinline=True)
def _letter(word: Any) -> Any:
    """Return one of sixteen letters by the upper bits of a word: choices, not loads, so that it vectorises."""
    first, second = _bit(word, np.uint32(31)) == 1, _bit(word, np.uint32(30)) == 1
    third, fourth = _bit(word, np.uint32(29)) == 1, _bit(word, np.uint32(28)) == 1
    a, b, c, d = A if first else B, C if first else D, E if first else H, BIG_I if first else L
    e, f, g, h = N if first else BIG_O, R if first else S, T if first else TWO, FOUR if first else EIGHT
    a, c, e, g = a if second else b, c if second else d, e if second else f, g if second else h
    a, e = a if third else c, e if third else g
    return np.uint32(a if fourth else e)


@scalar(forceinline=True)
def _number(value: Any) -> Any:
    return np.uint32(np.int32(value))


@scalar(forceinline=True)
def evaluate_lettering(p: Any, q: Any, face: Any, width: Any) -> Any:
    """Return the share of ink at a point of a plane covered with printed panels.

    Args:
        p: Point to the right, in panels (float32).
        q: Point upwards.
        face: A whole number (float32); planes of other numbers are printed otherwise.
        width: Size of a pixel in panels (float32), > 0.

    Returns:
        Ink in [0, 1] (float32): letters near by, grey lines farther off, then a tone per panel, then one for all.
    """
    panel_x, panel_y = np.floor(p), np.floor(q)
    panel = hash_number(lattice_number(panel_x, panel_y, face))
    panel = np.uint32(panel ^ np.uint32(panel >> np.uint32(15)))
    across, down = (p - panel_x) * DOTS, DOTS - (q - panel_y) * DOTS
    from_edge = min(min(across, DOTS - across), min(down, DOTS - down))
    is_frame = (from_edge >= F2) & (from_edge < np.float32(3.0))
    x = min(max(across - np.float32(4.0), F0), np.float32(63.99))
    y = min(max(down - np.float32(4.0), F0), np.float32(63.99))

    # A title of letters twice as large, then six lines, or four above a bar code.
    scale = HALF if y < np.float32(16.0) else F1
    slot, line = np.floor(x * scale * np.float32(0.25)), np.floor(y * scale * np.float32(0.125))
    column, row = np.floor(x * scale - np.float32(4.0) * slot), np.floor(y * scale - np.float32(8.0) * line)
    words = hash_number(np.uint32(panel ^ _number(line * np.float32(37.0) + F1)))
    words = np.uint32(words ^ np.uint32(words >> np.uint32(16)))
    # A quarter of the places are gaps between words; a line ends at its own length.
    gap = _bit(np.uint32(words & np.uint32(words >> np.uint32(13))), _number(slot)) == 1
    length = np.float32(np.int32(np.uint32(np.uint32(words >> np.uint32(20)) & np.uint32(7)))) + np.float32(9.0)
    is_slot = (not gap) & (slot < length * scale) & (row < np.float32(5.0)) & (column < np.float32(3.0))
    is_slot = is_slot & (from_edge >= np.float32(4.0))
    letter = _letter(hash_number(np.uint32(words ^ _number(slot * np.float32(1021.0) + F2))))
    place = _number(min(row, np.float32(4.0)) * np.float32(3.0) + min(column, F2))
    dot = is_slot & (_bit(letter, place) == 1)

    has_code = _bit(panel, np.uint32(3)) == 1
    in_code = has_code & (y >= np.float32(48.0)) & (from_edge >= np.float32(4.0))
    half_code = np.float32(np.floor(x * np.float32(1.0 / 32.0)))
    bars = hash_number(np.uint32(panel ^ _number(half_code * np.float32(77.0) + np.float32(5.0))))
    bar = _bit(bars, _number(np.floor(x) - half_code * np.float32(32.0))) == 1
    in_bars = in_code & (y >= np.float32(49.0))

    sharp = F1 if (bar & in_bars if in_code else dot) | is_frame else F0
    grey = (HALF if in_bars else F0) if in_code else (INK if is_slot else F0)
    grey = F1 if is_frame else grey
    # White on a dark ground in a quarter of the panels.
    dark = ((_bit(panel, np.uint32(5)) & _bit(panel, np.uint32(9))) == 1) & (from_edge >= F2)
    sharp, grey = F1 - sharp if dark else sharp, F1 - grey if dark else grey

    size = width * DOTS
    away = min(max(size - HALF, F0), F1)
    value = sharp + (grey - sharp) * away
    farther = min(max((size - F2) * np.float32(0.25), F0), F1)
    value += ((DARK if dark else LIGHT) - value) * farther
    return value + (MEAN - value) * min(max((width - np.float32(0.2)) * F2, F0), F1)
