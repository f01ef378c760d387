r"""Baselines of the MEP: atomic multipoles that are computed or fitted without a model.

``mulliken``
    the reference calculation's Mulliken charges;
``fitted-charges``
    per molecule, the charges that minimise Σ (V − V_ref)² over the points of one grid: no model of
    atomic charges can have a smaller RMSE **on that grid**, so this row is a floor, not a rival;
``fitted-charges-dipoles``
    the same with an atomic dipole on every atom: the floor of models with charges and dipoles;
``mbis-charges``, ``mbis-charges-dipoles``, ``mbis-charges-dipoles-quadrupoles``
    the archive's MBIS multipoles up to that order (:mod:`mepflow.evaluation.mbis_baselines`), for
    the molecules that have them.

The fits are plain least squares without restraints. The total charge is exact: it is removed by
elimination, q = Q/n + N y with an orthonormal basis N (n, n − 1) of the charges that add up to
zero, and y is free. The remaining problem is solved through the singular value decomposition, with
singular values below :data:`SINGULAR_VALUE_CUTOFF` of the largest one taken as zero. Combinations
of parameters that the points cannot tell apart (buried atoms) then get their smallest values: the
potential on the grid is not touched, single charges of such atoms mean little.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import null_space

from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.errors import ConfigError, InputError
from mepflow.evaluation.mbis_baselines import MBIS_BASELINES, mbis_terms, with_mbis
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import TEST, rows_in_split

FloatArray = npt.NDArray[np.float64]

SINGULAR_VALUE_CUTOFF: Final = 1e-8


def fit_baseline(name: str, reference: Path, splits: Path, grid: str, output: Path) -> None:
    """Write the predictions file of a baseline for the test molecules of ``splits``.

    ``name`` is one of :data:`BASELINES`, ``grid`` the reference grid that fits use (the others do
    not). The dipole and quadrupole in the file are those of the baseline's own atomic multipoles,
    about the centre of nuclear charge. Molecules without MBIS multipoles are not in the file of a
    baseline that needs them.

    Raises :class:`ConfigError` for an unknown name, :class:`InputError` where the reference lacks
    what the baseline needs.
    """
    if name not in BASELINES:
        raise ConfigError(f"baseline {name!r} does not exist: choose among {', '.join(BASELINES)}.")
    whole = MoleculeTable.load(reference)
    table = whole.select(rows_in_split(whole.ids, splits, TEST))
    if name in MBIS_BASELINES:
        table = with_mbis(table, name, reference)
    terms = [BASELINES[name](table, index, grid) for index in range(len(table))]
    _predictions(table, terms, {"name": name, "seed": None, "grid": grid}).save(output)


def fit_charges(
    points: FloatArray,
    values: FloatArray,
    positions: FloatArray,
    total_charge: float,
    *,
    with_dipoles: bool = False,
) -> tuple[FloatArray, FloatArray | None]:
    """Return charges (n,) in e, and atomic dipoles (n, 3) in e·bohr or None, fitted to a MEP.

    ``points`` (p, 3) and ``positions`` (n, 3) in bohr, ``values`` (p,) in hartree/e,
    ``total_charge`` in e. Method: the module's docstring.

    Raises :class:`ValueError` where there are fewer points than parameters.
    """
    n = len(positions)
    displacement = points[:, None, :] - positions[None, :, :]
    inverse = 1.0 / np.linalg.norm(displacement, axis=-1)  # (p, n)
    neutral = null_space(np.ones((1, n)))
    design = [inverse @ neutral]
    if with_dipoles:
        design.append((displacement * inverse[:, :, None] ** 3).reshape(len(points), 3 * n))
    matrix = np.concatenate(design, axis=1)
    if len(points) < matrix.shape[1]:
        raise ValueError(f"{len(points)} points cannot determine {matrix.shape[1]} parameters")
    start = np.full(n, total_charge / n)
    solution = np.linalg.lstsq(matrix, values - inverse @ start, rcond=SINGULAR_VALUE_CUTOFF)[0]
    charges = start + neutral @ solution[: n - 1]
    return charges, solution[n - 1 :].reshape(n, 3) if with_dipoles else None


def _mulliken(table: MoleculeTable, index: int, grid: str) -> AtomicTerms:
    return AtomicTerms(table.property_of("mulliken_charges", index))


def _mbis(baseline: str, table: MoleculeTable, index: int, grid: str) -> AtomicTerms:
    return mbis_terms(table, index, baseline)


def _fit(with_dipoles: bool, table: MoleculeTable, index: int, grid: str) -> AtomicTerms:
    if grid not in table.grids:
        raise InputError(
            f"the reference has no grid {grid!r} (it has {', '.join(sorted(table.grids))}): "
            "choose headline_grid among the dataset's grids."
        )
    points, values = table.grids[grid].of(index)
    molecule = table.molecule(index)
    try:
        charges, dipoles = fit_charges(
            points, values, molecule.positions, molecule.total_charge, with_dipoles=with_dipoles
        )
    except ValueError as error:
        raise InputError(
            f"{molecule.id} on grid {grid}: {error}; make the grid denser, or compute it for this "
            "molecule."
        ) from error
    return AtomicTerms(charges, dipoles)


BASELINES: Final[dict[str, Callable[[MoleculeTable, int, str], AtomicTerms]]] = {
    "mulliken": _mulliken,
    "fitted-charges": partial(_fit, False),
    "fitted-charges-dipoles": partial(_fit, True),
    **{name: partial(_mbis, name) for name in MBIS_BASELINES},
}


def _predictions(
    table: MoleculeTable, terms: list[AtomicTerms], metadata: dict[str, object]
) -> MoleculeTable:
    molecules = [table.molecule(index) for index in range(len(table))]
    multipoles = [molecular_multipoles(*pair) for pair in zip(molecules, terms, strict=True)]
    properties = {
        "atomic_charges": [one.charges for one in terms],
        "dipole": [dipole for dipole, _ in multipoles],
        "quadrupole": [quadrupole for _, quadrupole in multipoles],
    }
    # A baseline has the same kinds of terms for all molecules.
    if terms[0].dipoles is not None:
        properties["atomic_dipoles"] = [np.asarray(one.dipoles) for one in terms]
    if terms[0].quadrupoles is not None:
        properties["atomic_quadrupoles"] = [np.asarray(one.quadrupoles) for one in terms]
    return MoleculeTable.from_molecules(molecules, properties, metadata=metadata)
