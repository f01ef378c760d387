"""Expected errors of the embedded model against labels of molecules that it has not learned from.

Run from the repository's root::

    python tools/check_expected_errors.py

The molecules are the neutral ones of ``resources/labels`` that are made of the model's elements and
are none of its own (``molecules.csv``, by SMILES without stereochemistry). The labels' level of
theory is another than the model's, so part of the errors is the level's.
"""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from ase import Atoms

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.archives.label_file import read_labels  # noqa: E402
from mepflow.archives.label_set import LabelSet  # noqa: E402
from mepflow.evaluation.calibration import MEP  # noqa: E402
from mepflow.models.ensemble_spread import rms_spread  # noqa: E402
from mepflow.prediction.error_warnings import LARGE_DIPOLE_ERROR, unusual_spread  # noqa: E402
from mepflow.prediction.predictor import DomainWarning, Predictor  # noqa: E402
from mepflow.selection.identity import canonical_smiles  # noqa: E402
from mepflow.storage.shipped_files import DEFAULT_MODELS  # noqa: E402
from mepflow.units import (  # noqa: E402
    BOHR_IN_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
)

GRID: Final = "mk"
SETS: Final = ("bench", "organic")


def rows_of(
    labels: LabelSet, predictor: Predictor, own: set[str | None]
) -> Iterator[tuple[object, ...]]:
    """Yield the SMILES, errors, expected errors and bounds of each molecule, and its warnings."""
    for index in range(len(labels)):
        molecule = labels.molecule(index)
        known = set(molecule.atomic_numbers.tolist()) <= set(predictor.ensemble.elements)
        if molecule.total_charge or not known or canonical_smiles(molecule.smiles) in own:
            continue
        atoms = Atoms(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM)
        found = predictor.predict(atoms, 0)
        points, values = labels.potential(GRID, index)
        spread = rms_spread(found.model_potentials(points)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        said = [*found.warnings, *unusual_spread(found.calibrations[MEP], float(spread), MEP)]
        dipole = np.linalg.norm(found.dipole - labels.of("dipole", index))
        mep = np.sqrt(np.mean(np.square(found.potential(points) - values)))
        yield (
            molecule.smiles,
            *np.multiply(
                [dipole, found.expected_dipole_error, found.dipole_error_bound], E_BOHR_IN_DEBYE
            ),
            *np.multiply(
                [mep, found.expected_mep_error(points), found.mep_error_bound(points)],
                HARTREE_PER_E_IN_KCAL_PER_MOL_E,
            ),
            "; ".join(said),
        )


COLUMNS: Final = ("smiles", "dipole", "sigma", "bound", "mep", "mep_sigma", "mep_bound", "warnings")


def summary(frame: pd.DataFrame) -> dict[str, str]:
    """Return what there is to say of the molecules, in words."""
    wrong, is_warned = frame["dipole"] > LARGE_DIPOLE_ERROR, frame["warnings"] != ""
    n = len(frame)
    return {
        "molecules": str(n),
        f"dipole wrong by more than {LARGE_DIPOLE_ERROR} D": str(wrong.sum()),
        "of these warned of": str((wrong & is_warned).sum()),
        "warned of, but not so wrong": str((~wrong & is_warned).sum()),
        "dipole within σ": f"{(frame['dipole'] <= frame['sigma']).sum()} of {n}",
        "dipole within the bound": f"{(frame['dipole'] <= frame['bound']).sum()} of {n}",
        "MEP within σ": f"{(frame['mep'] <= frame['mep_sigma']).sum()} of {n}",
        "MEP within the bound": f"{(frame['mep'] <= frame['mep_bound']).sum()} of {n}",
    }


def main() -> None:
    """Print the molecules, and a summary."""
    warnings.simplefilter("ignore", DomainWarning)
    predictor = Predictor.load()
    molecules = pd.read_csv(DEFAULT_MODELS / "molecules.csv")
    own = set(molecules["smiles"].map(canonical_smiles))
    rows = [
        row
        for name in SETS
        for row in rows_of(
            read_labels(ROOT / "resources" / "labels" / f"{name}.h5"), predictor, own
        )
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("dipole", ascending=False)
    print(frame.to_string(index=False, float_format="%.2f"))  # noqa: T201
    for name, value in summary(frame).items():
        print(f"{name}: {value}")  # noqa: T201


if __name__ == "__main__":
    main()
