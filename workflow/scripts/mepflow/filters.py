"""Which molecules are kept, and the one reason why each of the others is not.

A molecule may fail several filters. The one that counts is the first in the order of
:data:`REASONS`, so the counts of a table add up and the steps of a funnel are well defined.
Verdicts are a table (CSV) with the columns id, verdict (kept or rejected), reason, detail.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from rdkit import Chem, rdBase

from mepflow.archives.qm9 import read_uncharacterized
from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.errors import ConfigError, InputError
from mepflow.files import atomic_path
from mepflow.molecules import MoleculeTable
from mepflow.units import E_BOHR_IN_DEBYE

logger = logging.getLogger(__name__)

KEPT: Final = "kept"
REJECTED: Final = "rejected"
COLUMNS: Final = ("id", "verdict", "reason", "detail")

REASONS: Final[dict[str, str]] = {
    # Before the reference calculation.
    "unreadable_record": "the archive's record breaks the format",
    "uncharacterized": "on the archive's list of molecules that changed when they were relaxed",
    "unsupported_element": "holds an element that is not among those of the configuration",
    "inchi_changed": "the relaxed geometry has another InChI, stereochemistry aside",
    "smiles_changed": "the relaxed geometry has another SMILES, stereochemistry aside",
    # After it.
    "scf_not_converged": "no converged reference calculation",
    "dipole_mismatch": "the reference dipole's length is not the archive's",
}
"""Every reason with its meaning, in the order in which they count."""

_STEREO_LAYERS: Final = ("b", "t", "m", "s")

# RDKit's own annotation hides that the answer to an invalid SMILES is None.
_parse_smiles: Final[Callable[[str], Chem.Mol | None]] = Chem.MolFromSmiles

Rule = Callable[[int], str]
"""A filter: takes a row of the table, returns what is wrong with it or an empty text."""


def filter_before_reference(
    table: MoleculeTable, uncharacterized: Collection[str], elements: Iterable[str]
) -> pd.DataFrame:
    """Return the verdicts on an archive's molecules that need no calculation.

    ``uncharacterized`` holds keys, ``elements`` symbols. InChI and SMILES are compared where the
    table has both of a pair. Raises :class:`ConfigError` for a symbol that is no element.
    """
    supported = list(elements)
    if unknown := [name for name in supported if name not in ATOMIC_NUMBERS]:
        raise ConfigError(f"filters.elements holds {unknown[0]!r}, which is no element.")
    numbers = {ATOMIC_NUMBERS[name] for name in supported}

    def listed(row: int) -> str:
        is_listed = table.ids[row] in uncharacterized
        return "in the archive's list of uncharacterized molecules" if is_listed else ""

    def foreign_elements(row: int) -> str:
        foreign = sorted(set(table.atomic_numbers[table.atoms(row)].tolist()) - numbers)
        names = ", ".join(symbol(number) for number in foreign)
        return f"holds {names}; supported are {', '.join(supported)}" if foreign else ""

    rules: dict[str, Rule] = {"uncharacterized": listed, "unsupported_element": foreign_elements}
    texts = table.texts
    if "archive_inchi" in texts and "relaxed_inchi" in texts:
        pairs = list(zip(texts["archive_inchi"], texts["relaxed_inchi"], strict=True))
        rules["inchi_changed"] = lambda row: inchi_change(*pairs[row])
    if "archive_smiles" in texts:
        smiles = texts["archive_smiles"]
        rules["smiles_changed"] = lambda row: smiles_change(smiles[row], table.smiles[row])
    return _apply(table.ids, rules)


def filter_after_reference(
    reference: MoleculeTable, dipole_tolerance_debye: float | None
) -> pd.DataFrame:
    """Return the verdicts on molecules with a reference calculation, failed ones included.

    A row counts as failed where ``scf_converged`` is not 1 or a label is not finite; the text
    ``failure`` may say why. The lengths of ``dipole`` and of the archive's may differ by the
    tolerance in debye; with None (an archive without dipoles) they are not compared.
    """
    properties = reference.properties
    failures = reference.texts.get("failure", [""] * len(reference))
    lengths = np.linalg.norm(properties["dipole"], axis=1) * E_BOHR_IN_DEBYE
    finite = np.isfinite(properties["quadrupole"]).all(axis=(1, 2)) & np.isfinite(lengths)

    def scf_failed(row: int) -> str:
        if properties["scf_converged"][row] != 1:
            return failures[row] or "the SCF did not converge"
        return "" if finite[row] else "the SCF converged to multipoles that are not finite"

    rules: dict[str, Rule] = {"scf_not_converged": scf_failed}
    if dipole_tolerance_debye is not None:
        archive_lengths = properties["archive_dipole_norm"] * E_BOHR_IN_DEBYE

        def dipole_differs(row: int) -> str:
            difference = abs(lengths[row] - archive_lengths[row])
            if difference <= dipole_tolerance_debye:
                return ""
            return (
                f"|dipole| is {lengths[row]:.4f} D, the archive's {archive_lengths[row]:.4f} D:"
                f" they differ by {difference:.4f} D, the tolerance is {dipole_tolerance_debye:g} D"
            )

        rules["dipole_mismatch"] = dipole_differs
    return _apply(reference.ids, rules)


def inchi_change(original: str, relaxed: str) -> str:
    """Say how two InChI differ once their stereochemical layers (/b /t /m /s) are left out.

    The layers are left out because only the relaxed geometry has a definite stereochemistry.
    """
    if without_stereo(original) == without_stereo(relaxed):
        return ""
    return f"{original} became {relaxed}"


def without_stereo(inchi: str) -> str:
    """Return an InChI without its stereochemical layers."""
    first, *layers = inchi.split("/")
    return "/".join([first, *(layer for layer in layers if layer[:1] not in _STEREO_LAYERS)])


def smiles_change(original: str, relaxed: str) -> str:
    """Say how two SMILES differ as molecules, without stereochemistry and atom maps.

    Both are brought into RDKit's canonical form, which knows aromatic and Kekulé forms, and
    charge-separated and hypervalent ones (nitro, azide), as equal. One that RDKit takes for no
    molecule (an impossible valence) is a change unless the texts are equal: a molecule that cannot
    be shown to be unchanged is not kept.
    """
    if original == relaxed:
        return ""
    one, other = canonical_smiles(original), canonical_smiles(relaxed)
    if one is not None and one == other:
        return ""
    invalid = [text for text, form in ((original, one), (relaxed, other)) if form is None]
    note = f" ({' and '.join(invalid)} cannot be read as a molecule)" if invalid else ""
    return f"{original} became {relaxed}{note}"


@lru_cache(maxsize=4096)
def canonical_smiles(smiles: str) -> str | None:
    """Return RDKit's canonical SMILES without stereochemistry and atom maps, or None."""
    with rdBase.BlockLogs():
        molecule = _parse_smiles(smiles)
        if molecule is None:
            return None
        for atom in molecule.GetAtoms():
            atom.SetAtomMapNum(0)
        # First the stereochemistry: it keeps hydrogens that define it, as in [H]/N=N/[H].
        Chem.RemoveStereochemistry(molecule)
        molecule = Chem.RemoveHs(molecule)
        return str(Chem.MolToSmiles(molecule))


def select_candidates(
    archive_table_path: Path,
    rejected_path: Path,
    uncharacterized_path: Path | None,
    elements: Sequence[str],
    candidates_path: Path,
    verdicts_path: Path,
) -> None:
    """Write the molecules that pass the filters before the reference, and all verdicts so far.

    Raises :class:`InputError` where none passes.
    """
    table = MoleculeTable.load(archive_table_path)
    listed = read_uncharacterized(uncharacterized_path) if uncharacterized_path else frozenset()
    verdicts = filter_before_reference(table, listed, elements)
    unreadable = _unreadable(_read_csv(rejected_path, ("record", "id", "reason")), table.ids)
    verdicts = pd.concat([unreadable, verdicts]).sort_values("id", ignore_index=True)
    kept = kept_rows(table, verdicts, archive_table_path)
    write_verdicts(verdicts, verdicts_path)
    table.select(kept).save(candidates_path)


def read_verdicts(path: Path) -> pd.DataFrame:
    """Read verdicts; raises :class:`InputError` where the file is not one of ours."""
    verdicts = _read_csv(path, COLUMNS)
    is_rejected = verdicts["verdict"] == REJECTED
    fits = verdicts["reason"].isin(list(REASONS)) == is_rejected
    if not (fits.all() and verdicts["verdict"].isin([KEPT, REJECTED]).all()):
        raise InputError(f"{path} holds an unknown verdict or reason: delete it and run again.")
    if repeated := repeated_ids(list(verdicts["id"])):
        raise InputError(f"{path} holds {repeated[0]} twice: delete it and run again.")
    return verdicts


def summarise(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return a row per reason, in their order: reason, count, ids (keys separated by blanks)."""
    rows = []
    for reason in REASONS:
        ids = sorted(verdicts.loc[verdicts["reason"] == reason, "id"])
        rows.append((reason, len(ids), " ".join(ids)))
    return pd.DataFrame(rows, columns=["reason", "count", "ids"])


def funnel(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return a row per step: step ("archive", then each reason), rejected, remaining."""
    rejected = [0, *summarise(verdicts)["count"]]
    remaining = len(verdicts) - np.cumsum(rejected)
    return pd.DataFrame(
        {"step": ["archive", *REASONS], "rejected": rejected, "remaining": remaining}
    )


def _apply(ids: Sequence[str], rules: Mapping[str, Rule]) -> pd.DataFrame:
    """Judge every row by the rules, in the order of REASONS."""
    order = [(reason, rules[reason]) for reason in REASONS if reason in rules]
    rows = []
    for row, key in enumerate(ids):
        failed = ((reason, rule(row)) for reason, rule in order)
        reason, detail = next(((name, text) for name, text in failed if text), ("", ""))
        rows.append((key, REJECTED if reason else KEPT, reason, detail))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _unreadable(rejected: pd.DataFrame, readable: Iterable[str]) -> pd.DataFrame:
    """Return a verdict per molecule of which no record could be read.

    A rejected copy of a molecule that another record holds is no molecule of its own; a record
    whose name holds no key goes by its name.
    """
    keys = rejected["id"].where(rejected["id"] != "", rejected["record"])
    texts = (rejected["record"] + ": " + rejected["reason"]).groupby(keys).agg("; ".join)
    texts = texts[~texts.index.isin(set(readable))]
    rows = [(key, REJECTED, "unreadable_record", text) for key, text in texts.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def kept_rows(table: MoleculeTable, verdicts: pd.DataFrame, path: Path) -> list[int]:
    """Return the rows of kept molecules; logs the counts, and raises where there are none."""
    counts = Counter(verdicts.loc[verdicts["verdict"] == REJECTED, "reason"])
    text = ", ".join(f"{counts[reason]} {reason}" for reason in REASONS if counts[reason])
    kept = set(verdicts.loc[verdicts["verdict"] == KEPT, "id"])
    if not kept:
        raise InputError(
            f"No molecule of {path} passes the filters ({text or 'it is empty'}): check the filters"
            " of the configuration and that the archive is the right one."
        )
    logger.info("%d molecules kept of %d (%s)", len(kept), len(verdicts), text or "none rejected")
    return [row for row, key in enumerate(table.ids) if key in kept]


def repeated_ids(ids: Sequence[str]) -> list[str]:
    """Return the ids that occur more than once."""
    return sorted(key for key, count in Counter(ids).items() if count > 1)


def _read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: run the rule that makes it.") from None
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise InputError(f"{path} is damaged ({error}): delete it and run again.") from error
    if list(frame.columns) != list(columns):
        raise InputError(
            f"{path} has not the columns {', '.join(columns)}: delete it and run again."
        )
    return frame


def write_verdicts(verdicts: pd.DataFrame, path: Path) -> None:
    """Write verdicts to a CSV file, atomically."""
    with atomic_path(path) as temporary:
        verdicts.to_csv(temporary, index=False)
