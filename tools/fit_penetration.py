r"""Fit the widths of valence shells of the ``penetration`` rows in ``config/definitions.yaml``.

Run from the repository's root, in the project's environment, with files of potentials at one basis
set: ``reference.h5`` of a run's datasets, or sets of labels::

    python tools/fit_penetration.py resources/labels/organic.h5 --score resources/labels/bench.h5
    python tools/fit_penetration.py results-potentials/qm9/reference/reference.h5 \
        --splits results-potentials/qm9/molecules/splits.csv
    python tools/fit_penetration.py resources/embedded/SPICE-embedded-potentials.h5 \
        --splits results-potentials/spice/molecules/splits.csv

The widths are fitted on all points of the grids of ``--grids`` that a molecule has, neutral
molecules unless told otherwise. Cross-validation leaves out a fifth of the molecules in turn, each
with all its conformers, and gives the range of the widths and the floors of what was left out,
where the rest has its elements. Test molecules of sets of labels and of ``--splits``, and files of
``--score``, take no part in the fit. A floor is the smallest RMSE that atomic charges, dipoles and
quadrupoles can have on a grid, the median over structures in kcal/mol/e.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import h5py
import numpy as np
import pandas as pd

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.archives.label_file import read_labels  # noqa: E402
from mepflow.electrostatics.penetration import Widths  # noqa: E402
from mepflow.electrostatics.penetration_fit import Sample, fit_widths  # noqa: E402
from mepflow.evaluation.predictions_file import molecule_names  # noqa: E402
from mepflow.molecules import MoleculeTable  # noqa: E402
from mepflow.selection.splits import TEST, read_splits  # noqa: E402
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E  # noqa: E402

FOLDS: Final = 5
GRIDS: Final = ("chelpg", "surface")
SCORED: Final = ("chelpg", "mk", "surface")

Named = tuple[str, Sample]
"""The name of a molecule, which conformers share, and what is fitted."""

log = logging.getLogger("fit_penetration")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("files", nargs="+", type=Path, help="what the widths are fitted to")
    parser.add_argument(
        "--splits", nargs="*", type=Path, default=[], help="splits.csv of the files"
    )
    parser.add_argument("--score", nargs="*", type=Path, default=[], help="judged, not fitted")
    parser.add_argument("--grids", nargs="+", default=list(GRIDS), help="grids of the fit")
    parser.add_argument("--charged", action="store_true", help="ions too")
    options = parser.parse_args()
    whole = [read(path, options.charged) for path in options.files]
    held_out = {key for path in (*options.files, *options.splits) for key in test_molecules(path)}
    tables = [part_of(table, lambda key: key not in held_out) for table in whole]
    named = samples_of(tables, options.grids)
    widths = fit_widths([sample for _, sample in named])
    folds = Folds.of(named)
    show(f"Widths in bohr, {len(named)} structures", width_table(named, widths, folds))
    rounded = {name: round(width, 3) for name, width in widths.items()}
    sys.stdout.write(f"{{{', '.join(f'{name}: {width}' for name, width in rounded.items())}}}\n\n")
    for path, table in zip(options.files, tables, strict=True):
        show(f"Floors: {path}", floor_table(table, rounded, folds))
    for path, table in zip(options.files, whole, strict=True):
        if held_out.intersection(table.ids):
            test = part_of(table, held_out.__contains__)
            show(f"Not fitted: test molecules of {path}", floor_table(test, rounded))
    for path in options.score:
        show(f"Not fitted: {path}", floor_table(read(path, options.charged), rounded))


def read(path: Path, charged: bool) -> MoleculeTable:
    """Return the molecules of a file of labels or of a reference, with their potentials."""
    if is_label_set(path):
        labels = read_labels(path)
        table = labels.to_table(tuple(name for name in labels.potentials if name in SCORED))
        table = table.with_texts(molecule=labels.texts["smiles"])  # conformers share a fold
    else:
        table = MoleculeTable.load(path)
    return table if charged else table.select(np.flatnonzero(table.total_charge == 0))


def is_label_set(path: Path) -> bool:
    """Tell whether a file is a set of labels, not a reference."""
    with h5py.File(path) as file:
        return bool(file.attrs["format"] == "mepflow labels")


def test_molecules(path: Path) -> set[str]:
    """Return the ids of the test molecules of a run's splits, or of a set of labels."""
    if path.suffix == ".h5":
        texts = read_labels(path).texts if is_label_set(path) else {"id": [], "split": []}
        return {
            key for key, split in zip(texts["id"], texts["split"], strict=True) if split == TEST
        }
    splits = read_splits(path)
    return set(splits.loc[splits["split"] == TEST, "id"])


def part_of(table: MoleculeTable, is_wanted: Callable[[str], bool]) -> MoleculeTable:
    """Return the rows whose ids are wanted."""
    return table.select([row for row, key in enumerate(table.ids) if is_wanted(key)])


def samples_of(tables: Iterable[MoleculeTable], grids: Sequence[str]) -> list[Named]:
    """Return what has points on some of ``grids``: names of molecules and samples."""
    return [
        (name, sample)
        for table in tables
        for index, name in enumerate(molecule_names(table))
        if (sample := sample_of(table, index, grids)) is not None
    ]


def sample_of(table: MoleculeTable, index: int, grids: Sequence[str]) -> Sample | None:
    """Return a molecule with all its points on ``grids``, or None where these are too few."""
    parts = [table.grids[grid].of(index) for grid in grids if grid in table.grids]
    if not sum(len(values) for _, values in parts):
        return None
    points, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    try:
        return Sample.of(table.molecule(index), points, values)
    except ValueError as error:
        log.warning("%s is left out: %s", table.ids[index], error)
        return None


@dataclass(frozen=True)
class Folds:
    """Which fold leaves out which molecule, and the widths of each."""

    places: dict[str, int]
    widths: list[Widths]

    @classmethod
    def of(cls, named: Sequence[Named]) -> Self:
        """Fit without a fifth of the molecules, five times; conformers stay together."""
        names = sorted({name for name, _ in named})
        shuffled = np.random.default_rng(0).permutation(names).tolist()
        places = {name: place % FOLDS for place, name in enumerate(shuffled)}
        kept = [[sample for name, sample in named if places[name] != k] for k in range(FOLDS)]
        return cls(places, [fit_widths(samples) for samples in kept])

    def rmse(self, name: str, sample: Sample) -> float:
        """Return the error with widths that the molecule had no part in, in kcal/mol/e.

        nan where these lack one of its elements.
        """
        widths = self.widths[self.places[name]]
        return kcal(sample.rmse(widths)) if sample.elements <= set(widths) else float("nan")


def kcal(value: float) -> float:
    """Return hartree/e in kcal/mol/e."""
    return value * HARTREE_PER_E_IN_KCAL_PER_MOL_E


def width_table(named: Sequence[Named], widths: Widths, folds: Folds) -> pd.DataFrame:
    """Return a row per element: its width, the range over the folds, how many molecules have it."""
    rows = []
    for element, width in widths.items():
        others = [fold[element] for fold in folds.widths if element in fold]
        molecules = {name for name, sample in named if element in sample.elements}
        rows.append((element, width, min(others), max(others), len(molecules)))
    return pd.DataFrame(rows, columns=["element", "width", "lowest", "highest", "molecules"])


def floor_table(table: MoleculeTable, widths: Widths, folds: Folds | None = None) -> pd.DataFrame:
    """Return the floors on each grid without and with penetration, in kcal/mol/e."""
    rows = []
    for grid in SCORED:
        named = [pair for pair in samples_of([table], [grid]) if pair[1].elements <= set(widths)]
        if not named:
            continue
        row: dict[str, object] = {"grid": grid, "structures": len(named)}
        for label, chosen in (("without", None), ("with", widths)):
            row[label] = np.median([kcal(sample.rmse(chosen)) for _, sample in named])
        row["largest"] = max(kcal(sample.rmse(widths)) for _, sample in named)
        if folds is not None:
            left_out = np.array([folds.rmse(*pair) for pair in named])
            counted = left_out[~np.isnan(left_out)]
            row["counted"] = len(counted)
            if len(counted):
                row |= {"left out": np.median(counted), "its largest": counted.max()}
        rows.append(row)
    return pd.DataFrame(rows)


def show(title: str, table: pd.DataFrame) -> None:
    """Print a table."""
    sys.stdout.write(f"{title}\n\n{table.to_markdown(index=False, floatfmt='.3f')}\n\n")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
