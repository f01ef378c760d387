"""Labels of a frame of extended XYZ: under which keys, in which units, about which origin.

Without settings they are as ASE and MACE write them: ``energy``, ``forces``, ``dipole``, or the
same with ``REF_`` before it, which is preferred, in eV, eV/Å and e·Å. Nobody agrees on the
quadrupole, so an archive's row must name its form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from ase.data import atomic_masses

from mepflow.archives.extxyz import Frame
from mepflow.archives.rejected_records import LARGEST_NUMBER, RecordError
from mepflow.errors import ConfigError
from mepflow.molecules import FloatArray
from mepflow.multipoles import (
    centre_of_nuclear_charge,
    from_buckingham,
    from_gaussian,
    from_second_moment,
    shift_origin,
)
from mepflow.units import (
    ANGSTROM_IN_BOHR,
    BOHR_IN_ANGSTROM,
    E_BOHR2_IN_DEBYE_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_IN_EV,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
)

_KCAL: Final = 1.0 / HARTREE_PER_E_IN_KCAL_PER_MOL_E
_DIPOLES: Final = {
    "e*angstrom": ANGSTROM_IN_BOHR,
    "e*bohr": 1.0,
    "debye": 1.0 / E_BOHR_IN_DEBYE,
}
UNITS: Final[dict[str, dict[str, float]]] = {
    "energy": {"eV": 1.0 / HARTREE_IN_EV, "hartree": 1.0, "kcal/mol": _KCAL},
    "forces": {
        "eV/angstrom": BOHR_IN_ANGSTROM / HARTREE_IN_EV,
        "hartree/bohr": 1.0,
        "kcal/mol/angstrom": BOHR_IN_ANGSTROM * _KCAL,
    },
    "dipole": _DIPOLES,
    "dipole_norm": _DIPOLES,
    "quadrupole": {
        "e*angstrom^2": ANGSTROM_IN_BOHR**2,
        "e*bohr^2": 1.0,
        "debye*angstrom": 1.0 / E_BOHR2_IN_DEBYE_ANGSTROM,
    },
    "mulliken_charges": {"e": 1.0},
    "mbis_charges": {"e": 1.0},
}
"""Units of each label, in atomic units, the default first."""
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "energy": ("REF_energy", "energy"),
    "forces": ("REF_forces", "forces"),
    "dipole": ("REF_dipole", "dipole"),
    "dipole_norm": ("REF_dipole_norm", "dipole_norm"),
    "quadrupole": ("REF_quadrupole", "quadrupole"),
    # ASE calls the column of its charges "charge".
    "mulliken_charges": ("REF_charges", "charges", "charge"),
    "mbis_charges": ("mbis_charges",),
    "charge": ("total_charge", "charge"),
    "id": ("id",),
    "smiles": ("smiles",),
}
"""Keys of what is not named in an archive's row; the first that a frame has counts."""
PER_ATOM: Final = {"forces": 3, "mulliken_charges": 1, "mbis_charges": 1}
"""Labels that are columns of the atoms, with their numbers per atom."""
_SHAPES: Final = {"energy": (), "dipole": (3,), "dipole_norm": (), "quadrupole": (3, 3)}
QUADRUPOLE_FORMS: Final[dict[str, Callable[[FloatArray], FloatArray]]] = {
    "second_moment": from_second_moment,
    "traceless": from_gaussian,
    "buckingham": from_buckingham,
    "theta_prime": lambda quadrupole: quadrupole,
}
"""Σ q r rᵀ; that less a third of its trace; 3/2 of the latter (Buckingham's Θ); 3 times it (Θ′)."""
ORIGINS: Final = ("coordinates", "nuclear_charge", "mass")
_TOLERANCE: Final = 1e-3
"""Of a quadrupole's symmetry and trace, relative to its largest component, or in e·bohr²."""


@dataclass(frozen=True)
class FrameLabels:
    """Which labels frames hold, and how: the keys of an archive's row in the configuration."""

    labels: Sequence[str]
    keys: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    quadrupole_form: str | None = None
    multipole_origin: str = "coordinates"

    def __post_init__(self) -> None:
        for kind, given, known in (("keys", self.keys, KEYS), ("units", self.units, UNITS)):
            if unknown := sorted(set(given) - set(known)):
                raise ConfigError(f"{kind} of the archive name {unknown[0]!r}, which is no label.")
        if "quadrupole" in self.labels and self.quadrupole_form not in QUADRUPOLE_FORMS:
            raise ConfigError(
                "The archive holds quadrupoles: set its quadrupole_form to one of"
                f" {', '.join(QUADRUPOLE_FORMS)}."
            )
        for label in self.labels:
            if label not in UNITS:
                raise ConfigError(f"Frames of extended XYZ cannot hold the label {label!r}.")
            if self.units.get(label, "") not in ("", *UNITS[label]):
                raise ConfigError(
                    f"units.{label} of the archive is {self.units[label]!r}, not one of"
                    f" {', '.join(UNITS[label])}."
                )

    def of(self, frame: Frame, total_charge: int) -> dict[str, FloatArray]:
        """Return the labels of a frame in atomic units, nan where it has none.

        The dipole and Θ′ are about the centre of nuclear charge. Raises :class:`RecordError` where
        a label is no number, of another shape or not plausible, or where there is none at all.
        """
        values = {label: self._value(frame, label) for label in self.labels}
        if all(np.isnan(value).any() for value in values.values()):
            raise RecordError(f"it has none of {', '.join(self.labels)}")
        return values | self._moved(values, frame, total_charge)

    def text(self, frame: Frame, name: str) -> Any:
        """Return a pair of the frame that is no label, None where there is none."""
        found = [frame.info[key] for key in self._keys(name) if key in frame.info]
        return found[0] if found else None

    def _keys(self, name: str) -> tuple[str, ...]:
        return (self.keys[name],) if name in self.keys else KEYS[name]

    def _value(self, frame: Frame, label: str) -> FloatArray:
        """Return a label as the frame says it, in atomic units."""
        names = UNITS[label]
        factor = names[self.units.get(label, next(iter(names)))]
        if label in PER_ATOM:
            return factor * self._column(frame, label)
        value = self.text(frame, label)
        shape = _SHAPES[label]
        if value is None:
            return np.full(shape, np.nan)
        return factor * _as_numbers(value, shape, label)

    def _column(self, frame: Frame, label: str) -> FloatArray:
        width = PER_ATOM[label]
        shape = (len(frame), 3) if width == 3 else (len(frame),)
        for key in self._keys(label):
            if key in frame.columns:
                values = frame.numbers(key)
                if values.shape[1] != width:
                    raise RecordError(f"its column {key} has not {width} numbers per atom")
                return values.reshape(shape)
        return np.full(shape, np.nan)

    def _moved(
        self, values: Mapping[str, FloatArray], frame: Frame, total_charge: int
    ) -> dict[str, FloatArray]:
        """Return the multipoles among some labels about our origin, nan where they are unknown."""
        shift = self._shift(frame)
        dipole = values.get("dipole", np.full(3, np.nan))
        moved = {"dipole": dipole - total_charge * shift}
        if "dipole_norm" in values:
            # The length alone cannot be moved.
            is_ours = not total_charge or not shift.any()
            moved["dipole_norm"] = values["dipole_norm"] if is_ours else np.array(np.nan)
        if "quadrupole" in values:
            moved["quadrupole"] = self._quadrupole(
                values["quadrupole"], dipole, total_charge, shift
            )
        return {name: value for name, value in moved.items() if name in values}

    def _quadrupole(
        self, given: FloatArray, dipole: FloatArray, total_charge: int, shift: FloatArray
    ) -> FloatArray:
        """Return Θ′ about our origin of a quadrupole in the frame's form and about its origin."""
        form = str(self.quadrupole_form)
        if np.isnan(given).any():
            return given
        limit = _TOLERANCE * max(1.0, float(np.abs(given).max()))
        if np.abs(given - given.T).max() > limit:
            raise RecordError("its quadrupole is not symmetric")
        if form != "second_moment" and abs(np.trace(given)) > limit:
            raise RecordError(f"its quadrupole has a trace, which the form {form} has not")
        quadrupole = QUADRUPOLE_FORMS[form](given)
        if not shift.any():
            return quadrupole
        if np.isnan(dipole).any():
            raise RecordError("it has a quadrupole, but no dipole to move its origin with")
        return shift_origin(quadrupole, dipole, total_charge, shift)[1]

    def _shift(self, frame: Frame) -> FloatArray:
        """Return our origin relative to the frame's, in bohr, shape (3,)."""
        if self.multipole_origin == "nuclear_charge":
            return np.zeros(3)
        centre = centre_of_nuclear_charge(frame.atomic_numbers, frame.positions)
        if self.multipole_origin == "mass":
            masses = atomic_masses[frame.atomic_numbers]
            centre = centre - masses @ frame.positions / masses.sum()
        return centre * ANGSTROM_IN_BOHR


def _as_numbers(value: Any, shape: tuple[int, ...], label: str) -> FloatArray:
    """Return the numbers of a pair's value in this shape; raises :class:`RecordError`."""
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise RecordError(f"its {label} is no number") from None
    if np.asarray(value).dtype.kind not in "iuf" or numbers.size != int(np.prod(shape)):
        raise RecordError(f"its {label} is not {int(np.prod(shape))} numbers")
    if not (np.abs(numbers) <= LARGEST_NUMBER).all():  # not a nan either
        raise RecordError(f"its {label} is not finite or not plausible")
    return numbers.reshape(shape)
