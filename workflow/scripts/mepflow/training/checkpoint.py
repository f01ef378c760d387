"""Checkpoints: everything an interrupted training needs to go on as if nothing had happened.

A checkpoint is one file in the state folder, replaced atomically, so there is always a whole one:
a kill while the next is written leaves the previous one. It holds plain tensors, numbers and text,
and is read with ``weights_only=True``. Its ``format_version`` is :data:`FORMAT_VERSION`.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor

from mepflow.errors import StateError
from mepflow.molecules import MoleculeTable
from mepflow.storage.files import remove_partial_files
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file
from mepflow.storage.versions import NewerVersionError, Upgrade, upgraded

logger = logging.getLogger(__name__)

FILE_NAME: Final = "checkpoint.pt"
FORMAT_VERSION: Final = 2
_COLUMNS_1: Final = (
    *("step", "epoch", "learning_rate", "train_loss", "validation_loss"),
    *("validation_dipole_mae_e_bohr", "validation_dipole_rmse_e_bohr"),
    *("validation_quadrupole_mae_e_bohr2", "validation_quadrupole_rmse_e_bohr2", "wall_time_s"),
)
"""Columns of the log in version 1, which had rows without names."""


@dataclass
class Checkpoint:
    """The state of a training between two steps.

    ``best_model`` holds the weights with the lowest validation loss so far and ``rows`` the log up
    to here. ``delivered`` says that the training is over and its model and log have been written.
    The schedule, the position in the epoch and the order of the molecules follow from ``step`` and
    the seed; nothing else is random once the first weights are drawn.
    """

    fingerprint: str
    step: int
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    best_model: dict[str, Tensor]
    best_step: int
    best_loss: float
    rows: list[dict[str, float]]
    wall_time_s: float
    delivered: bool


def fingerprint(settings: Mapping[str, Any], labels: Iterable[str], *tables: MoleculeTable) -> str:
    """Return a digest of what decides a training's result: its settings and its molecules.

    ``settings`` are plain values. Of a table, ids, geometries, total charges, grids and the fields
    ``labels`` count.
    """
    names = sorted(set(labels))
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for table in tables:
        digest.update(json.dumps(table.ids).encode())
        columns = (table.atomic_numbers, table.positions, table.total_charge)
        for values in (*columns, *(table.properties[name] for name in names)):
            digest.update(np.ascontiguousarray(values).tobytes())
        for name, grid in sorted(table.grids.items()):
            digest.update(name.encode())
            for values in (grid.point_offsets, grid.points, grid.mep):
                digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Write the checkpoint into ``folder``, in place of the previous one once it is whole."""
    content = {"format_version": FORMAT_VERSION, **vars(checkpoint)}
    write_tensor_file(folder / FILE_NAME, content)


def load(folder: Path, expected_fingerprint: str) -> Checkpoint | None:
    """Read the checkpoint of this training from ``folder``, or return nothing to start afresh.

    A training of another configuration that has delivered its model is superseded; an interrupted
    one is never thrown away: :class:`StateError` names the folder and the remedy.
    """
    path = folder / FILE_NAME
    remove_partial_files(path)
    if not path.exists():
        return None
    checkpoint = _read(path)
    if checkpoint.fingerprint == expected_fingerprint:
        return checkpoint
    if checkpoint.delivered:
        logger.info("%s holds a finished training of another configuration: starting anew", folder)
        return None
    raise StateError(
        f"{folder} holds an interrupted training (step {checkpoint.step}) of another "
        "configuration, data or code: delete that folder to train from the start, or restore what "
        "changed to go on."
    )


def _read(path: Path) -> Checkpoint:
    try:
        content = read_tensor_file(path)
        content = upgraded(content, content.get("format_version", 1), _UPGRADES, FORMAT_VERSION)
        return Checkpoint(**{field.name: content[field.name] for field in fields(Checkpoint)})
    except NewerVersionError as error:
        raise StateError(
            f"{path} is newer than this program ({error}): go on with the mepflow that wrote it, "
            f"or delete {path.parent} to train from the start."
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"{path} is damaged or not a checkpoint: delete {path.parent} to train from the start."
        ) from error


def _with_columns(content: dict[str, Any]) -> dict[str, Any]:
    """Give the rows of version 1 the names of their columns."""
    rows = [dict(zip(_COLUMNS_1, row, strict=True)) for row in content["rows"]]
    return {**content, "rows": rows}


_UPGRADES: Final[Mapping[int, Upgrade]] = {1: _with_columns}
