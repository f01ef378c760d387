"""Table of dipoles learned with the help of charges: errors, directions, potential, gains."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from mepflow.evaluation.auxiliary_errors import auxiliary_errors
from mepflow.evaluation.auxiliary_rows import COMPARED, AuxiliaryRow, auxiliary_rows
from mepflow.evaluation.paired_gain import gain, mean_with_interval, molecules_by_seeds
from mepflow.evaluation.sources import Source, read_sources
from mepflow.evaluation.statistics import pooled_rmse, summarize
from mepflow.molecules import MoleculeTable
from mepflow.naming import grid_words, representation_label
from mepflow.selection.splits import TEST, TRAIN, rows_in_split
from mepflow.tables.learning_curve_table import Step
from mepflow.tables.writing import NONE, Column, number, write_table

_MEP: Final = "rmse_kcal_per_mol_e"
_LENGTH: Final = "dipole_norm_error_debye"
_ENDS: Final = ("", "_low", "_high")


@dataclass(frozen=True)
class _Errors:
    """Per-structure errors of one representation: of dipole and charges, and of the potential."""

    multipoles: pd.DataFrame
    mep: pd.DataFrame


def auxiliary_table(
    steps: Sequence[Step],
    baselines: tuple[Sequence[Source], Sequence[Source]],
    variants: Mapping[str, Mapping[str, Any]],
    reference: Path,
    grid: str,
) -> pd.DataFrame:
    """Return a row per variant and size of the training set, then those of the baselines.

    ``steps`` hold the files ``predictions`` and ``mep`` of all models of ``variants``, rows of the
    configuration; ``baselines`` those of the baselines, predictions first. Units are those of
    the columns' names; gains are those of :mod:`mepflow.evaluation.paired_gain` over the same
    variant without charges, trained on the same molecules.
    """
    whole = MoleculeTable.load(reference)
    known = auxiliary_rows(variants)
    test = whole.select(rows_in_split(whole.ids, steps[-1].splits, TEST))
    rows = []
    for step in steps:
        count = len(rows_in_split(whole.ids, step.splits, TRAIN))
        files = step.files["predictions"], step.files["mep"]
        errors = dict(_errors(*files, test, grid, variants, known))
        for name, of_name in errors.items():
            base = errors.get(known[name].base or "")
            rows.append({**_description(name, known[name], count), **_numbers(of_name, base)})
    rows.sort(key=lambda row: (list(variants).index(row["representation"]), row["n_training"]))
    no_model = AuxiliaryRow("", None, float("nan"), None)
    if baselines[0]:
        for name, of_name in _errors(*baselines, test, grid, {}, {}):
            rows.append({**_description(name, no_model, 0), **_numbers(of_name, None)})
    return pd.DataFrame(rows)


def _errors(
    predictions: Sequence[Source],
    mep: Sequence[Source],
    test: MoleculeTable,
    grid: str,
    variants: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, AuxiliaryRow],
) -> Iterator[tuple[str, _Errors]]:
    """Yield the errors of each representation by its name."""
    potentials = read_sources(mep)
    potentials = potentials[potentials["grid"] == grid]
    for name in dict.fromkeys(source.name for source in predictions):
        files = [source for source in predictions if source.name == name]
        scheme = (known[name].scheme if name in known else None) or COMPARED
        grids = variants.get(name, {}).get("mep_grids", ())
        errors = auxiliary_errors(files, test, scheme, grids)
        yield name, _Errors(errors, potentials[potentials["name"] == name])


def _description(name: str, row: AuxiliaryRow, count: int) -> dict[str, Any]:
    return {
        "representation": name,
        "learned": row.learned,
        "charges_like": row.scheme or "",
        "charges_weight": row.weight,
        "n_training": count,
    }


def _numbers(errors: _Errors, base: _Errors | None) -> dict[str, Any]:
    multipoles = errors.multipoles
    lengths = mean_with_interval(molecules_by_seeds(multipoles, _LENGTH))
    mep = summarize(errors.mep, _MEP)
    right = multipoles.groupby("seed")["points_right"].mean()
    first = multipoles["seed"] == multipoles["seed"].iloc[0]
    return {
        "n_structures": mep.n_structures,
        "n_molecules": mep.n_molecules,
        "n_seeds": mep.n_seeds,
        **_ends("dipole_norm_mae_debye", lengths),
        "dipole_rmse_e_bohr": pooled_rmse(multipoles["dipole_rmse_e_bohr"]),
        "n_polar": int(multipoles["points_right"][first].notna().sum()),
        "share_right": float(right.mean()),
        "share_right_lowest_seed": float(right.min()),
        **_ends(f"median_mep_{_MEP}", (mep.median, mep.median_low, mep.median_high)),
        "charges_rmse_e": pooled_rmse(multipoles["charges_rmse_e"].dropna())
        if multipoles["charges_rmse_e"].notna().any()
        else float("nan"),
        **_ends("dipole_norm_gain_percent", _gain(errors, base, _LENGTH)),
        **_ends("mep_gain_percent", _gain(errors, base, _MEP)),
    }


def _gain(errors: _Errors, base: _Errors | None, column: str) -> Sequence[float]:
    if base is None:
        return (float("nan"),) * len(_ENDS)
    frames = [one.mep if column == _MEP else one.multipoles for one in (errors, base)]
    return gain(*(molecules_by_seeds(frame, column) for frame in frames))


def _ends(name: str, numbers: Sequence[float]) -> dict[str, float]:
    return dict(zip((name + end for end in _ENDS), numbers, strict=True))


def write_auxiliary_table(
    steps: Sequence[Step],
    baselines: tuple[Sequence[Source], Sequence[Source]],
    variants: Mapping[str, Mapping[str, Any]],
    reference: Path,
    grid: str,
    csv: Path,
    markdown: Path,
) -> None:
    """Write :func:`auxiliary_table` as CSV and Markdown."""
    columns = (
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column("Learned", lambda row: row.learned.replace("|", r"\|") or NONE, "left"),
        Column("Charges", lambda row: row.charges_like or NONE, "left"),
        Column(
            "w", lambda row: NONE if np.isnan(row.charges_weight) else f"{row.charges_weight:g}"
        ),
        Column(
            "Training structures", lambda row: f"{row.n_training:,}" if row.n_training else NONE
        ),
        Column("MAE of \\|μ\\| (D)", number("dipole_norm_mae_debye", 3)),
        Column("Gain (%)", lambda row: _gain_text(row, "dipole_norm_gain_percent")),
        Column("Component RMSE of μ (e·bohr)", number("dipole_rmse_e_bohr", 3)),
        Column("Right direction, lowest seed (%)", _share_text),
        Column("Median MEP RMSE (kcal/mol/e)", number(f"median_mep_{_MEP}")),
        Column("Gain of the MEP (%)", lambda row: _gain_text(row, "mep_gain_percent")),
        Column("RMSE of q (e)", number("charges_rmse_e", 3)),
        Column("Seeds", lambda row: str(row.n_seeds) if row.n_training else NONE),
    )
    write_table(
        auxiliary_table(steps, baselines, variants, reference, grid),
        columns,
        csv,
        markdown,
        title="Dipoles learned with the help of atomic charges",
        note="Loss: mean over molecules of the squared error of \\|μ\\| or μ, in atomic units, plus"
        " w times the mean over atoms of that of the charges, in e²; w is relative to the weight of"
        f" the first. The MEP on {grid_words(grid)}.",
    )


def _share_text(row: Any) -> str:
    shares = (row.share_right, row.share_right_lowest_seed)
    return NONE if np.isnan(row.share_right) else ", ".join(f"{100 * one:.0f}" for one in shares)


def _gain_text(row: Any, name: str) -> str:
    value, low, high = (getattr(row, name + end) for end in _ENDS)
    if np.isnan(value):
        return NONE
    interval = "" if np.isnan(low) else f" [{low:+.0f}, {high:+.0f}]"
    return f"{value:+.0f}{interval}"
