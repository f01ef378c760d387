"""Measure predictions of many molecules by the command, its memory, and how soon it says no.

Run from the repository's root, in the project's environment::

    python benchmarks/prediction.py --molecules 10000

The molecules are made up: conformers of twelve SMILES of 18 to 21 atoms, each atom moved at random.
The models are the five that come with mepflow. The *floor* is the networks alone on the same
molecules, as the command runs them, from the fastest of some passes over a hundred of them in the
same run; that of the memory is a tenth of the molecules. All times are of the processor, on one
thread, of the whole process with its imports.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
from measuring import Row, Spent, machine, spent, write_rows

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

SMILES: Final = (
    "CCCCCCO", "CC(C)CC(=O)OC", "c1ccccc1CCO", "CC(=O)NC(C)C(=O)OC", "CCOC(=O)CCN",
    "CN1CCCCC1=O", "FC(F)CCCCO", "OCC1CCCCO1", "Cc1ccccc1CN", "CCCCCC#N", "COc1ccc(CO)cc1",
    "CC1CCCC(=O)N1",
)  # fmt: skip
MOVED_ANGSTROM: Final = 0.02
SAMPLE: Final = 100
PASSES: Final = 10
ASKED_EVERYTHING, ASKED_MOMENTS, ASKED_REFUSAL = 60.0, 20.0, 0.5
"""CPU s of 10,000 molecules, of these with their moments only, and of a mistake."""
MISTAKES: Final = {
    "no argument": "predict",
    "an unknown option": "predict --smyles CCO",
    "a missing file": "predict missing.xyz",
}


def main() -> None:
    """Measure and write the result; PyTorch and RDKit are in other processes than this."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--threads", type=int, default=1, help="ignored: there is one")
    parser.add_argument("--molecules", type=int, default=10_000)
    parser.add_argument("--make", type=Path, help="only write the molecules")
    parser.add_argument("--networks", type=Path, help="only time the networks on a file")
    options = parser.parse_args()
    if options.make is not None:
        make(options.make, options.molecules)
        return
    if options.networks is not None:
        sys.stdout.write(json.dumps(network_seconds(options.networks)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(Path(folder), options.molecules)
    write_rows("prediction", rows, {"machine": machine(), "molecules": options.molecules})


def make(path: Path, count: int) -> None:
    """Write the molecules as frames of extended XYZ."""
    from mepflow.elements import symbol
    from mepflow.prediction.rdkit_records import from_smiles

    records = [from_smiles(smiles, smiles) for smiles in SMILES]
    rng = np.random.default_rng(1)
    with path.open("w") as file:
        for number in range(count):
            record = records[number % len(records)]
            positions = record.positions + rng.normal(0, MOVED_ANGSTROM, record.positions.shape)
            file.write(f"{len(positions)}\nname=m{number} charge=0\n")
            for atom, (x, y, z) in zip(record.atomic_numbers, positions, strict=True):
                file.write(f"{symbol(int(atom))} {x:.6f} {y:.6f} {z:.6f}\n")


def network_seconds(path: Path) -> float:
    """Return the CPU seconds that all models take for a molecule."""
    import torch

    from mepflow.models.predict import predict_with_all
    from mepflow.molecules import MoleculeTable
    from mepflow.prediction.input_batch import read_structures
    from mepflow.prediction.predictor import Predictor

    torch.set_num_threads(1)
    models = Predictor.load().ensemble.models
    molecules = [structure.molecule for structure in read_structures([path])]
    table = MoleculeTable.from_molecules(molecules)
    best = float("inf")
    for _ in range(PASSES):
        start = time.process_time()
        predict_with_all(models, table)
        best = min(best, time.process_time() - start)
    return best / len(molecules)


def measured(folder: Path, count: int) -> list[Row]:
    """Return the rows; all files lie in ``folder``."""
    many, fewer, sample = (folder / f"{name}.extxyz" for name in ("many", "fewer", "sample"))
    for path, number in ((many, count), (fewer, count // 10), (sample, SAMPLE)):
        own("--make", str(path), "--molecules", str(number), folder=folder)
    floor = count * networks(sample, folder)
    few = predict(fewer, folder)
    everything = predict(many, folder)
    moments = predict(many, folder, "--moments-only")
    double = predict(many, folder, "--moments-only", "--double-precision")
    floor = min(floor, count * networks(sample, folder))
    what = f"predict, {count:,} molecules of 18–21 atoms, 5 seeds"
    share = count / 10_000
    seeds = "floor: the networks alone, in single precision"
    refusals = {name: refusal(arguments, folder) for name, arguments in MISTAKES.items()}
    slowest = max(refusals, key=lambda name: refusals[name])
    return [
        Row(what, everything.cpu_s, "CPU s", asked=share * ASKED_EVERYTHING, floor=floor,
            note=seeds),
        Row(f"{what}, moments only", moments.cpu_s, "CPU s", asked=share * ASKED_MOMENTS,
            floor=floor, note=seeds),
        Row(f"{what}, moments only, double precision", double.cpu_s, "CPU s",
            floor=floor, note=seeds),
        Row("memory of the first, at its peak", everything.peak_mb, "MB", floor=few.peak_mb,
            note="floor: a tenth of the molecules"),
        Row("predict with a mistake in its arguments", refusals[slowest], "CPU s",
            asked=ASKED_REFUSAL, note=f"the slowest of {len(refusals)}: {slowest}"),
    ]  # fmt: skip


def own(*arguments: str, folder: Path, output: Path | None = None) -> None:
    """Run this program in a process of its own."""
    spent([sys.executable, __file__, *arguments], folder, output=output)


def networks(path: Path, folder: Path) -> float:
    """Return :func:`network_seconds` from a process of its own."""
    output = folder / "networks.json"
    own("--networks", str(path), folder=folder, output=output)
    return float(json.loads(output.read_text()))


def predict(path: Path, folder: Path, *options: str) -> Spent:
    """Run the command."""
    arguments = ["predict", str(path), "--output", str(folder / "out"), *options]
    return spent([str(ROOT / "mepflow"), *arguments], folder)


def refusal(arguments: str, folder: Path) -> float:
    """Return the CPU seconds of a command that must end with status 2."""
    command = f"{ROOT / 'mepflow'} {arguments}; test $? -eq 2"
    return min(spent(["sh", "-c", command], folder).cpu_s for _ in range(3))


if __name__ == "__main__":
    main()
