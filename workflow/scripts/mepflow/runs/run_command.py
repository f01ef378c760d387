"""The command ``run``: Snakemake on the workflow of this clone, from any folder."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from mepflow.errors import ConfigError
from mepflow.storage.shipped_files import SNAKEFILE

_EPILOG = """\
examples:
  mepflow run
  mepflow run --configfile config/mine.yaml --dry-run
  mepflow run --configfile config/mine.yaml tables figures --retries 1

The last targets and options are Snakemake's. The same command goes on after a stop or a kill.
"""


def add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's; what it does not know is for Snakemake."""
    text = "run the workflow, or go on with it"
    parser = commands.add_parser(
        "run",
        help=text,
        description=text,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # --config is Snakemake's
        usage="mepflow run [--configfile FILE] [--cores N] [targets and options of Snakemake]",
    )
    text = "configuration of the run (default: config/config.yaml of the clone)"
    parser.add_argument("--configfile", metavar="FILE", type=Path, help=text)
    parser.add_argument("--cores", metavar="N", default="all", help="processors to use (all)")
    parser.set_defaults(run=run, more=[])


def run(options: argparse.Namespace) -> int:
    """Become Snakemake; raises :class:`MepflowError` where its file cannot be read."""
    from mepflow.storage.yaml_file import read_yaml

    if find_spec("snakemake") is None or not SNAKEFILE.exists():
        raise ConfigError("The workflow runs in a clone of mepflow: run make install there first.")
    if options.configfile is not None:
        read_yaml(options.configfile)  # Snakemake would end in a traceback
    sys.stdout.flush()
    os.execve(sys.executable, arguments(options.configfile, options.cores, options.more), _paths())


def arguments(configfile: Path | None, cores: str, more: Sequence[str]) -> list[str]:
    """Return the command line of Snakemake, on which ``more`` comes last."""
    given = [f"--configfile={configfile}"] if configfile else []
    quiet = [] if {"--quiet", "-q", "--verbose"} & {*more} else ["--quiet=reason"]
    command = [sys.executable, "-m", "snakemake", f"--snakefile={SNAKEFILE}", f"--cores={cores}"]
    return [*command, *given, *quiet, *more]


def _paths() -> dict[str, str]:
    """Return the environment without the path that the command of a clone has put into it."""
    ours = str(SNAKEFILE.parent / "workflow" / "scripts")
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path != ours)}
