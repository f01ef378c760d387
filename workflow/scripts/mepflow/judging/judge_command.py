"""The command ``judge``: from charges and a reference to a table, a figure and a ranking."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from mepflow.errors import ConfigError, InputError, choice

if TYPE_CHECKING:
    from mepflow.electrostatics.penetration import Widths
    from mepflow.judging.bench import Bench
    from mepflow.judging.judged_terms import JudgedTerms

METHODS: Final = (
    "fitted-charges", "fitted-charges-dipoles", "fitted-charges-dipoles-quadrupoles",
    "fitted-charges-penetration", "fitted-charges-dipoles-penetration",
    "fitted-charges-dipoles-quadrupoles-penetration", "resp", "resp-hf", "mulliken", "lowdin",
    "hirshfeld", "cm5", "mbis-charges", "mbis-charges-dipoles",
    "mbis-charges-dipoles-quadrupoles", "gfn2-xtb", "mmff94", "gasteiger", "eem", "qeq", "qtpie",
)  # fmt: skip
"""Names of :data:`mepflow.judging.methods.METHODS`."""
_EPILOG: Final = """\
examples:
  mepflow judge mine.sdf am1bcc=others.mol2 --against resources/labels/bench.h5
  mepflow judge --against results/qm9/reference/reference.h5 --methods mulliken,resp
  mepflow judge --against resources/labels/bench.h5 --model results/spice/models/AC-DQ-dw100
"""

Terms = dict[int, "JudgedTerms"]


@dataclass(frozen=True)
class _Row:
    """Terms of a row by row of the reference, remarks, widths of shells, and what it costs.

    ``cpu_s`` are CPU seconds per structure, None where they were not measured.
    """

    name: str
    terms: Terms
    remarks: list[str]
    widths: "Widths | None" = None
    cpu_s: float | None = None


def add_judge(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", definitions: Path
) -> None:
    """Add the command to a parser's; ``definitions`` is the file with the widths of shells."""
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
    text = (
        "grids of the reference that errors are measured on, with commas, or all; rows are sorted "
        "by the first, and fits are to it (%(default)s)"
    )
    parser.add_argument("--grid", type=_names, default=("mk",), metavar="LIST", help=text)
    text = "rows computed here: all, none, or several of " + ", ".join(METHODS) + " with commas"
    parser.add_argument("--methods", type=_methods, default=METHODS, metavar="LIST", help=text)
    text = "a model.pt or a folder of models, judged too; may be repeated, NAME=PATH names the row"
    parser.add_argument("--model", action="append", default=[], metavar="PATH", help=text)
    text = (
        "CPU seconds of rows that files hold, a CSV with the columns charges and cpu_s and any "
        "number of molecules each; those of rows that are computed here are measured"
    )
    parser.add_argument("--costs", type=Path, metavar="FILE", help=text)
    text = "folder to write into (%(default)s)"
    parser.add_argument("--output", type=Path, default=Path("judgement"), help=text)
    text = "file with the rows of penetration"
    parser.add_argument("--definitions", type=Path, default=definitions, help=text)
    parser.set_defaults(run=run)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",")))


def _methods(text: str) -> tuple[str, ...]:
    if text in ("all", "none"):
        return METHODS if text == "all" else ()
    names = _names(text)
    for name in names:
        if name not in METHODS:
            raise argparse.ArgumentTypeError(f"{name!r} is no method: {choice(name, METHODS)}")
    return names


def run(options: argparse.Namespace) -> int:
    """Judge what the command line names, print the table, and return the exit status."""
    from mepflow.judging.bench import load_bench
    from mepflow.judging.error_parts import error_parts
    from mepflow.judging.judgement import judge
    from mepflow.judging.judgement_files import write_judgement
    from mepflow.judging.judgement_text import markdown

    bench = load_bench(options.against, options.grid, options.definitions)
    rows: dict[str, Terms] = {}
    remarks = _of_the_reference(bench)
    widths: dict[str, Widths] = {}
    costs = {} if options.costs is None else _read_costs(options.costs)
    for row in _all_rows(options, bench):
        if row.name in rows:
            raise ConfigError(f"Two rows are called {row.name}: name one of them, as in mine=FILE.")
        if row.remarks:
            remarks[row.name] = row.remarks
        if row.terms:
            rows[row.name] = row.terms
        if row.widths:
            widths[row.name] = row.widths
        if row.cpu_s is not None:
            costs[row.name] = row.cpu_s
    if not rows:
        raise InputError(_nothing(remarks))
    judgements = {grid: judge(rows, bench.table, grid, widths, costs) for grid in bench.grids}
    if not len(judgements[bench.grid].errors):
        raise InputError(_nothing({"": [f"none has a potential on {bench.grid!r}"]}))
    first = judgements[bench.grid].judged
    parts = error_parts(rows, bench.table, bench.grids, widths, first)
    written = write_judgement(options.output, judgements, parts, remarks)
    sys.stdout.write(markdown(judgements, parts, remarks))
    sys.stdout.write(f"\nWritten to {options.output}: {len(written)} files\n")
    return 0


def _of_the_reference(bench: "Bench") -> dict[str, list[str]]:
    if bench.labels is None or "cpu_seconds" not in bench.labels.columns:
        return {}
    seconds = median(float(one) for one in bench.labels.columns["cpu_seconds"])
    return {"the reference": [f"its calculations took {seconds:,.0f} CPU seconds each (median)"]}


def _nothing(remarks: Mapping[str, Sequence[str]]) -> str:
    first = next((texts[0] for texts in remarks.values() if texts), "no charges are given")
    return f"There is nothing to judge ({first}): give charges of the reference's molecules."


def _all_rows(options: argparse.Namespace, bench: "Bench") -> Iterator[_Row]:
    for name in options.methods:
        yield _computed(name, bench)
    for given in options.charges:
        from mepflow.judging.charge_readers import read_charges
        from mepflow.judging.matching import match

        name, path = _named(given)
        for found in match(name, read_charges(path), bench.table):
            yield _Row(found.name, found.terms, found.remarks)
    for given in options.model:
        yield from _of_models(given, bench)


def _computed(name: str, bench: "Bench") -> _Row:
    from mepflow.judging.judgement import PENETRATION
    from mepflow.judging.methods import METHODS as CATALOGUE
    from mepflow.judging.methods import PARTITIONS

    terms: Terms = {}
    reasons: dict[str, int] = {}
    seconds = []
    for row in range(len(bench.table)):
        if not len(bench.table.grids[bench.grid].of(row)[1]):
            continue
        begin = time.process_time()
        try:
            terms[row] = CATALOGUE[name].terms(bench, row)
            seconds.append(time.process_time() - begin)
        except InputError as error:
            reasons[str(error)] = reasons.get(str(error), 0) + 1
    cost = median(seconds) if seconds and name not in PARTITIONS else None
    said = [f"{count} structures have none: {text}" for text, count in reasons.items()]
    widths = bench.widths if name.endswith(PENETRATION) else None
    return _Row(name, terms, said, widths, cost)


def _read_costs(path: Path) -> dict[str, float]:
    """Return the medians of a file by name of the charges."""
    import pandas as pd

    try:
        frame = pd.read_csv(path, dtype={"charges": str, "cpu_s": float})
        medians = frame.groupby("charges")["cpu_s"].median()
        return dict(zip(medians.index, medians.tolist(), strict=True))
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as costs ({error}): give a CSV with the columns charges and "
            "cpu_s."
        ) from error


def _of_models(given: str, bench: "Bench") -> Iterator[_Row]:
    from mepflow.electrostatics.atomic_terms import AtomicTerms
    from mepflow.prediction.predictor import Predictor
    from mepflow.prediction.structures import Structure

    name, path = _named(given)
    predictor = Predictor.load(path)
    known = set(predictor.ensemble.elements)
    own: dict[int, AtomicTerms] = {}
    alone: dict[int, AtomicTerms] = {}
    molecules = {row: bench.table.molecule(row) for row in range(len(bench.table))}
    unknown = [row for row, one in molecules.items() if set(one.atomic_numbers.tolist()) - known]
    rows = [row for row in molecules if row not in unknown]
    structures = [Structure(molecules[row], molecules[row].id, "read") for row in rows]
    begin = time.process_time()
    predictions = list(predictor.predict_all(structures))
    predicted = time.process_time()
    for row, found in zip(rows, predictions, strict=True):
        alone[row] = AtomicTerms(found.charges)
        if found.has_atomic_terms:
            terms = (found.atomic_charges, found.atomic_dipoles, found.atomic_quadrupoles)
            own[row] = AtomicTerms(*terms)
    costs = [(end - begin) / max(1, len(rows)) for end in (predicted, time.process_time())]
    said = [f"{len(unknown)} structures hold elements that the model does not know"]
    if not predictor.ensemble.has_atomic_terms:
        name = f"{name}, charges fitted to its density"
        yield _Row(name, {**alone}, said if unknown else [], cpu_s=costs[1])
        return
    yield _Row(name, {**own}, said if unknown else [], predictor.ensemble.penetration, costs[0])
    if any(terms.dipoles is not None or terms.quadrupoles is not None for terms in own.values()):
        yield _Row(f"{name}, charges alone", {**alone}, [], cpu_s=costs[1])


def _named(given: str) -> tuple[str, Path]:
    name, separator, path = given.partition("=")
    if not separator or Path(given).exists():
        name, path = Path(given).stem, given
    if name in METHODS:
        raise ConfigError(f"{name} is a row that is computed here: name it, as in mine={path}.")
    return name, Path(path)
