"""Names of densities that are not learned: free atoms, and fits in several metrics."""

from typing import Final

FREE_ATOMS: Final = "free-atoms"
FITS: Final = ("fit-overlap", "fit-coulomb", "fit-coulomb-dipole", "fit-potential")
"""Metrics of the fits: overlap; Coulomb; Coulomb with the exact dipole; that of the labels."""
LABELS_FIT: Final = "fit-potential"


def fit_name(fit: str, basis: str, usual: str) -> str:
    """Return what a fit is called: with its basis set where that is not the ``usual`` one."""
    return fit if basis == usual else f"{fit}@{basis}"
