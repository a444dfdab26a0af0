"""The play operator."""

from simloom.kernels.play import follow_play


def test_a_follower_stays_within_the_play() -> None:
    """The follower moves only as far as it is pushed, whichever way."""
    assert follow_play(0.0, 0.5, 1.0) == 0.0
    assert follow_play(0.0, 3.0, 1.0) == 2.0
    assert follow_play(0.0, -3.0, 1.0) == -2.0
    assert follow_play(5.0, 5.0, 0.0) == 5.0
    assert follow_play(5.0, 4.0, 0.0) == 4.0
