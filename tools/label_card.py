"""Numbers and figures of the label sets' card: resources/labels/README.md.

Run by ``python tools/make_labels.py card``; what stands between the card's marks is written anew.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from pyscf import gto
from tabulate import tabulate

from mepflow.archives.label_geometries import LabelGeometry
from mepflow.archives.label_set import LabelSet
from mepflow.elements import symbol
from mepflow.plots import style
from mepflow.storage.files import atomic_path
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

_KINDS: Final = ("neutral", "cation", "anion", "zwitterion")
_MARKS: Final = "<!-- {} -->", "<!-- end of {} -->"
_SECONDS_PER_HOUR: Final = 3600.0
_BINS: Final = 25
_FUNCTIONS: Final = (100, 200, 400, 800)
"""Ticks of the axis of basis functions."""


def write_card(
    path: Path, sets: dict[str, LabelSet], geometries: dict[str, list[LabelGeometry]]
) -> None:
    """Write the numbers of the sets, by name, into the card, and the figure beside it.

    Sets of moments alone are not in the figure.

    ``geometries`` are all that there are of each set, computed or not.
    """
    text = path.read_text()
    for name, labels in sets.items():
        text = _between_marks(text, name, f"\n{set_numbers(labels, geometries[name])}\n")
    with atomic_path(path) as temporary:
        temporary.write_text(text)
    with style.drawing(style.PAGE_WIDTH, 3.6, [path.parent / "distributions.png"]) as figure:
        _draw(figure, {name: labels for name, labels in sets.items() if not labels.moments_alone})


def set_numbers(labels: LabelSet, geometries: Sequence[LabelGeometry]) -> str:
    """Return what a set holds, and what the rest of its ``geometries`` costs, in Markdown."""
    missing = [geometry for geometry in geometries if geometry.id not in labels.finished]
    heavy = heavy_atoms(labels)
    exponent, at_200 = cost_law(labels)
    seconds = labels.columns["cpu_seconds"].astype(float)
    rows = [
        ("molecules", str(len(labels))),
        ("atoms", str(len(labels.columns["atomic_numbers"]))),
        ("failed, by name", ", ".join(labels.failed["id"]) or "none"),
        ("splits", _counts([split or "decided by a run" for split in labels.texts["split"]])),
        ("kinds", _counts(labels.texts["kind"])),
        ("geometries", _counts(labels.texts["geometry"])),
        ("heavy atoms", ", ".join(f"{n}: {c}" for n, c in sorted(Counter(heavy.tolist()).items()))),
        ("mean heavy atoms", f"{heavy.mean():.2f}"),
        ("molecules with an element", _elements(labels)),
        ("largest step of a stored potential", f"{largest_step(labels):.4f} kcal/mol/e"),
        ("processor time, all", f"{seconds.sum() / _SECONDS_PER_HOUR:.2f} core-hours"),
        ("processor time, one", f"mean {seconds.mean():.0f} s, largest {seconds.max():.0f} s"),
        ("cost law", f"{at_200:.0f} s × (functions / 200)^{exponent:.2f}"),
        ("a further 1,000 like these", _hours(1000 * seconds.mean())),
        ("geometries not computed yet", str(len(missing))),
        ("1,000 like those, by the cost law", _hours(1000 * expected_seconds(labels, missing))),
    ]
    return tabulate(rows, headers=("", ""), tablefmt="github")


def heavy_atoms(labels: LabelSet) -> npt.NDArray[np.int64]:
    """Return how many atoms of each molecule are no hydrogens."""
    heavy = (labels.columns["atomic_numbers"] > 1).astype(np.int64)
    return np.add.reduceat(heavy, labels.atom_offsets[:-1])


def cost_law(labels: LabelSet) -> tuple[float, float]:
    """Return the exponent and the seconds at 200 functions of a line through the logarithms."""
    functions = np.log(labels.columns["functions"] / 200.0)
    exponent, at_200 = np.polyfit(functions, np.log(labels.columns["cpu_seconds"]), 1)
    return float(exponent), float(np.exp(at_200))


def expected_seconds(labels: LabelSet, geometries: Sequence[LabelGeometry]) -> float:
    """Return the mean processor time that the cost law gives for molecules."""
    exponent, at_200 = cost_law(labels)
    basis = labels.levels[0]["basis"]
    functions = [
        sum(element_functions(int(number), basis) for number in geometry.atomic_numbers)
        for geometry in geometries
    ]
    return float(np.mean(at_200 * (np.array(functions) / 200.0) ** exponent))


@lru_cache
def element_functions(atomic_number: int, basis: str) -> int:
    """Return how many functions an atom has in a basis."""
    spin = atomic_number % 2
    return int(gto.M(atom=symbol(atomic_number), basis=basis, spin=spin, verbose=0).nao)


def largest_step(labels: LabelSet) -> float:
    """Return the largest step of the stored potentials in kcal/mol/e."""
    steps = [held.step.max() for held in labels.potentials.values()]
    return float(max(steps)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E


def group_shares(labels: LabelSet) -> dict[str, float]:
    """Return in which part of the molecules each functional group is, the commonest first."""
    counts = Counter(
        group for groups in labels.texts["groups"] for group in set(json.loads(groups))
    )
    return {group: count / len(labels) for group, count in counts.most_common()}


def _hours(seconds: float) -> str:
    return f"{seconds / _SECONDS_PER_HOUR:.1f} core-hours"


def _counts(column: Sequence[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(column).most_common())


def _elements(labels: LabelSet) -> str:
    parts = np.split(labels.columns["atomic_numbers"], labels.atom_offsets[1:-1])
    counts = Counter(int(number) for part in parts for number in set(part.tolist()))
    return ", ".join(
        f"{symbol(number)} {100 * counts[number] / len(labels):.0f} %" for number in sorted(counts)
    )


def _between_marks(text: str, name: str, content: str) -> str:
    start, end = (mark.format(name) for mark in _MARKS)
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the card has no marks of {name}")
    return pattern.sub(lambda _: f"{start}\n{content}\n{end}", text)


def _distributions(labels: LabelSet) -> tuple[npt.NDArray[Any], ...]:
    """Return what the panels with distributions show of a set, in their order."""
    dipoles = np.linalg.norm(labels.columns["dipole"], axis=1) * E_BOHR_IN_DEBYE
    potential = np.concatenate(
        [labels.stored_potential("mk", index).values() for index in range(len(labels))]
    )
    return (
        heavy_atoms(labels),
        dipoles[labels.columns["charge"] == 0],
        potential * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        labels.columns["mbis_charges"].ravel(),
        labels.columns["lumo"] - labels.columns["homo"],
    )


def _edges(values: npt.NDArray[Any]) -> FloatArray:
    """Return edges of bins that all sets share; whole numbers lie in the middle of theirs."""
    if np.issubdtype(values.dtype, np.integer):
        return np.arange(values.min(), values.max() + 2) - 0.5
    return np.histogram_bin_edges(values, _BINS)


def _draw(figure: Figure, sets: dict[str, LabelSet]) -> None:
    axes = figure.subplots(2, 3).ravel()
    colours = (style.BLUE, style.ORANGE)
    drawn = [_distributions(labels) for labels in sets.values()]
    edges = [_edges(np.concatenate(values)) for values in zip(*drawn, strict=True)]
    for (name, labels), columns, colour in zip(sets.items(), drawn, colours, strict=False):
        for panel, values, bins in zip(axes, columns, edges, strict=False):
            weights = np.full(len(values), 1.0 / len(values))
            panel.hist(values, bins, weights=weights, histtype="step", color=colour, label=name)
        axes[5].loglog(
            labels.columns["functions"], labels.columns["cpu_seconds"], ".", color=colour
        )
    names = (
        "heavy atoms",
        "dipole of uncharged molecules / D",
        "MEP on MK points / kcal/mol/e",
        "MBIS charge / e",
        "HOMO-LUMO gap / hartree",
        "basis functions",
    )
    for panel, label in zip(axes, names, strict=True):
        panel.set_xlabel(label)
    for panel in axes[:5]:
        panel.set_ylabel("share")
    axes[5].set_ylabel("processor time / s")
    axes[5].set_xticks(_FUNCTIONS, [str(number) for number in _FUNCTIONS])
    axes[5].xaxis.set_minor_formatter(NullFormatter())
    axes[1].legend(loc="upper right")
