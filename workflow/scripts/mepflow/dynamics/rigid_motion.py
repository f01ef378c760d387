"""Velocities without the motion of the molecule as a whole."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def without_rigid_motion(
    velocities: FloatArray, positions: FloatArray, masses: FloatArray
) -> FloatArray:
    """Return velocities (R, n, 3) of replicas without momentum and angular momentum.

    ``positions`` (R, n, 3), ``masses`` (n,). What is left has the least kinetic energy, and is
    orthogonal to rigid motion in the metric of the masses. Linear molecules turn about two axes.
    """
    m = masses[:, None]
    total = masses.sum()
    still = velocities - (m * velocities).sum(axis=1, keepdims=True) / total
    centred = positions - (m * positions).sum(axis=1, keepdims=True) / total
    angular = (m * np.cross(centred, still)).sum(axis=1)
    square = (m * centred * centred).sum(axis=(1, 2))
    inertia = square[:, None, None] * np.eye(3) - np.einsum(
        "n,rni,rnj->rij", masses, centred, centred
    )
    turning = np.einsum("rij,rj->ri", np.linalg.pinv(inertia, rcond=1e-9, hermitian=True), angular)
    return np.asarray(still - np.cross(turning[:, None, :], centred))


def vibrational_freedom(positions: FloatArray, masses: FloatArray) -> int:
    """Return the degrees of freedom of a molecule (n, 3) without rigid motion: 3n − 6 or 5."""
    return int(3 * len(masses) - rigid_motions(positions, masses).shape[1])


def rigid_motions(positions: FloatArray, masses: FloatArray) -> FloatArray:
    """Return an orthonormal basis (3n, 6 or 5) of translations and rotations, mass-weighted."""
    centred = positions - masses @ positions / masses.sum()
    motions = [np.tile(axis, len(positions)) for axis in np.eye(3)]
    motions += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    weighted = np.sqrt(np.repeat(masses, 3))[:, None] * np.array(motions).T
    left, singular, _ = np.linalg.svd(weighted, full_matrices=False)
    return np.asarray(left[:, singular > 1e-3 * singular.max()])
