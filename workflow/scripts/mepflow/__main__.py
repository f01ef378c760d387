"""Command line: ``python -m mepflow COMMAND``.

Exit status 0 where all is well, 1 where a check fails, 2 where the input is wrong (one sentence on
standard error).
"""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mepflow.errors import MepflowError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` (the process's own if None) name; return the status."""
    parser = argparse.ArgumentParser(prog="mepflow", description="Potentials of molecules.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_check_pinn(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except MepflowError as error:
        sys.stderr.write(f"mepflow: {error}\n")
        return 2


def _add_check_pinn(commands: "Commands") -> None:
    text = "compare our PiNet2 with a recorded network of PiNN"
    parser = commands.add_parser("check-pinn", help=text, description=text)
    parser.add_argument("file", metavar="FILE.npz", help="recorded network")
    parser.set_defaults(run=_check_pinn)


def _check_pinn(options: argparse.Namespace) -> int:
    # Imported here: torch takes seconds that other commands need not wait.
    from mepflow import parity

    found = parity.deviations(options.file)
    sys.stdout.write(parity.report(found) + "\n")
    return 0 if all(row.agrees for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
