"""The batch rasterizer: visibility apart from appearance, one source for CPU and CUDA."""

from .raster import Raster as Raster

__all__ = ["Raster"]
