import numpy as np
import pytest

from mepflow.elements import ATOMIC_NUMBERS, SYMBOLS, symbol
from mepflow.errors import InputError
from mepflow.geometry.radii import BONDI_ANGSTROM, MANTINA_ANGSTROM, bondi_radii


def test_organic_elements_have_bondis_radii_in_bohr():
    expected_angstrom = np.array([1.20, 1.70, 1.55, 1.52, 1.47])
    np.testing.assert_allclose(bondi_radii([1, 6, 7, 8, 9]), expected_angstrom / 0.529177210544)


def test_elements_of_spice_have_the_published_radii():
    bondi = {"H": 1.20, "Li": 1.82, "C": 1.70, "N": 1.55, "O": 1.52, "F": 1.47, "Na": 2.27}
    bondi |= {"Mg": 1.73, "Si": 2.10, "P": 1.80, "S": 1.80, "Cl": 1.75, "K": 2.75}
    bondi |= {"Br": 1.85, "I": 1.98}
    mantina = {"B": 1.92, "Ca": 2.31}
    assert bondi.items() <= BONDI_ANGSTROM.items()
    assert mantina.items() <= MANTINA_ANGSTROM.items()
    numbers = [ATOMIC_NUMBERS[name] for name in bondi | mantina]
    expected = np.array(list((bondi | mantina).values())) / 0.529177210544
    np.testing.assert_allclose(bondi_radii(numbers), expected)


def test_no_radius_has_two_sources():
    assert not BONDI_ANGSTROM.keys() & MANTINA_ANGSTROM.keys()


def test_radii_agree_with_another_packages_table():
    radii = pytest.importorskip("pyscf.data.radii")
    numbers = [ATOMIC_NUMBERS[name] for name in BONDI_ANGSTROM | MANTINA_ANGSTROM]
    np.testing.assert_allclose(bondi_radii(numbers), radii.VDW[numbers], rtol=1e-6)


def test_an_element_without_radius_is_named():
    with pytest.raises(InputError, match="Fe, Z=92"):
        bondi_radii([1, 92, 26, 26])


def test_symbols_are_in_the_order_of_the_periodic_table():
    assert [SYMBOLS[z] for z in (1, 2, 10, 18, 26, 36, 53, 54)] == [
        *("H", "He", "Ne", "Ar", "Fe", "Kr", "I", "Xe")
    ]
    assert symbol(6) == "C"
    assert symbol(0) == "Z=0"
