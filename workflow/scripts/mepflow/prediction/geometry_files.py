"""Geometries with the predicted charges: PQR, and extended XYZ."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from ase.data import chemical_symbols
from ase.io import extxyz

from mepflow.charges.schemes import SCHEMES
from mepflow.geometry.radii import bondi_radii
from mepflow.models.ensemble_spread import joined, mean, spread
from mepflow.multipoles import components
from mepflow.prediction.result import FloatArray, Prediction
from mepflow.storage.files import atomic_path
from mepflow.units import BOHR_IN_ANGSTROM

_CHARGE_DIGITS: Final = 4
_LONGEST_ATOM_NAME: Final = 4
_MOST_SERIAL: Final = 99_999
# ASE's function has no annotation.
_as_pairs: Final[Callable[[Mapping[str, Any]], str]] = extxyz.key_val_dict_to_str
CHARGES, DIPOLES = "atomic_charges_e", "atomic_dipoles_e_bohr"
QUADRUPOLES: Final = "atomic_theta_prime_xx_yy_zz_xy_xz_yz_e_bohr2"
"""Columns of the model's own terms in extended XYZ."""
_INPUT: Final = "input_"
"""Before the name of an entry of the input that a result has taken."""


def charges_are(prediction: Prediction) -> str:
    """Return what the charges in files are, for the heads of these."""
    if prediction.are_charges_fitted:
        return f"{SCHEMES[prediction.charge_scheme].text} at 1.4 to 2.0 Bondi radii"
    return "atomic charges of the model"


def write_pqr(path: Path, prediction: Prediction) -> None:
    """Write positions (Å), charges (e) and Bondi radii (Å) as a PQR file.

    Words stand in the columns of the PDB, with spaces between them wherever the molecule lies, so
    that programs that read columns and those that read words agree. The charges are rounded so that
    they add up to the total charge.
    """
    molecule = prediction.molecule
    radii = bondi_radii(molecule.atomic_numbers) * BOHR_IN_ANGSTROM
    positions = molecule.positions * BOHR_IN_ANGSTROM
    charges = rounded_to_total(prediction.charges, molecule.total_charge, _CHARGE_DIGITS)
    lines = [
        f"REMARK   1 {as_ascii(molecule.id)}: {charges_are(prediction)} (e), by mepflow",
        "REMARK   1 Bondi radii (angstrom)",
    ]
    rows = zip(molecule.atomic_numbers, positions, charges, radii, strict=True)
    for atom, (number, position, charge, radius) in enumerate(rows, 1):
        x, y, z = (_in_column(value) for value in position)
        name = _atom_name(chemical_symbols[number], atom)
        lines.append(
            f"ATOM  {min(atom, _MOST_SERIAL):5d} {name} MOL     1    {x}{y}{z}"
            f"{charge:8.4f}{radius:8.4f}"
        )
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join([*lines, "TER", "END\n"]), encoding="ascii")


def rounded_to_total(values: FloatArray, total: int, digits: int) -> FloatArray:
    """Return ``values`` (n,) rounded to ``digits`` decimals so that they add up to ``total``.

    What plain rounding leaves over goes, a last digit each, to the values it is nearest to.
    """
    scaled = values * 10**digits
    whole = np.floor(scaled)
    left = round(total * 10**digits - whole.sum())
    if 0 <= left <= len(values):
        whole[np.argsort(whole - scaled, kind="stable")[:left]] += 1
    return np.asarray(whole / 10**digits)


def _in_column(value: float) -> str:
    """Return a coordinate in eight columns that begin with a space, wider where it must be."""
    text = f"{value:8.3f}"
    return text if text.startswith(" ") else f" {text}"


def _atom_name(symbol: str, atom: int) -> str:
    """Return a name in four columns; as in the PDB, an element of one letter is in the second."""
    name = f"{symbol}{atom}"
    if len(name) > _LONGEST_ATOM_NAME:
        name = symbol
    return f" {name:<3s}" if len(symbol) == 1 and len(name) < _LONGEST_ATOM_NAME else f"{name:<4s}"


def as_ascii(text: str) -> str:
    """Return a name in ASCII: letters without their accents, others as a question mark."""
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text)
        if not unicodedata.combining(letter)
    )
    return plain.encode("ascii", errors="replace").decode("ascii")


def extxyz_text(
    predictions: Sequence[Prediction],
    inputs: Sequence[Mapping[str, Any]],
    *,
    with_charges: bool = True,
) -> str:
    """Return molecules as frames of an extended XYZ file, as ASE writes it.

    Positions are in Å. Columns ``charge`` (e) and ``dipole`` of the comment (e·Å) are in ASE's
    units and found by ``get_charges`` and ``get_dipole_moment`` there; whatever else is in atomic
    units has its unit in its name. ``inputs`` are what each molecule's input said of it, which is
    kept, under a name that begins with ``input_`` where a result has the name. The charges, which
    stand alone, can be left out.
    """
    if not predictions:
        return ""
    names, rows = _atom_lines(predictions, with_charges=with_charges)
    properties = ":".join(["species:S:1:pos:R:3", *names])
    text = []
    for prediction, said in zip(predictions, inputs, strict=True):
        comment = _comment(prediction, said, with_charges=with_charges)
        n = len(prediction.molecule)
        text += [f"{n}\nProperties={properties} {comment}\n", *islice(rows, n)]
    return "".join(text)


def _atom_lines(
    predictions: Sequence[Prediction], *, with_charges: bool
) -> tuple[list[str], Iterator[str]]:
    """Return the columns after the positions, ``name:R:width``, and the lines of all atoms."""
    molecules = [prediction.molecule for prediction in predictions]
    columns = _columns(predictions, with_charges=with_charges)
    positions = np.concatenate([molecule.positions for molecule in molecules]) * BOHR_IN_ANGSTROM
    numbers = np.column_stack([positions, *columns.values()])
    form = " ".join(["%-2s", *["%16.8f"] * numbers.shape[1]]) + "\n"
    symbols = [chemical_symbols[z] for molecule in molecules for z in molecule.atomic_numbers]
    rows = zip(symbols, *numbers.T.tolist(), strict=True)
    widths = {name: values.size // len(values) for name, values in columns.items()}
    return [f"{name}:R:{width}" for name, width in widths.items()], (form % row for row in rows)


def _columns(predictions: Sequence[Prediction], *, with_charges: bool) -> dict[str, FloatArray]:
    """Return what is written of the atoms (N, ...) of all molecules."""
    columns = {}
    if with_charges:
        charges = np.concatenate([one.model_charges for one in predictions], axis=1)
        columns["charge"] = mean(charges)
        if len(charges) > 1:
            columns["charge_spread_e"] = spread(charges)
    if not predictions[0].has_atomic_terms:
        return columns
    if predictions[0].are_charges_fitted or not with_charges:
        charges = np.concatenate([one.model_atomic_charges for one in predictions], axis=1)
        columns[CHARGES] = mean(charges)
    dipoles = joined([prediction.model_atomic_dipoles for prediction in predictions])
    if dipoles is not None:
        columns[DIPOLES] = mean(dipoles)
    quadrupoles = joined([prediction.model_atomic_quadrupoles for prediction in predictions])
    if quadrupoles is not None:
        six = components(mean(quadrupoles))
        columns[QUADRUPOLES] = six
    return columns


def _comment(prediction: Prediction, said: Mapping[str, Any], *, with_charges: bool) -> str:
    molecule = prediction.molecule
    results = {
        "name": molecule.id,
        "total_charge": molecule.total_charge,
        **({"charges_are": charges_are(prediction)} if with_charges else {}),
        "dipole_e_bohr": prediction.dipole,
        "theta_prime_xx_yy_zz_xy_xz_yz_e_bohr2": components(prediction.quadrupole),
        "origin_bohr": prediction.origin,
        # ASE takes arrays and entries of these names for the results of a calculator.
        "dipole": prediction.dipole * BOHR_IN_ANGSTROM,
    }
    # ASE's function writes the text of an array's numbers twice as fast as the array.
    texts = {key: _text(value) for key, value in results.items()}
    return _as_pairs(_kept(said, results) | texts | {"pbc": "F F F"})


def _text(value: Any) -> Any:
    return " ".join(map(repr, value.tolist())) if isinstance(value, np.ndarray) else value


def _kept(said: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of an input under names that no result and no property of ASE has."""
    return {
        f"{_INPUT}{key}" if key in results or key in _ASE_RESULTS else key: value
        for key, value in said.items()
        if not (key in results and np.array_equal(value, results[key]))
    }


_ASE_RESULTS: Final = (
    "energy", "free_energy", "stress", "magmom", "magmoms", "forces", "stresses", "energies",
)  # fmt: skip
"""Entries that ASE takes for the results of a calculator: they are not ours."""
