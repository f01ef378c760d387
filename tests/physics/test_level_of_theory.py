"""The levels of theory are the archives': against published values and independent calculations.

QM9: three geometries are rebuilt from bond lengths and angles at QM9's minimum, where the energy is
stationary; the published values are those of the records 1 to 3. SPICE: a complex of its release 1.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from mepflow.molecules import Molecule
from mepflow.qm import level_check
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.reference_record import reference_record
from mepflow.qm.scf import run_scf
from mepflow.units import ANGSTROM_IN_BOHR, E_BOHR_IN_DEBYE

ROOT = Path(__file__).resolve().parents[2]
QM9 = ROOT.parent / "shared" / "data" / "qm9"
SPICE = ROOT.parent / "shared" / "data" / "spice" / "SPICE-1.1.4_n2.hdf5"
DEFINITIONS = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())
EXACT = "b3lyp-6-31g-2df-p"
FITTED = "b3lyp-6-31g-2df-p-fitted"


def level(name: str) -> LevelOfTheory:
    return LevelOfTheory.from_row(name, DEFINITIONS["levels_of_theory"][name])


def pyramid(bond: float, angle: float, count: int) -> npt.NDArray[np.float64]:
    """Return ``count`` unit bonds around an axis with the given angle (degrees) between any two."""
    azimuth = 2 * np.pi * np.arange(count) / count
    chord = 2 * np.sin(np.radians(angle) / 2)
    radius = chord / (2 * np.sin(np.pi / count))
    height = np.sqrt(1 - radius**2)
    rays = [radius * np.cos(azimuth), radius * np.sin(azimuth), np.full(count, height)]
    return bond * np.stack(rays, axis=1)


@dataclass(frozen=True)
class Published:
    name: str
    heavy: int
    hydrogens: npt.NDArray[np.float64]
    energy_hartree: float
    dipole_debye: float
    homo_hartree: float
    lumo_hartree: float
    charge_e: float
    extent_bohr2: float

    @property
    def molecule(self) -> Molecule:
        count = len(self.hydrogens)
        numbers = np.array([self.heavy] + [1] * count, dtype=np.uint8)
        positions = np.concatenate([np.zeros((1, 3)), self.hydrogens])
        return Molecule(self.name, numbers, positions * ANGSTROM_IN_BOHR)


TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
PUBLISHED = [
    Published(
        "methane",
        6,
        1.09195 * TETRAHEDRON,
        -40.47893 - 0.044749,
        0.0,
        -0.3877,
        0.1171,
        -0.535689,
        35.3641,
    ),
    Published(
        "ammonia",
        7,
        pyramid(1.017195, 105.4319, 3),
        -56.525887 - 0.034358,
        1.6256,
        -0.257,
        0.0829,
        -0.707143,
        26.1563,
    ),
    Published(
        "water",
        8,
        pyramid(0.962107, 103.71576, 2),
        -76.404702 - 0.021375,
        1.8511,
        -0.2928,
        0.0687,
        -0.589706,
        19.0002,
    ),
]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda p: p.name)
@pytest.mark.parametrize(("name", "energy_tolerance"), [(EXACT, 1e-5), (FITTED, 2e-5)])
def test_published_values_of_qm9(published: Published, name: str, energy_tolerance: float) -> None:
    record = reference_record(published.molecule, level(name), {})
    assert str(record["failure"]) == ""
    assert float(record["energy"]) == pytest.approx(published.energy_hartree, abs=energy_tolerance)
    length = np.linalg.norm(record["dipole"]) * E_BOHR_IN_DEBYE
    assert length == pytest.approx(published.dipole_debye, abs=1e-3)
    # QM9 prints four decimals of orbital energies and of the spatial extent.
    assert float(record["homo"]) == pytest.approx(published.homo_hartree, abs=6e-5)
    assert float(record["lumo"]) == pytest.approx(published.lumo_hartree, abs=6e-5)
    extent = float(record["electronic_spatial_extent"])
    assert extent == pytest.approx(published.extent_bohr2, abs=5e-4)
    assert record["mulliken_charges"][0] == pytest.approx(published.charge_e, abs=1e-4)


def test_other_angular_functions_do_not_reproduce_qm9() -> None:
    """All-pure functions miss QM9 by hundreds of times the tolerance: the projection matters."""
    water = PUBLISHED[2]
    mean_field = run_scf(water.molecule, replace(level(EXACT), basis="6-31g(2df,p)")).mean_field
    assert abs(mean_field.e_tot - water.energy_hartree) > 1e-4


@pytest.mark.skipif(not (QM9 / "raw").is_dir(), reason="no raw QM9 files beside the repository")
def test_raw_files_of_qm9() -> None:
    smallest = [f"gdb_{number:06d}" for number in (1, 2, 3, 4, 5, 6, 8)]
    differences, agrees = level_check.check_level(QM9 / "raw", level(FITTED), molecules=smallest)
    assert len(differences) == 7
    assert agrees, differences.to_string()
    assert (differences["mulliken_e"] < 2e-4).all()
    assert (differences["spatial_extent_bohr2"].abs() < 5e-3).all()


@pytest.mark.skipif(not SPICE.is_file(), reason="no excerpt of SPICE beside the repository")
def test_record_of_spice() -> None:
    """C2H2 and Na+ at SPICE's own level: energy, and every component of dipole and quadrupole."""
    differences, agrees = level_check.check_level(
        SPICE, level("wb97m-d3bj-def2-tzvppd"), molecules=["C#C.[Na+]:0"], conformers="all"
    )
    assert list(differences["id"]) == ["C#C.[Na+]:0"]
    assert agrees, differences.to_string()
    assert (differences["energy_hartree"].abs() < 3e-5).all()
    assert (differences["dipole_e_bohr"] < 2e-4).all()
    assert (differences["quadrupole_e_bohr2"] < 2e-3).all()


@pytest.fixture(scope="module")
def independent() -> dict[str, npt.NDArray[np.float64]]:
    path = QM9 / "reference_small.npz"
    if not path.is_file():
        pytest.skip("no independent reference beside the repository")
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.parametrize("row", [1, 4, 6, 9])
def test_independent_calculation(independent: dict[str, npt.NDArray[np.float64]], row: int) -> None:
    """Vectors, tensors, charges and the potential, component by component in the same frame."""
    same_level = replace(level(FITTED), density_fitting="def2-universal-jkfit", grid_level=3)
    from mepflow.qm.properties import potential_on_points

    atoms = slice(*independent["atom_offsets"][row : row + 2])
    points = slice(*independent["grid_offsets"][row : row + 2])
    molecule = Molecule(
        f"gdb_{independent['gdb_index'][row]:06d}",
        independent["atomic_numbers"][atoms].astype(np.uint8),
        independent["positions_angstrom"][atoms] * ANGSTROM_IN_BOHR,
    )
    record = reference_record(molecule, same_level, {})
    assert float(record["energy"]) == pytest.approx(independent["energy_hartree"][row], abs=1e-6)
    np.testing.assert_allclose(record["origin"], independent["origin_bohr"][row], atol=1e-6)
    # The other calculation stopped at 1e-8 hartree: its density is good to these.
    np.testing.assert_allclose(record["dipole"], independent["dipole_au"][row], atol=3e-4)
    np.testing.assert_allclose(record["quadrupole"], independent["quadrupole_au"][row], atol=3e-3)
    np.testing.assert_allclose(
        record["mulliken_charges"], independent["mulliken_e"][atoms], atol=2e-4
    )
    mean_field = run_scf(molecule, same_level).mean_field
    some = slice(points.start, min(points.stop, points.start + 150))
    potential = potential_on_points(mean_field, independent["grid_points_bohr"][some].astype(float))
    np.testing.assert_allclose(potential, independent["mep_hartree_per_e"][some], atol=1e-5)
