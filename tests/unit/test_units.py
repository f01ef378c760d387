"""Conversion factors against published figures, independent of SciPy's tables."""

import pytest

from mepflow import units

# CODATA 2022 (NIST) and, for the debye, 1e-18 statC cm with the exact e and c.
PUBLISHED = {
    "BOHR_IN_ANGSTROM": 0.529177210544,
    "ANGSTROM_IN_BOHR": 1.889726124626,
    "E_BOHR_IN_DEBYE": 2.541746473,
    "E_BOHR2_IN_DEBYE_ANGSTROM": 1.345034309,
    "HARTREE_IN_EV": 27.211386245981,
    "HARTREE_PER_E_IN_KCAL_PER_MOL_E": 627.50947406,
    "HARTREE_PER_E_IN_KJ_PER_MOL_E": 2625.49963948,
    "HARTREE_PER_E_IN_MILLIVOLT": 27211.386245981,
    "WAVENUMBER_IN_HARTREE": 4.5563352529132e-6,
    "GHZ_IN_HARTREE": 1.5198298460574e-7,
    "KELVIN_IN_HARTREE": 3.1668115634564e-6,
    "DALTON_IN_ELECTRON_MASS": 1822.888486283,
    "HARTREE_IN_KCAL_PER_MOL": 627.50947406,
    "ATOMIC_TIME_IN_FEMTOSECOND": 0.024188843265864,
    "WAVENUMBER_IN_HERTZ": 2.99792458e10,
    # 42.2561 km/mol per (D/Å)²/amu, as programs of quantum chemistry print it, with more digits.
    "E2_PER_ELECTRON_MASS_IN_KM_PER_MOL": 1777097.73,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_factor(name):
    # 1e-8 tells CODATA 2018 and 2022 apart from older figures, not from each other.
    assert getattr(units, name) == pytest.approx(PUBLISHED[name], rel=1e-8)


def test_every_factor_is_checked():
    factors = {name for name in vars(units) if "_IN_" in name and not name.startswith("_")}
    assert factors == set(PUBLISHED)
