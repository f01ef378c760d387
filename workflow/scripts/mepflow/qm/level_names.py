"""Whether PySCF knows what a level of theory names, before a calculation asks for it."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from pyscf.scf.dispersion import DISP_VERSIONS, parse_disp

from mepflow.errors import ConfigError, InputError, choice
from mepflow.qm.levels import LevelOfTheory
from mepflow.storage.yaml_file import read_row

_SECTION: Final = "levels_of_theory"


def read_level(definitions: Path, name: str) -> LevelOfTheory:
    """Return a row of ``levels_of_theory`` of a file that a user names.

    Raises :class:`~mepflow.errors.MepflowError` where the file cannot be read, has no such row, or
    PySCF does not know what it names.
    """
    row = read_row(definitions, _SECTION, name)
    kinds = {"grid_level": int, "max_cycles": int, "convergence_hartree": float}
    for field in fields(LevelOfTheory):
        value = row.get(field.name)
        if value is not None and not isinstance(value, kinds.get(field.name, str)):
            raise ConfigError(f"{definitions}: {_SECTION}.{name}.{field.name} cannot be {value}.")
    return LevelOfTheory.from_row(name, row)


def check_names(name: str, row: Mapping[str, Any], elements: Iterable[str]) -> None:
    """Check the functional, basis sets, core potential and dispersion of a row of levels of theory.

    Raises :class:`ConfigError` for one that PySCF does not know, or a basis that covers none of the
    ``elements``; a dataset may allow elements that it does not hold, so not all need be covered.
    """
    level = LevelOfTheory.from_row(name, row)
    if level.dispersion is not None:
        _, version, _ = parse_disp(level.functional, level.dispersion)
        if version not in DISP_VERSIONS:
            near = choice(level.dispersion, DISP_VERSIONS)
            raise ConfigError(
                f"Level of theory {name!r}: no dispersion {version!r} is known; {near}"
            )
    failures = []
    for symbol in elements:
        try:
            level.basis_functions([symbol])
        except InputError as error:
            failures.append(error)
        else:
            return
    raise ConfigError(f"Level of theory {name!r}: {failures[0]}")
