"""What the viewer draws."""

import base64
import json

import numpy as np
import pytest
from page_case import CHARGES, MOLECULES, SURFACE, VARIANTS, Page

from mepflow.electrostatics.penetration import penetration_potential, shells_of
from mepflow.electrostatics.potential import potential
from mepflow.elements import ATOMIC_NUMBERS
from mepflow.errors import InputError
from mepflow.evaluation.sources import sources_of
from mepflow.geometry.radii import CORE_SCALE, bondi_radii
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.page.scenes import molecule_label, scenes
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E


def unpacked(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


def scenes_of(case: Page, molecules: list[str], widths=None):
    view = case.views[0]
    sources = sources_of(case.results / path for path in view.predictions)
    return scenes(
        "qm9", molecules, "surface", case.results / view.reference, sources, "surface", widths
    )


@pytest.fixture(scope="module")
def found(case: Page):
    return scenes_of(case, [molecule.id for molecule in MOLECULES])


def test_scenes_are_plain_data(found) -> None:
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_surface_and_reference(found) -> None:
    for scene, molecule, charges in zip(found, MOLECULES, CHARGES, strict=True):
        surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions, **SURFACE)
        vertices = unpacked(scene["surface"]["vertices"], "<f4").reshape(-1, 3)
        np.testing.assert_allclose(vertices, surface.vertices, atol=1e-6)
        triangles = unpacked(scene["surface"]["triangles"], "<u4").reshape(-1, 3)
        np.testing.assert_array_equal(triangles, surface.triangles)
        values = potential(surface.vertices, molecule.positions, np.array(charges))
        shown = unpacked(scene["surface"]["reference"], "<f4")
        np.testing.assert_allclose(shown, values * HARTREE_PER_E_IN_KCAL_PER_MOL_E, rtol=1e-6)


def test_the_largest_extrema_are_marked(found) -> None:
    for scene in found:
        potentials = [(scene["surface"]["reference"], scene["surface"]["extrema"])]
        potentials += [(one["mep"], one["extrema"]) for one in scene["models"]]
        for text, marked in potentials:
            values = unpacked(text, "<f4")
            shown = values[marked]
            positive = shown[shown > 0.0]
            assert values.argmax() in marked
            assert values.argmin() in marked
            assert len(set(marked)) == len(marked) <= 8
            assert list(positive) == sorted(positive, reverse=True)


def test_models_have_their_error_on_the_headline_grid(found) -> None:
    """The first model's charges are 1.1 times the reference's: its error is a tenth of V."""
    for scene, molecule, charges in zip(found, MOLECULES, CHARGES, strict=True):
        surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions, **SURFACE)
        values = potential(surface.vertices, molecule.positions, np.array(charges))
        expected = 0.1 * np.sqrt(np.mean(values**2)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        assert scene["models"][0]["grid_rmse"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("symbols", "smiles", "label"),
    [
        ("OCHH", "C=O", "formaldehyde, CH₂O (m)"),
        ("HF", "F", "F, HF (m)"),
        ("FNOC", "", "CFNO (m)"),
        ("C" * 41, "C" * 41, "C₄₁ (m)"),
        ("HHO", "m", "H₂O (m)"),
    ],
)
def test_molecules_are_called_by_name_and_formula(symbols, smiles, label) -> None:
    numbers = np.array([ATOMIC_NUMBERS[one] for one in symbols], dtype=np.uint8)
    molecule = Molecule("m", numbers, np.zeros((len(numbers), 3)), 0, smiles)
    assert molecule_label(molecule) == label


def test_nearest_atoms_carry_the_surface(found) -> None:
    scene, molecule = found[0], MOLECULES[0]
    vertices = unpacked(scene["surface"]["vertices"], "<f4").reshape(-1, 3)
    nearest = unpacked(scene["surface"]["nearest_atoms"], "<u4")
    distances = np.linalg.norm(vertices[:, None] - molecule.positions, axis=-1)
    np.testing.assert_allclose(
        distances[np.arange(len(vertices)), nearest], distances.min(axis=1), rtol=1e-6
    )


def test_models_have_their_own_potential(found, case: Page) -> None:
    scene, molecule = found[0], MOLECULES[0]
    vertices = unpacked(scene["surface"]["vertices"], "<f4").reshape(-1, 3).astype(float)
    assert [model["name"] for model in scene["models"]] == list(VARIANTS)
    for model, path in zip(scene["models"], case.views[0].predictions, strict=True):
        table = MoleculeTable.load(case.results / path)
        dipoles = model["dipoles"] and np.array(model["dipoles"])
        assert (dipoles is None) == ("atomic_dipoles" not in table.properties)
        assert model["quadrupoles"] is None
        values = potential(vertices, molecule.positions, np.array(model["charges"]), dipoles)
        shown = unpacked(model["mep"], "<f4")
        np.testing.assert_allclose(shown, values * HARTREE_PER_E_IN_KCAL_PER_MOL_E, rtol=1e-4)


def test_surfaces_hold_penetration_where_all_elements_have_a_width(found, case: Page) -> None:
    widths = {"H": 0.4, "C": 0.5, "O": 0.45}  # none of N
    with_shells = scenes_of(case, [molecule.id for molecule in MOLECULES], widths)
    assert with_shells[1] == found[1]
    shells = with_shells[0]["atoms"]["shells"]
    assert shells == {"electrons": [4.0, 6.0, 1.0, 1.0], "widths": [0.5, 0.45, 0.4, 0.4]}
    vertices = unpacked(found[0]["surface"]["vertices"], "<f4").reshape(-1, 3).astype(float)
    numbers, positions = MOLECULES[0].atomic_numbers, MOLECULES[0].positions
    added = penetration_potential(vertices, positions, shells_of(numbers, widths))
    assert added.min() > 1e-4
    for before, after in zip(found[0]["models"], with_shells[0]["models"], strict=True):
        points, shown = (unpacked(model["mep"], "<f4") for model in (before, after))
        change = added * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        np.testing.assert_allclose(shown - points, change, rtol=1e-3, atol=1e-4)


def test_error_is_an_average_over_the_area(found) -> None:
    molecule = MOLECULES[0]
    surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions, **SURFACE)
    # AC-D is 1.1 times the charges of the reference.
    difference = 0.1 * unpacked(found[0]["surface"]["reference"], "<f4").astype(float)
    areas = surface.vertex_areas()
    model = found[0]["models"][0]
    assert model["rmse"] == pytest.approx(np.sqrt(difference**2 @ areas / areas.sum()), rel=1e-6)
    assert model["rmse"] != pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-3)
    assert model["largest"] == pytest.approx(np.abs(difference).max(), rel=1e-6)


def test_scales_hold_reference_and_all_differences(found) -> None:
    for scene in found:
        reference = unpacked(scene["surface"]["reference"], "<f4")
        assert np.mean(np.abs(reference) <= scene["limits"]["potential"]) > 0.98
        for model in scene["models"]:
            difference = unpacked(model["mep"], "<f4") - reference
            assert np.mean(np.abs(difference) <= scene["limits"]["difference"]) > 0.97


def test_atoms_and_bonds(found) -> None:
    scene, molecule = found[0], MOLECULES[0]
    assert scene["atoms"]["symbols"] == ["C", "O", "H", "H"]
    assert scene["atoms"]["positions"] == molecule.positions.tolist()
    assert scene["bonds"] == [[0, 1], [0, 2], [0, 3]]
    np.testing.assert_allclose(
        scene["atoms"]["core_radii"], CORE_SCALE * bondi_radii(molecule.atomic_numbers)
    )


def test_first_view_is_onto_the_broad_side(found) -> None:
    eye, up = (np.array(found[0]["view"][name]) for name in ("eye", "up"))
    # Formaldehyde lies in the plane x = 0.
    assert abs(eye[0]) > 0.9
    assert np.linalg.norm(eye) == pytest.approx(1.0)
    assert abs(up[0]) < 1e-9


def test_missing_molecules_are_named(case: Page) -> None:
    with pytest.raises(InputError, match="no surface 'surface' of nothing"):
        scenes_of(case, ["nothing"])


def test_prediction_without_the_molecule_is_named(case: Page, tmp_path) -> None:
    path = tmp_path / "AC-D" / "seed-1" / "predictions.h5"
    full = MoleculeTable.load(case.results / case.views[0].predictions[0])
    full.select([1]).save(path)
    reference = case.results / case.views[0].reference
    with pytest.raises(InputError, match=r"predictions\.h5 holds no prediction of formaldehyde"):
        scenes("qm9", ["formaldehyde"], "surface", reference, sources_of([path]), "mk")
