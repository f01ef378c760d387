"""Which molecules of the rules the organic set takes: so many that all shares below are met.

Probabilities of inclusion come from iterative proportional fitting (W. E. Deming, F. F. Stephan,
Ann. Math. Stat. 11, 427 (1940), doi:10.1214/aoms/1177731829), capped at one; the molecules are then
drawn by systematic sampling along families and sizes, whose shares it keeps almost exactly.
"""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from label_enumeration import Candidate
from label_groups import SMARTS, groups_of
from label_list import pseudo_random
from rdkit import Chem

FloatArray = npt.NDArray[np.float64]
Members = npt.NDArray[np.bool_]

SIZES: Final = {2: 0.008, 3: 0.052, 4: 0.21, 5: 0.30, 6: 0.225, 7: 0.12, 8: 0.05, 9: 0.035}
"""Shares of the numbers of heavy atoms."""
FAMILIES: Final = {
    "chains": 0.08, "carbonyls": 0.13, "nitrogen": 0.10, "oxygen": 0.05, "sulfur": 0.09,
    "phosphorus": 0.08, "saturated rings": 0.12, "aromatics": 0.10,
    "cations": 0.095, "anions": 0.105, "zwitterions": 0.05,
}  # fmt: skip
ELEMENT_SHARES: Final = {"F": 0.14, "P": 0.115, "S": 0.19, "Cl": 0.115, "Br": 0.105}
GROUP_SHARES: Final = {
    "small ring": 0.08, "saturated ring": 0.035, "aromatic carbocycle": 0.022, "azine": 0.028,
    "alcohol": 0.08, "peroxide": 0.015, "carboxylic acid": 0.025, "ester": 0.025, "amide": 0.055,
    "acyl halide": 0.02, "hydrazine or hydroxylamine": 0.045, "phosphane": 0.045,
}  # fmt: skip
"""Shares of groups that small molecules would have too rarely or too often."""
LEAST_GROUP_SHARE: Final = 0.016
_DAMPING_PER_GROUP: Final = 0.7
_KNOWN_WEIGHT: Final = 8.0
"""Before the shares are fitted: molecules of many functional groups are rarer, known ones not."""
_SWEEPS: Final = 400
_SMALLEST: Final = 1e-12


def choose(
    candidates: Sequence[Candidate], count: int, seed: int, known: Collection[str] = ()
) -> list[Candidate]:
    """Return about ``count`` candidates (rounding may cost one) with the shares of this module."""
    molecules = [Chem.MolFromSmiles(one.smiles) for one in candidates]
    groups = [groups_of(molecule) for molecule in molecules]
    sizes = [molecule.GetNumHeavyAtoms() for molecule in molecules]
    start = [
        np.exp(-_DAMPING_PER_GROUP * len(g)) * (_KNOWN_WEIGHT if c.smiles in known else 1.0)
        for c, g in zip(candidates, groups, strict=True)
    ]
    exact = [np.array([s == n for s in sizes]) for n in SIZES]
    exact += [np.array([c.family == name for c in candidates]) for name in FAMILIES]
    exact += [np.array([has_element(m, name) for m in molecules]) for name in ELEMENT_SHARES]
    exact += [np.array([name in g for g in groups]) for name in GROUP_SHARES]
    tables = (SIZES, FAMILIES, ELEMENT_SHARES, GROUP_SHARES)
    shares = [share for table in tables for share in table.values()]
    least = [np.array([name in g for g in groups]) for name in SMARTS]
    chances = inclusion_probabilities(np.array(start), exact, shares, least, count)
    keys = [
        (c.family, s, pseudo_random(c.smiles, seed, "draw"))
        for c, s in zip(candidates, sizes, strict=True)
    ]
    order = sorted(range(len(candidates)), key=keys.__getitem__)
    taken = systematic_sample(chances[order], count)
    return [candidates[k] for k, is_taken in zip(order, taken, strict=True) if is_taken]


def systematic_sample(chances: FloatArray, count: int) -> Members:
    """Return which of ``chances`` (n,) are taken: where their cumulative sum passes an integer.

    Scaled to ``count`` in all, so any stretch of neighbours gets its share to within one.
    """
    edges = np.floor(np.cumsum(chances) * count / chances.sum() + 1e-9)
    return np.asarray(np.diff(edges, prepend=0.0) > 0)


def inclusion_probabilities(
    start: FloatArray,
    exact: Sequence[Members],
    shares: Sequence[float],
    least: Sequence[Members],
    count: int,
) -> FloatArray:
    """Return probabilities (n,) whose sums over the features are ``count`` times their shares.

    ``start`` (n,) are relative probabilities, ``exact`` and ``least`` features (n,). Those of
    ``least`` are only ever raised. A feature that has too few members gets all of them.
    """
    chances = np.minimum(start * count / start.sum(), 1.0)
    for _ in range(_SWEEPS):
        for members, share in zip(exact, shares, strict=True):
            factor = share * count / max(chances[members].sum(), _SMALLEST)
            chances[members] = np.minimum(chances[members] * factor, 1.0)
        for members in least:
            missing = LEAST_GROUP_SHARE * count / max(chances[members].sum(), _SMALLEST)
            if missing > 1.0:
                chances[members] = np.minimum(chances[members] * missing, 1.0)
    return chances


def has_element(molecule: Chem.Mol, symbol: str) -> bool:
    """Tell whether a molecule holds an element, hydrogen included."""
    if symbol == "H":
        return any(atom.GetTotalNumHs() for atom in molecule.GetAtoms())
    return any(atom.GetSymbol() == symbol for atom in molecule.GetAtoms())
