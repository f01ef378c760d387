r"""Baselines of the MEP: charges that no model had to learn.

``mulliken``
    the reference calculation's Mulliken charges;
``fitted-charges``
    per molecule, the charges that minimise Σ (V − V_ref)² over the points of one grid: no model of
    atomic charges can have a smaller RMSE **on that grid**, so this row is a floor, not a rival;
``fitted-charges-dipoles``
    the same with an atomic dipole on every atom: the floor of models with charges and dipoles.

The fits are plain least squares without restraints. The total charge is exact: it is removed by
elimination, q = Q/n + N y with an orthonormal basis N (n, n − 1) of the charges that add up to
zero, and y is free. The remaining problem is solved through the singular value decomposition, with
singular values below :data:`SINGULAR_VALUE_CUTOFF` of the largest one taken as zero. Combinations
of parameters that the points cannot tell apart (buried atoms) then get their smallest values: the
potential on the grid is not touched, single charges of such atoms mean little.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import null_space

from mepflow.errors import ConfigError, InputError
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms
from mepflow.splits import TEST, rows_in_split

FloatArray = npt.NDArray[np.float64]

SINGULAR_VALUE_CUTOFF: Final = 1e-8


def fit_baseline(name: str, reference: Path, splits: Path, grid: str, output: Path) -> None:
    """Write the predictions file of a baseline for the test molecules of ``splits``.

    ``name`` is one of :data:`BASELINES`, ``grid`` the reference grid that fits use (Mulliken
    charges do not). The dipole and quadrupole in the file are those of the baseline's own charges
    (and dipoles), about the centre of nuclear charge.

    Raises :class:`ConfigError` for an unknown name, :class:`InputError` where the reference lacks
    what the baseline needs.
    """
    if name not in BASELINES:
        raise ConfigError(f"baseline {name!r} does not exist: choose among {', '.join(BASELINES)}.")
    whole = MoleculeTable.load(reference)
    table = whole.select(rows_in_split(whole.ids, splits, TEST))
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


Terms = tuple[FloatArray, FloatArray | None]


def _mulliken(table: MoleculeTable, index: int, grid: str) -> Terms:
    return table.property_of("mulliken_charges", index), None


def _fitted_charges(table: MoleculeTable, index: int, grid: str) -> Terms:
    return _fit(table, index, grid, with_dipoles=False)


def _fitted_charges_and_dipoles(table: MoleculeTable, index: int, grid: str) -> Terms:
    return _fit(table, index, grid, with_dipoles=True)


BASELINES: Final[dict[str, Callable[[MoleculeTable, int, str], Terms]]] = {
    "mulliken": _mulliken,
    "fitted-charges": _fitted_charges,
    "fitted-charges-dipoles": _fitted_charges_and_dipoles,
}


def _fit(table: MoleculeTable, index: int, grid: str, *, with_dipoles: bool) -> Terms:
    if grid not in table.grids:
        raise InputError(
            f"the reference has no grid {grid!r} (it has {', '.join(sorted(table.grids))}): "
            "choose headline_grid among the dataset's grids."
        )
    points, values = table.grids[grid].of(index)
    molecule = table.molecule(index)
    try:
        return fit_charges(
            points, values, molecule.positions, molecule.total_charge, with_dipoles=with_dipoles
        )
    except ValueError as error:
        raise InputError(
            f"{molecule.id} on grid {grid}: {error}; make the grid denser, or compute it for this "
            "molecule."
        ) from error


def _predictions(
    table: MoleculeTable, terms: list[Terms], metadata: dict[str, object]
) -> MoleculeTable:
    molecules = [table.molecule(index) for index in range(len(table))]
    multipoles = []
    for molecule, (charges, dipoles) in zip(molecules, terms, strict=True):
        origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
        arguments = (charges, molecule.positions - origin, dipoles)
        multipoles.append(
            (dipole_terms(*arguments).sum(axis=0), quadrupole_terms(*arguments).sum(axis=0))
        )
    properties = {
        "atomic_charges": [charges for charges, _ in terms],
        "dipole": [dipole for dipole, _ in multipoles],
        "quadrupole": [quadrupole for _, quadrupole in multipoles],
    }
    if terms[0][1] is not None:
        properties["atomic_dipoles"] = [dipoles for _, dipoles in terms if dipoles is not None]
    return MoleculeTable.from_molecules(molecules, properties, metadata=metadata)
