"""Measure how many molecules a second get charges fitted to a potential, on one core.

Run from the repository's root, in the project's environment::

    OMP_NUM_THREADS=1 python benchmarks/charges.py

Points on Merz-Kollman shells with one point per Å², the potential of charges and dipoles there (or
none, where it is that of a network), the normal equations and each scheme's fit, for molecules of
16 to 21 atoms; the bonds are known. Beside
the rates stands the cost of potential and field in relation to that of the potential alone. Times
are of the processor, the best of five. Rows and machine are written to
``benchmarks/results/charges.json``.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from measuring import HEADER, Row, machine, markdown_table, write

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.charges.restrained_fit import Equations  # noqa: E402
from mepflow.charges.schemes import FITTED, SCHEMES, Fitted, fit_each  # noqa: E402
from mepflow.electrostatics.field import potential_and_field  # noqa: E402
from mepflow.electrostatics.multipole_sets import potentials  # noqa: E402
from mepflow.electrostatics.potential import potential  # noqa: E402
from mepflow.geometry.bonds import bonds  # noqa: E402
from mepflow.geometry.grids import grid_points  # noqa: E402
from mepflow.molecules import Molecule  # noqa: E402
from mepflow.prediction.input_batch import read_structures  # noqa: E402
from mepflow.units import BOHR_IN_ANGSTROM  # noqa: E402

SMILES: Final = ("CCOC(=O)CN", "CC(C)CC(O)C", "c1ccccc1CN", "CC(=O)NCCO", "CCCCOC")
GRID: Final = {"kind": "shells", "scales": [1.4, 1.6, 1.8, 2.0], "points_per_angstrom2": 1.0}
ASKED_PER_SECOND: Final = 2000.0
ASKED_OF_FIELD: Final = 3.0
PASSES, REPEATS, POINTS = 5, 40, 20_000


def main() -> None:
    """Measure all schemes and the field, print and write the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.parse_args()
    molecules = [one.molecule for one in read_structures([], SMILES)]
    rows = [*rates(molecules), field_row(molecules[0])]
    table = markdown_table(HEADER, [row.cells() for row in rows])
    write("charges", {"machine": machine(), "rows": [vars(row) for row in rows]}, table)


def rates(molecules: Sequence[Molecule]) -> list[Row]:
    """Return a row of molecules per second for each scheme."""
    cases = [(one, _fitted(one), *_multipoles(len(one))) for one in molecules]

    def everything(scheme: str, with_potential: bool) -> None:
        for molecule, fitted, charges, dipoles in cases:
            points = grid_points(GRID, molecule.atomic_numbers, molecule.positions)
            values = np.ones((1, len(points)))
            if with_potential:
                values = potentials(points, molecule.positions, charges, dipoles)
            equations = Equations.of_each(points, molecule.positions, values)
            fit_each(scheme, equations, fitted, np.zeros((1, 3)))

    return [
        Row(
            f"charges of 16–21 atoms, {scheme}: points, {'potential ' * with_potential}and fit",
            len(cases) / seconds(partial(everything, scheme, with_potential)),
            "molecules/s",
            is_rate=True,
            asked=None if with_potential else ASKED_PER_SECOND,
        )
        for scheme, with_potential in ((FITTED, False), *((name, True) for name in SCHEMES))
    ]


def _fitted(molecule: Molecule) -> Fitted:
    numbers, positions = molecule.atomic_numbers, molecule.positions
    return Fitted(numbers, positions, 0.0, bonds(numbers, positions * BOHR_IN_ANGSTROM))


def _multipoles(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    charges = rng.normal(0.0, 0.3, (1, n))
    return charges - charges.mean(), rng.normal(0.0, 0.1, (1, n, 3))


def field_row(molecule: Molecule) -> Row:
    """Return what potential and field cost in relation to the potential alone."""
    points = np.random.default_rng(0).normal(size=(POINTS, 3))
    points *= 12.0 / np.linalg.norm(points, axis=1, keepdims=True)
    (charges,), (dipoles,) = _multipoles(len(molecule))
    terms = (points, molecule.positions, charges, dipoles)
    both, alone = (seconds(lambda run=run: run(*terms)) for run in (potential_and_field, potential))
    what = f"potential and field at {POINTS:,} points over the potential alone"
    return Row(what, both / alone, "× CPU s", asked=ASKED_OF_FIELD)


def seconds(run: Callable[[], object]) -> float:
    """Return the least processor time of a call over the passes."""
    run()
    times = []
    for _ in range(PASSES):
        start = time.process_time()
        for _ in range(REPEATS):
            run()
        times.append((time.process_time() - start) / REPEATS)
    return min(times)


if __name__ == "__main__":
    main()
