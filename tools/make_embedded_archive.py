"""Make the embedded archive: molecules of our choice, computed by us, in QM9's raw format.

Run from the repository's root, in the project's environment with ``tblite`` and ``ase`` besides::

    pip install tblite==0.8.0 ase==3.29.0
    python tools/make_embedded_archive.py --work /tmp/archive --jobs 2

Each molecule goes SMILES → conformer (RDKit, MMFF) → geometry and harmonic frequencies (GFN2-xTB)
→ electronic columns (B3LYP/6-31G(2df,p) of QM9, with density fitting beyond four heavy atoms; the
polarizability by coupled-perturbed Kohn–Sham, with fitting). Finished molecules are kept in the
work folder, so that the run can be stopped and taken up again. Which column comes from what, and
which records were altered on purpose, stands in ``resources/embedded/README.md``.
"""

import argparse
import hashlib
import io
import json
import logging
import sys
import tarfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from ase import Atoms  # noqa: E402
from ase.optimize import BFGS  # noqa: E402
from ase.thermochemistry import IdealGasThermo  # noqa: E402
from normal_modes import normal_modes  # noqa: E402
from pyscf import dft  # noqa: E402
from pyscf.scf import cphf  # noqa: E402
from rdkit import Chem, RDLogger  # noqa: E402
from rdkit.Chem import AllChem, rdDetermineBonds  # noqa: E402

from mepflow import units  # noqa: E402
from mepflow.elements import ATOMIC_NUMBERS  # noqa: E402
from mepflow.molecules import Molecule  # noqa: E402
from mepflow.multipoles import centre_of_nuclear_charge  # noqa: E402
from mepflow.qm import properties, scf  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

FloatArray = npt.NDArray[np.float64]
log = logging.getLogger("make_embedded_archive")

EXACT_LEVEL: Final = "b3lyp-6-31g-2df-p"
FITTED_LEVEL: Final = "b3lyp-6-31g-2df-p-fitted"
LARGEST_EXACT_HEAVY_ATOMS: Final = 4
GRID_LEVEL: Final = 3
TEMPERATURE_KELVIN: Final = 298.15
PRESSURE_PASCAL: Final = 101325.0
ATTEMPTS: Final = 10
SMALLEST_PLAIN_NUMBER: Final = 1e-4

# Sorted by size when the ids are given out.
_CHOSEN: Final = """
C N O
C#C C#N C=O CC CO C=C CN CF NN
CC#C CC#N CC=O NC=O CCC CCO COC C1CC1 C1CO1 C1CN1 C=CC OC=O N=C=O FCF CCF C=CF NC#N C=C=O
C=C=C O=C=O CNC FC=O OCF
CC(C)=O CC(N)=O NC(N)=O CC(=O)O COC=O CCCC C=CC=C C=CC=O C=CC#N CC(F)F FC(F)F NCC#N OCC=O
O=CC=O N#CC#N C1COC1 CC1CO1 C1=CCC1 C#CC#C CCC#N CN=C=O C[N+](=O)[O-] NCCO CNC=O C1C2CC12 FCC=O
FCCF OCCF CC(=O)F FC1CC1 C=C(F)F O=C1CC1 CCCO CCOC CC(C)O CCC=O CC(C)F C=CCO CCNC OC1CC1 C=CCF
c1ccoc1 c1cc[nH]c1 c1c[nH]cn1 c1cn[nH]c1 c1cocn1 c1cnoc1 O=C1CCO1 C1COCO1 FC(F)(F)C NCC(=O)O
COC(C)=O CN(C)C=O FC1COCO1 CC(O)C#N N#CCC#N C1C=CC=C1 CC(=O)NC COCCO CCOC=O C1CCOC1 O=C1CCC1
OCC(F)F CC(=O)CF
c1ccccc1 c1ccncc1 c1cncnc1 O=C1OCCO1 Fc1ccco1 COC(=O)OC O=C1CCCO1 Cc1ccco1
O=C1OCC(F)O1 O=C1OCC(CF)O1
"""
MOLECULES: Final = tuple(_CHOSEN.split())
# These trip filters by what they are.
RELAX_TO_ANOTHER_STRUCTURE: Final = ("[NH2+]=C[O-]", "[NH3+]CC([O-])=O", "O=C1C(=O)C1=O")
OUTSIDE_THE_ELEMENTS: Final = ("CCl", "CSC")
OPEN_SHELL: Final = ("[CH3]",)

# Records altered on purpose or excluded by the list, by SMILES; see the archive's README.
UNCHARACTERIZED: Final = ("CCCC", "C=CC#N")
ALTERED_DIPOLE: Final = {"OCC=O": 1.0, "CCC#N": -0.5}
CORRUPT_FREQUENCIES: Final = "NN"
CORRUPT_NUMBER: Final = "CCF"


@dataclass(frozen=True)
class Relaxed:
    """A minimum of GFN2-xTB: elements, positions (n, 3) in Å, wavenumbers in cm⁻¹, strings."""

    symbols: list[str]
    positions: FloatArray
    wavenumbers: FloatArray
    smiles: tuple[str, str]
    inchi: tuple[str, str]


def relax(smiles: str) -> Relaxed:
    """Optimise a conformer of ``smiles`` and take its frequencies; perceive its bonds anew."""
    from tblite.ase import TBLite  # only here: --help needs no tblite

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if AllChem.EmbedMolecule(molecule, randomSeed=20) != 0:
        raise RuntimeError(f"no conformer of {smiles}")
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        AllChem.MMFFOptimizeMolecule(molecule, maxIters=2000)
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    unpaired = sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
    atoms = Atoms(symbols, molecule.GetConformer().GetPositions())
    atoms.calc = TBLite(method="GFN2-xTB", multiplicity=1 + unpaired, verbosity=0, accuracy=0.01)
    wavenumbers = relax_to_minimum(atoms, smiles)
    seen = perceived_molecule(atoms, unpaired)
    return Relaxed(
        symbols,
        atoms.get_positions(),
        wavenumbers,
        (Chem.MolToSmiles(Chem.RemoveHs(molecule)), Chem.MolToSmiles(Chem.RemoveHs(seen))),
        (Chem.MolToInchi(molecule, options="-SNon"), Chem.MolToInchi(seen, options="-SNon")),
    )


def relax_to_minimum(atoms: Atoms, smiles: str) -> FloatArray:
    """Move ``atoms`` to a minimum and return its wavenumbers; a saddle point is left by a shake."""
    generator = np.random.default_rng(1)
    for _ in range(ATTEMPTS):
        if not BFGS(atoms, logfile=None).run(fmax=1e-4, steps=2000):
            raise RuntimeError(f"the geometry of {smiles} did not converge")
        wavenumbers = harmonic_wavenumbers(atoms)
        if not len(wavenumbers) or wavenumbers.min() > 0:
            return wavenumbers
        log.info("%s: saddle point, %.0f cm-1", smiles, wavenumbers.min())
        atoms.set_positions(atoms.get_positions() + generator.normal(0, 0.1, (len(atoms), 3)))
    raise RuntimeError(f"{smiles} relaxed to saddle points {ATTEMPTS} times")


def perceived_molecule(atoms: Atoms, unpaired: int) -> Chem.Mol:
    """Return the molecule whose bonds follow from the relaxed geometry alone."""
    lines = [f"{a.symbol} {a.x:.8f} {a.y:.8f} {a.z:.8f}" for a in atoms]
    seen = Chem.MolFromXYZBlock("\n".join([str(len(atoms)), "", *lines]))
    if unpaired or len(atoms) == 1:
        rdDetermineBonds.DetermineConnectivity(seen)
    else:
        rdDetermineBonds.DetermineBonds(seen, charge=0)
    Chem.SanitizeMol(seen)
    return seen


def harmonic_wavenumbers(atoms: Atoms) -> FloatArray:
    """Return the vibrational wavenumbers (3n − 6 or 3n − 5,) in cm⁻¹; imaginary ones negative."""
    values, _ = normal_modes(atoms)
    return np.sign(values) * np.sqrt(np.abs(values)) / units.WAVENUMBER_IN_HARTREE


def thermochemistry(relaxed: Relaxed, electronic: float) -> dict[str, float]:
    """Return rotational constants (GHz), zpve, U0, U, H, G (hartree) and Cv (cal/mol/K)."""
    atoms = Atoms(relaxed.symbols, relaxed.positions)
    moments = np.sort(atoms.get_moments_of_inertia())
    moments = moments * units.DALTON_IN_ELECTRON_MASS * units.ANGSTROM_IN_BOHR**2
    linear = bool(moments[0] < 1e-3 * moments[-1])
    energies = relaxed.wavenumbers * units.WAVENUMBER_IN_HARTREE * units.HARTREE_IN_EV
    thermo = IdealGasThermo(
        energies,
        geometry="linear" if linear else "nonlinear",
        potentialenergy=electronic * units.HARTREE_IN_EV,
        atoms=atoms,
        symmetrynumber=1,
        spin=0,
    )
    internal = {
        shift: thermo.get_internal_energy(TEMPERATURE_KELVIN + shift, verbose=False)
        for shift in (-0.5, 0.0, 0.5)
    }
    ev_per_kelvin = internal[0.5] - internal[-0.5]
    zpve = 0.5 * relaxed.wavenumbers.sum() * units.WAVENUMBER_IN_HARTREE
    with np.errstate(divide="ignore"):
        rotational = np.where(moments > 1e-3, 1 / (2 * moments) / units.GHZ_IN_HARTREE, 0.0)
    return {
        **dict(zip("ABC", rotational, strict=True)),
        "zpve": zpve,
        "U0": electronic + zpve,
        "U": internal[0.0] / units.HARTREE_IN_EV,
        "H": thermo.get_enthalpy(TEMPERATURE_KELVIN, verbose=False) / units.HARTREE_IN_EV,
        "G": thermo.get_gibbs_energy(TEMPERATURE_KELVIN, PRESSURE_PASCAL, verbose=False)
        / units.HARTREE_IN_EV,
        "Cv": ev_per_kelvin / units.HARTREE_IN_EV * units.HARTREE_PER_E_IN_KCAL_PER_MOL_E * 1000.0,
    }


def levels() -> dict[str, LevelOfTheory]:
    """Return the levels of theory of the configuration, on the archive's integration grid."""
    definitions = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())
    rows = definitions["levels_of_theory"]
    found = {name: LevelOfTheory.from_row(name, row) for name, row in rows.items()}
    return {name: replace(level, grid_level=GRID_LEVEL) for name, level in found.items()}


def electronic_columns(name: str, relaxed: Relaxed, smiles: str) -> dict[str, Any]:
    """Return energy, |μ|, α, HOMO, LUMO, ⟨r²⟩ and Mulliken charges of QM9's level, a.u."""
    numbers = np.array([ATOMIC_NUMBERS[s] for s in relaxed.symbols], dtype=np.uint8)
    molecule = Molecule(name, numbers, relaxed.positions * units.ANGSTROM_IN_BOHR)
    exact, fitted = levels()[EXACT_LEVEL], levels()[FITTED_LEVEL]
    if smiles in OUTSIDE_THE_ELEMENTS:
        exact, fitted = (replace(level, basis="6-31g*") for level in (exact, fitted))
    if smiles in OPEN_SHELL:
        mean_field = open_shell_mean_field(molecule, fitted)
        return {**density_columns(mean_field, molecule), "alpha": finite_field(mean_field)}
    start = scf.run_scf(molecule, fitted)
    mean_field = start.mean_field
    if (numbers > 1).sum() <= LARGEST_EXACT_HEAVY_ATOMS:
        mean_field = scf.build_mean_field(start.mean_field.mol, exact)
        mean_field.kernel(dm0=start.mean_field.make_rdm1())
    if not (start.converged and mean_field.converged):
        raise RuntimeError(f"the SCF of {smiles} did not converge")
    return {
        **density_columns(mean_field, molecule),
        "alpha": isotropic_polarizability(start.mean_field),
    }


def density_columns(mean_field: Any, molecule: Molecule) -> dict[str, Any]:
    """Return the columns that one density gives."""
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    if np.ndim(mean_field.mo_energy) > 1:
        density = mean_field.make_rdm1().sum(axis=0)
        dipole, _, extent = properties._moments(mean_field.mol, density, origin)
        charges = properties.mulliken_charges(mean_field.mol, density, mean_field.get_ovlp())
        occupied = mean_field.mo_occ > 0
        homo, lumo = mean_field.mo_energy[occupied].max(), mean_field.mo_energy[~occupied].min()
    else:
        found = properties.molecular_properties(mean_field, origin)
        dipole, extent = found["dipole"], found["electronic_spatial_extent"]
        charges, homo, lumo = found["mulliken_charges"], found["homo"], found["lumo"]
    return {
        "energy": float(mean_field.e_tot),
        "mu": float(np.linalg.norm(dipole)) * units.E_BOHR_IN_DEBYE,
        "homo": float(homo),
        "lumo": float(lumo),
        "r2": float(extent),
        "charges": charges.tolist(),
    }


def open_shell_mean_field(molecule: Molecule, level: LevelOfTheory) -> Any:
    """Return an unrestricted calculation of a radical, all functions pure (see the README)."""
    from pyscf import gto

    symbols = [gto.elements.ELEMENTS[z] for z in molecule.atomic_numbers]
    mol = gto.M(
        atom=list(zip(symbols, molecule.positions.tolist(), strict=True)),
        unit="Bohr",
        basis=level.basis_functions(symbols),
        spin=1,
        verbose=0,
    )
    mean_field = dft.UKS(mol)
    mean_field.xc = level.functional
    mean_field.kernel()
    return mean_field


def finite_field(mean_field: Any, strength: float = 0.002) -> float:
    """Return the isotropic polarizability in bohr³ from dipoles in small fields."""
    core = mean_field.get_hcore()
    r = mean_field.mol.intor("int1e_r")
    slopes = []
    for axis in range(3):
        dipoles = []
        for sign in (1, -1):
            shifted = mean_field.copy()
            shifted.get_hcore = lambda *_, h=core + sign * strength * r[axis]: h
            shifted.kernel(dm0=mean_field.make_rdm1())
            dipoles.append(shifted.dip_moment(unit="AU", verbose=0)[axis])
        slopes.append((dipoles[0] - dipoles[1]) / (2 * strength))
    return float(np.mean(slopes))


def isotropic_polarizability(mean_field: Any) -> float:
    """Return α = tr(α)/3 in bohr³ by coupled-perturbed Kohn–Sham."""
    occupied = mean_field.mo_occ > 0
    inner, outer = mean_field.mo_coeff[:, occupied], mean_field.mo_coeff[:, ~occupied]
    r = mean_field.mol.intor("int1e_r")
    perturbation = np.einsum("pv,xpq,qo->xvo", outer, r, inner)
    response = mean_field.gen_response(hermi=1)

    def induced(rotation: FloatArray) -> FloatArray:
        rotation = rotation.reshape(-1, *perturbation.shape[1:])
        density = 2 * np.einsum("pv,xvo,qo->xpq", outer, rotation, inner)
        density += density.transpose(0, 2, 1)
        potential = response(density)
        return np.einsum("pv,xpq,qo->xvo", outer, potential, inner).reshape(len(rotation), -1)

    rotation = cphf.solve(induced, mean_field.mo_energy, mean_field.mo_occ, perturbation)[0]
    return float(-4 * np.einsum("xvo,xvo->", perturbation, rotation) / 3)


def compute(job: tuple[str, Path]) -> str:
    """Compute one molecule into ``work/{index}.json`` unless it is there already."""
    smiles, path = job
    if path.exists():
        return smiles
    RDLogger.DisableLog("rdApp.*")
    relaxed = relax(smiles)
    columns = electronic_columns(path.stem, relaxed, smiles)
    record = {
        "symbols": relaxed.symbols,
        "positions": relaxed.positions.tolist(),
        "wavenumbers": relaxed.wavenumbers.tolist(),
        "smiles": relaxed.smiles,
        "inchi": relaxed.inchi,
        **columns,
        **thermochemistry(relaxed, columns["energy"]),
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record))
    return smiles


def number(value: float, decimals: int) -> str:
    """Format a number as QM9 does: no trailing zeros, ``*^`` before the exponent of tiny ones."""
    value = round(value, decimals)
    if value == 0:
        return "0."
    if abs(value) < SMALLEST_PLAIN_NUMBER:
        mantissa, exponent = f"{value:.4e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}*^{int(exponent)}"
    return f"{value:.{decimals}f}".rstrip("0")


def format_record(identifier: int, record: dict[str, Any]) -> str:
    """Return the text of one ``dsgdb9nsd_*.xyz`` file."""
    gap = record["lumo"] - record["homo"]
    columns = [
        *(number(record[k], 5) for k in "ABC"),
        number(record["mu"], 4),
        number(record["alpha"], 2),
        *(number(v, 4) for v in (record["homo"], record["lumo"], gap)),
        number(record["r2"], 4),
        *(number(record[k], 6) for k in ("zpve", "U0", "U", "H", "G")),
        number(record["Cv"], 3),
    ]
    lines = [str(len(record["symbols"])), "\t".join([f"gdb {identifier}", *columns]) + "\t"]
    for symbol, position, charge in zip(
        record["symbols"], record["positions"], record["charges"], strict=True
    ):
        values = [*(number(x, 10) for x in position), number(charge, 6)]
        lines.append("\t".join([symbol, *values]))
    lines.append("\t".join(number(w, 4) for w in record["wavenumbers"]))
    lines.append("\t".join(record["smiles"]) + "\t")
    lines.append("\t".join(record["inchi"]))
    return "\n".join(lines) + "\n"


def alter(smiles: str, record: dict[str, Any], text: str) -> str:
    """Apply the alterations that the archive's README lists."""
    if smiles in ALTERED_DIPOLE:
        fields = text.split("\t")
        fields[4] = number(record["mu"] + ALTERED_DIPOLE[smiles], 4)
        return "\t".join(fields)
    if smiles == CORRUPT_FREQUENCIES:
        lines = text.split("\n")
        lines[-4] = "\t".join(lines[-4].split("\t")[:-1])
        return "\n".join(lines)
    if smiles == CORRUPT_NUMBER:
        lines = text.split("\n")
        lines[2] = "\t".join([*lines[2].split("\t")[:-1], "********"])
        return "\n".join(lines)
    return text


def write_archive(records: Sequence[tuple[str, dict[str, Any]]], folder: Path) -> None:
    """Write the tar.bz2, reproducibly, and the list of uncharacterized ids."""
    with (
        atomic_path(folder / "dsgdb9nsd.xyz.tar.bz2") as path,
        tarfile.open(path, "w:bz2") as archive,
    ):
        for identifier, (smiles, record) in enumerate(records, start=1):
            content = alter(smiles, record, format_record(identifier, record)).encode()
            member = tarfile.TarInfo(f"dsgdb9nsd_{identifier:06d}.xyz")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    listed = [(i, s) for i, (s, _) in enumerate(records, start=1) if s in UNCHARACTERIZED]
    rule = "=" * 60
    lines = ["Molecules of the embedded archive to leave out", rule, "#   Index    SMILES", rule]
    lines += [f"{i:9d}    {s}" for i, s in listed]
    with atomic_path(folder / "uncharacterized.txt") as path:
        path.write_text("\n".join([*lines, rule]) + "\n")


def main() -> None:
    """Compute what is missing and write the archive."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of finished molecules")
    parser.add_argument("--jobs", type=int, default=1, help="molecules computed at once")
    parser.add_argument("--output", type=Path, default=ROOT / "resources" / "embedded")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.work.mkdir(parents=True, exist_ok=True)
    chosen = [*MOLECULES, *RELAX_TO_ANOTHER_STRUCTURE, *OUTSIDE_THE_ELEMENTS, *OPEN_SHELL]
    if len({Chem.CanonSmiles(s) for s in chosen}) != len(chosen):
        raise SystemExit("a molecule is listed twice")
    chosen.sort(key=lambda s: Chem.MolFromSmiles(s).GetNumHeavyAtoms())
    files = {
        s: arguments.work / f"{hashlib.sha256(s.encode()).hexdigest()[:12]}.json" for s in chosen
    }
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for count, smiles in enumerate(pool.map(compute, files.items()), start=1):
            log.info("%d of %d: %s", count, len(chosen), smiles)
    records = [(s, json.loads(files[s].read_text())) for s in chosen]
    write_archive(records, arguments.output)


if __name__ == "__main__":
    main()
