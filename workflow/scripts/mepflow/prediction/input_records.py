"""What a reader finds in a file: atoms with positions, before anything is made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError
from mepflow.prediction.charge_statements import Statement
from mepflow.prediction.input_bonds import BondOrders
from mepflow.prediction.valences import Valences

FloatArray = npt.NDArray[np.float64]

MOST_ATOMS: Final = 1000
"""Largest molecule that is read: far beyond the sizes that a model is trained with."""


@dataclass(frozen=True)
class Conformer:
    """Which of the conformers of a molecule this is, counted from 1.

    ``energy`` in kcal/mol by the ``force_field`` is above that of the lowest one, ``weight`` its
    Boltzmann weight among those that were found.
    """

    molecule: str
    number: int
    force_field: str
    energy: float
    weight: float


@dataclass(frozen=True)
class Record:
    """One structure of a file, atoms (n,) at positions (n, 3) in ångström.

    ``place`` says where it is from, in messages; ``title`` is its name in the file, if it has one;
    ``stated`` is what the file says of charge and spin, ``valences`` what its bonds say, and
    ``bond_orders`` what these are, None where it has none; ``info`` is what else it says of the
    molecule; ``conformer`` is set where several were made of it.
    """

    place: str
    title: str
    atomic_numbers: npt.NDArray[np.int64]
    positions: FloatArray
    stated: Statement = field(default_factory=Statement)
    smiles: str = ""
    valences: Valences | None = None
    is_periodic: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    bond_orders: BondOrders | None = None
    conformer: Conformer | None = None


@dataclass(frozen=True)
class Entry:
    """A structure of an input that is read when it is asked for, so that a bad one costs itself.

    ``read`` raises :class:`InputError` where it is no structure.
    """

    place: str
    read: Callable[[], Record]

    @classmethod
    def bad(cls, place: str, error: InputError) -> "Entry":
        """Return an entry that cannot be read."""

        def read() -> NoReturn:
            raise error

        return cls(place, read)


def check_size(place: str, n_atoms: int) -> None:
    """Raise :class:`InputError` for a structure without atoms, or with too many."""
    if n_atoms == 0:
        raise InputError(f"{place} has no atoms: remove it.")
    if n_atoms > MOST_ATOMS:
        raise InputError(
            f"{place} has {n_atoms} atoms, more than the {MOST_ATOMS} that are read: "
            "models are made for small molecules."
        )
