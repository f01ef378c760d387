"""How tables and figures call the names of the configuration."""

from typing import Final

_REPRESENTATIONS: Final[dict[str, str]] = {
    "mulliken": "Mulliken charges",
    "fitted-charges": "Fitted charges",
    "fitted-charges-dipoles": "Fitted charges + dipoles",
    "mbis-charges": "MBIS charges",
    "mbis-charges-dipoles": "MBIS charges + dipoles",
    "mbis-charges-dipoles-quadrupoles": "MBIS charges + dipoles + quadrupoles",
}
FLOORS: Final[dict[str, str]] = {
    "fitted-charges": "floor of charges",
    "fitted-charges-dipoles": "floor of charges and dipoles",
}
"""Baselines that are fitted to the very potential they are compared with: none does better."""
_REASONS: Final[dict[str, str]] = {
    "unreadable_record": "unreadable record",
    "uncharacterized": "uncharacterized",
    "other_subset": "other subset",
    "unsupported_element": "unsupported element",
    "charged": "charged",
    "open_shell": "open shell",
    "several_molecules": "several molecules",
    "too_large": "too large",
    "large_force": "large force",
    "inchi_changed": "InChI changed",
    "smiles_changed": "SMILES changed",
    "duplicate": "duplicate",
    "scf_not_converged": "SCF not converged",
    "dipole_mismatch": "dipole mismatch",
}
_GRIDS: Final[dict[str, str]] = {"mk": "MK", "chelpg": "CHELPG"}


def representation_label(name: str) -> str:
    """Return what a representation is called: a baseline in words, a model variant as it is."""
    return _REPRESENTATIONS.get(name, name)


def reason_label(reason: str) -> str:
    """Return what a reason of rejection is called."""
    return _REASONS.get(reason, reason.replace("_", " "))


def grid_label(name: str) -> str:
    """Return what a grid is called: known abbreviations in capitals, another one as it is."""
    return _GRIDS.get(name, name)
