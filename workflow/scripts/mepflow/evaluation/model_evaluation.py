"""Trained models on test molecules: predictions and their errors, any number of models at once.

Most of what it takes to judge one model of a small study is the start of PyTorch, and of a large
one the reading of the reference: done in one process, both happen once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.mep_errors import write_mep_errors, write_no_mep_errors
from mepflow.evaluation.multipole_errors import write_multipole_errors
from mepflow.evaluation.predictions_file import load_predictions, matched_reference
from mepflow.models.predict import predict
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import TEST, rows_in_split


@dataclass(frozen=True)
class Evaluation:
    """The file of a model, and those of its predictions and their errors."""

    model: Path
    predictions: Path
    mep: Path
    multipoles: Path


def evaluations_of(models: Iterable[str], outputs: Any) -> list[Evaluation]:
    """Return the evaluations of a job with the outputs predictions, mep and multipoles.

    Each of them is a list of files, in the order of ``models``.
    """
    columns = (models, outputs.predictions, outputs.mep, outputs.multipoles)
    return [Evaluation(*map(Path, files)) for files in zip(*columns, strict=True)]


def evaluate_models(
    evaluations: Sequence[Evaluation],
    reference: Path,
    splits: Path,
    device: str = "auto",
    *,
    known: Path | None = None,
    widths: Widths | None = None,
) -> None:
    """Predict the test molecules of ``reference`` with every model, and write the errors.

    ``widths`` as in :func:`~mepflow.evaluation.mep_errors.write_mep_errors`.
    Models of another data set need the file of ``known`` molecules that is explained at
    :func:`mepflow.models.predict.predict`; their files may be without a molecule. Raises
    :class:`~mepflow.errors.InputError` for a bad file.
    """
    molecules = _test_molecules(reference, splits)
    for files in evaluations:
        predict(files.model, molecules, files.predictions, device, source=reference, known=known)
        # Read again: errors are about what the file says.
        predicted = load_predictions(files.predictions, may_be_empty=known is not None)
        matched = matched_reference(predicted, molecules, files.predictions)
        if molecules.grids:
            write_mep_errors(predicted, matched, files.predictions, files.mep, widths)
        else:
            write_no_mep_errors(files.mep)
        write_multipole_errors(predicted, matched, files.predictions, files.multipoles)


def _test_molecules(reference: Path, splits: Path) -> MoleculeTable:
    """Return the test molecules alone: a reference can hold a hundred times as many."""
    table = MoleculeTable.load(reference)
    return table.select(rows_in_split(table.ids, splits, TEST))
