"""Make the tables and figures of ``docs/judge.md`` anew, for the molecules that the bench has.

Run from the repository's root, in the project's environment::

    python tools/judge_bench.py

First the other programs that are at hand add the charges of new molecules
(:mod:`other_charges`); then ``mepflow judge`` judges everything, and what stands between the marks
of the page is replaced. ``--table-only`` leaves the other programs out.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from other_charges import COSTS, PROGRAMS, write_charges  # noqa: E402

from mepflow.__main__ import main as mepflow  # noqa: E402
from mepflow.archives.label_file import read_labels  # noqa: E402
from mepflow.judging.judgement_files import TEXT  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

PAGE: Final = ROOT / "docs" / "judge.md"
BENCH: Final = ROOT / "resources" / "labels" / "bench.h5"
CHARGES: Final = ROOT / "resources" / "labels" / "bench_charges"
_MARKS: Final = "<!-- bench: tools/judge_bench.py -->", "<!-- end of bench -->"
FIGURES: Final = {"judgement.png": "judgement.png", "parts.png": "judgement-parts.png"}
"""Figures of ``judge`` by the names that the page has for them."""


def main() -> None:
    """Compute, judge and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--table-only", action="store_true", help="no other programs")
    options = parser.parse_args()
    if not options.table_only:
        write_charges(read_labels(BENCH), CHARGES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if mepflow(["judge", *arguments(), "--output", name]):
            sys.exit("nothing was judged")
        text = with_section(PAGE.read_text(encoding="utf-8"), (folder / TEXT).read_text())
        for found, shown in FIGURES.items():
            shutil.copyfile(folder / found, ROOT / "docs" / "images" / shown)
    with atomic_path(PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def arguments() -> list[str]:
    """Return what ``judge`` is called with: all methods, the files that there are, our models."""
    files = {name: CHARGES / program.file for name, program in PROGRAMS.items()}
    rows = [f"{name}={path}" for name, path in files.items() if path.exists()]
    models = ["--model", "mepflow organic=organic", "--grid", "mk,chelpg,surface"]
    costs = ["--costs", str(CHARGES / COSTS)] if (CHARGES / COSTS).exists() else []
    return [*rows, "--against", str(BENCH), *models, *costs]


def with_section(page: str, text: str) -> str:
    """Return the page with ``text`` between its marks; raises :class:`ValueError` without them."""
    begin, end = map(re.escape, _MARKS)
    made, count = re.subn(
        f"({begin}\n).*(\n{end})", lambda marks: f"{marks[1]}\n{text}{marks[2]}", page, flags=re.S
    )
    if count != 1:
        raise ValueError(f"{PAGE.name} lacks the marks {' and '.join(_MARKS)}")
    return made


if __name__ == "__main__":
    main()
