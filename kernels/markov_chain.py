"""Markov chains in continuous time, stepped exactly: the odds at samples do not depend on how many lie between.

    P(dt) = e^(Q dt),     Q the generator: rates off its diagonal, rows that sum to zero

For two states, 0 left at rate a and 1 left at rate b: P(1 at t + dt | s at t) = p + (s - p) e^(-(a + b) dt), with the
stationary p = a / (a + b).

Source: Norris, "Markov Chains", 1997, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_TERMS = 20


def step_two_states(step: float, leave_0: float, leave_1: float) -> tuple[float, float, float]:
    """Return the odds of state 1: stationary, a step after state 0, and a step after state 1.

    Args:
        step: Time between samples [s], > 0.
        leave_0: Rate at which state 0 is left [1/s], ≥ 0.
        leave_1: Rate at which state 1 is left [1/s], > 0.
    """
    total = leave_0 + leave_1
    share, keep = leave_0 / total, math.exp(-total * step)
    return share, -share * math.expm1(-total * step), share + (1.0 - share) * keep


def transition_matrix(generator: Sequence[Sequence[float]], step: float) -> list[list[float]]:
    """Return the odds of each state a step after each state: e^(generator step), by squaring a Taylor series.

    Args:
        generator: Rates [1/s], rows that sum to zero.
        step: Time between samples [s], > 0.
    """
    count = len(generator)
    largest = max(-generator[k][k] for k in range(count)) * step
    halvings = max(0, math.ceil(math.log2(largest)) + 3) if largest > 0.0 else 0
    scale = step / 2.0**halvings
    unit = [[float(i == j) for j in range(count)] for i in range(count)]
    term, total = unit, unit
    for order in range(1, _TERMS):
        term = [[value * scale / order for value in row] for row in _multiply(term, generator)]
        total = [[a + b for a, b in zip(one, two, strict=True)] for one, two in zip(total, term, strict=True)]
    for _ in range(halvings):
        total = _multiply(total, total)
    return total


def _multiply(left: Sequence[Sequence[float]], right: Sequence[Sequence[float]]) -> list[list[float]]:
    columns = list(zip(*right, strict=True))
    return [[math.fsum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left]
