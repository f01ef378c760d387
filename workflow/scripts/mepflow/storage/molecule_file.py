"""The file format of molecules, HDF5, with ragged columns stored flat.

The atoms of molecule ``m`` are rows ``atom_offsets[m]:atom_offsets[m + 1]`` of the columns per
atom, and the points of a grid accordingly.

=================================  =======  ===================================================
``/id`` (M,)                       str      unique key, e.g. ``gdb_000212``
``/smiles`` (M,)                   str      may be empty
``/total_charge`` (M,)             int      e
``/atom_offsets`` (M + 1,)         int      first atom of each molecule, and the number of atoms
``/atomic_numbers`` (N,)           uint8
``/positions`` (N, 3)              float64  bohr, in the archive's frame
``/properties/{field}``            float64  one of ``FIELDS``, rows are molecules or atoms
``/texts/{text}`` (M,)             str      one of ``TEXTS``, may be empty
``/grids/{grid}/point_offsets``    int      (M + 1,) first point of each molecule
``/grids/{grid}/points`` (P, 3)    float64  bohr
``/grids/{grid}/mep`` (P,)         float64  hartree/e
=================================  =======  ===================================================

Every dataset with a unit carries it in ``attrs["units"]``. Root attributes hold the format's name
and version, the multipoles' origin, and ``metadata`` (level of theory, software). ``FIELDS`` and
``TEXTS`` are those of :mod:`mepflow.fields`.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError, MissingFileError
from mepflow.fields import TEXTS
from mepflow.multipoles import ORIGIN
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.files import atomic_path
from mepflow.storage.hdf5_file import create_hdf5, open_hdf5, read_attribute
from mepflow.storage.table_file import check_file, read_numbers
from mepflow.storage.versions import NewerVersionError, Upgrade, checked_version, upgraded

FORMAT: Final = "mepflow molecules"
FORMAT_VERSION: Final = 1
_UPGRADES: Final[Mapping[int, Upgrade]] = {}
"""Steps from earlier versions: from the content of a file to that of the next."""


@dataclass(frozen=True)
class Column:
    """One dataset of a file: its name, values, unit (none of texts) and meaning."""

    name: str
    values: npt.NDArray[Any]
    units: str = ""
    description: str = ""
    are_offsets: bool = False
    """Whether the values are :func:`offsets`, with one more row than there are molecules."""

    def describe(self, dataset: h5py.Dataset) -> None:
        """Write the unit and the meaning beside the values."""
        if self.units:
            dataset.attrs["units"] = self.units
        if self.description:
            dataset.attrs["description"] = self.description


def write_molecules(
    path: str | Path, columns: Iterable[Column], metadata: Mapping[str, Any]
) -> None:
    """Write a file, atomically."""
    with atomic_path(path) as temporary, create_hdf5(temporary) as file:
        write_header(file, metadata)
        for column in columns:
            column.describe(file.create_dataset(column.name, data=column.values))


def write_header(file: h5py.File, metadata: Mapping[str, Any]) -> None:
    """Write the root attributes of the file format."""
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["multipole_origin"] = ORIGIN
    file.attrs["metadata"] = json.dumps(metadata, sort_keys=True)


def text_values(column: list[str]) -> npt.NDArray[Any]:
    """Return the values of a column of texts."""
    return np.array(column, dtype=h5py.string_dtype())


@contextlib.contextmanager
def open_molecules(path: str | Path) -> Iterator[dict[str, Any]]:
    """Give the content of a file, by the names of a table's arguments.

    A grid is (point offsets, points, MEP). Raises :class:`InputError` where the file is missing,
    newer, not one of ours or damaged; so does what the block finds wrong with the content.
    """
    try:
        with open_hdf5(path) as file:
            if read_attribute(file, "format") != FORMAT:
                raise InputError(f"{path} is not a {FORMAT} file: make it again.")
            version = checked_version(_version_of(file), _UPGRADES, FORMAT_VERSION)
            check_file(file)
            content = upgraded(_content_of(file), version, _UPGRADES, FORMAT_VERSION)
            _check_rows(content)
            yield content
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except NewerVersionError as error:
        raise InputError(
            f"{path} is newer than this program ({error}): use the mepflow that wrote it."
        ) from error
    except DAMAGE as error:
        text = f"{path} is damaged ({reason(error)}): delete it and run again."
        raise InputError(text) from error


def _version_of(file: h5py.File) -> int:
    version = read_attribute(file, "format_version")
    if not isinstance(version, np.integer | int):
        raise ValueError("it does not tell the version of its format")
    return int(version)


def _content_of(file: h5py.File) -> dict[str, Any]:
    """Return what a file holds, in whatever version it is."""
    properties = file.get("properties", {})
    return {
        "ids": _read_texts(file["id"]),
        "smiles": _read_texts(file["smiles"]),
        "total_charge": read_numbers(file["total_charge"], np.int64),
        "atom_offsets": read_numbers(file["atom_offsets"], np.int64),
        "atomic_numbers": read_numbers(file["atomic_numbers"], np.uint8),
        "positions": read_numbers(file["positions"], np.float64),
        "properties": {name: read_numbers(item, float) for name, item in properties.items()},
        "grids": {
            name: (
                read_numbers(group["point_offsets"], np.int64),
                read_numbers(group["points"], np.float64),
                read_numbers(group["mep"], np.float64),
            )
            for name, group in file.get("grids", {}).items()
        },
        "metadata": dict(json.loads(read_attribute(file, "metadata"))),
        "texts": {name: _read_texts(item) for name, item in file.get("texts", {}).items()},
    }


def _check_rows(content: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` where a file's rows cannot be those of its molecules."""
    positions = content["positions"]
    if positions.shape[1:] != (3,) or not np.isfinite(positions).all():
        raise ValueError("positions are not three finite numbers per atom")
    if unknown := set(content["texts"]) - set(TEXTS):
        raise ValueError(f"there is no text {min(unknown)}")
    starts = {"atom_offsets": (content["atom_offsets"], len(positions))}
    for name, (point_offsets, points, mep) in content["grids"].items():
        if points.shape != (mep.size, 3) or mep.ndim != 1:
            raise ValueError(f"points and values of grid {name} do not agree")
        starts[f"point_offsets of grid {name}"] = (point_offsets, len(mep))
    rows = len(content["ids"]) + 1
    for name, (column, end) in starts.items():
        if column.shape != (rows,) or column[0] != 0 or column[-1] != end:
            raise ValueError(f"{name} do not begin at 0 and end at {end}, in {rows} rows")
        if (column[1:] < column[:-1]).any():
            raise ValueError(f"{name} do not rise")


def _read_texts(dataset: h5py.Dataset) -> list[str]:
    if dataset.ndim != 1:
        raise ValueError(f"{dataset.name} is not one column of texts")
    return [str(value) for value in dataset.asstr()[()]]
