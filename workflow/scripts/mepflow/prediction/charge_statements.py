"""What an input says of a molecule's total charge and spin, in the habits of the field's programs.

Three kinds of places say it: pairs of a key and a value (extended XYZ, data items of SDF, ASE's
``info``), a line of prose (the comment of an XYZ file), and numbers of the atoms. What looks like a
statement and is not understood is kept and told to the user; nothing is guessed.

A *spin* is a multiplicity to some programs and a number of unpaired electrons to others. The parity
of the number of electrons tells them apart: see :func:`multiplicity_of_spin`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError
from mepflow.prediction.text_files import shown

MOST_CHARGE: Final = 100
"""Largest total charge in e that is taken for one."""
_MOST_MULTIPLICITY: Final = 20
_CHARGE_KEYS: Final = frozenset(
    (
        *("charge", "totalcharge", "netcharge", "molecularcharge", "moleculecharge", "molcharge"),
        *("formalcharge", "totalformalcharge", "netformalcharge", "systemcharge", "ioncharge"),
        *("chrg", "chg", "q", "qtot", "qtotal", "totalq"),
    )
)
_MULTIPLICITY_KEYS: Final = frozenset(
    (
        *("multiplicity", "mult", "spinmultiplicity", "spinmult", "smult", "multip", "2s+1"),
        "multiplicities",
    )
)
_UNPAIRED_KEYS: Final = frozenset(
    (
        *("uhf", "unpaired", "nunpaired", "unpairedelectrons", "numunpairedelectrons"),
        *("radicalelectrons", "2s", "nalphaminusnbeta"),
    )
)
_SPIN_KEYS: Final = frozenset(("spin", "totalspin", "spinstate"))
_OF_ATOMS: Final = frozenset(
    ("charge", "charges", "initialcharges", "partialcharges", "partialcharge", "q", "atomiccharges")
)
"""Names of columns of extended XYZ that hold a charge for each atom."""
_WORDS: Final = {
    "singlet": 1, "doublet": 2, "triplet": 3, "quartet": 4, "quintet": 5,
}  # fmt: skip
_IONS: Final = re.compile(r"\b(?:di|tri)?(?:cation|anion)(?:ic)?\b|\bzwitterion", re.IGNORECASE)
_RADICAL: Final = re.compile(r"\bradical\b", re.IGNORECASE)
_PAIR: Final = re.compile(r"\s*([+-]?[0-9]{1,2})\s*[\s,;/]\s*([0-9]{1,2})\s*")
_KEYED: Final = re.compile(
    r"(?<![\w])((?:total|net|molecular|formal|spin)?[ _-]?"
    r"(?:charge|chrg|chg|multiplicity|mult|spin|uhf|unpaired(?: electrons)?|q))"
    r"\s*(?:[:=]|\bis\b|\bof\b)?\s*[\"'(]?([+-]?[0-9]+(?:\.[0-9]*)?[+-]?)(?![\w.])",
    re.IGNORECASE,
)
_MENTIONED: Final = re.compile(r"charge|\bchrg\b|\bmult|\bspin|\buhf\b", re.IGNORECASE)
_INTEGER_TOLERANCE: Final = 0.02


@dataclass(frozen=True)
class Statement:
    """The total charge in e and the multiplicity that an input states, None where it does not.

    ``spin`` is a number whose meaning the electrons decide; ``not_understood`` are the pieces of
    the input that seem to state something else.
    """

    total_charge: int | None = None
    multiplicity: int | None = None
    spin: int | None = None
    not_understood: tuple[str, ...] = ()

    def with_other(self, other: "Statement", place: str) -> "Statement":
        """Return both statements as one; raises :class:`InputError` where they differ."""
        merged = {}
        for name, text in (
            ("total_charge", "total charges"), ("multiplicity", "multiplicities"), ("spin", "spins")
        ):  # fmt: skip
            values = {getattr(self, name), getattr(other, name)} - {None}
            if len(values) > 1:
                listed = " and ".join(map(str, sorted(values)))
                raise InputError(f"{place} states {text} that differ, {listed}: remove one.")
            merged[name] = next(iter(values), None)
        return Statement(**merged, not_understood=self.not_understood + other.not_understood)


def of_pairs(pairs: Mapping[str, Any], place: str) -> Statement:
    """Return what keys and values state; raises :class:`InputError` for an impossible value.

    A key without a value (True in ASE's reading of a comment) states nothing.
    """
    statement = Statement()
    for key, value in pairs.items():
        if isinstance(value, bool) or value is None:
            continue
        name = re.sub(r"[\s_.\-]+", "", str(key)).lower()
        statement = statement.with_other(_of_pair(name, key, value, place), place)
    return statement


def _of_pair(name: str, key: str, value: Any, place: str) -> Statement:
    if name in _CHARGE_KEYS:
        return Statement(total_charge=whole_charge(value, f"{place}: {key}"))
    if name in _MULTIPLICITY_KEYS:
        return Statement(multiplicity=_whole_spin(value, f"{place}: {key}", 1))
    if name in _UNPAIRED_KEYS:
        return Statement(multiplicity=_whole_spin(value, f"{place}: {key}", 0) + 1)
    if name in _SPIN_KEYS:
        return Statement(spin=_whole_spin(value, f"{place}: {key}", 0))
    if ("charge" in name or "multiplicity" in name) and np.ndim(value) == 0:
        return Statement(not_understood=(f"{key}={value}",))
    return Statement()


def of_comment(text: str) -> Statement:
    """Return what a line of prose states: ``-2 1``, ``charge = -1``, ``Mult: 3``, ``triplet``."""
    if pair := _PAIR.fullmatch(text):
        charge, multiplicity = int(pair[1]), int(pair[2])
        if 1 <= multiplicity <= _MOST_MULTIPLICITY:
            return Statement(charge, multiplicity)
    statement = Statement()
    for key, value in _KEYED.findall(text):
        name = re.sub(r"[\s_\-]+", "", key).lower().removeprefix("total").removeprefix("net")
        found = _of_pair(name, key, _number(value), "the comment")
        statement = statement.with_other(found, "the comment")
    words = {_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _WORDS}
    if len(words) == 1 and statement.multiplicity is None and statement.spin is None:
        statement = replace(statement, multiplicity=words.pop())
    return replace(statement, not_understood=_unclear(text, statement))


def _unclear(text: str, statement: Statement) -> tuple[str, ...]:
    nothing = statement == Statement()
    charged = statement.total_charge is None and _IONS.search(text)
    open_shell = statement.multiplicity is None and _RADICAL.search(text)
    return (text.strip(),) if charged or open_shell or (nothing and _MENTIONED.search(text)) else ()


def _number(text: str) -> float:
    """Return a number whose sign may follow it, as in ``2-``."""
    return float(text[-1] + text[:-1]) if text[-1] in "+-" else float(text)


def of_atoms(charges: npt.ArrayLike | None, moments: npt.ArrayLike | None) -> Statement:
    """Return what charges and magnetic moments of atoms add up to; zeros state nothing."""
    statement = Statement()
    if charges is not None and np.any(np.asarray(charges)):
        total = float(np.sum(charges))
        if abs(total - round(total)) < _INTEGER_TOLERANCE:
            statement = Statement(total_charge=round(total))
        else:
            unclear = f"charges of the atoms that add up to {total:.3g} e"
            statement = Statement(not_understood=(unclear,))
    if moments is not None and np.any(np.asarray(moments)):
        unpaired = abs(float(np.sum(moments)))
        statement = replace(statement, multiplicity=round(unpaired) + 1)
    return statement


def is_charge_column(name: str) -> bool:
    """Return whether a column of extended XYZ holds the charges of the atoms."""
    return re.sub(r"[\s_.\-]+", "", name).lower() in _OF_ATOMS


def multiplicity_of_spin(spin: int, n_electrons: int) -> int:
    """Return the multiplicity that a *spin* means for a number of electrons.

    The multiplicity of an even number of electrons is odd and the other way round, so either
    ``spin`` itself fits, or ``spin`` + 1, the multiplicity of so many unpaired electrons.
    """
    return spin if spin > 0 and (spin + n_electrons) % 2 else spin + 1


def whole_charge(value: Any, place: str) -> int:
    """Return a total charge in e; raises :class:`InputError` where it cannot be one."""
    if isinstance(value, str) and re.fullmatch(
        r"\s*(?:[0-9]{1,3}[+-]|[+-]?[0-9]{1,3}(?:\.0*)?)\s*", value
    ):
        value = _number(value.strip())
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if is_number and -MOST_CHARGE <= value <= MOST_CHARGE and value == round(value):
        return int(value)
    raise InputError(f"{place}={shown(str(value))} is not a whole total charge in e: correct it.")


def _whole_spin(value: Any, place: str, least: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,3}(?:\.0*)?\s*", value):
        value = float(value)
    if isinstance(value, str) and value.strip().lower() in _WORDS:
        return _WORDS[value.strip().lower()] - (1 - least)
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if is_number and least <= value <= _MOST_MULTIPLICITY and value == round(value):
        return int(value)
    raise InputError(f"{place}={shown(str(value))} is not a spin state: write multiplicity=1.")
