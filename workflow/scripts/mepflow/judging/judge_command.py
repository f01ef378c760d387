"""The command ``judge``: from charges and a reference to a table, a figure and a ranking."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mepflow.errors import ConfigError, InputError, choice

if TYPE_CHECKING:
    from mepflow.electrostatics.atomic_terms import AtomicTerms
    from mepflow.judging.methods import Bench

METHODS: Final = (
    "fitted-charges", "fitted-charges-dipoles", "fitted-charges-dipoles-quadrupoles", "resp",
    "resp-hf", "mulliken", "lowdin", "hirshfeld", "mbis-charges", "mbis-charges-dipoles",
    "mbis-charges-dipoles-quadrupoles", "gfn2-xtb", "mmff94", "gasteiger",
)  # fmt: skip
"""Names of :data:`mepflow.judging.methods.METHODS`."""
_EPILOG: Final = """\
examples:
  mepflow judge mine.sdf am1bcc=others.mol2 --against resources/labels/bench.h5
  mepflow judge --against results/qm9/reference/reference.h5 --methods mulliken,resp
  mepflow judge --against resources/labels/bench.h5 --model results/spice/models/AC-DQ-dw100
"""

Terms = dict[int, "AtomicTerms"]


def add_judge(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    text = "judge charges of any program by a reference's potential"
    parser = commands.add_parser(
        "judge",
        help=text,
        description=text,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    text = (
        "charges: .extxyz, .sdf (atom.dprop.PartialCharge), .mol2, .pqr or .csv; NAME=FILE names "
        "the row"
    )
    parser.add_argument("charges", nargs="*", metavar="CHARGES", help=text)
    text = "a file of labels, or a reference.h5 of a run"
    parser.add_argument("--against", type=Path, required=True, metavar="REFERENCE", help=text)
    text = "grid of the reference that errors are measured on (%(default)s)"
    parser.add_argument("--grid", default="mk", help=text)
    text = "rows computed here: all, none, or several of " + ", ".join(METHODS) + " with commas"
    parser.add_argument("--methods", type=_methods, default=METHODS, metavar="LIST", help=text)
    text = "a model.pt or a folder of models, judged too; may be repeated, NAME=PATH names the row"
    parser.add_argument("--model", action="append", default=[], metavar="PATH", help=text)
    text = "folder to write into (%(default)s)"
    parser.add_argument("--output", type=Path, default=Path("judgement"), help=text)
    parser.set_defaults(run=run)


def _methods(text: str) -> tuple[str, ...]:
    if text in ("all", "none"):
        return METHODS if text == "all" else ()
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for name in names:
        if name not in METHODS:
            raise argparse.ArgumentTypeError(f"{name!r} is no method: {choice(name, METHODS)}")
    return names


def run(options: argparse.Namespace) -> int:
    """Judge what the command line names, print the table, and return the exit status."""
    from mepflow.judging.judgement import judge
    from mepflow.judging.judgement_files import markdown, write_judgement

    bench = _bench(options.against, options.grid)
    rows: dict[str, Terms] = {}
    remarks: dict[str, list[str]] = {}
    for name, terms, said in _all_rows(options, bench):
        if name in rows:
            raise ConfigError(f"Two rows are called {name}: name one of them, as in mine=FILE.")
        if said:
            remarks[name] = said
        if terms:
            rows[name] = terms
    if not rows:
        raise InputError(_nothing(remarks))
    judgement = judge(rows, bench.table, options.grid)
    written = write_judgement(options.output, judgement, options.grid, remarks)
    sys.stdout.write(markdown(judgement, options.grid, remarks))
    sys.stdout.write(f"\nWritten to {options.output}: {len(written)} files\n")
    return 0


def _nothing(remarks: Mapping[str, Sequence[str]]) -> str:
    first = next((texts[0] for texts in remarks.values() if texts), "no charges are given")
    return f"There is nothing to judge ({first}): give charges of the reference's molecules."


def _bench(path: Path, grid: str) -> "Bench":
    import h5py

    from mepflow.archives.label_archive import reference_of_labels
    from mepflow.archives.label_file import FORMAT, read_labels
    from mepflow.judging.methods import HF_GRID, Bench
    from mepflow.molecules import MoleculeTable

    if not path.is_file():
        raise InputError(f"{path} does not exist: give a file of labels or a run's reference.h5.")
    try:
        with h5py.File(path) as file:
            is_labels = file.attrs.get("format") == FORMAT
    except OSError as error:
        raise InputError(
            f"{path} is no HDF5 file: give a file of labels or reference.h5."
        ) from error
    labels = read_labels(path) if is_labels else None
    if labels is None:
        table = MoleculeTable.load(path)
    else:
        wanted = [name for name in (grid, HF_GRID) if name in labels.potentials]
        table = reference_of_labels(labels, wanted, path)
    if grid not in table.grids:
        known = labels.potentials if labels is not None else table.grids
        raise InputError(f"{path} has no potential on {grid!r}: {choice(grid, list(known))}")
    return Bench(table, labels, grid)


def _all_rows(
    options: argparse.Namespace, bench: "Bench"
) -> Iterator[tuple[str, Terms, list[str]]]:
    for name in options.methods:
        yield name, *_computed(name, bench)
    for given in options.charges:
        from mepflow.judging.charge_readers import read_charges
        from mepflow.judging.matching import match

        name, path = _named(given)
        for found in match(name, read_charges(path), bench.table):
            yield found.name, found.terms, found.remarks
    for given in options.model:
        yield from _of_models(given, bench)


def _computed(name: str, bench: "Bench") -> tuple[Terms, list[str]]:
    from mepflow.judging.methods import METHODS as CATALOGUE

    terms: Terms = {}
    reasons: dict[str, int] = {}
    for row in range(len(bench.table)):
        if not len(bench.table.grids[bench.grid].of(row)[1]):
            continue
        try:
            terms[row] = CATALOGUE[name].terms(bench, row)
        except InputError as error:
            reasons[str(error)] = reasons.get(str(error), 0) + 1
    return terms, [f"{count} structures have none: {text}" for text, count in reasons.items()]


def _of_models(given: str, bench: "Bench") -> Iterator[tuple[str, Terms, list[str]]]:
    from mepflow.electrostatics.atomic_terms import AtomicTerms
    from mepflow.prediction.predictor import Predictor
    from mepflow.prediction.structures import Structure

    name, path = _named(given)
    predictor = Predictor.load(path)
    known = set(predictor.ensemble.elements)
    own: Terms = {}
    alone: Terms = {}
    molecules = {row: bench.table.molecule(row) for row in range(len(bench.table))}
    unknown = [row for row, one in molecules.items() if set(one.atomic_numbers.tolist()) - known]
    rows = [row for row in molecules if row not in unknown]
    structures = [Structure(molecules[row], molecules[row].id, "read") for row in rows]
    for row, found in zip(rows, predictor.predict_all(structures), strict=True):
        alone[row] = AtomicTerms(found.charges)
        own[row] = AtomicTerms(found.atomic_charges, found.atomic_dipoles, found.atomic_quadrupoles)
    said = [f"{len(unknown)} structures hold elements that the model does not know"]
    yield name, own, said if unknown else []
    if any(terms.dipoles is not None or terms.quadrupoles is not None for terms in own.values()):
        yield f"{name}, charges alone", alone, []


def _named(given: str) -> tuple[str, Path]:
    name, separator, path = given.partition("=")
    if separator and not Path(given).exists():
        return name, Path(path)
    return Path(given).stem, Path(given)
