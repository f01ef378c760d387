"""Take the models of the study organic as those that come with mepflow, and measure them.

Run from the repository's root: first the models that others start from, then the study::

    ./mepflow run --configfile config/pretraining.yaml
    python tools/make_organic_model.py pretrained --results results-pretraining
    ./mepflow run --configfile config/pretraining-dft.yaml
    python tools/make_organic_model.py pretrained-dft --results results-pretraining-dft
    ./mepflow run --configfile config/organic.yaml
    python tools/make_organic_model.py organic --results results-organic

Each writes into its folder of ``resources/models`` the models by seed and the checksums, the last
their ``calibration.json`` besides, and the tables of the card, ``README.md``, between its marks.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.archives.label_archive import reference_of_labels  # noqa: E402
from mepflow.archives.label_file import read_labels  # noqa: E402
from mepflow.electrostatics.atomic_terms import AtomicTerms  # noqa: E402
from mepflow.evaluation.calibration import CALIBRATION_FILE  # noqa: E402
from mepflow.evaluation.statistics import bootstrap_interval  # noqa: E402
from mepflow.judging.bench import Bench  # noqa: E402
from mepflow.judging.judgement import judge  # noqa: E402
from mepflow.judging.methods import METHODS  # noqa: E402
from mepflow.judging.structure_errors import DIPOLE_ERROR, RMSE  # noqa: E402
from mepflow.molecules import MoleculeTable  # noqa: E402
from mepflow.prediction.predictor import Predictor  # noqa: E402
from mepflow.prediction.structures import Structure  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402
from mepflow.storage.shipped_files import write_checksums  # noqa: E402

MODELS: Final = ROOT / "resources" / "models"
ORGANIC: Final = "organic"
SOURCES: Final = {
    "pretrained": ("xtb", "AC-AD-D-q10"),
    "pretrained-dft": ("pretraining", "AC-AD-AQ-MDQ-xtb"),
    ORGANIC: ("organic", "AC-AD-AQ-MDQ-pre"),
}
"""Dataset and variant of the models of a folder."""
GRID: Final = "mk"
FLOOR: Final = "fitted-charges"
OURS, ALONE = "model", "its charges alone"


def main() -> None:
    """Copy the models and write the card's tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("models", choices=SOURCES, help="folder of resources/models")
    parser.add_argument("--results", type=Path, required=True, help="of the run that made them")
    arguments = parser.parse_args()
    dataset, variant = SOURCES[arguments.models]
    folder = MODELS / arguments.models
    copy_models(arguments.results / dataset / "models" / variant, folder)
    if arguments.models == ORGANIC:
        write_tables(folder)


def write_tables(folder: Path) -> None:
    """Measure the models of a folder and write the tables of their card."""
    predictor = Predictor.load(folder)
    tables = {"data": data_table(), "errors": errors_table(predictor)}
    card = (folder / "README.md").read_text(encoding="utf-8")
    for name, text in tables.items():
        marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(rf"({marks[0]}\n).*?({marks[1]})", re.DOTALL)
        card = pattern.sub(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", card)
    with atomic_path(folder / "README.md") as temporary:
        temporary.write_text(card, encoding="utf-8")


def copy_models(source: Path, folder: Path) -> None:
    """Copy the models of all seeds and their calibration, if any, and list their checksums."""
    names = []
    folder.mkdir(exist_ok=True)
    for model in sorted(source.glob("seed-*/model.pt")):
        names.append(f"{model.parent.name}.pt")
        shutil.copyfile(model, folder / names[-1])
    if (source / CALIBRATION_FILE).exists():
        names.append(CALIBRATION_FILE)
        shutil.copyfile(source / CALIBRATION_FILE, folder / CALIBRATION_FILE)
    write_checksums(folder, names)


def data_table() -> str:
    """Return the numbers of molecules by split and kind."""
    labels = read_labels(ROOT / "resources" / "labels" / "organic.h5")
    frame = pd.crosstab(pd.Series(labels.texts["split"]), pd.Series(labels.texts["kind"]))
    return str(frame.assign(all=frame.sum(axis=1)).rename_axis("molecules").to_markdown())


def errors_table(predictor: Predictor) -> str:
    """Return the errors on the test molecules, by kind, and on those of the bench."""
    parts = {"test of organic": judged(predictor, "organic", "test")}
    parts["bench"] = judged(predictor, "bench", "bench")
    lines = [
        "| molecules | n | MEP of the model | MEP of its charges alone | floor of charges | "
        "dipole, D | length of the dipole, D |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, errors in parts.items():
        for kind in ("all", *errors["kind"].unique()):
            chosen = errors if kind == "all" else errors[errors["kind"] == kind]
            lines.append(_line(f"{name}, {kind}", chosen))
    return "\n".join(lines)


def judged(predictor: Predictor, name: str, split: str) -> pd.DataFrame:
    """Return the errors of the model, its charges and the floor on the molecules of a split."""
    path = ROOT / "resources" / "labels" / f"{name}.h5"
    labels = read_labels(path)
    table = reference_of_labels(labels, [GRID], path)
    rows = [row for row, text in enumerate(labels.texts["split"]) if text == split]
    structures = [Structure(table.molecule(row), "", "read") for row in rows]
    own: dict[int, AtomicTerms] = {}
    alone: dict[int, AtomicTerms] = {}
    lengths: dict[str, float] = {}
    for row, found in zip(rows, predictor.predict_all(structures), strict=True):
        terms = (found.atomic_charges, found.atomic_dipoles, found.atomic_quadrupoles)
        own[row], alone[row] = AtomicTerms(*terms), AtomicTerms(found.charges)
        lengths[table.ids[row]] = _length_error(found.dipole, table, row)
    floor = {row: METHODS[FLOOR].terms(Bench(table, labels, (GRID,)), row) for row in rows}
    widths = predictor.ensemble.penetration
    shells = {OURS: widths} if widths else {}
    errors = judge({OURS: own, ALONE: alone, FLOOR: floor}, table, GRID, shells).errors
    kinds = dict(zip(table.ids, labels.texts["kind"], strict=True))
    return errors.assign(kind=errors["id"].map(kinds), length=errors["id"].map(lengths))


def _length_error(dipole: np.ndarray, table: MoleculeTable, row: int) -> float:
    from mepflow.units import E_BOHR_IN_DEBYE

    reference = table.property_of("dipole", row)
    return float(abs(np.linalg.norm(dipole) - np.linalg.norm(reference))) * E_BOHR_IN_DEBYE


def _line(name: str, errors: pd.DataFrame) -> str:
    of = {row: errors[errors["name"] == row] for row in (OURS, ALONE, FLOOR)}
    cells = [_median(of[row][RMSE]) for row in (OURS, ALONE, FLOOR)]
    cells += [_median(of[OURS][DIPOLE_ERROR]), _median(of[OURS]["length"])]
    return f"| {name} | {len(of[OURS])} | " + " | ".join(cells) + " |"


def _median(values: "pd.Series[float]") -> str:
    low, high = bootstrap_interval(values.to_numpy())
    interval = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return f"{values.median():.2f}{interval}"


if __name__ == "__main__":
    main()
