"""What a network knows of two atoms: harmonics of the direction, functions of the distance."""

import torch
from torch import Tensor

from mepflow.densities.density_batch import DensityGraph
from mepflow.densities.radial_functions import radial_functions
from mepflow.densities.solid_harmonics import solid_harmonics


def pair_functions(
    graph: DensityGraph, degree: int, count: int, cutoff: float
) -> tuple[Tensor, Tensor]:
    """Return harmonics (e, (degree + 1)²) and radial functions (e, count) of the pairs of a graph.

    The harmonics' components have variance 1; ``cutoff`` in bohr.
    """
    receivers, senders = graph.pairs
    vectors = graph.positions[senders] - graph.positions[receivers]
    distances = torch.linalg.vector_norm(vectors, dim=1)
    harmonics = torch.cat(solid_harmonics(vectors / distances[:, None], degree), dim=1)
    radial = radial_functions(distances, count, cutoff)
    return harmonics * (4.0 * torch.pi) ** 0.5, radial
