"""What a model file says about the molecules it was trained with."""

import json

import numpy as np

from mepflow.models.domain import TrainingDomain
from mepflow.molecules import Molecule, MoleculeTable

TABLE = MoleculeTable.from_molecules(
    [
        Molecule("water", np.array([8, 1, 1], np.uint8), np.eye(3)),
        Molecule("hydroxide", np.array([8, 1], np.uint8), np.eye(3)[:2], -1),
        Molecule("ammonium", np.array([7, 1, 1, 1, 1], np.uint8), np.ones((5, 3)), 1),
        Molecule("oxygen", np.array([8, 8], np.uint8), np.eye(3)[:2]),
    ]
)


def test_domain_of_a_table() -> None:
    domain = TrainingDomain.from_table(TABLE)
    assert domain == TrainingDomain(4, (2, 5), {1: 3, 7: 1, 8: 3}, (-1, 0, 1))


def test_it_comes_back_from_json() -> None:
    domain = TrainingDomain.from_table(TABLE)
    content = json.loads(json.dumps(domain.to_dict()))
    assert content["elements"] == {"H": 3, "N": 1, "O": 3}
    assert TrainingDomain.from_dict(content) == domain
