"""What errors are to be expected of a prediction: its spread over the models, calibrated."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mepflow.evaluation.calibration import DIPOLE, MEP, Calibration
from mepflow.models.ensemble_spread import rms_spread, vector_spread
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]


class ExpectedErrors:
    """Errors that follow from ``calibrations`` and what each model predicts."""

    calibrations: Mapping[str, Calibration]
    model_dipoles: FloatArray

    def model_potentials(self, points: FloatArray, radii: FloatArray | None = None) -> FloatArray:
        """Return each model's MEP (K, p) in hartree/e."""
        raise NotImplementedError

    @property
    def expected_dipole_error(self) -> float:
        """Return the root mean square length in e·bohr that is expected of the dipole's error.

        nan where the models have no calibration.
        """
        return float(self._calibration(DIPOLE).expected(self._dipole_spread)) / E_BOHR_IN_DEBYE

    @property
    def dipole_error_bound(self) -> float:
        """Return the length in e·bohr that 95 % of the errors of such dipoles do not exceed.

        nan where the models have no calibration, or one of too few molecules.
        """
        return float(self._calibration(DIPOLE).bounds(self._dipole_spread)) / E_BOHR_IN_DEBYE

    @property
    def _dipole_spread(self) -> float:
        return float(vector_spread(self.model_dipoles)) * E_BOHR_IN_DEBYE

    def _calibration(self, quantity: str) -> Calibration:
        return self.calibrations.get(quantity) or Calibration.unknown()

    def expected_mep_error(self, points: FloatArray) -> float:
        """Return the RMSE in hartree/e that is expected of the MEP at ``points`` (p, 3) in bohr.

        It is calibrated on points of shells at 1.4 to 2.0 Bondi radii: points elsewhere have
        another. nan where the models have no calibration.
        """
        expected = self._calibration(MEP).expected(self._mep_spread(points))
        return float(expected) / HARTREE_PER_E_IN_KCAL_PER_MOL_E

    def mep_error_bound(self, points: FloatArray) -> float:
        """Return the RMSE in hartree/e that the MEP of 95 % of such molecules does not exceed.

        ``points`` as in :meth:`expected_mep_error`; nan also for a calibration of too few
        molecules.
        """
        bound = self._calibration(MEP).bounds(self._mep_spread(points))
        return float(bound) / HARTREE_PER_E_IN_KCAL_PER_MOL_E

    def _mep_spread(self, points: FloatArray) -> float:
        of_models = self.model_potentials(points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        return float(rms_spread(of_models))
