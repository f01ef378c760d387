"""Tables of conformers: their energies and weights, and what is averaged over them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mepflow.prediction.csv_tables import Columns
from mepflow.prediction.structures import Structure
from mepflow.storage.csv_file import write_csv

ATOMS: Final = "atoms.csv"
CONFORMERS: Final = "conformers.csv"
AVERAGES: Final = "conformer_averages.csv"


def conformer_columns(structures: Sequence[Structure]) -> Columns:
    """Return a row for each structure that is one of several conformers."""
    rows = [(one.molecule.id, one.conformer) for one in structures if one.conformer is not None]
    return {
        "name": [name for name, _ in rows],
        "molecule": [one.molecule for _, one in rows],
        "conformer": [one.number for _, one in rows],
        "force_field": [one.force_field for _, one in rows],
        "energy_kcal_per_mol": [one.energy for _, one in rows],
        "boltzmann_weight": [one.weight for _, one in rows],
    }


def write_averages(folder: Path) -> None:
    """Write the charges of each molecule's atoms, averaged over its conformers by their weights.

    From the tables of conformers and atoms in ``folder``; the weights of those that were predicted
    are made to add up to 1, and ``first_conformer`` is the name of the first of them. Tables that a
    call before a kill has moved away had theirs written.
    """
    if not all((folder / table).exists() for table in (CONFORMERS, ATOMS)):
        return
    # Imported here: predictions without conformers come sooner without pandas.
    import pandas as pd

    conformers = pd.read_csv(folder / CONFORMERS, keep_default_na=False)
    atoms = pd.read_csv(folder / ATOMS, keep_default_na=False)
    # Two molecules of one title are two: conformers of each are counted from 1.
    begins = conformers["molecule"].ne(conformers["molecule"].shift())
    begins |= conformers["conformer"].diff() <= 0
    conformers["first_conformer"] = conformers["name"].where(begins).ffill()
    joined = atoms.merge(
        conformers[["name", "molecule", "first_conformer", "boltzmann_weight"]], on="name"
    )
    weight = joined["boltzmann_weight"]
    joined["weighted"] = joined["charge_e"] * weight
    groups = joined.groupby(["molecule", "first_conformer", "atom", "element"], sort=False)
    sums = groups[["weighted", "boltzmann_weight"]].sum()
    averages = (sums["weighted"] / sums["boltzmann_weight"]).rename("charge_e").reset_index()
    averages["n_conformers"] = groups.size().to_numpy()
    write_csv(averages, folder / AVERAGES)
