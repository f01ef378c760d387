"""Units: every conversion factor of the project, from CODATA through SciPy.

Inside mepflow everything is in atomic units (bohr, e, e·bohr, e·bohr², hartree, hartree/e).
A factor ``A_IN_B`` is the size of one A in units of B, so ``value_in_B = value_in_A * A_IN_B``.
"""

from typing import Final

from scipy import constants as _codata

_METRE_PER_ANGSTROM: Final = 1e-10
_CHARGE: Final[float] = _codata.e
_BOHR_METRE: Final[float] = _codata.value("Bohr radius")
_HARTREE_JOULE: Final[float] = _codata.value("Hartree energy")
# 1 debye = 1e-18 statC·cm = 1e-21 C·m²/s divided by the speed of light.
_DEBYE_COULOMB_METRE: Final[float] = 1e-21 / _codata.c

BOHR_IN_ANGSTROM: Final[float] = _BOHR_METRE / _METRE_PER_ANGSTROM
ANGSTROM_IN_BOHR: Final[float] = 1.0 / BOHR_IN_ANGSTROM
E_BOHR_IN_DEBYE: Final[float] = _CHARGE * _BOHR_METRE / _DEBYE_COULOMB_METRE
E_BOHR2_IN_DEBYE_ANGSTROM: Final[float] = E_BOHR_IN_DEBYE * BOHR_IN_ANGSTROM
HARTREE_IN_EV: Final[float] = _HARTREE_JOULE / _CHARGE
HARTREE_PER_E_IN_KCAL_PER_MOL_E: Final[float] = (
    _HARTREE_JOULE * _codata.N_A / (1000.0 * _codata.calorie)
)
HARTREE_IN_KCAL_PER_MOL: Final[float] = HARTREE_PER_E_IN_KCAL_PER_MOL_E
HARTREE_PER_E_IN_KJ_PER_MOL_E: Final[float] = _HARTREE_JOULE * _codata.N_A / 1000.0
HARTREE_PER_E_IN_MILLIVOLT: Final[float] = 1000.0 * HARTREE_IN_EV
WAVENUMBER_IN_HARTREE: Final[float] = _codata.value("inverse meter-hartree relationship") * 100.0
GHZ_IN_HARTREE: Final[float] = _codata.value("hertz-hartree relationship") * 1e9
KELVIN_IN_HARTREE: Final[float] = _codata.value("kelvin-hartree relationship")
DALTON_IN_ELECTRON_MASS: Final[float] = _codata.value("atomic mass constant") / _codata.value(
    "electron mass"
)
ATOMIC_TIME_IN_FEMTOSECOND: Final[float] = _codata.value("atomic unit of time") * 1e15
WAVENUMBER_IN_HERTZ: Final[float] = 100.0 * _codata.c
# The integrated absorption N_A/(12 ε₀c²) |dμ/dQ|² of a vibration with |dμ/dQ|² of e² per electron
# mass: N_A π/3 times the classical electron radius e²/(4π ε₀ m c²), in km/mol.
E2_PER_ELECTRON_MASS_IN_KM_PER_MOL: Final[float] = (
    _codata.N_A * _codata.pi / 3.0 * _codata.value("classical electron radius") / 1000.0
)
