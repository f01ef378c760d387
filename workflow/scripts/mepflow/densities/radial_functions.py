"""Functions of a distance that vanish smoothly at a cut-off."""

import math

import torch
from torch import Tensor


def radial_functions(distances: Tensor, count: int, cutoff: float) -> Tensor:
    r"""Return ``count`` functions (e, count) of distances (e,) in bohr below ``cutoff``.

    Spherical Bessel functions :math:`\sqrt{2/r_c} \sin(n \pi r/r_c)/r` (J. Gasteiger, J. Groß, S.
    Günnemann, ICLR 2020) times :math:`e^{-r^2/((r_c - r)(r_c + r))}`, all of whose derivatives
    vanish at the cut-off (O. T. Unke et al., NeurIPS 2021).
    """
    orders = torch.arange(1, count + 1, dtype=distances.dtype, device=distances.device)
    r = distances[:, None]
    bessel = math.sqrt(2.0 / cutoff) * torch.sin(orders * math.pi * r / cutoff) / r
    square = r * r
    envelope = torch.exp(-square / (cutoff * cutoff - square).clamp(min=1e-12))
    # Scaled to about 1 within a molecule.
    return math.sqrt(cutoff) * bessel * envelope
