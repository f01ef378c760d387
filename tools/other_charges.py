"""Charges of the bench's molecules by programs that mepflow does not need, where they are at hand.

Each program writes its own kind of file into ``resources/labels/bench_charges``, in the geometries
of the bench; molecules that a file has already are not computed again. ``docs/judge.md`` says which
versions were used.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pandas as pd
from rdkit import Chem, rdBase

from mepflow.archives.label_set import LabelSet
from mepflow.errors import InputError
from mepflow.judging.charge_readers import read_charges
from mepflow.molecules import Molecule
from mepflow.prediction.charge_files import PARTIAL_CHARGE
from mepflow.prediction.input_bonds import with_bonds
from mepflow.storage.files import atomic_path

COSTS: Final = "cpu_seconds.csv"
"""CPU seconds of each molecule and program, as ``judge --costs`` takes them."""
_TIMEOUT_SECONDS: Final = 3600.0
_NAGL_MODEL: Final = "openff-gnn-am1bcc-1.0.0.pt"


@dataclass(frozen=True)
class Program:
    """A row of the bench: its file, what says whether the program is at hand, and its text.

    ``text`` returns what stands in the file of a molecule, None where the program has no charges.
    """

    file: str
    is_at_hand: Callable[[], bool]
    text: Callable[[Molecule, Chem.Mol], str | None]


def _antechamber(molecule: Molecule, structure: Chem.Mol) -> str | None:
    """Return the mol2 of antechamber, whose molecule has the name of the bench's."""
    with tempfile.TemporaryDirectory() as folder:
        Chem.MolToMolFile(structure, f"{folder}/in.mol")
        command = ["antechamber", "-i", "in.mol", "-fi", "mdl", "-o", "out.mol2", "-fo", "mol2"]
        command += ["-c", "bcc", "-nc", str(molecule.total_charge), "-pf", "y", "-dr", "no"]
        # Minimised by AM1 it would have charges of another geometry.
        command += ["-ek", "maxcyc=0, qm_theory='AM1', grms_tol=0.0005, scfconv=1.d-10"]
        subprocess.run(
            command, cwd=folder, check=False, capture_output=True, timeout=_TIMEOUT_SECONDS
        )
        found = Path(folder, "out.mol2")
        if not found.is_file():
            return None
        return found.read_text().replace("MOLECULE\nMOL\n", f"MOLECULE\n{molecule.id}\n", 1)


def _espaloma(molecule: Molecule, structure: Chem.Mol) -> str:
    from expaloma.infer import charges_for_rdkit_mol

    with rdBase.BlockLogs():
        charges = charges_for_rdkit_mol(structure, total_charge=float(molecule.total_charge))
    for atom, charge in zip(structure.GetAtoms(), charges.tolist(), strict=True):
        atom.SetDoubleProp(PARTIAL_CHARGE, charge)
    Chem.CreateAtomDoublePropertyList(structure, PARTIAL_CHARGE)
    return str(Chem.SDWriter.GetText(structure))


@cache
def _nagl_model() -> Any:
    from openff.nagl import GNNModel
    from openff.nagl_models import list_available_nagl_models

    path = next(one for one in list_available_nagl_models() if str(one).endswith(_NAGL_MODEL))
    return GNNModel.load(path, eval_mode=True)


def _nagl(molecule: Molecule, structure: Chem.Mol) -> str:
    from openff.toolkit import Molecule as OpenFFMolecule

    charges = _nagl_model().compute_property(
        OpenFFMolecule.from_rdkit(structure, allow_undefined_stereo=True), as_numpy=True
    )
    symbols = [atom.GetSymbol() for atom in structure.GetAtoms()]
    frame = pd.DataFrame({"name": molecule.id, "element": symbols, "charge_e": charges})
    return frame.to_csv(index=False, header=False, float_format="%.6f")


PROGRAMS: Final[Mapping[str, Program]] = {
    "AM1-BCC": Program(
        "am1-bcc.mol2", lambda: shutil.which("antechamber") is not None, _antechamber
    ),
    "espaloma": Program("espaloma.sdf", lambda: find_spec("expaloma") is not None, _espaloma),
    "NAGL": Program("nagl.csv", lambda: find_spec("openff") is not None, _nagl),
}
"""By the name of the row."""
_HEADS: Final = {"nagl.csv": "name,element,charge_e\n"}
_FAILURES: Final = (InputError, RuntimeError, ValueError, KeyError, subprocess.TimeoutExpired)
"""Of one molecule: the others go on."""


def write_charges(labels: LabelSet, folder: Path) -> None:
    """Add the molecules that the files lack, by every program that is at hand."""
    for name, program in PROGRAMS.items():
        path = folder / program.file
        if not program.is_at_hand():
            sys.stderr.write(f"{name}: not at hand, {program.file} stays as it is\n")
            continue
        done = {one.name for one in read_charges(path)} if path.exists() else set()
        written = path.read_text() if path.exists() else _HEADS.get(program.file, "")
        for molecule, structure in _structures(labels, done):
            begin = _cpu_seconds()
            try:
                text = program.text(molecule, structure)
            except _FAILURES as error:
                sys.stderr.write(f"{name}, {molecule.id}: {error}\n")
                continue
            if text is None:
                sys.stderr.write(f"{name}, {molecule.id}: no charges\n")
                continue
            written += text
            with atomic_path(path) as temporary:
                temporary.write_text(written)
            _note_cost(folder / COSTS, name, molecule.id, _cpu_seconds() - begin)


def _cpu_seconds() -> float:
    """Return those of this process and of the programs that it has called."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _note_cost(path: Path, charges: str, molecule: str, seconds: float) -> None:
    text = path.read_text() if path.exists() else "charges,name,cpu_s\n"
    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}{charges},{molecule},{seconds:.3f}\n")


def _structures(labels: LabelSet, done: set[str]) -> Iterator[tuple[Molecule, Chem.Mol]]:
    for row in range(len(labels)):
        molecule = labels.molecule(row)
        if molecule.id in done:
            continue
        structure, has_orders = with_bonds(molecule, None)
        structure.SetProp("_Name", molecule.id)
        if has_orders:
            yield molecule, structure
