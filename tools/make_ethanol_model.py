"""Train the small model of ethanol that tests run a dynamics with, from the embedded frames.

    python tools/make_ethanol_model.py tests/physics/ethanol-physnet.pt

takes a minute of one core. The frames are those of resources/embedded/ethanol.extxyz.gz.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from ase.io import read

from mepflow.models.variants import Variant
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.selection.splits import make_splits, write_splits
from mepflow.training.run import train
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

FRAMES: Final = Path(__file__).parents[1] / "resources/embedded/ethanol.extxyz.gz"
VARIANT: Final[dict[str, Any]] = {
    "atomic_terms": ["charges"],
    "loss_weights": {"energy": 272.0, "forces": 2721.0, "dipole": 14.4},
    "quadrupole_from": "charges",
    "electrostatics": True,
}
NETWORK: Final[dict[str, Any]] = {
    "kind": "physnet",
    "features": 16,
    "n_basis": 16,
    "modules": 2,
    "interaction_residuals": 1,
    "atomic_residuals": 1,
    "output_residuals": 1,
    "cutoff_angstrom": 5.0,
}
TRAINING: Final[dict[str, Any]] = {
    "steps": 4000,
    "batch_size": 8,
    "learning_rate": 4.0e-3,
    "schedule": {"kind": "cosine"},
    "gradient_clip_norm": None,
    "adam_epsilon": 1.0e-3,
    "validation_interval": 500,
    "early_stopping_patience": None,
    "precision": "float32",
    "device": "cpu",
    "loss": "absolute",
    "optimizer": "amsgrad",
    "weight_average": 0.99,
}


def frames() -> MoleculeTable:
    """Return the frames with energies, gradients and dipoles, in atomic units."""
    found = read(FRAMES, index=":")
    per_angstrom = HARTREE_IN_EV / BOHR_IN_ANGSTROM
    return MoleculeTable.from_molecules(
        [
            Molecule(
                frame.info["id"], frame.numbers.astype(np.uint8), frame.positions / BOHR_IN_ANGSTROM
            )
            for frame in found
        ],
        {
            "energy": [frame.info["REF_energy"] / HARTREE_IN_EV for frame in found],
            "gradient": [-frame.arrays["REF_forces"] / per_angstrom for frame in found],
            "dipole": [np.array(frame.info["REF_dipole"]) / BOHR_IN_ANGSTROM for frame in found],
        },
    )


def make_model(output: Path) -> None:
    """Train with the frames and write the model."""
    table = frames()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table.save(folder / "reference.h5")
        write_splits(make_splits(table.ids, 1, 180, 0.1), folder / "splits.csv")
        train(
            reference=folder / "reference.h5",
            splits=folder / "splits.csv",
            variant=Variant.from_row("PN-EFD", VARIANT),
            network=NETWORK,
            training=TRAINING,
            seed=1,
            state_folder=folder / "state",
            model_path=output,
            log_path=output.with_suffix(".csv"),
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    make_model(parser.parse_args().output)
