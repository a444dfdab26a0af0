"""Markov chains in continuous time: matrix exponential, composition, closed form of two states."""

import numpy as np
import pytest
from scipy.linalg import expm

from simloom.kernels.markov_chain import step_two_states, transition_matrix


@pytest.mark.parametrize("step", [1e-6, 0.1, 1.0, 300.0])
def test_the_transition_is_the_matrix_exponential(step: float) -> None:
    """Odds agree with SciPy's exponential, and every row is a distribution."""
    generator = [[-0.5, 0.5, 0.0], [0.2, -1.7, 1.5], [0.01, 0.04, -0.05]]
    odds = np.array(transition_matrix(generator, step))

    np.testing.assert_allclose(odds, expm(np.array(generator) * step), atol=1e-13)
    np.testing.assert_allclose(odds.sum(axis=1), 1.0, atol=1e-13)


@pytest.mark.parametrize("leave", [0.0, 0.3])
def test_two_states_have_their_closed_form(leave: float) -> None:
    """The closed form is the matrix exponential of the two rates."""
    share, from_0, from_1 = step_two_states(0.7, leave, 1.1)
    odds = expm(np.array([[-leave, leave], [1.1, -1.1]]) * 0.7)

    assert share == pytest.approx(leave / (leave + 1.1))
    assert from_0 == pytest.approx(odds[0, 1], abs=1e-15)
    assert from_1 == pytest.approx(odds[1, 1], abs=1e-15)
