"""Command line: ``python -m mepflow COMMAND``.

Exit status 0 where all is well, 1 where a check fails, 2 where the input is wrong (one sentence on
standard error).
"""

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mepflow import __version__
from mepflow.errors import ConfigError, MepflowError, choice
from mepflow.judging.judge_command import add_judge
from mepflow.prediction.command import add_predict
from mepflow.prediction.spectrum_command import add_spectrum
from mepflow.runs.run_command import add_run
from mepflow.storage.shipped_files import DEFINITIONS

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


_ARCHIVE: Final = "QM9: a .tar.bz2 or a folder of .xyz; SPICE: an .hdf5 or .h5 file"
_OPTIONAL: Final = {"pyscf": ("PySCF", "qm")}
"""Packages that an installation may lack, with the extra of mepflow that brings each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` (the process's own if None) name; return the status."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="mepflow", description="Potentials of molecules.")
    parser.add_argument("--version", action="version", version=f"mepflow {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_predict(commands, DEFINITIONS)
    _add_check_pinn(commands)
    _add_check_level(commands)
    add_run(commands)
    add_judge(commands, DEFINITIONS)
    add_spectrum(commands)
    _add_status(commands)
    try:
        _refuse_unknown(given[:1], commands.choices)
        options, more = parser.parse_known_args(given)
        if more and not hasattr(options, "more"):
            parser.error(f"unrecognized arguments: {' '.join(more)}")
        options.more = more
        return int(options.run(options))
    except MepflowError as error:
        sys.stderr.write(f"mepflow: {error}\n")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _OPTIONAL:
            raise
        package, extra = _OPTIONAL[missing]
        sys.stderr.write(f"mepflow: this needs {package}: pip install 'mepflow[{extra}]'.\n")
    return 2


def _refuse_unknown(first: Sequence[str], commands: Iterable[str]) -> None:
    """Raise :class:`ConfigError` where the first argument is neither an option nor a command."""
    known = list(commands)
    if not first or first[0].startswith("-") or first[0] in known:
        return
    raise ConfigError(f"There is no command {first[0]!r}: {choice(first[0], known)}")


def _add_check_pinn(commands: "Commands") -> None:
    text = "compare our PiNet2 with a recorded network of PiNN"
    parser = commands.add_parser("check-pinn", help=text, description=text)
    parser.add_argument("file", metavar="FILE.npz", help="recorded network")
    parser.set_defaults(run=_check_pinn)


def _check_pinn(options: argparse.Namespace) -> int:
    # Imported here: torch takes seconds that other commands need not wait.
    from mepflow.nn.pinet2 import parity

    found = parity.deviations(options.file)
    sys.stdout.write(parity.report(found) + "\n")
    return 0 if all(row.agrees for row in found) else 1


def _add_check_level(commands: "Commands") -> None:
    text = "compare a level of theory with the values in a raw archive"
    parser = commands.add_parser("check-level", help=text, description=text)
    parser.add_argument("archive", metavar="ARCHIVE", type=Path, help=_ARCHIVE)
    parser.add_argument("--level", required=True, help="a row of levels_of_theory")
    parser.add_argument("--definitions", type=Path, default=DEFINITIONS, help="file of the rows")
    parser.add_argument("--threads", type=int, default=1)
    text = "only this molecule (the id in QM9, the group in SPICE), may be repeated"
    parser.add_argument("--molecule", action="append", default=[], metavar="NAME", help=text)
    text = "conformers of each SPICE molecule: lowest (the default), all, or a number of the lowest"
    parser.add_argument("--conformers", type=_conformers, default="lowest", help=text)
    parser.set_defaults(run=_check_level)


def _conformers(text: str) -> str | int:
    if text in ("lowest", "all"):
        return text
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not lowest, all or a number above 0")
    return int(text)


def _check_level(options: argparse.Namespace) -> int:
    from mepflow.qm.level_check import check_level
    from mepflow.qm.level_names import read_level

    level = read_level(options.definitions, options.level)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    differences, agrees = check_level(
        options.archive, level, options.threads, options.molecule, options.conformers
    )
    sys.stdout.write(differences.to_string(index=False, float_format="%.1e") + "\n")
    return 0 if agrees else 1


def _add_status(commands: "Commands") -> None:
    text = "tell what of a run is finished, running, failed or to do"
    parser = commands.add_parser("status", help=text, description=text)
    parser.add_argument(
        "results", metavar="FOLDER", nargs="?", default="results", help="results of the run"
    )
    parser.add_argument(
        "--all", action="store_true", help="name every job, not only unfinished ones"
    )
    parser.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> int:
    from mepflow.runs.status import read_plan, report, status

    jobs = status(read_plan(options.results))
    sys.stdout.write(report(jobs, every_job=options.all) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
