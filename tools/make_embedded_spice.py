"""Make the embedded archive in SPICE's layout: fragments of our choice, computed by us.

Run from the repository's root, in the project's environment with ``tblite`` and ``ase`` besides::

    pip install tblite==0.8.0 ase==3.29.0
    OMP_NUM_THREADS=1 python tools/make_embedded_spice.py --work /tmp/spice --jobs 2

Each molecule goes SMILES → conformers (RDKit) → one minimum and two snapshots of a short Langevin
run (GFN2-xTB) → energy, gradient and moments (ωB97M-D3(BJ)/def2-SVP, density fitting) → MBIS
multipoles (:mod:`mepflow.qm.stockholder`). Every step of every molecule is a file of the work
folder, so that the run can be stopped and taken up again. What the groups are for stands in
``resources/embedded/README.md``.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.qm.blas import choose_kernels  # noqa: E402

choose_kernels()

import h5py  # noqa: E402
from ase import Atoms, units  # noqa: E402
from ase.md.langevin import Langevin  # noqa: E402
from ase.md.velocitydistribution import thermalize_momenta  # noqa: E402
from ase.optimize import BFGS  # noqa: E402
from pyscf import dft, gto, lib  # noqa: E402
from rdkit import Chem, RDLogger  # noqa: E402
from rdkit.Chem import AllChem, rdDetermineBonds  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402

from mepflow.qm.stockholder import (  # noqa: E402
    GridDensity,
    atomic_multipoles,
    fit_shells,
    initial_shells,
)
from mepflow.storage.files import atomic_path  # noqa: E402
from mepflow.units import ANGSTROM_IN_BOHR  # noqa: E402

FloatArray = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]
log = logging.getLogger("make_embedded_spice")

FUNCTIONAL: Final = "wb97m-d3bj"
BASIS: Final = "def2-svp"
FITTING_BASIS: Final = "def2-universal-jkfit"
CORE_POTENTIALS: Final = {"I": "def2-svp"}
GRID_LEVEL: Final = 3
CONVERGENCE_HARTREE: Final = 1e-9
GROUND_STATE_UNPAIRED: Final = {
    "H": 1, "C": 2, "N": 3, "O": 2, "F": 1, "P": 3, "S": 2, "Cl": 1, "Br": 1, "I": 1,
}  # fmt: skip
SNAPSHOT_KELVIN: Final = (300.0, 500.0)
TIME_STEP_FS: Final = 0.5
STEPS: Final = 500
FRICTION_PER_FS: Final = 0.02
DIMER_GAP_ANGSTROM: Final = 2.5
ORIGIN_SPREAD_BOHR: Final = 1.0

# Name of the group, SMILES, subset. Quick and special ones first.
_TABLE: Final = """
trimethylammonium       C[NH+](C)C          ions
iodoethane              CCI                 halogens
ethanethiol             CCS                 fragments
propan-2-ol             CC(C)O              fragments
2-fluoroethanol         OCCF                halogens
formamide-water         NC=O.O              dimers
1-chloropropane         CCCCl               halogens
acetic_acid             CC(=O)O             fragments
isopropanol             OC(C)C              fragments
methoxyethane           CCOC                fragments
trimethylamine          CN(C)C              fragments
propanenitrile          CCC#N               fragments
N-methylacetamide       CC(=O)NC            fragments
methyl_acetate          COC(C)=O            fragments
N-methylurea            CNC(N)=O            fragments
methyl_carbamate        COC(N)=O            fragments
butan-2-one             CCC(C)=O            fragments
nitroethane             CC[N+](=O)[O-]      fragments
dimethyl_sulfoxide      CS(C)=O             fragments
dimethyl_sulfone        CS(C)(=O)=O         fragments
methanesulfonamide      CS(N)(=O)=O         fragments
methylsulfanylethane    CCSC                fragments
trimethylphosphane      CP(C)C              fragments
trimethylphosphane_oxide  CP(C)(C)=O        fragments
methylphosphonic_acid   CP(O)(O)=O          fragments
methyl_phosphate        COP(O)(O)=O         fragments
2-bromopropane          CC(C)Br             halogens
2-bromofuran            Brc1ccco1           halogens
4-bromopyrazole         Brc1cn[nH]c1        halogens
bromoacetonitrile       BrCC#N              halogens
chloroacetamide         NC(=O)CCl           halogens
2-chlorothiophene       Clc1cccs1           halogens
2-chloropyridine        Clc1ccccn1          halogens
trifluoroethylamine     NCC(F)(F)F          halogens
fluoroacetone           CC(=O)CF            halogens
fluorobenzene           Fc1ccccc1           halogens
pyridine                c1ccncc1            fragments
pyrrole                 c1cc[nH]c1          fragments
imidazole               c1c[nH]cn1          fragments
furan                   c1ccoc1             fragments
thiophene               c1ccsc1             fragments
thiazole                c1cscn1             fragments
morpholine              C1COCCN1            fragments
phenol                  Oc1ccccc1           fragments
ethyl_formate           CCOC=O              fragments
"""
DATASETS: Final = {
    "conformations": (np.float32, "bohr"),
    "dft_total_energy": (np.float64, "hartree"),
    "dft_total_gradient": (np.float32, "hartree/bohr"),
    "formation_energy": (np.float64, "hartree"),
    "mbis_charges": (np.float32, "elementary_charge"),
    "mbis_dipoles": (np.float32, "elementary_charge*bohr"),
    "mbis_octupoles": (np.float32, "elementary_charge*bohr^3"),
    "mbis_quadrupoles": (np.float32, "elementary_charge*bohr^2"),
    "scf_dipole": (np.float32, "elementary_charge*bohr"),
    "scf_quadrupole": (np.float32, "elementary_charge*bohr^2"),
}
EMPTY: Final = "ethyl_formate"
WITHOUT_MBIS: Final = "methoxyethane"


@dataclass(frozen=True)
class Entry:
    """One line of the table: group name, SMILES and subset."""

    name: str
    smiles: str
    subset: str


ENTRIES: Final = tuple(Entry(*line.split()) for line in _TABLE.strip().splitlines())


def build(smiles: str) -> Chem.Mol:
    """Return the molecule of ``smiles`` with hydrogens, fragment after fragment, mapped 1…N."""
    molecule = Chem.Mol()
    for part in smiles.split("."):
        molecule = Chem.CombineMols(molecule, Chem.AddHs(Chem.MolFromSmiles(part)))
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(atom.GetIdx() + 1)
    return molecule


def embed(smiles: str, seed: int) -> FloatArray:
    """Return positions (n, 3) in Å of an ETKDG conformer; fragments stand side by side in x."""
    placed: list[FloatArray] = []
    edge = 0.0
    for part in smiles.split("."):
        fragment = Chem.AddHs(Chem.MolFromSmiles(part))
        if AllChem.EmbedMolecule(fragment, randomSeed=seed) != 0:
            raise RuntimeError(f"no conformer of {part}")
        positions = fragment.GetConformer().GetPositions()
        positions[:, 0] += edge - positions[:, 0].min()
        edge = positions[:, 0].max() + DIMER_GAP_ANGSTROM
        placed.append(positions)
    return np.concatenate(placed)


def xtb_atoms(molecule: Chem.Mol, positions: FloatArray) -> Atoms:
    """Return ASE's atoms of a closed-shell molecule with the GFN2-xTB calculator."""
    from tblite.ase import TBLite  # only here: --help needs no tblite

    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    charge = Chem.GetFormalCharge(molecule)
    atoms = Atoms(symbols, positions)
    atoms.calc = TBLite(method="GFN2-xTB", charge=charge, multiplicity=1, verbosity=0)
    return atoms


def geometries(entry: Entry) -> Arrays:
    """Return positions (3, n, 3) in Å: a GFN2-xTB minimum and snapshots at 300 K and 500 K.

    Each geometry starts from a conformer of its own, and is turned and shifted at random, since
    the frames of the original mean nothing either.
    """
    molecule = build(entry.smiles)
    generator = np.random.default_rng(list(entry.name.encode()))
    frames = []
    for kelvin in (0.0, *SNAPSHOT_KELVIN):
        atoms = xtb_atoms(molecule, embed(entry.smiles, int(generator.integers(1, 10**6))))
        if not BFGS(atoms, logfile=None).run(fmax=0.005, steps=1000):
            raise RuntimeError(f"the geometry of {entry.name} did not converge")
        if kelvin:
            snapshot(atoms, kelvin, generator)
        require_same_bonds(molecule, atoms, entry.name)
        centred = atoms.get_positions() - atoms.get_positions().mean(axis=0)
        turned = Rotation.random(rng=generator).apply(centred)
        frames.append(turned + generator.normal(0, ORIGIN_SPREAD_BOHR / ANGSTROM_IN_BOHR, 3))
    return {"positions": np.array(frames)}


def snapshot(atoms: Atoms, kelvin: float, generator: np.random.Generator) -> None:
    """Move ``atoms`` along a short Langevin run at ``kelvin``."""
    thermalize_momenta(atoms, kelvin, rng=generator)
    run = Langevin(
        atoms,
        TIME_STEP_FS * units.fs,
        temperature_K=kelvin,
        friction=FRICTION_PER_FS / units.fs,
        rng=generator,
        fixcm=False,
    )
    run.run(STEPS)


def require_same_bonds(molecule: Chem.Mol, atoms: Atoms, name: str) -> None:
    """Raise ``RuntimeError`` if distances alone give other bonds than the SMILES."""
    lines = [f"{a.symbol} {a.x:.6f} {a.y:.6f} {a.z:.6f}" for a in atoms]
    seen = Chem.MolFromXYZBlock("\n".join([str(len(atoms)), "", *lines]))
    rdDetermineBonds.DetermineConnectivity(seen, useVdw=False)
    found, wanted = (
        {frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx())) for b in m.GetBonds()}
        for m in (seen, molecule)
    )
    if found != wanted:
        raise RuntimeError(f"the bonds of {name} changed")


def pyscf_molecule(symbols: Sequence[str], positions: FloatArray, charge: int) -> gto.Mole:
    """Return PySCF's molecule of ``positions`` in bohr, its spin the lowest possible."""
    mol = gto.M(
        atom=list(zip(symbols, positions.tolist(), strict=True)),
        unit="Bohr",
        basis=BASIS,
        ecp=CORE_POTENTIALS,
        charge=charge,
        spin=None,
        verbose=0,
    )
    if mol.spin:
        raise RuntimeError("only closed shells are supported")
    return mol


def converge(mean_field: Any) -> Any:
    """Return the converged, density-fitted mean field at the level of the archive."""
    mean_field = mean_field.density_fit(auxbasis=FITTING_BASIS)
    mean_field.xc = FUNCTIONAL
    mean_field.grids.level = GRID_LEVEL
    mean_field.conv_tol = CONVERGENCE_HARTREE
    mean_field.kernel()
    if not mean_field.converged:
        mean_field = mean_field.newton()
        mean_field.kernel(mean_field.mo_coeff, mean_field.mo_occ)
    if not mean_field.converged:
        raise RuntimeError("the SCF did not converge")
    return mean_field


def electronic_columns(molecule: Chem.Mol, positions: npt.NDArray[np.float32]) -> Arrays:
    """Return energy, gradient, moments and density matrix (a.u.) at ``positions`` in bohr."""
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    mol = pyscf_molecule(symbols, positions.astype(float), Chem.GetFormalCharge(molecule))
    mean_field = converge(dft.RKS(mol))
    density = np.asarray(mean_field.make_rdm1())
    charges, centres = mol.atom_charges(), mol.atom_coords()
    dipole = charges @ centres - np.einsum("xij,ij->x", mol.intor("int1e_r"), density)
    second = mol.intor("int1e_rr").reshape(3, 3, mol.nao, mol.nao)
    quadrupole = np.einsum("a,ax,ay->xy", charges, centres, centres)
    quadrupole -= np.einsum("xyij,ij->xy", second, density)
    return {
        "dft_total_energy": np.float64(mean_field.e_tot),
        "dft_total_gradient": np.asarray(mean_field.nuc_grad_method().kernel()),
        "scf_dipole": dipole,
        "scf_quadrupole": quadrupole,
        "density_matrix": density,
    }


def kept(path: Path, make: Any) -> Arrays:
    """Return the arrays of ``path``, made by ``make()`` and written there if it is missing."""
    if not path.exists():
        arrays = make()
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def compute_electronic(entry: Entry, work: Path) -> Arrays:
    """Return conformations (m, n, 3) in bohr, as they are stored, and the electronic columns."""
    molecule = build(entry.smiles)

    def make() -> Arrays:
        frames = kept(work / f"{entry.name}.geometries.npz", lambda: geometries(entry))["positions"]
        stored = (frames * ANGSTROM_IN_BOHR).astype(np.float32)
        columns = [electronic_columns(molecule, positions) for positions in stored]
        return {"conformations": stored} | {
            k: np.array([c[k] for c in columns]) for k in columns[0]
        }

    return kept(work / f"{entry.name}.electronic.npz", make)


def mbis_columns(molecule: Chem.Mol, electronic: Arrays) -> Arrays:
    """Return the ``mbis_*`` columns of every conformation, from the stored density matrices."""
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
    found = []
    for positions, density in zip(
        electronic["conformations"].astype(float), electronic["density_matrix"], strict=True
    ):
        mol = pyscf_molecule(symbols, positions, Chem.GetFormalCharge(molecule))
        grid = density_on_grid(mol, density)
        charges = mol.atom_charges()
        shells = fit_shells(grid, positions, initial_shells(numbers, numbers - charges))
        found.append(atomic_multipoles(grid, positions, charges, shells))
    return {f"mbis_{order}": np.array([row[order] for row in found]) for order in found[0]}


def density_on_grid(mol: gto.Mole, density_matrix: FloatArray) -> GridDensity:
    """Return the electron density on the grid of the Kohn–Sham calculation."""
    grids = dft.gen_grid.Grids(mol)
    grids.level = GRID_LEVEL
    grids.build()
    orbitals = mol.eval_gto("GTOval_sph", grids.coords)
    density = np.einsum("pi,pi->p", orbitals @ density_matrix, orbitals)
    return GridDensity(grids.coords, grids.weights, density).without_negligible_points()


def compute_mbis(entry: Entry, work: Path) -> Arrays:
    """Return the MBIS columns of a molecule, kept in the work folder."""
    return kept(
        work / f"{entry.name}.mbis.npz",
        lambda: mbis_columns(build(entry.smiles), compute_electronic(entry, work)),
    )


def atomic_energy(symbol: str) -> float:
    """Return the energy in hartree of a neutral atom in its ground multiplicity, unrestricted."""
    mol = gto.M(
        atom=symbol,
        basis=BASIS,
        ecp=CORE_POTENTIALS,
        spin=GROUND_STATE_UNPAIRED[symbol],
        verbose=0,
    )
    return float(converge(dft.UKS(mol)).e_tot)


def atomic_energies(work: Path) -> dict[str, float]:
    """Return the energies of the elements' neutral atoms in hartree, kept in the work folder."""
    arrays = kept(
        work / "atoms.npz",
        lambda: {s: np.float64(atomic_energy(s)) for s in GROUND_STATE_UNPAIRED},
    )
    return {symbol: float(energy) for symbol, energy in arrays.items()}


def compute(job: tuple[Entry, Path]) -> str:
    """Compute everything of one molecule and return its name."""
    entry, work = job
    RDLogger.DisableLog("rdApp.*")
    lib.num_threads(1)
    if entry.name not in (EMPTY, WITHOUT_MBIS):
        compute_mbis(entry, work)
    elif entry.name == WITHOUT_MBIS:
        compute_electronic(entry, work)
    return entry.name


def write_group(group: h5py.Group, entry: Entry, work: Path, atoms: dict[str, float]) -> None:
    """Fill one group with the datasets of the original, in its dtypes and units."""
    if entry.name == EMPTY:
        return
    molecule = build(entry.smiles)
    columns = compute_electronic(entry, work)
    if entry.name != WITHOUT_MBIS:
        columns |= compute_mbis(entry, work)
    free_atoms = sum(atoms[atom.GetSymbol()] for atom in molecule.GetAtoms())
    columns["formation_energy"] = columns["dft_total_energy"] - free_atoms
    group["subset"] = [f"mepflow {entry.subset}"]
    group["smiles"] = [Chem.MolToSmiles(molecule)]
    group["atomic_numbers"] = np.array([a.GetAtomicNum() for a in molecule.GetAtoms()], np.int16)
    for name, (dtype, unit) in DATASETS.items():
        if name in columns:
            group.create_dataset(name, data=columns[name].astype(dtype))
            group[name].attrs["units"] = unit


def write_archive(path: Path, entries: Sequence[Entry], work: Path) -> None:
    """Write ``entries`` as an HDF5 file, one group each."""
    atoms = atomic_energies(work)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as archive:
        for entry in entries:
            write_group(archive.create_group(entry.name), entry, work, atoms)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute what is missing in the work folder and write the archive."""
    parser = argparse.ArgumentParser(description="Make the embedded archive in SPICE's layout.")
    parser.add_argument("--work", type=Path, required=True, help="folder of finished steps")
    parser.add_argument("--jobs", type=int, default=1, help="molecules at a time")
    parser.add_argument("--only", nargs="+", help="names of groups, rather than all")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "resources" / "embedded" / "SPICE-embedded.hdf5"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    entries = [e for e in ENTRIES if not options.only or e.name in options.only]
    options.work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        for name in pool.map(compute, [(entry, options.work) for entry in entries]):
            log.info("%s", name)
    write_archive(options.output, entries, options.work)


if __name__ == "__main__":
    main()
