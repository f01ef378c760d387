"""An ASE calculator: predicted charges, dipole, energy and forces where ASE looks for them."""

from collections.abc import Callable, Sequence
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from mepflow.prediction.charge_statements import Statement, of_pairs
from mepflow.prediction.result import Prediction
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV


class MultipoleCalculator(Calculator):
    """``atoms.get_charges()`` in e and ``atoms.get_dipole_moment()`` in e·Å.

    The charges are those that stand alone (:attr:`mepflow.prediction.result.Prediction.charges`).
    Results are computed anew when the total charge or spin that ``atoms.info`` states changes,
    which ASE itself does not look at. The dipole is about the centre of nuclear charge, which
    matters for ions alone. Models that learned the energy give it, in eV, and its forces, in eV/Å;
    others have none. :attr:`prediction` is the last molecule's, in atomic units.
    """

    def __init__(self, predict: Callable[[Atoms], Prediction], *, energies: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties = ["charges", "dipole"]
        if energies:
            self.implemented_properties += ["energy", "forces"]
        self._predict = predict
        self.prediction: Prediction | None = None
        self._stated: Statement | None = None

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """Return what has changed since the last calculation; called by ASE."""
        changes: list[str] = super().check_state(atoms, tol)  # type: ignore[no-untyped-call]
        if not changes and self._stated != of_pairs(atoms.info, str(atoms.symbols)):
            changes.append("info")
        return changes

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("charges",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Predict ``atoms`` and keep the results; called by ASE."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        molecule: Any = self.atoms
        self._stated = of_pairs(molecule.info, str(molecule.symbols))
        prediction = self.prediction = self._predict(molecule)
        self.results = {
            "charges": prediction.charges,
            "dipole": prediction.dipole * BOHR_IN_ANGSTROM,
        }
        if prediction.energy is not None and prediction.forces is not None:
            self.results["energy"] = prediction.energy * HARTREE_IN_EV
            self.results["forces"] = prediction.forces * HARTREE_IN_EV / BOHR_IN_ANGSTROM
