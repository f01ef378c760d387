"""How tables and figures call the names of the configuration."""

from typing import Final

BASELINES: Final[dict[str, str]] = {
    "mulliken": "Mulliken charges",
    "fitted-charges": "Fitted charges",
    "fitted-charges-dipoles": "Fitted charges + dipoles",
    "fitted-charges-dipoles-quadrupoles": "Fitted charges + dipoles + quadrupoles",
    "mbis-charges": "MBIS charges",
    "mbis-charges-dipoles": "MBIS charges + dipoles",
    "mbis-charges-dipoles-quadrupoles": "MBIS charges + dipoles + quadrupoles",
}
"""Atomic multipoles that no model had to learn, by their names in the configuration."""
FLOORS: Final[dict[str, str]] = {
    "fitted-charges": "floor of charges",
    "fitted-charges-dipoles": "floor of charges and dipoles",
    "fitted-charges-dipoles-quadrupoles": "floor of charges, dipoles and quadrupoles",
}
"""Baselines that are fitted to the very potential they are compared with: none does better."""
_ABBREVIATIONS: Final[dict[str, str]] = {"scf": "SCF", "inchi": "InChI", "smiles": "SMILES"}
_GRIDS: Final[dict[str, str]] = {"mk": "MK", "chelpg": "CHELPG"}


def representation_label(name: str) -> str:
    """Return what a representation is called: a baseline in words, a model variant as it is."""
    return BASELINES.get(name, name)


def reason_label(reason: str) -> str:
    """Return what a reason of rejection is called."""
    return " ".join(_ABBREVIATIONS.get(word, word) for word in reason.split("_"))


def grid_label(name: str) -> str:
    """Return what a grid is called: known abbreviations in capitals, another one as it is."""
    return _GRIDS.get(name, name)
