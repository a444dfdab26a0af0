"""Shading: GGX with a sun and a gradient sky, over a block of samples.

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
from .surface import (
    BLUE,
    GREEN,
    METALLIC,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    RED,
    ROUGHNESS,
    SUN,
    VIEW_X,
    VIEW_Y,
    VIEW_Z,
)

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)
PI = np.float32(math.pi)
INVERSE_PI = np.float32(1.0 / math.pi)
TINY = np.float32(1e-6)


@scalar(forceinline=True)
def evaluate_sky(up: Any, zenith: Any, horizon: Any, ground: Any) -> Any:
    """Return the sky's radiance in a direction with vertical component `up`; the horizon is 6 degrees soft."""
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
    # Mean radiance of the gradient sky over a tilted surface, cosine-weighted: two hemispheres blended.
    upper = horizon + (zenith - horizon) * np.float32(2.0 / 3.0)
    weight = HALF + HALF * up
    around = ground + (upper - ground) * weight
    along = evaluate_sky(reflected_up, zenith, horizon, ground)
    reflected = along + (around - along) * rough
    direct = (diffuse * (F1 - mirror) + specular * mirror) * irradiance * sun
    # What one bounce between microfacets loses is given back (Fdez-Aguera 2019), and only what is not reflected
    # enters the body: a white surface under a uniform sky is as bright as the sky.
    mirrored = (normal_reflectance * scale + bias) * (F1 + normal_reflectance * (F1 / (scale + bias) - F1))
    return direct + diffuse * PI * around * (F1 - mirrored) + reflected * mirrored


@scalar
def shade_block(count: int, light: Any, block: Any) -> None:
    """Replace the albedo of a block of samples by its radiance [W/(sr m^2)], under one look's light (15 values)."""
    lx, ly, lz = light[0], light[1], light[2]
    e0, e1, e2 = light[3], light[4], light[5]
    z0, z1, z2 = light[6], light[7], light[8]
    h0, h1, h2 = light[9], light[10], light[11]
    g0, g1, g2 = light[12], light[13], light[14]
    for i in range(count):
        x = np.uint64(i)
        nx, ny, nz = block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x]
        vx, vy, vz = block[VIEW_X + x], block[VIEW_Y + x], block[VIEW_Z + x]
        rough, metallic = block[ROUGHNESS + x], block[METALLIC + x]
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
        reflected_up = (facing + facing) * nz - vz
        sun = lit * block[SUN + x]
        specular = distribution * smith
        block[RED + x] = _shade_channel(
            block[RED + x], metallic, specular, fresnel, sun, e0, nz, reflected_up, rough, scale, bias, z0, h0, g0
        )
        block[GREEN + x] = _shade_channel(
            block[GREEN + x], metallic, specular, fresnel, sun, e1, nz, reflected_up, rough, scale, bias, z1, h1, g1
        )
        block[BLUE + x] = _shade_channel(
            block[BLUE + x], metallic, specular, fresnel, sun, e2, nz, reflected_up, rough, scale, bias, z2, h2, g2
        )
