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
from .light_block import ALONG_BLUE, ALONG_GREEN, ALONG_RED, AMBIENT, AROUND_BLUE, AROUND_GREEN, AROUND_RED
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
LEAST_LOBE = np.float32(1e-7)
SUN_RADIUS = 15
"""Column of a packed light."""


@scalar(forceinline=True)
def evaluate_sky(up: Any, zenith: Any, horizon: Any, ground: Any) -> Any:
    """Return the sky's radiance in a direction with vertical component `up`; the horizon is 6 degrees soft."""
    above = horizon + (zenith - horizon) * max(up, F0)
    blend = min(max(up * np.float32(10.0) + HALF, F0), F1)
    return ground + (above - ground) * blend


@scalar(forceinline=True)
def evaluate_lobe(
    nx: Any, ny: Any, nz: Any, vx: Any, vy: Any, vz: Any, lx: Any, ly: Any, lz: Any, alpha: Any
) -> tuple[Any, Any, Any]:
    """Return the cosine of the incident light, the GGX lobe D V, and Schlick's (1 - cos)^5, for unit vectors."""
    facing = max(nx * vx + ny * vy + nz * vz, np.float32(1e-3))
    lit = max(nx * lx + ny * ly + nz * lz, F0)
    hx, hy, hz = lx + vx, ly + vy, lz + vz
    inverse = F1 / np.float32(math.sqrt(hx * hx + hy * hy + hz * hz + TINY))
    half_facing = max((nx * hx + ny * hy + nz * hz) * inverse, F0)
    half_view = max((vx * hx + vy * hy + vz * hz) * inverse, F0)
    # The sine by the cross product: one minus the squared cosine has no digits left where a smooth surface shines.
    cx, cy, cz = ny * hz - nz * hy, nz * hx - nx * hz, nx * hy - ny * hx
    sine = (cx * cx + cy * cy + cz * cz) * inverse * inverse
    lobe = max(half_facing * half_facing * (alpha * alpha) + sine, LEAST_LOBE)
    distribution = alpha * alpha * INVERSE_PI / (lobe * lobe)
    smith = HALF / (lit * (facing * (F1 - alpha) + alpha) + facing * (lit * (F1 - alpha) + alpha) + np.float32(1e-5))
    one_minus = F1 - half_view
    fresnel = one_minus * one_minus
    fresnel = fresnel * fresnel * one_minus
    return lit, distribution * smith, fresnel


@scalar(forceinline=True)
def reflect_direct(base: Any, metallic: Any, specular: Any, fresnel: Any) -> Any:
    """Return the radiance that one channel reflects per irradiance of a small light (its cosine is the caller's)."""
    normal_reflectance = np.float32(0.04) + (base - np.float32(0.04)) * metallic
    mirror = normal_reflectance + (F1 - normal_reflectance) * fresnel
    return base * (F1 - metallic) * INVERSE_PI * (F1 - mirror) + specular * mirror


@scalar(forceinline=True)
def _reflect_sky(base: Any, metallic: Any, scale: Any, bias: Any, around: Any, along: Any) -> Any:
    """Return the radiance that one channel reflects of the sky: its mean over the tilted surface, and along the mirror.

    What one bounce between microfacets loses is given back (Fdez-Aguera 2019), and only what is not reflected enters
    the body: a white surface under a uniform sky is as bright as the sky.
    """
    normal_reflectance = np.float32(0.04) + (base - np.float32(0.04)) * metallic
    mirrored = (normal_reflectance * scale + bias) * (F1 + normal_reflectance * (F1 / (scale + bias) - F1))
    return base * (F1 - metallic) * around * (F1 - mirrored) + along * mirrored


@scalar(forceinline=True)
def _weigh_environment(facing: Any, rough: Any) -> tuple[Any, Any]:
    """Return the share of the sky mirrored at normal reflectance 1, less its offset, and the offset (Karis 2014)."""
    a = F1 - rough
    b = np.float32(-0.0275) * rough + np.float32(0.0425)
    c = np.float32(-0.572) * rough + np.float32(1.04)
    d = np.float32(0.022) * rough - np.float32(0.04)
    edge = F1 - facing
    edge = edge * edge
    edge = edge * edge * edge
    e = min(a * a, edge) * a + b
    return np.float32(-1.04) * e + c, np.float32(1.04) * e + d


@scalar(forceinline=True)
def _shade_gradient(
    base: Any, metallic: Any, rough: Any, scale: Any, bias: Any, direct: Any, ambient: Any, up: Any, reflected_up: Any,
    zenith: Any, horizon: Any, ground: Any,
) -> Any:  # fmt: skip
    """Return one channel's radiance under a gradient sky."""
    # Mean radiance of the gradient over a tilted surface, cosine-weighted: two hemispheres blended.
    upper = horizon + (zenith - horizon) * np.float32(2.0 / 3.0)
    around = ground + (upper - ground) * (HALF + HALF * up)
    along = evaluate_sky(reflected_up, zenith, horizon, ground)
    along = along + (around - along) * rough
    return direct + ambient * _reflect_sky(base, metallic, scale, bias, around, along)


@scalar
def shade_block(count: int, light: Any, block: Any, light_block: Any) -> None:
    """Replace the albedo of a block of samples by its radiance [W/(sr m^2)], under one look's sun and gradient sky."""
    lx, ly, lz = light[0], light[1], light[2]
    e0, e1, e2 = light[3], light[4], light[5]
    disc = HALF * light[SUN_RADIUS]  # a wide sun widens its highlight, as a rougher surface would
    z0, z1, z2 = light[6], light[7], light[8]
    h0, h1, h2 = light[9], light[10], light[11]
    g0, g1, g2 = light[12], light[13], light[14]
    for i in range(count):
        x = np.uint64(i)
        nx, ny, nz = block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x]
        vx, vy, vz = block[VIEW_X + x], block[VIEW_Y + x], block[VIEW_Z + x]
        rough, metallic = block[ROUGHNESS + x], block[METALLIC + x]
        red, green, blue = block[RED + x], block[GREEN + x], block[BLUE + x]
        lit, specular, fresnel = evaluate_lobe(nx, ny, nz, vx, vy, vz, lx, ly, lz, min(rough * rough + disc, F1))
        facing = max(nx * vx + ny * vy + nz * vz, np.float32(1e-3))
        scale, bias = _weigh_environment(facing, rough)
        reflected_up = (facing + facing) * nz - vz
        sun, ambient = lit * block[SUN + x], light_block[AMBIENT + x]
        block[RED + x] = _shade_gradient(
            red, metallic, rough, scale, bias, reflect_direct(red, metallic, specular, fresnel) * (e0 * sun),
            ambient, nz, reflected_up, z0, h0, g0,
        )  # fmt: skip
        block[GREEN + x] = _shade_gradient(
            green, metallic, rough, scale, bias, reflect_direct(green, metallic, specular, fresnel) * (e1 * sun),
            ambient, nz, reflected_up, z1, h1, g1,
        )  # fmt: skip
        block[BLUE + x] = _shade_gradient(
            blue, metallic, rough, scale, bias, reflect_direct(blue, metallic, specular, fresnel) * (e2 * sun),
            ambient, nz, reflected_up, z2, h2, g2,
        )  # fmt: skip


@scalar
def shade_under_image(count: int, light: Any, block: Any, light_block: Any) -> None:
    """Do the same under a sky image, whose light `light_block` holds."""
    lx, ly, lz = light[0], light[1], light[2]
    e0, e1, e2 = light[3], light[4], light[5]
    disc = HALF * light[SUN_RADIUS]  # a wide sun widens its highlight, as a rougher surface would
    for i in range(count):
        x = np.uint64(i)
        nx, ny, nz = block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x]
        vx, vy, vz = block[VIEW_X + x], block[VIEW_Y + x], block[VIEW_Z + x]
        rough, metallic = block[ROUGHNESS + x], block[METALLIC + x]
        red, green, blue = block[RED + x], block[GREEN + x], block[BLUE + x]
        lit, specular, fresnel = evaluate_lobe(nx, ny, nz, vx, vy, vz, lx, ly, lz, min(rough * rough + disc, F1))
        scale, bias = _weigh_environment(max(nx * vx + ny * vy + nz * vz, np.float32(1e-3)), rough)
        sun, ambient = lit * block[SUN + x], light_block[AMBIENT + x]
        block[RED + x] = reflect_direct(red, metallic, specular, fresnel) * (e0 * sun) + ambient * _reflect_sky(
            red, metallic, scale, bias, light_block[AROUND_RED + x], light_block[ALONG_RED + x]
        )
        block[GREEN + x] = reflect_direct(green, metallic, specular, fresnel) * (e1 * sun) + ambient * _reflect_sky(
            green, metallic, scale, bias, light_block[AROUND_GREEN + x], light_block[ALONG_GREEN + x]
        )
        block[BLUE + x] = reflect_direct(blue, metallic, specular, fresnel) * (e2 * sun) + ambient * _reflect_sky(
            blue, metallic, scale, bias, light_block[AROUND_BLUE + x], light_block[ALONG_BLUE + x]
        )
