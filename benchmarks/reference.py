r"""Measure the reference calculations: their cost, their accuracy, and that of whole data sets.

Run from the repository's root, in the project's environment::

    python benchmarks/reference.py

One molecule of each number of heavy atoms that is asked for is taken from the embedded archive in
QM9's layout, and computed at QM9's level

- by a *plain* script: PySCF's direct SCF, with its guess, grid and threshold;
- at the levels of ``config/definitions.yaml``: with exact integrals, fitted, and quick;
- at the level *quick* with PySCF's own cycles, without :mod:`mepflow.qm.corrected_scf`.

Errors are those against exact integrals, a finer grid (level 5) and a threshold of 1e-11 hartree:
the largest of the dipole's and of Θ′'s components, and the root mean square of the MEP on the grid
``mk``. Times are of the processor, all threads together, and cover SCF and multipoles; those of the
MEP are measured by themselves, on the largest molecule, against PySCF's ways to compute it.

The cost of a data set is that of its number of molecules, all of its mean size, by a power law in
the number of basis functions that is fitted to the times of some more molecules; the more heavy
atoms they have, the less is left to the law.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.qm.blas import choose_kernels  # noqa: E402

choose_kernels()

import numpy as np  # noqa: E402
import yaml  # noqa: E402
from measuring import Row, machine, markdown_table, side_by_side, write_rows  # noqa: E402
from pyscf import df, gto, lib  # noqa: E402

from mepflow.archives import qm9_table  # noqa: E402
from mepflow.geometry.grids import grid_points  # noqa: E402
from mepflow.molecules import Molecule, MoleculeTable  # noqa: E402
from mepflow.multipoles import centre_of_nuclear_charge  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402
from mepflow.qm.properties import (  # noqa: E402
    _electronic_potential,
    molecular_properties,
    potential_on_points,
)
from mepflow.qm.scf import build_mean_field, build_molecule, run_scf  # noqa: E402
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E  # noqa: E402

EMBEDDED: Final = ROOT / "resources" / "embedded"
DEFINITIONS: Final = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())
EXACT: Final = "b3lyp-6-31g-2df-p"
LEVELS: Final = {"exact": EXACT, "fitted": f"{EXACT}-fitted", "quick": f"{EXACT}-quick"}
OWN_CYCLES: Final = "quick, PySCF's cycles"
PLAIN: Final = "plain"
PLAIN_GRID: Final = 3
LIMITS: Final = {"dipole": 1e-4, "quadrupole": 1e-3, "MEP": 0.01}
"""Errors that are allowed, in e·bohr, e·bohr² and kcal/mol/e."""
ASKED_OF_PLAIN: Final = 2.0
ASKED_OF_MEP: Final = 1.2
MEP_POINTS: Final = 832


@dataclass(frozen=True)
class DataSet:
    """Molecules to be computed, all of the same ``atoms``, and what their cost is measured on.

    ``heavy`` are the numbers of heavy atoms of the molecules that the size law is fitted to.
    """

    name: str
    level: str
    molecules: int
    atoms: dict[str, int]
    heavy: tuple[int, ...]


QM9_ATOMS: Final = {"C": 9, "H": 9}
"""Of a molecule of mean size: 18, of which 9 are heavy (taken as carbon)."""
SPICE_ATOMS: Final = {"C": 16, "H": 16}
"""The same of SPICE's drug-like molecules of 32 atoms, which is what paper.yaml tests on."""
DATA_SETS: Final = (
    DataSet("all of QM9, exact", EXACT, 133_885, QM9_ATOMS, (3, 4, 5, 6)),
    DataSet("all of QM9, fitted", LEVELS["fitted"], 133_885, QM9_ATOMS, (3, 4, 5, 6, 8)),
    DataSet("all of QM9, quick", LEVELS["quick"], 133_885, QM9_ATOMS, (3, 4, 5, 6, 8)),
    DataSet("500 molecules of SPICE", "wb97m-d3bj-def2-tzvppd", 500, SPICE_ATOMS, (3, 4, 5, 6)),
)

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Result:
    """Cost and values of one calculation."""

    functions: int
    cpu_s: float
    dipole: FloatArray
    quadrupole: FloatArray
    mep: FloatArray

    def errors(self, other: "Result") -> dict[str, float]:
        """Return the differences to another calculation, in the units of :data:`LIMITS`."""
        mep = float(np.sqrt(np.mean((self.mep - other.mep) ** 2)))
        return {
            "dipole": float(np.abs(self.dipole - other.dipole).max()),
            "quadrupole": float(np.abs(self.quadrupole - other.quadrupole).max()),
            "MEP": mep * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3, help="of the MEP")
    parser.add_argument("--heavy", type=int, nargs="+", default=[3, 4, 5], help="atoms")
    options = parser.parse_args()
    lib.num_threads(options.threads)
    here = {**machine(), "threads": options.threads}
    molecules = list(with_heavy_atoms(options.heavy))
    results = [calculated(molecule, options.threads) for molecule in molecules]
    rows = cost_rows(results)
    rows += [data_set_row(data, options.threads) for data in DATA_SETS]
    rows.append(mep_row(molecules[-1], options.repetitions))
    cases = list(cases_of(molecules, results))
    print(markdown_table(list(cases[0]), [list(case.values()) for case in cases]))  # noqa: T201
    write_rows("reference", rows, {"machine": here, "cases": cases})


def level_of(name: str) -> LevelOfTheory:
    """Return a level of the definitions."""
    return LevelOfTheory.from_row(name, DEFINITIONS["levels_of_theory"][name])


def with_heavy_atoms(counts: Sequence[int]) -> Iterator[Molecule]:
    """Yield the molecule of the embedded archive with the most atoms of every number asked for."""
    with tempfile.TemporaryDirectory() as folder:
        table_path = Path(folder, "table.h5")
        archive = EMBEDDED / "dsgdb9nsd.xyz.tar.bz2"
        qm9_table.read_archive(archive, table_path, Path(folder, "rejected.csv"))
        table = MoleculeTable.load(table_path)
    molecules = [table.molecule(row) for row in range(len(table))]
    for count in counts:
        fitting = [m for m in molecules if np.count_nonzero(m.atomic_numbers > 1) == count]
        yield max(fitting, key=len)


def calculated(molecule: Molecule, threads: int) -> dict[str, Result]:
    """Return the calculations of a molecule, and the one they are judged by under *tight*."""

    def at(level: LevelOfTheory) -> Callable[[], Any]:
        return lambda: run_scf(molecule, level, threads).mean_field

    exact = level_of(EXACT)
    ways = {
        "tight": at(replace(exact, grid_level=5, convergence_hartree=1e-11)),
        PLAIN: lambda: plain(molecule),
        OWN_CYCLES: lambda: own_cycles(molecule),
        **{name: at(level_of(row)) for name, row in LEVELS.items()},
    }
    return {name: result_of(molecule, way) for name, way in ways.items()}


def plain(molecule: Molecule) -> Any:
    """Do what a script does that takes PySCF as it is; the basis alone is the level's."""
    level = level_of(EXACT)
    mean_field = build_mean_field(build_molecule(molecule, level), level)
    mean_field.grids.level = PLAIN_GRID
    mean_field._is_mem_enough = lambda: False  # a direct SCF, however small
    mean_field.kernel()
    return mean_field


def own_cycles(molecule: Molecule) -> Any:
    """Converge the quick level in PySCF's own way."""
    level = level_of(LEVELS["quick"])
    mean_field = build_mean_field(build_molecule(molecule, level), level)
    mean_field.kernel()
    return mean_field


def result_of(molecule: Molecule, way: Callable[[], Any]) -> Result:
    """Time a calculation and its multipoles, and evaluate the MEP."""
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    start = time.process_time()
    mean_field = way()
    properties = molecular_properties(mean_field, origin)
    seconds = time.process_time() - start
    grid = DEFINITIONS["grids"]["mk"]
    points = grid_points(grid, molecule.atomic_numbers, molecule.positions)
    mep = potential_on_points(mean_field, points)
    multipoles = properties["dipole"], properties["quadrupole"]
    return Result(mean_field.mol.nao, seconds, *multipoles, mep)


def cases_of(
    molecules: Sequence[Molecule], results: Sequence[dict[str, Result]]
) -> Iterator[dict[str, Any]]:
    """Yield cost and errors of every molecule and way."""
    for molecule, found in zip(molecules, results, strict=True):
        for name, result in found.items():
            yield {
                "molecule": molecule.id,
                "atoms": len(molecule),
                "functions": result.functions,
                "way": name,
                "CPU s": result.cpu_s,
                "plain / this": found[PLAIN].cpu_s / result.cpu_s,
                **result.errors(found["tight"]),
            }


def cost_rows(results: Sequence[dict[str, Result]]) -> list[Row]:
    """Return the rows of the levels: molecules per core-hour, and the largest errors."""
    rows = []
    rates = {
        name: 3600.0 * len(results) / sum(found[name].cpu_s for found in results)
        for name in results[0]
    }
    for name in (*LEVELS, OWN_CYCLES, PLAIN):
        errors = [found[name].errors(found["tight"]) for found in results]
        worst = {key: max(error[key] for error in errors) for key in LIMITS}
        verdict = "within" if all(worst[key] <= LIMITS[key] for key in LIMITS) else "beyond"
        rows.append(
            Row(
                f"reference of QM9, {name}",
                rates[name],
                "molecules/core-hour",
                is_rate=True,
                asked=ASKED_OF_PLAIN * rates[PLAIN] if name in LEVELS else None,
                plain=None if name == PLAIN else rates[PLAIN],
                note=f"{verdict} the limits: μ {worst['dipole']:.0e} e·bohr, Θ′ "
                f"{worst['quadrupole']:.0e} e·bohr², MEP {worst['MEP']:.0e} kcal/mol/e",
            )
        )
    return rows


def data_set_row(data: DataSet, threads: int) -> Row:
    """Return the row of a data set, by the size law of its level."""
    level = level_of(data.level)
    costs = [cost(molecule, level, threads) for molecule in with_heavy_atoms(data.heavy)]
    functions = sum(count * functions_of(symbol, level) for symbol, count in data.atoms.items())
    factor, power = size_law(costs)
    sizes = " to ".join(str(count) for count in (min(costs)[0], max(costs)[0]))
    return Row(
        data.name,
        data.molecules * factor * functions**power / 3600.0,
        "core-hours",
        note=f"{data.molecules:,} molecules of {functions} functions, ∝ functions^{power:.2f} "
        f"({len(costs)} molecules of {sizes})",
    )


def cost(molecule: Molecule, level: LevelOfTheory, threads: int) -> tuple[int, float]:
    """Return the number of basis functions and the CPU seconds of a molecule's reference."""
    start = time.process_time()
    mean_field = run_scf(molecule, level, threads).mean_field
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    molecular_properties(mean_field, origin)
    return int(mean_field.mol.nao), time.process_time() - start


def functions_of(symbol: str, level: LevelOfTheory) -> int:
    """Return the basis functions of an atom, as PySCF computes with them."""
    molecule = Molecule(symbol, np.array([gto.charge(symbol)], np.uint8), np.zeros((1, 3)))
    charge = int(molecule.atomic_numbers[0]) % 2
    return int(build_molecule(replace(molecule, total_charge=charge), level).nao)


def size_law(costs: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return a and b of the least squares fit of log t = log (a n^b) to costs (n, t)."""
    functions, seconds = np.log(costs).T
    power, logarithm = np.polyfit(functions, seconds, 1)
    return float(np.exp(logarithm)), float(power)


def mep_row(molecule: Molecule, repetitions: int) -> Row:
    """Return the row of the MEP's integrals, against PySCF's two ways in blocks."""
    mol = build_molecule(molecule, level_of(EXACT))
    rng = np.random.default_rng(1)
    points = rng.normal(size=(MEP_POINTS, 3))
    points *= 12.0 / np.linalg.norm(points, axis=1, keepdims=True)
    density = rng.normal(size=(mol.nao, mol.nao))
    density += density.T
    weights = lib.pack_tril(2.0 * density - np.diag(np.diag(density)))

    def on_grid() -> FloatArray:
        return np.concatenate(
            [
                np.tensordot(mol.intor("int1e_grids", grids=block), density, axes=2)
                for block in np.array_split(points, MEP_POINTS // 104)
            ]
        )

    def of_charges() -> FloatArray:
        values = []
        for block in np.array_split(points, max(1, MEP_POINTS // 400)):
            charges = gto.fakemol_for_charges(block)
            charges.cart = mol.cart
            values.append(weights @ df.incore.aux_e2(mol, charges, aosym="s2ij"))
        return np.concatenate(values)

    ours = {"ours": lambda: _electronic_potential(mol, density, points)}
    timings = side_by_side(
        {**ours, "int1e_grids": on_grid, "int3c2e": of_charges}, repetitions, warm_up=1
    )
    fastest = min(timings["int1e_grids"].cpu_s, timings["int3c2e"].cpu_s)
    np.testing.assert_allclose(on_grid(), ours["ours"](), rtol=0.0, atol=1e-10 * mol.nao)
    return Row(
        f"MEP integrals, {mol.nao} functions, 1,000 points",
        1000.0 / MEP_POINTS * timings["ours"].cpu_s,
        "CPU s",
        asked=1000.0 / MEP_POINTS * ASKED_OF_MEP * fastest,
        plain=1000.0 / MEP_POINTS * fastest,
        note="plain: the faster of PySCF's int1e_grids and int3c2e, in blocks",
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
