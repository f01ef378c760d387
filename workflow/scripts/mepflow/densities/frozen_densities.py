"""The file of frozen densities: coefficients of molecules and their derivatives, computed once.

All trainings of energies on one density model share it. Larger molecules, whose derivatives would
fill the memory, are not in it.
"""

import logging
from pathlib import Path
from typing import Final

import torch

from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_slopes import FrozenDensity, frozen_density
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import TRAIN, VALIDATION, rows_in_split
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file

logger = logging.getLogger(__name__)

FORMAT: Final = "mepflow frozen densities"
FORMAT_VERSION: Final = 1
_LOGGED_EVERY: Final = 50

FrozenDensities = dict[str, FrozenDensity]
"""By the id of the molecule."""


def freeze_densities(
    density: Path,
    reference: Path,
    splits: Path,
    highest_degree: int,
    largest: int,
    output: Path,
    threads: int = 1,
) -> None:
    """Write coefficients up to l = ``highest_degree`` of training and validation molecules.

    ``density`` is a density model, ``reference`` holds the molecules; those with more than
    ``largest`` atoms are left out. Raises :class:`InputError` for a file that is missing or
    damaged, or an element that the model does not know.
    """
    torch.set_num_threads(threads)
    model = DensityModel.load(density, torch.float32)
    table = MoleculeTable.load(reference)
    rows = [row for split in (TRAIN, VALIDATION) for row in rows_in_split(table.ids, splits, split)]
    found = []
    for number, row in enumerate(rows, start=1):
        molecule = table.molecule(row)
        if len(molecule) > largest:
            continue
        graph = model.graph(molecule).to(torch.device("cpu"), torch.float32)
        frozen = frozen_density(model.network, graph, highest_degree + 1)
        found.append({"id": molecule.id, "values": frozen.values, "slopes": frozen.slopes})
        if number % _LOGGED_EVERY == 0:
            logger.info("%d of %d molecules", number, len(rows))
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "molecules": found}
    write_tensor_file(output, content)


def load_frozen_densities(path: Path) -> FrozenDensities:
    """Read a file; raises :class:`InputError` where it is missing or damaged."""
    try:
        content = read_tensor_file(path)
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise ValueError("it is of another format or version")
        return {
            row["id"]: FrozenDensity(row["values"], row["slopes"]) for row in content["molecules"]
        }
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: run the rule that makes it.") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} holds no frozen densities ({error}): delete it.") from error
