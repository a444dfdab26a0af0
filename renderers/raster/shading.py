"""Shading: GGX with a sun and a gradient sky, over rows of samples in struct-of-arrays buffers.

Sources: Walter et al. 2007, "Microfacet models for refraction", eq. 33 (GGX); Hammon 2017, "PBR diffuse lighting for
GGX+Smith microsurfaces" (the joint Smith visibility approximation); Schlick 1994 (Fresnel); Karis 2014, "Physically
based shading on mobile" (environment term). Differs from the last: (1 - cos)^6 stands for its exponential, which does
not vectorise; the two differ by less than 0.04.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)
PI = np.float32(math.pi)
INVERSE_PI = np.float32(1.0 / math.pi)
TINY = np.float32(1e-6)


@scalar(forceinline=True)
def _sky(up: Any, zenith: Any, horizon: Any, ground: Any) -> Any:
    """Return the sky's radiance in a direction with vertical component `up`; 3 degrees blend at the horizon."""
    above = horizon + (zenith - horizon) * max(up, F0)
    blend = min(max(up * np.float32(10.0) + HALF, F0), F1)
    return ground + (above - ground) * blend


@scalar(forceinline=True)
def _shade_channel(
    base: Any,
    metallic: Any,
    specular: Any,
    fresnel: Any,
    sun: Any,
    irradiance: Any,
    up: Any,
    reflected_up: Any,
    rough: Any,
    scale: Any,
    bias: Any,
    zenith: Any,
    horizon: Any,
    ground: Any,
) -> Any:
    """Return the radiance of one channel: sun and sky, diffuse and specular."""
    normal_reflectance = np.float32(0.04) + (base - np.float32(0.04)) * metallic
    diffuse = base * (F1 - metallic) * INVERSE_PI
    mirror = normal_reflectance + (F1 - normal_reflectance) * fresnel
    # Irradiance of the gradient sky on a tilted surface, as its cosine-weighted mean: two hemispheres blended.
    upper = horizon + (zenith - horizon) * np.float32(2.0 / 3.0)
    weight = HALF + HALF * up
    around = ground + (upper - ground) * weight
    along = _sky(reflected_up, zenith, horizon, ground)
    reflected = along + (around - along) * rough
    direct = (diffuse * (F1 - mirror) + specular * mirror) * irradiance * sun
    return direct + diffuse * PI * around + reflected * (normal_reflectance * scale + bias)


@scalar
def shade_samples(count: int, normal: int, view: int, albedo: int, shadow: int, light: Any, buffer_out: Any) -> None:
    """Replace the albedo of a row of samples by its radiance.

    Args:
        count: Samples in the row.
        normal: Buffer row of the shading normal (3 rows).
        view: Buffer row of the direction to the camera (3 rows).
        albedo: Buffer row of base colour (3 rows), roughness and metallic after it.
        shadow: Buffer row of the visible share of the sun.
        light: One look's light, shape (15,).
        buffer_out: Rows of samples, shape (rows, >= count), float32.
    """
    lx, ly, lz = light[0], light[1], light[2]
    for x in range(count):
        nx, ny, nz = buffer_out[normal, x], buffer_out[normal + 1, x], buffer_out[normal + 2, x]
        vx, vy, vz = buffer_out[view, x], buffer_out[view + 1, x], buffer_out[view + 2, x]
        rough, metallic = buffer_out[albedo + 3, x], buffer_out[albedo + 4, x]
        facing = max(nx * vx + ny * vy + nz * vz, np.float32(1e-3))
        lit = max(nx * lx + ny * ly + nz * lz, F0)
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        inverse = F1 / np.float32(math.sqrt(hx * hx + hy * hy + hz * hz + TINY))
        half_facing = max((nx * hx + ny * hy + nz * hz) * inverse, F0)
        half_view = max((vx * hx + vy * hy + vz * hz) * inverse, F0)
        alpha = rough * rough
        lobe = half_facing * half_facing * (alpha * alpha - F1) + F1
        distribution = alpha * alpha * INVERSE_PI / (lobe * lobe + TINY)
        smith = HALF / (
            lit * (facing * (F1 - alpha) + alpha) + facing * (lit * (F1 - alpha) + alpha) + np.float32(1e-5)
        )
        one_minus = F1 - half_view
        fresnel = one_minus * one_minus
        fresnel = fresnel * fresnel * one_minus
        a = F1 - rough
        b = np.float32(-0.0275) * rough + np.float32(0.0425)
        c = np.float32(-0.572) * rough + np.float32(1.04)
        d = np.float32(0.022) * rough - np.float32(0.04)
        edge = F1 - facing
        edge = edge * edge
        edge = edge * edge * edge
        e = min(a * a, edge) * a + b
        scale = np.float32(-1.04) * e + c
        bias = np.float32(1.04) * e + d
        reflected_up = F1 * (facing + facing) * nz - vz
        sun = lit * buffer_out[shadow, x]
        specular = distribution * smith
        for k in range(3):
            buffer_out[albedo + k, x] = _shade_channel(
                buffer_out[albedo + k, x], metallic, specular, fresnel, sun, light[3 + k],
                nz, reflected_up, rough, scale, bias, light[6 + k], light[9 + k], light[12 + k],
            )  # fmt: skip
