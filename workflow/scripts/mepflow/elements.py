"""Element symbols by atomic number."""

from typing import Final

_PERIODIC_TABLE: Final = """
H He
Li Be B C N O F Ne
Na Mg Al Si P S Cl Ar
K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe
"""

SYMBOLS: Final[tuple[str, ...]] = ("X", *_PERIODIC_TABLE.split())
"""``SYMBOLS[Z]``; entry 0 stands for no element."""

ATOMIC_NUMBERS: Final[dict[str, int]] = {
    symbol: number for number, symbol in enumerate(SYMBOLS) if number > 0
}


def symbol(atomic_number: int) -> str:
    """Return the symbol of an element, or ``Z=n`` for one beyond xenon."""
    if 0 < atomic_number < len(SYMBOLS):
        return SYMBOLS[atomic_number]
    return f"Z={atomic_number}"
