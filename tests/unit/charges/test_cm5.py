"""CM5 charges against those that the authors' program CM5PAC (2011) prints for its examples."""

import numpy as np
import pytest

from mepflow.charges.cm5 import cm5_charges
from mepflow.errors import InputError
from mepflow.units import ANGSTROM_IN_BOHR

# Element, place in Å, Hirshfeld charge, CM5 charge.
EXAMPLES = {
    "methanol": """
        8 -0.046153 -0.751257  0.0      -0.250109 -0.474015
        6 -0.046153  0.658469  0.0      -0.031642 -0.157794
        1  0.857779 -1.062372  0.0       0.164045  0.338597
        1 -1.086394  0.976180  0.0       0.047951  0.108245
        1  0.437376  1.072716  0.889654  0.034880  0.092486
        1  0.437376  1.072716 -0.889654  0.034880  0.092486""",
    "formamide": """
        6 -0.164665  0.381599  0.0       0.223454  0.278068
        8 -1.179589 -0.245182  0.0      -0.370283 -0.421696
        7  1.073259 -0.153007  0.0      -0.196296 -0.669558
        1 -0.152430  1.472206  0.0       0.053878  0.128807
        1  1.175971 -1.143194  0.0       0.146856  0.345301
        1  1.888352  0.413898  0.0       0.142374  0.339062""",
    "acetone": """
        8  0.0       0.0       1.396962 -0.274233 -0.325174
        6  0.0       0.0       0.188800  0.171591  0.187260
        6  0.0       1.275657 -0.611044 -0.101342 -0.244541
        6  0.0      -1.275657 -0.611044 -0.101342 -0.244541
        1  0.0       2.142271  0.042196  0.051804  0.107166
        1  0.0      -2.142271  0.042196  0.051804  0.107166
        1  0.871902  1.314824 -1.265092  0.050449  0.103185
        1  0.871902 -1.314824 -1.265092  0.050449  0.103185
        1 -0.871902  1.314824 -1.265092  0.050449  0.103185
        1 -0.871902 -1.314824 -1.265092  0.050449  0.103185""",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_charges_are_those_of_the_authors_program(name: str) -> None:
    rows = np.array([line.split() for line in EXAMPLES[name].strip().splitlines()], dtype=float)
    found = cm5_charges(rows[:, 0], rows[:, 1:4] * ANGSTROM_IN_BOHR, rows[:, 4])
    assert found == pytest.approx(rows[:, 5], abs=3e-6)
    assert found.sum() == pytest.approx(rows[:, 4].sum(), abs=1e-12)


@pytest.mark.parametrize(
    ("elements", "angstrom", "correction"),
    # At the sum of the radii the exponential is 1, 1/α further off 1/e: (0.0056 + 0.0444) there.
    [((1, 17), 1.32, 0.05), ((1, 17), 1.32 + 1 / 2.474, 0.05 / np.e), ((15, 15), 2.0, 0.0),
     ((16, 35), 2.21, -0.0252), ((53, 6), 2.11, 0.0226), ((5, 9), 1.44, -0.0401),
     ((14, 1), 1.46, -0.0846)],
)  # fmt: skip
def test_elements_without_a_parameter_of_their_pair_have_the_difference_of_theirs(
    elements: tuple[int, int], angstrom: float, correction: float
) -> None:
    places = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, angstrom * ANGSTROM_IN_BOHR]])
    found = cm5_charges(elements, places, np.array([0.1, -0.1]))
    assert found == pytest.approx([0.1 + correction, -0.1 - correction], abs=1e-12)


def test_an_element_without_parameters_is_named() -> None:
    with pytest.raises(InputError, match="no parameters here for Fe"):
        cm5_charges([26], np.zeros((1, 3)), np.zeros(1))
