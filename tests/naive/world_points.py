"""Where the pixels of a view lie in the world."""

import numpy as np


def world_points(view, depth):
    """World position of each pixel's surface, shape (height, width, 3)."""
    v, u = np.mgrid[: view.height, : view.width]
    ray = np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones(u.shape)], -1)
    return (ray * depth[..., None]) @ view.pose_world_camera[:3, :3].T + view.pose_world_camera[:3, 3]
