"""The command ``predict``: from structure files to a folder of tables, cubes and geometries."""

import argparse
import gc
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mepflow.errors import ConfigError, InputError
from mepflow.prediction.input_files import STANDARD_INPUT, input_files
from mepflow.storage.shipped_files import SHIPPED_MODELS, shipped_folder

if TYPE_CHECKING:
    from mepflow.prediction.input_batch import InputBatch
    from mepflow.prediction.job import Job

_EPILOG: Final = """\
examples:
  mepflow predict ethanol.xyz
  mepflow predict --smiles 'CCO ethanol' --reference
  mepflow predict 'library/*.sdf' --moments-only --json library.json
  mepflow predict trajectory.extxyz --model results/qm9/models/AC-DQ-dw100 --output charges
"""
CHARGES: Final = ("fitted", "symmetric", "dipole", "resp")
"""Names of :data:`mepflow.charges.schemes.SCHEMES`, which takes a while to import."""
FORMATS: Final = ("sdf", "mol2", "qcschema", "amoeba")
"""Names of :data:`mepflow.prediction.charge_files.FORMATS`."""
PARQUET: Final = "parquet"
"""The format of :mod:`mepflow.prediction.parquet_tables`."""
_SAME_FORMAT: Final = {"json": "qcschema"}
UNITS: Final = ("kcal/mol/e", "kJ/mol/e", "hartree/e", "eV/e", "V")
"""Names of :data:`mepflow.prediction.points_table.UNITS`."""
_DEFAULT_LEVEL: Final = "b3lyp-6-31g-2df-p-fitted"
_INTERRUPTED: Final = 130
"""Exit status of a command that the user has stopped, as shells have it."""


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
        ".xyz, .extxyz (frames), .sdf, .mol, .mol2, .pdb or .smi file, or one of these packed "
        "(.gz, .bz2, .xz); a folder of them, a pattern such as 'set/*.xyz', or - for the standard "
        "input"
    )
    parser.add_argument("files", metavar="FILE", nargs="*", help=text)
    text = "a SMILES, or 'SMILES NAME', may be repeated; RDKit makes a conformer"
    parser.add_argument("--smiles", action="append", default=[], metavar="SMILES", help=text)
    text = "make up to N conformers of each SMILES (1), weighted by MMFF94s at 298 K"
    parser.add_argument("--conformers", type=_conformers, default=1, metavar="N", help=text)
    text = "total charge in e of every molecule (default: as the file says, or 0)"
    parser.add_argument("--charge", type=int, help=text)
    text = "write nothing if one molecule cannot be predicted (default: the others go on)"
    parser.add_argument("--strict", action="store_true", help=text)
    text = (
        "a model.pt, a folder of models that differ in seed, or models of mepflow by their name: "
        f"{' or '.join(SHIPPED_MODELS)}"
    )
    parser.add_argument("--model", type=Path, metavar="PATH", help=text)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    text = "folder to write into (default: NAME-mep for one input, else molecules-mep)"
    parser.add_argument("--output", type=Path, metavar="FOLDER", help=text)
    text = (
        "the molecules with their charges as sdf, mol2, qcschema or amoeba, too, and the "
        "tables as parquet; with commas"
    )
    parser.add_argument("--format", type=_formats, default=(), metavar="FORMAT", help=text)
    text = "file of points in Å (.xyz, .npy, three numbers a line): potential and field there"
    parser.add_argument("--points", type=Path, metavar="FILE", help=text)
    text = "unit of the potential at --points: %(choices)s (%(default)s)"
    parser.add_argument("--unit", choices=UNITS, default=UNITS[0], metavar="UNIT", help=text)
    text = "extrema and statistics of the MEP on the van der Waals surface, and meshes (.ply)"
    parser.add_argument("--surface", action="store_true", help=text)
    text = "write everything as JSON, too, into FILE or, with -, to standard output"
    parser.add_argument("--json", metavar="FILE", help=text)
    text = (
        "how charges follow from the predicted potential: fitted, symmetric (equal for equivalent "
        "atoms), dipole (with the model's exact dipole), resp (%(default)s)"
    )
    parser.add_argument("--charges", choices=CHARGES, default=CHARGES[0], help=text)
    text = "atomic terms, dipoles and quadrupoles only: no potential, no fitted charges, faster"
    parser.add_argument("--moments-only", action="store_true", help=text)
    text = "run the networks in double precision, slower; results change in the seventh digit"
    parser.add_argument("--double-precision", action="store_true", help=text)
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


def _formats(text: str) -> tuple[str, ...]:
    words = (word.strip().lower() for word in text.split(","))
    names = tuple(dict.fromkeys(_SAME_FORMAT.get(word, word) for word in words))
    for name in names:
        if name not in (*FORMATS, PARQUET):
            known = ", ".join((*FORMATS, PARQUET))
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {known}")
    return names


def _conformers(text: str) -> int:
    from mepflow.prediction.conformers import MOST_CONFORMERS

    if text.isdecimal() and 1 <= int(text) <= MOST_CONFORMERS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_CONFORMERS}")


def _length(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length in Å from 0.01 to 100")
    return value


def run(options: argparse.Namespace) -> int:
    """Predict what the command line asks for, print a summary, and return the exit status.

    It is 1 where a molecule cannot be predicted and others can.
    """
    _refuse_contradictions(options)
    files = input_files(options.files)
    # Imported here: torch and RDKit take seconds that a mistake on the command line need not wait.
    from mepflow.prediction.input_batch import InputBatch
    from mepflow.prediction.job import STANDARD_OUTPUT
    from mepflow.prediction.report import report

    _show_compilations()
    job = _job(options, InputBatch.of(files, options.smiles, options.conformers))
    gc.freeze()  # what was imported stays: the collector need not look at it again and again
    try:
        finished, written = job.run()
    except OSError as error:
        raise InputError(
            f"{error.filename or job.folder} cannot be written ({error.strerror}): give another "
            "--output."
        ) from error
    except KeyboardInterrupt:
        sys.stderr.write("\nmepflow: stopped; the same command goes on.\n")
        return _INTERRUPTED
    finally:
        gc.unfreeze()
    summary = sys.stderr if options.json == STANDARD_OUTPUT else sys.stdout
    summary.write(report(job, finished, written))
    return 0 if finished.predicted == finished.done else 1


def _refuse_contradictions(options: argparse.Namespace) -> None:
    if not options.files and not options.smiles:
        raise ConfigError("Nothing to predict: give a structure file, or --smiles.")
    if options.files.count(STANDARD_INPUT) > 1:
        raise ConfigError("The standard input (-) can be read once: name it once.")
    if options.threads < 1:
        raise ConfigError(
            f"--threads {options.threads} is not a number of threads: give 1 or more."
        )
    potential = ("cubes", "pqr", "png", "reference", "format", "points", "surface")
    names = [name for name in potential if getattr(options, name)]
    if options.charges != CHARGES[0]:
        names.append("charges")
    if options.moments_only and names:
        raise ConfigError(f"--{names[0]} needs the potential: leave --moments-only out.")
    own = None if shipped_folder(options.model) is not None else options.model
    for path in (own, options.definitions, options.points):
        if path is not None and not path.exists():
            raise ConfigError(f"{path} does not exist: correct its name.")


def _job(options: argparse.Namespace, batch: "InputBatch") -> "Job":
    from mepflow.prediction.job import Job
    from mepflow.prediction.parquet_tables import require_parquet
    from mepflow.prediction.predictor import Predictor

    if PARQUET in options.format:
        require_parquet()
    predictor = Predictor.load(
        options.model, double_precision=options.double_precision, charges=options.charges
    )
    if "amoeba" in options.format and not predictor.ensemble.has_atomic_terms:
        raise ConfigError(
            f"--format amoeba needs atomic multipoles, which {predictor.ensemble.name} has not: "
            "leave it out."
        )
    if options.surface and options.reference and not predictor.ensemble.has_atomic_terms:
        raise ConfigError(
            "--surface with --reference is of van der Waals spheres, and a density's surface is "
            "another: leave one of them out."
        )
    return Job(
        predictor,
        batch,
        options.output or default_folder(options.files, options.smiles),
        total_charge=options.charge,
        cubes=options.cubes,
        pqr=options.pqr,
        spacing_angstrom=options.spacing,
        margin_angstrom=options.margin,
        pictures=options.png,
        definitions=options.definitions,
        level=options.level if options.reference else None,
        threads=options.threads,
        moments_only=options.moments_only,
        strict=options.strict,
        json=options.json,
        formats=tuple(name for name in options.format if name in FORMATS),
        parquet=PARQUET in options.format,
        surfaces=options.surface,
        points=options.points,
        unit=options.unit,
    )


def _show_compilations() -> None:
    """Let the compiler say on standard error what it does, or why it does not."""
    logger = logging.getLogger("mepflow.compiler")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("mepflow: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


def default_folder(files: Sequence[str], smiles: Sequence[str]) -> Path:
    """Return the folder for results where none is given, in the current one."""
    is_named = len(files) == 1 and not smiles and not set(files[0]) & set("*?[")
    name = Path(files[0]).stem if is_named and files[0] != STANDARD_INPUT else ""
    return Path(f"{name or 'molecules'}-mep")
