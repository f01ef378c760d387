"""The command ``predict``: from structure files to a folder of tables, cubes and geometries."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mepflow.errors import ConfigError, InputError

_EPILOG: Final = """\
examples:
  mepflow predict ethanol.xyz
  mepflow predict --smiles 'CCO ethanol' --reference
  mepflow predict trajectory.extxyz --model results/qm9/models/AC-DQ-dw100 --output charges
"""
_DEFAULT_LEVEL: Final = "b3lyp-6-31g-2df-p-fitted"


def add_predict(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", definitions: Path
) -> None:
    """Add the command to a parser's; ``definitions`` is the file of grids and levels."""
    text = "predict charges, multipoles and potential of molecules"
    parser = commands.add_parser(
        "predict",
        help=text,
        description=text,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_inputs(parser)
    _add_outputs(parser)
    text = "compute the molecules by density-functional theory too and report the errors"
    parser.add_argument("--reference", action="store_true", help=text)
    text = f"level of theory of --reference, a row of levels_of_theory ({_DEFAULT_LEVEL})"
    parser.add_argument("--level", default=_DEFAULT_LEVEL, help=text)
    parser.add_argument("--threads", type=int, default=1, help="of --reference")
    text = "file with the rows of levels_of_theory and grids"
    parser.add_argument("--definitions", type=Path, default=definitions, help=text)
    parser.set_defaults(run=run)


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    text = (
        ".xyz, .extxyz (frames), .sdf, .mol or .smi file, or one of these packed (.gz, .bz2, .xz)"
    )
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help=text)
    text = "a SMILES, or 'SMILES NAME', may be repeated; RDKit makes a conformer"
    parser.add_argument("--smiles", action="append", default=[], metavar="SMILES", help=text)
    text = "total charge in e of every molecule (default: as the file says, or 0)"
    parser.add_argument("--charge", type=int, help=text)
    text = "a model.pt, or a folder of models that differ in seed (default: those of mepflow)"
    parser.add_argument("--model", type=Path, metavar="PATH", help=text)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    text = "folder to write into (default: NAME-mep for one input, else molecules-mep)"
    parser.add_argument("--output", type=Path, metavar="FOLDER", help=text)
    text = "a cube file of the MEP per molecule (default: up to 20 molecules)"
    parser.add_argument("--cubes", action=argparse.BooleanOptionalAction, help=text)
    text = "a PQR file with charges per molecule (default: up to 20 molecules)"
    parser.add_argument("--pqr", action=argparse.BooleanOptionalAction, help=text)
    text = "step of the cubes in Å (%(default)s)"
    parser.add_argument("--spacing", type=_length, default=0.25, metavar="Å", help=text)
    text = "distance of a cube's faces from the nuclei in Å (%(default)s)"
    parser.add_argument("--margin", type=_length, default=4.0, metavar="Å", help=text)
    text = "draw the MEP on each molecule's van der Waals surface"
    parser.add_argument("--png", action="store_true", help=text)


def _length(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length in Å from 0.01 to 100")
    return value


def run(options: argparse.Namespace) -> int:
    """Predict what the command line asks for, print a summary, and return the exit status."""
    # Imported here: torch and RDKit take seconds that other commands need not wait.
    from mepflow.prediction.job import Job
    from mepflow.prediction.predictor import Predictor
    from mepflow.prediction.report import report
    from mepflow.prediction.structures import read_structures

    if not options.files and not options.smiles:
        raise ConfigError("Nothing to predict: give a structure file, or --smiles.")
    if options.threads < 1:
        raise ConfigError(
            f"--threads {options.threads} is not a number of threads: give 1 or more."
        )
    structures = read_structures(options.files, options.smiles, options.charge)
    job = Job(
        Predictor.load(options.model),
        structures,
        options.output or default_folder(options.files, options.smiles),
        cubes=options.cubes,
        pqr=options.pqr,
        spacing_angstrom=options.spacing,
        margin_angstrom=options.margin,
        pictures=options.png,
        definitions=options.definitions,
        level=options.level if options.reference else None,
        threads=options.threads,
    )
    try:
        results = job.run()
    except OSError as error:
        raise InputError(
            f"{error.filename or job.folder} cannot be written ({error.strerror}): give another "
            "--output."
        ) from error
    sys.stdout.write(report(job, results))
    return 0


def default_folder(files: Sequence[Path], smiles: Sequence[str]) -> Path:
    """Return the folder for results where none is given, in the current one."""
    name = files[0].stem if len(files) == 1 and not smiles else "molecules"
    return Path(f"{name}-mep")
