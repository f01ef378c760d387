from pathlib import Path

import numpy as np
import pytest
import yaml

from mepflow.electrostatics.penetration import VALENCE_ELECTRONS, elements_without_width, shells_of
from mepflow.errors import ConfigError

ROOT = Path(__file__).parents[3]
WIDTHS = {"H": 0.4, "C": 0.5, "Br": 0.6}


def test_shells_follow_the_elements():
    electrons, widths = shells_of(np.array([6, 1, 35, 1], dtype=np.uint8), WIDTHS)
    assert electrons.tolist() == [4.0, 1.0, 7.0, 1.0]
    assert widths.tolist() == [0.5, 0.4, 0.6, 0.4]


def test_elements_without_a_width_are_named():
    numbers = np.array([53, 6, 8, 8])
    assert elements_without_width(numbers, WIDTHS) == ("O", "I")
    with pytest.raises(ConfigError, match=r"no penetration width for O, I \(there are H, C, Br\)"):
        shells_of(numbers, WIDTHS)


def test_the_configuration_knows_the_same_elements():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    row = schema["properties"]["penetration"]["additionalProperties"]
    assert row["propertyNames"]["enum"] == list(VALENCE_ELECTRONS)


def test_rows_are_called_as_basis_sets():
    definitions = yaml.safe_load((ROOT / "config/definitions.yaml").read_text())
    bases = {row["basis"] for row in definitions["levels_of_theory"].values()}
    assert set(definitions["penetration"]) <= bases
