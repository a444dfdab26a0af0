"""Sensors that take no images: what a rig's LiDARs, inertial and body sensors read of a recorded motion."""
