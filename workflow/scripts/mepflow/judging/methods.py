"""Charges that are computed here, or that the labels of a reference hold.

A method returns the atomic terms of a molecule, or raises :class:`InputError` where it has none
for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers, rdPartialCharges

from mepflow.charges.cm5 import cm5_charges
from mepflow.charges.constraints import Constraints
from mepflow.charges.resp import resp_charges
from mepflow.charges.restrained_fit import Equations
from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.electrostatics.penetration import elements_without_width
from mepflow.errors import InputError
from mepflow.evaluation.baselines import fitted_terms
from mepflow.evaluation.mbis_baselines import MBIS_BASELINES, mbis_terms
from mepflow.geometry.bonds import bonds
from mepflow.judging.bench import HF_GRID, Bench
from mepflow.judging.judgement import FITS, PENETRATION
from mepflow.judging.open_babel_charges import open_babel_charges
from mepflow.prediction.input_bonds import with_bonds
from mepflow.units import BOHR_IN_ANGSTROM

Method = Callable[[Bench, int], AtomicTerms]


@dataclass(frozen=True)
class MethodRow:
    """A row that can be computed: how tables call it, what it is, and how it is computed."""

    label: str
    text: str
    terms: Method


def _label(column: str, bench: Bench, row: int) -> AtomicTerms:
    if bench.labels is None or column not in bench.labels.columns:
        raise InputError(f"the reference holds no {column}")
    return AtomicTerms(np.asarray(bench.labels.of(column, row), dtype=float))


def _cm5(bench: Bench, row: int) -> AtomicTerms:
    hirshfeld = _label("hirshfeld_charges", bench, row).charges
    molecule = bench.table.molecule(row)
    return AtomicTerms(cm5_charges(molecule.atomic_numbers, molecule.positions, hirshfeld))


def _mulliken(bench: Bench, row: int) -> AtomicTerms:
    if "mulliken_charges" not in bench.table.properties:
        raise InputError("the reference holds no mulliken_charges")
    return AtomicTerms(bench.table.property_of("mulliken_charges", row))


def _mbis(name: str, bench: Bench, row: int) -> AtomicTerms:
    if "archive_mbis_charges" not in bench.table.properties:
        raise InputError("the reference holds no MBIS charges")
    return mbis_terms(bench.table, row, name)


def _fit(name: str, bench: Bench, row: int) -> AtomicTerms:
    return fitted_terms(name, bench.table, row, bench.grid)


def _fit_with_penetration(name: str, bench: Bench, row: int) -> AtomicTerms:
    elements = bench.table.molecule(row).atomic_numbers
    if not bench.widths or elements_without_width(elements, bench.widths):
        raise InputError("there are no widths of valence shells of the reference's basis set")
    return fitted_terms(name, bench.table, row, bench.grid, bench.widths)


def _open_babel(model: str, bench: Bench, row: int) -> AtomicTerms:
    molecule = _with_known_bonds(bench, row)
    return AtomicTerms(open_babel_charges(molecule, bench.table.molecule(row).total_charge, model))


def _resp(grid: str | None, bench: Bench, row: int) -> AtomicTerms:
    name = grid or bench.grid
    if name not in bench.table.grids:
        raise InputError(f"the reference has no potential on {name}")
    points, values = bench.table.grids[name].of(row)
    if not len(values):
        raise InputError(f"the molecule has no potential on {name}")
    molecule = bench.table.molecule(row)
    density = bench.table.metadata.get("grid_settings", {}).get(name, {})
    weight = 1.0 / float(density.get("points_per_angstrom2", 1.0))
    return AtomicTerms(resp_charges(
        Equations.of(points, molecule.positions, values, weight),
        molecule.atomic_numbers,
        bonds(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM),
        Constraints.total(len(molecule), molecule.total_charge),
    ))  # fmt: skip


def _with_known_bonds(bench: Bench, row: int) -> Chem.Mol:
    molecule, is_known = with_bonds(bench.table.molecule(row), None)
    if not is_known:
        raise InputError("no bond orders were found in its geometry")
    return molecule


def _gasteiger(bench: Bench, row: int) -> AtomicTerms:
    molecule = _with_known_bonds(bench, row)
    with rdBase.BlockLogs():
        rdPartialCharges.ComputeGasteigerCharges(molecule)
    charges = np.array([float(atom.GetProp("_GasteigerCharge")) for atom in molecule.GetAtoms()])
    if not np.isfinite(charges).all():
        raise InputError("RDKit has no Gasteiger parameters for one of its atoms")
    return AtomicTerms(charges)


def _mmff94(bench: Bench, row: int) -> AtomicTerms:
    molecule = _with_known_bonds(bench, row)
    with rdBase.BlockLogs():
        found: Any = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    if found is None:
        raise InputError("RDKit has no MMFF94 parameters for one of its atoms")
    count = molecule.GetNumAtoms()
    return AtomicTerms(np.array([found.GetMMFFPartialCharge(atom) for atom in range(count)]))


def _gfn2(bench: Bench, row: int) -> AtomicTerms:
    try:
        from tblite.interface import Calculator
    except ImportError:
        raise InputError("tblite is not installed") from None
    molecule = bench.table.molecule(row)
    numbers = molecule.atomic_numbers.astype(int)
    calculator = Calculator("GFN2-xTB", numbers, molecule.positions, float(molecule.total_charge))
    calculator.set("verbosity", 0)
    return AtomicTerms(np.asarray(calculator.singlepoint().get("charges"), dtype=float))


_FIT_LABELS: Final = (
    "fitted charges", "fitted charges + dipoles", "fitted charges + dipoles + quadrupoles",
)  # fmt: skip
METHODS: Final[Mapping[str, MethodRow]] = {
    **{
        name: MethodRow(
            label, "least squares on the reference's own potential: the floor of such terms",
            partial(_fit, name),
        )
        for name, label in zip(FITS, _FIT_LABELS, strict=True)
    },
    **{
        name + PENETRATION: MethodRow(
            f"{label}, penetration", "the same with the penetration of valence shells beside them",
            partial(_fit_with_penetration, name),
        )
        for name, label in zip(FITS, _FIT_LABELS, strict=True)
    },
    "resp": MethodRow("RESP", "two stages on the reference's own potential", partial(_resp, None)),
    "resp-hf": MethodRow(
        "RESP, HF/6-31G*", "two stages on the potential of HF/6-31G*, as force fields have it",
        partial(_resp, HF_GRID),
    ),
    "mulliken": MethodRow("Mulliken", "of the reference's density", _mulliken),
    "lowdin": MethodRow("Löwdin", "of the reference's density", partial(_label, "lowdin_charges")),
    "hirshfeld": MethodRow(
        "Hirshfeld", "of the reference's density", partial(_label, "hirshfeld_charges")
    ),
    "cm5": MethodRow("CM5", "Hirshfeld charges, corrected by pairs of elements", _cm5),
    **{
        name: MethodRow(name.replace("mbis-", "MBIS ").replace("-", " + ", 1).replace("-", " + "),
                        "of the reference's density", partial(_mbis, name))
        for name in MBIS_BASELINES
    },
    "gfn2-xtb": MethodRow("GFN2-xTB", "Mulliken charges of GFN2-xTB, by tblite", _gfn2),
    "mmff94": MethodRow("MMFF94", "bond charge increments, by RDKit", _mmff94),
    "gasteiger": MethodRow("Gasteiger", "partial equalisation, by RDKit", _gasteiger),
    "eem": MethodRow("EEM", "electronegativity equalisation, by Open Babel",
                     partial(_open_babel, "eem")),
    "qeq": MethodRow("QEq", "charge equilibration, by Open Babel", partial(_open_babel, "qeq")),
    "qtpie": MethodRow("QTPIE", "charge transfer with polarisation, by Open Babel",
                       partial(_open_babel, "qtpie")),
}  # fmt: skip
"""By the name on the command line."""
PARTITIONS: Final = ("mulliken", "lowdin", "hirshfeld", "cm5", *MBIS_BASELINES)
"""Methods that take nothing but the reference's density: the labels hold what cost time."""
