"""Names of molecules from their geometries."""

import numpy as np
import pytest
from ase.build import molecule
from scipy.spatial.transform import Rotation

from mepflow.archives.connectivity import connectivity_name


def name_of(atoms):
    return connectivity_name(atoms.numbers.astype(np.uint8), atoms.positions)


@pytest.mark.parametrize("name", ["CH3CH2OH", "C6H6", "CH4", "H2O"])
def test_the_name_is_that_of_the_molecule_alone(name):
    atoms = molecule(name)
    rng = np.random.default_rng(1)
    moved = atoms[rng.permutation(len(atoms))]
    moved.positions = Rotation.random(rng=rng).apply(moved.positions)
    moved.translate([1, 2, 3])
    moved.positions += 0.02 * rng.normal(size=moved.positions.shape)
    assert name_of(moved) == name_of(atoms)
    assert name_of(atoms).startswith(f"{atoms.get_chemical_formula('hill')}-")


@pytest.mark.parametrize(
    ("one", "other"),
    [("CH3CH2OH", "CH3OCH3"), ("trans-butane", "isobutane"), ("cyclobutene", "butadiene")],
)
def test_isomers_have_names_of_their_own(one, other):
    assert name_of(molecule(one)) != name_of(molecule(other))


def test_conformers_share_a_name():
    atoms = molecule("trans-butane")
    turned = atoms.copy()
    turned.set_dihedral(*chain(atoms), 60.0, indices=below(atoms))
    assert np.abs(turned.get_all_distances() - atoms.get_all_distances()).max() > 0.5
    assert name_of(turned) == name_of(atoms)


def chain(atoms):
    """Return the carbon atoms in the order of the chain."""
    carbons = np.flatnonzero(atoms.numbers == 6)
    distances = atoms.get_all_distances()[np.ix_(carbons, carbons)]
    first = int(np.unravel_index(distances.argmax(), distances.shape)[0])
    return [int(carbons[k]) for k in np.argsort(distances[first])]


def below(atoms):
    """Return the last two carbons of the chain and their hydrogens."""
    distances = atoms.get_all_distances()[chain(atoms)[-2:]]
    return np.flatnonzero((distances < 1.2).any(axis=0)).tolist()


def test_parts_are_named_one_by_one():
    water = molecule("H2O")
    far = water.copy()
    far.translate([0, 0, 20])
    parts = name_of(water + far).split(".")
    assert len(parts) == 2
    assert parts[0] == parts[1]
