"""Columns of the table that ``predict`` prints, from rows of ``multipoles.csv``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mepflow.prediction.table_summary import CsvRow


@dataclass(frozen=True)
class ReportColumn:
    """A column: its heading, its unit, and a row's cell."""

    heading: str
    unit: str
    cell: Callable[[CsvRow], str]


def molecule_columns(*, is_calibrated: bool, with_mep: bool) -> list[ReportColumn]:
    """Return the columns for models with or without a calibration; the MEP's can be left out."""
    dipole, mep = (_EXPECTED_DIPOLE, _EXPECTED_MEP) if is_calibrated else (_DIPOLE, _MEP_SPREAD)
    return [*_MOLECULE, *dipole, *((*_MEP, *mep) if with_mep else ())]


def number(value: str, form: str) -> str:
    """Return a number of a table in another form; a dash where there is none."""
    return format(float(value), form) if value else "–"


def _number_of(name: str, form: str) -> Callable[[CsvRow], str]:
    return lambda row: number(row[name], form)


def _plus_minus(name: str, half_width: str) -> Callable[[CsvRow], str]:
    def cell(row: CsvRow) -> str:
        value = f"{float(row[name]):.2f}"
        return f"{value} ± {float(row[half_width]):.2f}" if row[half_width] else value

    return cell


def _charge(row: CsvRow) -> str:
    charge = int(row["total_charge_e"])
    return f"{charge:+d}" if charge else "0"


_MOLECULE: Final = (
    ReportColumn("molecule", "", lambda row: row["name"]),
    ReportColumn("formula", "", lambda row: row["formula"]),
    ReportColumn("charge", "e", _charge),
)
_DIPOLE: Final = (
    ReportColumn("|dipole|", "debye", _plus_minus("dipole_norm_debye", "dipole_norm_spread_debye")),
)
_EXPECTED_DIPOLE: Final = (
    ReportColumn(
        "|dipole|", "debye", _plus_minus("dipole_norm_debye", "dipole_expected_error_debye")
    ),
    ReportColumn("95 %", "debye", _number_of("dipole_error_bound_debye", ".2f")),
)
_MEP: Final = (
    ReportColumn("MEP from", "kcal/mol/e", _number_of("mep_lowest_kcal_per_mol_e", ".1f")),
    ReportColumn("to", "kcal/mol/e", _number_of("mep_highest_kcal_per_mol_e", "+.1f")),
)
_MEP_SPREAD: Final = (
    ReportColumn("spread", "kcal/mol/e", _number_of("mep_spread_kcal_per_mol_e", ".2f")),
)
_EXPECTED_MEP: Final = (
    ReportColumn("error", "kcal/mol/e", _number_of("mep_expected_error_kcal_per_mol_e", ".2f")),
    ReportColumn("95 %", "kcal/mol/e", _number_of("mep_error_bound_kcal_per_mol_e", ".2f")),
)
