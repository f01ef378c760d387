"""Any of ASE's calculators as a surface for a dynamics, and the other way round."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from mepflow.dynamics.force_functions import Evaluated, ForceFunction, SurfaceError
from mepflow.errors import InputError, MepflowError
from mepflow.molecules import Molecule
from mepflow.storage.damage import reason
from mepflow.units import ANGSTROM_IN_BOHR, BOHR_IN_ANGSTROM, HARTREE_IN_EV

FloatArray = npt.NDArray[np.float64]

_FORCE_UNIT: Final = HARTREE_IN_EV / BOHR_IN_ANGSTROM


def molecule_of(atoms: Any, positions: FloatArray | None = None, total_charge: int = 0) -> Molecule:
    """Return the molecule of ASE's atoms, at other ``positions`` (n, 3) in bohr where given."""
    numbers = np.asarray(atoms.get_atomic_numbers(), dtype=np.uint8)
    places = atoms.get_positions() * ANGSTROM_IN_BOHR if positions is None else positions
    return Molecule(str(atoms.symbols), numbers, np.asarray(places), total_charge)


class CalculatorForces:
    """The surface of an ASE calculator, which is made anew for each replica.

    ``atoms`` are ASE's; ``make_calculator`` returns a calculator. One that starts from its last
    result, as many SCF programs do, gives other last bits after an interruption.
    """

    def __init__(self, atoms: Atoms, make_calculator: Callable[[], Any]) -> None:
        self._atoms, self._make = atoms, make_calculator
        self._replicas: list[Atoms] = []
        self.description = type(make_calculator()).__name__

    def __call__(self, positions: FloatArray) -> Evaluated:
        """Return energies, forces and dipoles at positions (R, n, 3) in bohr.

        Raises :class:`InputError` where the calculator has no energy or forces, and
        :class:`SurfaceError` where it fails.
        """
        while len(self._replicas) < len(positions):
            replica = self._atoms.copy()  # type: ignore[no-untyped-call]
            replica.calc = self._make()
            self._replicas.append(replica)
        found = [
            self._of_one(replica, place)
            for replica, place in zip(self._replicas, positions, strict=False)
        ]
        energies, forces, dipoles = zip(*found, strict=True)
        return Evaluated(np.array(energies), np.stack(forces), np.stack(dipoles))

    def force_spread(self, positions: FloatArray) -> FloatArray | None:
        """Return nothing: there is one model."""
        return None

    def _of_one(self, atoms: Any, positions: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        atoms.set_positions(positions * BOHR_IN_ANGSTROM)
        try:
            return self._calculated(atoms)
        except MepflowError:
            raise
        except Exception as error:  # programs fail in ways of their own
            raise SurfaceError(
                f"The calculator {self.description} failed ({reason(error)})"
            ) from error

    def _calculated(self, atoms: Any) -> tuple[float, FloatArray, FloatArray]:
        try:
            energy = atoms.get_potential_energy() / HARTREE_IN_EV
            forces = atoms.get_forces() / _FORCE_UNIT
        except PropertyNotImplementedError as error:
            raise InputError(
                f"The calculator {self.description} gives no energy or no forces ({error}): choose"
                " one that does."
            ) from error
        try:
            dipole = np.asarray(atoms.get_dipole_moment()) * ANGSTROM_IN_BOHR
        except PropertyNotImplementedError:
            dipole = np.full(3, np.nan)
        return energy, forces, dipole


class SurfaceCalculator(Calculator):
    """An ASE calculator of a surface, for ASE's own optimizers and integrators."""

    def __init__(self, surface: ForceFunction) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties = ["energy", "forces", "dipole"]
        self._surface = surface

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Keep the energy in eV, forces in eV/Å and dipole in e·Å; called by ASE."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        molecule: Any = self.atoms
        found = self._surface(molecule.get_positions()[None] * ANGSTROM_IN_BOHR)
        self.results = {
            "energy": float(found.energy[0]) * HARTREE_IN_EV,
            "forces": found.forces[0] * _FORCE_UNIT,
            "dipole": found.dipole[0] * BOHR_IN_ANGSTROM,
        }
