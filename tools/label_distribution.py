"""Say and draw what the label sets hold: sizes, kinds, elements, functional groups, splits.

Run from the repository's root, in the project's environment::

    python tools/label_distribution.py           # prints the tables
    python tools/label_distribution.py --write   # puts them into the card, and draws its figure
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from label_enumeration import ELEMENTS  # noqa: E402
from label_groups import KINDS, SMARTS  # noqa: E402
from label_list import BENCH_SPLIT, FOLDER, GEOMETRIES, SETS, SPLITS  # noqa: E402

from mepflow.archives.label_geometries import (  # noqa: E402
    LabelGeometry,
    read_label_geometries,
)
from mepflow.elements import symbol  # noqa: E402
from mepflow.plots.style import BLUE, ORANGE, PAGE_WIDTH, drawing  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

Sets = Mapping[str, Sequence[LabelGeometry]]
COLOURS: Final = {"organic": BLUE, "bench": ORANGE}
FIGURE_HEIGHT: Final = 8.6
CARD: Final = "README.md"
FIGURE: Final = "distribution.png"
START: Final = "<!-- distribution: tools/label_distribution.py --write -->"
END: Final = "<!-- end of distribution -->"


def elements_of(molecule: LabelGeometry) -> set[str]:
    """Return the symbols of a molecule's elements."""
    return {symbol(int(number)) for number in molecule.atomic_numbers}


FEATURES: Final[dict[str, tuple[Sequence[Any], Callable[[LabelGeometry], Any]]]] = {
    "heavy atoms": (range(2, 18), lambda one: {one.heavy_atoms}),
    "kind": (KINDS, lambda one: {one.texts["kind"]}),
    "element": (ELEMENTS, elements_of),
    "split": ([*(name for name, _ in SPLITS), BENCH_SPLIT], lambda one: {one.texts["split"]}),
    "geometry": ([name for name, _ in GEOMETRIES], lambda one: {one.texts["geometry"]}),
    "functional group": (tuple(SMARTS), lambda one: set(one.groups)),
}
"""Of each feature its values, and which of them a molecule has."""


def counts(molecules: Sequence[LabelGeometry], feature: str) -> dict[Any, int]:
    """Return how many molecules have each value of a feature, in the order of the values."""
    values, of = FEATURES[feature]
    found = Counter(value for one in molecules for value in of(one))
    if unknown := found.keys() - set(values):
        raise SystemExit(f"{feature}: the list of values lacks {sorted(map(str, unknown))}")
    return {value: found[value] for value in values}


def table(sets: Sets, feature: str) -> str:
    """Return a Markdown table: of each set, numbers and shares of molecules by a feature."""
    lines = [f"| {feature} | " + " | ".join(f"{name} | %" for name in sets) + " |"]
    lines.append("|---|" + "--:|--:|" * len(sets))
    columns = {name: counts(molecules, feature) for name, molecules in sets.items()}
    for value in FEATURES[feature][0]:
        numbers = [(columns[name][value], len(sets[name])) for name in sets]
        if any(number for number, _ in numbers):
            cells = (f"{n} | {100 * n / max(total, 1):.1f}" for n, total in numbers)
            lines.append(f"| {value} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(sets: Sets) -> str:
    """Return the sizes of the sets and their tables as Markdown."""
    lines = []
    for name, molecules in sets.items():
        heavy = np.mean([one.heavy_atoms for one in molecules])
        atoms = np.mean([len(one.atomic_numbers) for one in molecules])
        lines.append(
            f"{name}: {len(molecules)} molecules, on average {heavy:.2f} heavy atoms and "
            f"{atoms:.1f} atoms"
        )
    return "\n\n".join([*lines, *(table(sets, feature) for feature in FEATURES)])


def draw(sets: Sets, output: Path) -> None:
    """Draw the shares of sizes, elements, kinds and functional groups, the sets side by side."""
    with drawing(PAGE_WIDTH, FIGURE_HEIGHT, [output]) as figure:
        figure.set_layout_engine("constrained")
        grid = figure.add_gridspec(3, 2, height_ratios=(16, 9, 4))
        for row, feature in enumerate(("heavy atoms", "element", "kind")):
            _bars(figure.add_subplot(grid[row, 0]), sets, feature)
        _bars(figure.add_subplot(grid[:, 1]), sets, "functional group")
        figure.axes[0].legend(frameon=False)


def _bars(axes: Any, sets: Sets, feature: str) -> None:
    values = FEATURES[feature][0]
    width = 0.8 / len(sets)
    for k, (name, molecules) in enumerate(sets.items()):
        shares = [100 * n / len(molecules) for n in counts(molecules, feature).values()]
        places = np.arange(len(values)) + (k - (len(sets) - 1) / 2) * width
        axes.barh(places, shares, width, color=COLOURS[name], label=f"{name} ({len(molecules)})")
    axes.set_yticks(range(len(values)), [str(value) for value in values])
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.set_ylabel(feature)
    axes.set_xlabel("share of molecules (%)")


def with_tables(card: str, sets: Sets) -> str:
    """Return the text of a card with the tables between its two marks."""
    before, rest = card.split(START, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{START}\n\n{summary(sets)}\n\n{END}{after}"


def read_sets(folder: Path) -> Sets:
    """Return the molecules of all sets that have a geometry."""
    return {name: read_label_geometries(folder / f"{name}.jsonl.gz") for name in SETS}


def main() -> None:
    """Print the tables, or write card and figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--write", action="store_true", help="write README.md and the figure")
    arguments = parser.parse_args()
    sets = read_sets(arguments.folder)
    if not arguments.write:
        sys.stdout.write(summary(sets) + "\n")
        return
    card = arguments.folder / CARD
    text = with_tables(card.read_text(), sets)
    with atomic_path(card) as temporary:
        temporary.write_text(text)
    draw(sets, arguments.folder / FIGURE)


if __name__ == "__main__":
    main()
