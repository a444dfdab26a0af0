"""Calibration: the values of a sensor's profile from a team's own recordings, each with its interval."""

from __future__ import annotations
