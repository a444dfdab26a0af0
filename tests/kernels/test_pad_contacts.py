"""Contacts of a link as those of a pad on it."""

import numpy as np
import pytest

from simloom.kernels.pad_contacts import contacts_on_pad

POSE = np.array([[0.0, 0, 1, 0.03], [1, 0, 0, 0.01], [0, 1, 0, -0.02], [0, 0, 0, 1]])
"""A pad on the link's +x side: its x is the link's y, its y the link's z."""
SIZE = {"width": 0.02, "height": 0.01}


def test_points_and_forces_are_turned_into_the_pad() -> None:
    """A point on the pad keeps its place there, and the force that counts is the one along the pad's inward normal."""
    touch = np.array([[0.03, 0.017, -0.018, -5.0, 1.0, 2.0]])

    assert np.allclose(contacts_on_pad(touch, POSE, **SIZE), [[0.007, 0.002, 5.0, 1.0]], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "touch",
    [
        [0.03, 0.017, -0.018, 5.0, 0.0, 0.0],
        [0.03, 0.021, -0.018, -5.0, 0.0, 0.0],
        [0.03, 0.017, -0.014, -5.0, 0.0, 0.0],
        [0.00, 0.017, -0.018, -5.0, 0.0, 0.0],
        [0.00, 0.000, 0.000, 0.0, 0.0, 0.0],
    ],
)
def test_what_does_not_press_on_the_pad_is_left_out(touch: list[float]) -> None:
    """Points that pull, lie beside the pad or behind it, and padding, are all zeros."""
    assert np.array_equal(contacts_on_pad(np.array([[touch]]), POSE, **SIZE), np.zeros((1, 1, 4)))


def test_wrong_shapes_are_refused() -> None:
    """Errors name the shape that was given."""
    with pytest.raises(ValueError, match=r"touch must have shape"):
        contacts_on_pad(np.zeros((2, 3)), POSE, **SIZE)
    with pytest.raises(ValueError, match="pose_link_pad must have shape"):
        contacts_on_pad(np.zeros((2, 6)), np.eye(3), **SIZE)
