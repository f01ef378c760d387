"""How tables and figures call the names of the configuration."""

import re
from collections.abc import Mapping
from typing import Any, Final

BASELINES: Final[dict[str, str]] = {
    "mulliken": "Mulliken charges",
    "fitted-charges": "Fitted charges",
    "fitted-charges-dipoles": "Fitted charges + dipoles",
    "fitted-charges-dipoles-quadrupoles": "Fitted charges + dipoles + quadrupoles",
    "fitted-charges-exact-moments": "Fitted charges, exact moments",
    "fitted-charges-dipoles-exact-moments": "Fitted charges + dipoles, exact moments",
    "mbis-charges": "MBIS charges",
    "mbis-charges-dipoles": "MBIS charges + dipoles",
    "mbis-charges-dipoles-quadrupoles": "MBIS charges + dipoles + quadrupoles",
}
"""Atomic multipoles that no model had to learn, by their names in the configuration."""
_BASELINE_WORDS: Final[dict[str, str]] = {
    "mulliken": "Mulliken charges of the reference calculation",
    "fitted-charges": "charges fitted to the reference potential of each molecule itself",
    "fitted-charges-dipoles": (
        "charges and atomic dipoles fitted to the reference potential of each molecule itself"
    ),
    "fitted-charges-dipoles-quadrupoles": (
        "charges, atomic dipoles and quadrupoles fitted to the reference potential of each molecule"
        " itself"
    ),
    "fitted-charges-exact-moments": (
        "charges fitted to the reference potential of each molecule itself under its exact dipole"
        " and quadrupole"
    ),
    "fitted-charges-dipoles-exact-moments": (
        "charges and atomic dipoles fitted to the reference potential of each molecule itself under"
        " its exact dipole and quadrupole"
    ),
    "mbis-charges": "the archive's MBIS charges, a partition of its electron density",
    "mbis-charges-dipoles": "the archive's MBIS charges and atomic dipoles",
    "mbis-charges-dipoles-quadrupoles": "the archive's MBIS charges, dipoles and quadrupoles",
}
FLOORS: Final[dict[str, str]] = {
    "fitted-charges": "floor of charges",
    "fitted-charges-dipoles": "floor of charges and dipoles",
    "fitted-charges-dipoles-quadrupoles": "floor of charges, dipoles and quadrupoles",
}
"""Baselines that are fitted to the very potential they are compared with: none does better."""
_ABBREVIATIONS: Final[dict[str, str]] = {"scf": "SCF", "inchi": "InChI", "smiles": "SMILES"}
_GRIDS: Final[dict[str, str]] = {"mk": "MK", "chelpg": "CHELPG"}
_GRID_WORDS: Final[dict[str, str]] = {
    "mk": "Merz–Kollman shells (MK)",
    "chelpg": "CHELPG's box of points",
}
_FUNCTIONALS: Final[dict[str, str]] = {"wb97": "ωB97"}
_BASES: Final = (
    (r"^(?=def2-|sto-).*", lambda found: found[0].upper().replace("DEF2", "def2")),
    (r"^(?:aug-)?cc-p.*", lambda found: re.sub(r"v[dtq5]z", lambda z: z[0].upper(), found[0])),
    (r"^\d-\d+\+*g", lambda found: found[0].upper()),
)
"""Spellings of basis sets that differ from PySCF's lower case."""
_TARGETS: Final[dict[str, str]] = {"dipole_norm": "length of the dipole", "mep": "MEP"}


def representation_label(name: str) -> str:
    """Return what a representation is called: a baseline in words, a model variant as it is."""
    return BASELINES.get(name, name)


def baseline_words(name: str) -> str:
    """Return where the atomic multipoles of a baseline come from."""
    return _BASELINE_WORDS[name]


def target_words(name: str) -> str:
    """Return what a target of learning is called."""
    return _TARGETS.get(name, name.replace("_", " "))


def reason_label(reason: str) -> str:
    """Return what a reason of rejection is called."""
    return " ".join(_ABBREVIATIONS.get(word, word) for word in reason.split("_"))


def grid_label(name: str) -> str:
    """Return what a grid is called: known abbreviations in capitals, another one as it is."""
    return _GRIDS.get(name, name)


def grid_words(name: str) -> str:
    """Return a grid in words, with its abbreviation where it has one."""
    return _GRID_WORDS.get(name, f"grid {name}")


def level_label(row: Mapping[str, Any]) -> str:
    """Return a level of theory (a row of the configuration) as chemists write it.

    ``B3LYP/6-31G(2df,p), density fitting``: functional, basis, and what else decides.
    """
    functional = row["functional"].lower()
    start = next((known for known in _FUNCTIONALS if functional.startswith(known)), "")
    method = _FUNCTIONALS.get(start, "") + functional.removeprefix(start).upper()
    basis = row["basis"].removeprefix("gaussian-")
    for pattern, replacement in _BASES:
        basis = re.sub(pattern, replacement, basis)
    return f"{method}/{basis}" + (", density fitting" if row["density_fitting"] else "")


def variant_words(row: Mapping[str, Any]) -> str:
    """Return what a variant (a row of the configuration) predicts and what it learned, in words."""
    terms = " and ".join(f"atomic {term}" for term in row["atomic_terms"])
    weights = {name: weight for name, weight in row["loss_weights"].items() if weight}
    learned = [
        target_words(name) + (f" (weight {weight:g})" if weight != 1 else "")
        for name, weight in weights.items()
    ]
    text = f"{terms}, learned from {' and '.join(learned) or 'nothing'}"
    if row.get("penetration"):
        text += " less penetration"
    if row["atomic_terms"] == ["charges"] or "quadrupole" not in weights:
        return text
    parts = "charges alone"
    if row["quadrupole_from"] == "all":
        parts = " and ".join(["charges", *(f"atomic {t}" for t in row["atomic_terms"][1:])])
    return f"{text}; its quadrupole is that of the {parts}"
