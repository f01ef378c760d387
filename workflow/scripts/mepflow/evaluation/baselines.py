r"""Baselines of the MEP: atomic multipoles that are computed or fitted without a model.

``mulliken``
    the reference calculation's Mulliken charges;
``fitted-charges``
    per molecule, the charges that minimise Σ (V − V_ref)² over the points of one grid: no model of
    atomic charges can have a smaller RMSE **on that grid**, so this row is a floor, not a rival;
``fitted-charges-dipoles``
    the same with an atomic dipole on every atom: the floor of models with charges and dipoles;
``fitted-charges-dipoles-quadrupoles``
    the same with a traceless quadrupole besides;
``fitted-charges-exact-moments``, ``fitted-charges-dipoles-exact-moments``
    the same as the first two under the molecule's exact dipole and quadrupole: what models could
    reach at best that learned these exactly (:mod:`mepflow.electrostatics.fit_with_moments`);
``mbis-charges``, ``mbis-charges-dipoles``, ``mbis-charges-dipoles-quadrupoles``
    the archive's MBIS multipoles up to that order (:mod:`mepflow.evaluation.mbis_baselines`), for
    the molecules that have them.

The fits are plain least squares without restraints and with the exact total charge
(:mod:`mepflow.electrostatics.multipole_fit`); :mod:`mepflow.runs.baseline_fits` names the module of
each.
"""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np

from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.electrostatics.penetration import Widths, penetration_potential, shells_of
from mepflow.errors import ConfigError, InputError
from mepflow.evaluation.mbis_baselines import MBIS_BASELINES, mbis_terms, with_mbis
from mepflow.evaluation.mep_errors import write_mep_errors
from mepflow.evaluation.predictions_file import load_matched
from mepflow.molecules import MoleculeTable
from mepflow.runs.baseline_fits import BASELINE_FITS
from mepflow.selection.splits import TEST, rows_in_split


def evaluate_baseline(
    name: str,
    reference: Path,
    splits: Path,
    grid: str,
    output: Path,
    errors: Path,
    widths: Widths | None = None,
) -> None:
    """Write a baseline's predictions as :func:`fit_baseline`, and the ``errors`` of its MEP.

    With ``widths`` in bohr by element, a fit is made again for the errors with penetration: to the
    potential less that of the shells. It is thus the floor of models with penetration.
    """
    fit_baseline(name, reference, splits, grid, output)
    predicted, matched = load_matched(output, reference)
    fit = None
    if name in BASELINE_FITS:
        fit = cache(partial(fitted_terms, name, matched, grid=grid, widths=widths))
    write_mep_errors(predicted, matched, output, errors, widths, fit)


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


def _mulliken(table: MoleculeTable, index: int, grid: str) -> AtomicTerms:
    return AtomicTerms(table.property_of("mulliken_charges", index))


def _mbis(baseline: str, table: MoleculeTable, index: int, grid: str) -> AtomicTerms:
    return mbis_terms(table, index, baseline)


def fitted_terms(
    name: str, table: MoleculeTable, index: int, grid: str, widths: Widths | None = None
) -> AtomicTerms:
    """Return the terms of a fit to a molecule's potential on a grid of the reference.

    ``name`` is one of :data:`BASELINE_FITS`. With ``widths`` in bohr by element, the fit is to what
    the molecule's shells leave of the potential. Raises :class:`InputError` where the reference
    lacks the grid, or what the fit needs.
    """
    if grid not in table.grids:
        raise InputError(
            f"the reference has no grid {grid!r} (it has {', '.join(sorted(table.grids))}): "
            "choose headline_grid among the dataset's grids."
        )
    points, values = table.grids[grid].of(index)
    molecule = table.molecule(index)
    if widths:
        shells = shells_of(molecule.atomic_numbers, widths)
        values = values - penetration_potential(points, molecule.positions, shells)
    try:
        module = import_module(BASELINE_FITS[name])
        terms: AtomicTerms = module.fit(table, index, points, values, module.ORDERS[name])
        return terms
    except ValueError as error:
        raise InputError(
            f"{molecule.id} on grid {grid}: {error}; make the grid denser, or compute it for this "
            "molecule."
        ) from error


BASELINES: Final[dict[str, Callable[[MoleculeTable, int, str], AtomicTerms]]] = {
    "mulliken": _mulliken,
    **{name: partial(fitted_terms, name) for name in BASELINE_FITS},
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
