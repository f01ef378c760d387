"""The model's multipoles: equivariance, total charge, origin, and agreement with sums by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mepflow.models.device_data import DeviceDataset
from mepflow.models.multipole_model import MultipoleModel, Multipoles, constrain_charges
from mepflow.models.variants import Variant
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, shift_origin
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings

ELEMENTS = (1, 6, 8)
CHARGES = (0, 1, -2)
ROTATION = Rotation.random(rng=np.random.default_rng(7)).as_matrix()


@pytest.fixture
def table() -> MoleculeTable:
    """Three molecules, neutral, cation and dianion, with atoms 2 to 5 bohr apart."""
    rng = np.random.default_rng(11)
    corners = np.array([[x, y, z] for x in (0, 3) for y in (0, 3) for z in (0, 3)], dtype=float)
    molecules = [
        Molecule(
            f"molecule-{index}",
            rng.choice(ELEMENTS, size=n).astype(np.uint8),
            corners[:n] + rng.uniform(-0.5, 0.5, (n, 3)) + rng.uniform(-9, 9, 3),
            charge,
        )
        for index, (n, charge) in enumerate(zip((3, 5, 8), CHARGES, strict=True))
    ]
    return MoleculeTable.from_molecules(molecules)


def make_model(
    *, dipoles: bool = True, quadrupoles: bool = False, quadrupole_from: str = "all"
) -> MultipoleModel:
    variant = Variant(
        "test",
        ("charges", *["dipoles"] * dipoles, *["quadrupoles"] * quadrupoles),
        {"dipole": 1.0, "quadrupole": 1.0},
        quadrupole_from,  # type: ignore[arg-type]
    )
    settings = PiNet2Settings(
        rank=5 if quadrupoles else 3,
        depth=3,
        nodes=6,
        cutoff_angstrom=4.5,
        cutoff_function="f1",
        basis="gaussian",
        n_basis=5,
        gamma_per_angstrom2=3.0,
        weighted=False,
        elements=ELEMENTS,
        outputs=variant.outputs,
    )
    torch.manual_seed(5)
    model = MultipoleModel(settings, variant).double()
    with torch.no_grad():  # the biases start at 0; a trained network has others
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def predict(model: MultipoleModel, table: MoleculeTable) -> Multipoles:
    dtype = next(model.parameters()).dtype
    dataset = DeviceDataset.from_table(table, ELEMENTS, 4.5, dtype=dtype)
    with torch.no_grad():
        return model(dataset.batch(np.arange(len(table))))


def by_hand(
    charges: np.ndarray, dipoles: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return dipole and Θ′ of atomic charges and dipoles, each dipole as two displaced charges."""
    h = 1e-3
    q = np.concatenate([charges, np.repeat(1 / (2 * h), len(dipoles) * 2)])
    q[len(charges) + len(dipoles) :] *= -1
    r = np.concatenate([positions, positions + h * dipoles, positions - h * dipoles])
    second = np.einsum("i,ia,ib->ab", q, r, r)
    return q @ r, 3 * second - np.trace(second) * np.eye(3)


@pytest.mark.parametrize("quadrupoles", [False, True])
@pytest.mark.parametrize("transform", [ROTATION, -ROTATION], ids=["rotation", "improper"])
def test_multipoles_turn_with_the_molecule(
    table: MoleculeTable, transform: np.ndarray, quadrupoles: bool
) -> None:
    model = make_model(quadrupoles=quadrupoles)
    before = predict(model, table)
    after = predict(model, replace(table, positions=table.positions @ transform.T))
    turn = torch.from_numpy(transform)
    assert before.dipole.abs().max() > 0.5
    torch.testing.assert_close(after.charges, before.charges, rtol=0, atol=1e-12)
    torch.testing.assert_close(after.dipole, before.dipole @ turn.T, rtol=0, atol=1e-11)
    assert before.atomic_dipoles is not None
    assert before.atomic_dipoles.abs().max() > 0.05
    torch.testing.assert_close(
        after.atomic_dipoles, before.atomic_dipoles @ turn.T, rtol=0, atol=1e-12
    )
    expected = turn @ before.quadrupole @ turn.T
    torch.testing.assert_close(after.quadrupole, expected, rtol=0, atol=1e-11)
    assert (before.atomic_quadrupoles is not None) == quadrupoles
    if before.atomic_quadrupoles is not None:
        assert before.atomic_quadrupoles.abs().max() > 0.05
        expected = turn @ before.atomic_quadrupoles @ turn.T
        torch.testing.assert_close(after.atomic_quadrupoles, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("quadrupole_from", ["charges", "all"])
def test_atomic_quadrupoles_are_traceless_and_enter_the_molecular_one_alone(
    table: MoleculeTable, quadrupole_from: str
) -> None:
    found = predict(make_model(quadrupoles=True, quadrupole_from=quadrupole_from), table)
    assert found.atomic_dipoles is not None
    assert found.atomic_quadrupoles is not None
    own = found.atomic_quadrupoles
    assert torch.equal(own, own.mT)
    traces = own.diagonal(dim1=1, dim2=2).sum(dim=1)
    torch.testing.assert_close(traces, torch.zeros_like(traces), rtol=0, atol=1e-15)
    for index in range(len(table)):
        rows = table.atoms(index)
        r = table.positions[rows]
        r = r - centre_of_nuclear_charge(table.atomic_numbers[rows], r)
        dipoles = found.atomic_dipoles[rows].numpy()
        dipole, quadrupole = by_hand(found.charges[rows].numpy(), dipoles, r)
        if quadrupole_from == "charges":
            quadrupole = by_hand(found.charges[rows].numpy(), np.zeros_like(dipoles), r)[1]
        else:
            quadrupole = quadrupole + own[rows].sum(dim=0).numpy()
        np.testing.assert_allclose(found.dipole[index].numpy(), dipole, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.quadrupole[index], quadrupole, rtol=0, atol=1e-9)


def test_the_gradient_of_all_multipoles_is_their_slope(table: MoleculeTable) -> None:
    model = make_model(quadrupoles=True)
    dataset = DeviceDataset.from_table(table, ELEMENTS, 4.5, dtype=torch.float64)
    batch = dataset.batch(np.arange(len(table)))
    weights = list(model.parameters())
    generator = torch.Generator().manual_seed(3)
    direction = [torch.randn(w.shape, generator=generator, dtype=w.dtype) for w in weights]

    def loss() -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for values in model(batch):
            total = total + values.square().sum()
        return total

    gradient = torch.autograd.grad(loss(), weights)
    along = sum(float((g * d).sum()) for g, d in zip(gradient, direction, strict=True))
    step, values = 1e-5, []
    with torch.no_grad():
        for move in (step, -2 * step):
            for weight, d in zip(weights, direction, strict=True):
                weight += move * d
            values.append(float(loss()))
    assert along == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-6)


def test_nothing_changes_with_a_translation(table: MoleculeTable) -> None:
    model = make_model()
    shifts = np.repeat(np.random.default_rng(1).uniform(-20, 20, (3, 3)), (3, 5, 8), axis=0)
    moved = predict(model, replace(table, positions=table.positions + shifts))
    torch.testing.assert_close(moved, predict(model, table), rtol=0, atol=1e-11)


def test_charges_add_up_to_the_total_charge(table: MoleculeTable) -> None:
    charges = predict(make_model(), table).charges.numpy()
    sums = np.add.reduceat(charges, table.atom_offsets[:-1])
    np.testing.assert_allclose(sums, CHARGES, rtol=0, atol=1e-14)


def test_every_atom_loses_the_same_excess() -> None:
    raw = torch.tensor([0.3, -0.1, 0.5, 2.0, 1.0], dtype=torch.float64)
    molecule = torch.tensor([0, 0, 0, 1, 1])
    total = torch.tensor([1.0, -1.0], dtype=torch.float64)
    charges = constrain_charges(raw, total, molecule)
    expected = torch.tensor([0.4, 0.0, 0.6, 0.0, -1.0], dtype=torch.float64)
    torch.testing.assert_close(charges, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("quadrupole_from", ["charges", "all"])
def test_multipoles_are_those_of_the_atomic_terms(
    table: MoleculeTable, quadrupole_from: str
) -> None:
    predicted = predict(make_model(quadrupole_from=quadrupole_from), table)
    assert predicted.atomic_dipoles is not None
    for index in range(len(table)):
        rows = table.atoms(index)
        r = table.positions[rows]
        r = r - centre_of_nuclear_charge(table.atomic_numbers[rows], r)
        charges = predicted.charges[rows].numpy()
        dipoles = predicted.atomic_dipoles[rows].numpy()
        dipole, of_all = by_hand(charges, dipoles, r)
        of_charges = by_hand(charges, np.zeros_like(dipoles), r)[1]
        assert np.abs(of_all - of_charges).max() > 0.1
        quadrupole = of_all if quadrupole_from == "all" else of_charges
        np.testing.assert_allclose(predicted.dipole[index].numpy(), dipole, rtol=0, atol=1e-9)
        np.testing.assert_allclose(predicted.quadrupole[index], quadrupole, rtol=0, atol=1e-9)


def test_charges_alone_have_no_atomic_dipoles(table: MoleculeTable) -> None:
    predicted = predict(make_model(dipoles=False, quadrupole_from="charges"), table)
    assert predicted.atomic_dipoles is None
    rows = table.atoms(1)
    r = table.positions[rows]
    r = r - centre_of_nuclear_charge(table.atomic_numbers[rows], r)
    dipole, quadrupole = by_hand(predicted.charges[rows].numpy(), np.zeros_like(r), r)
    np.testing.assert_allclose(predicted.dipole[1].numpy(), dipole, rtol=0, atol=1e-9)
    np.testing.assert_allclose(predicted.quadrupole[1].numpy(), quadrupole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("index", range(3), ids=["neutral", "cation", "dianion"])
def test_multipoles_are_about_the_centre_of_nuclear_charge(
    table: MoleculeTable, index: int
) -> None:
    """The moments about the archive's origin, shifted there, are the predicted ones."""
    predicted = predict(make_model(), table)
    assert predicted.atomic_dipoles is not None
    rows = table.atoms(index)
    r = table.positions[rows]
    dipole, quadrupole = by_hand(
        predicted.charges[rows].numpy(), predicted.atomic_dipoles[rows].numpy(), r
    )
    centre = centre_of_nuclear_charge(table.atomic_numbers[rows], r)
    shifted_dipole, shifted_quadrupole = shift_origin(quadrupole, dipole, CHARGES[index], centre)
    assert np.abs(quadrupole - shifted_quadrupole).max() > 1.0
    np.testing.assert_allclose(predicted.dipole[index].numpy(), shifted_dipole, rtol=0, atol=1e-8)
    np.testing.assert_allclose(predicted.quadrupole[index], shifted_quadrupole, rtol=0, atol=1e-8)


def test_a_molecule_does_not_notice_its_neighbours_in_the_batch(table: MoleculeTable) -> None:
    model = make_model()
    together = predict(model, table)
    for index in range(len(table)):
        alone = predict(model, table.select([index]))
        torch.testing.assert_close(alone.dipole[0], together.dipole[index], rtol=0, atol=1e-12)
        torch.testing.assert_close(
            alone.charges, together.charges[table.atoms(index)], rtol=0, atol=1e-13
        )


def test_sums_over_a_molecule_keep_their_precision_where_the_network_has_less(
    table: MoleculeTable,
) -> None:
    model = make_model().float()
    with torch.autocast("cpu", torch.bfloat16):
        predicted = predict(model, table)
    assert {values.dtype for values in predicted if values is not None} == {torch.float32}
    sums = np.add.reduceat(predicted.charges.double().numpy(), table.atom_offsets[:-1])
    np.testing.assert_allclose(sums, CHARGES, rtol=0, atol=1e-6)
